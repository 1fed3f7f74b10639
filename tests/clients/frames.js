// SPDX-License-Identifier: ISC
//
// frames.js PORT FILE: rows of frames, each on a connection of its own, whole
// and then a byte at a time, and whether what comes back is what the row says.
// frames.js 0 FILE COMMAND...: the other way round; each row is said to the
// client that COMMAND URL starts, of which only pongs and closes are wanted.
// FILE says what a row is.  Ends with 1, and the rows that were not kept.
// A client need not say why it hangs up, or 1002, and who is told so while he
// still writes may not hear it.  Pings are passed over.
'use strict'
const crypto = require('crypto')
const net = require('net')
const { spawn } = require('child_process')
const [port, file, ...command] = process.argv.slice(2)
const limit = 20000 * Number(process.env.RK_SLOW || 1)
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const mask = command.length === 0

const payload = (s) => s.startsWith('*') ? Buffer.alloc(Number(s.slice(1)), '*') :
	Buffer.from(s, 'hex')

function frame(word) {
	const [first, rest] = word.split(':')
	const data = payload(rest), n = data.length
	const head = Buffer.alloc(n < 126 ? 2 : n < 65536 ? 4 : 10)

	head[0] = parseInt(first, 16)
	head[1] = (mask ? 128 : 0) | (n < 126 ? n : n < 65536 ? 126 : 127)
	if (head.length === 4)
		head.writeUInt16BE(n, 2)
	else if (head.length === 10)
		head.writeBigUInt64BE(BigInt(n), 2)
	return Buffer.concat([head, Buffer.alloc(mask ? 4 : 0), data])
}

// The frames in some bytes, and what is left.
function* frames(got) {
	while (got.bytes.length >= 2) {
		const b = got.bytes
		let n = b[1] & 127, at = n < 126 ? 2 : n === 126 ? 4 : 10

		if (b.length < at)
			return
		n = n < 126 ? n : n === 126 ? b.readUInt16BE(2) :
			Number(b.readBigUInt64BE(2))
		const masked = b[1] & 128 ? 4 : 0

		if (b.length < at + masked + n)
			return
		const data = Buffer.from(b.subarray(at + masked, at + masked + n))

		for (let i = 0; masked && i < n; i++)
			data[i] ^= b[at + i % 4]
		got.bytes = b.subarray(at + masked + n)
		yield { first: b[0].toString(16), data }
	}
}

// 1: it is the one.
function is(f, want) {
	const [first, rest] = want.split(':')

	if (f.first !== first)
		return false
	if (first === '88')
		return rest === undefined || (!mask && rest === '03ea') ||
			f.data.subarray(0, 2).toString('hex') === rest
	return f.data.equals(payload(rest))
}

async function say(socket, bytes, chopped) {
	for (let i = 0; chopped && i < bytes.length; i++) {
		socket.write(bytes.subarray(i, i + 1))
		await new Promise(setImmediate)
	}
	if (!chopped)
		socket.write(bytes)
}

// A row on a connection that is open; got: what came already.
function play(socket, got, row, chopped) {
	let [come, wanted] = row.split(' =').map((s) => s.trim())

	wanted = wanted.split(' ').filter((w) => w &&
		(mask || /^(8[89a]|gone)/.test(w)))
	const mute = (want) => want === 'gone' ||
		want === '88:03ea' && (chopped || !mask)

	return new Promise((resolve) => {
		const timer = setTimeout(() => end('nothing more came'), limit)
		const end = (why) => {
			clearTimeout(timer)
			resolve(why)
			socket.destroy()
		}
		let said = false
		const bye = () => {
			if (!said || wanted.length > 0)
				return
			wanted.push('88:03e8')
			socket.write(frame('88:03e8'))
		}
		const look = () => {
			for (const f of frames(got)) {
				if (f.first === '89')
					continue	// a ping of its own
				if (!is(f, wanted[0]))
					return end(`${f.first}:${f.data.toString('hex')}`)
				if (wanted.shift().startsWith('88'))
					return end('')
			}
			bye()
		}

		socket.setNoDelay(true)
		socket.on('data', (data) => {
			got.bytes = Buffer.concat([got.bytes, data])
			look()
		})
		socket.on('error', () => {})
		socket.on('close', () =>
			end(mute(wanted[0]) ? '' : 'it hung up'))
		say(socket, Buffer.concat(come.split(' ').map(frame)), chopped)
			.then(() => {
				said = true
				look()
			})
	})
}

// Until the head of an HTTP message is there: the head, and what follows.
function head(socket) {
	let text = Buffer.alloc(0)

	return new Promise((resolve) => socket.on('data', function more(data) {
		text = Buffer.concat([text, data])
		const at = text.indexOf('\r\n\r\n')

		if (at === -1)
			return
		socket.off('data', more)
		resolve([text.toString('latin1', 0, at),
			{ bytes: text.subarray(at + 4) }])
	}))
}

async function toServer(row, chopped) {
	const socket = net.connect(Number(port), '127.0.0.1')

	socket.write('GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n' +
		'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
		'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
	const [, got] = await head(socket)

	return play(socket, got, row, chopped)
}

async function toClient(server, row, chopped) {
	const { port } = server.address()
	const child = spawn(command[0], [...command.slice(1),
		`ws://127.0.0.1:${port}/`], { stdio: ['pipe', 'ignore', 'ignore'] })
	const gone = new Promise((resolve) => child.on('exit', resolve))
	const socket = await new Promise((resolve) =>
		server.once('connection', resolve))
	const [text, got] = await head(socket)
	const key = /sec-websocket-key: *(\S+)/i.exec(text)[1]

	socket.write('HTTP/1.1 101 Switching Protocols\r\n' +
		'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
		'Sec-WebSocket-Accept: ' + crypto.createHash('sha1')
		.update(key + GUID).digest('base64') + '\r\n\r\n')
	const why = await play(socket, got, row, chopped)

	child.stdin.end()
	child.kill()
	const code = await gone

	return why || (code > 111 ? `it ended with ${code}` : '')
}

async function main() {
	const rows = require('fs').readFileSync(file, 'utf8').split('\n')
		.filter((row) => row && !row.startsWith('#'))
	const server = net.createServer()
	let wrong = 0

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
	for (const row of rows)
		for (const chopped of [false, true]) {
			if (chopped && /\*\d{3}/.test(row))
				continue
			const why = mask ? await toServer(row, chopped) :
				await toClient(server, row, chopped)

			if (why)
				console.log(`${row}${chopped ? ', in bytes' : ''}: ${why}`)
			wrong += why !== ''
		}
	process.exit(wrong ? 1 : 0)
}

main()
