// SPDX-License-Identifier: ISC
//
// chaos.js PORT NAME SEED SECONDS: clients and a router out of their minds.
// Bare sockets send requests and WebSocket frames, sound ones and broken ones,
// in pieces, and go at any moment; commands for whoever there was are written
// to NAME.in, from what is found in NAME.out.  Prints what it did, and fails
// when the listener does not answer at the end.  WS_TLS=1: under TLS.
'use strict'
const fs = require('fs')
const scheme = process.env.WS_TLS ? 'https' : 'http'
const http = require(scheme)
const socketTo = require(process.env.WS_TLS ? 'tls' : 'net')

const [port, name, seedText, seconds] = process.argv.slice(2)
const commands = fs.openSync(`${name}.in`, 'r+')
const events = fs.openSync(`${name}.out`, 'r')
const peers = new Set()
const { below, one, often, frame, upgrade } = require('./bytes')(Number(seedText))
let conns = ['x.1'], came = 0, told = 0

const letters = n => 'x'.repeat(below(n))

// --- up ---------------------------------------------------------------------

const sayings = [
	() => frame(1, true, one(['{"a":1}', '', letters(2000), 'ä'.repeat(9)])),
	() => frame(1, true, '[1,2.0,3]'),
	() => frame(2, true, Buffer.alloc(one([0, 5, 14999, 20001, 70000]))),
	() => Buffer.concat([frame(1, false, 'a'), frame(9, true, 'p'),
		frame(0, false, ''), frame(0, true, 'b')]),
	() => frame(one([9, 10]), true, letters(126)),
	() => frame(1, true, Buffer.from([0xff, 0xfe])),
	() => frame(8, true, one([[], [3], [3, 232, 66], [3, 244], [0, 5]])),
	() => frame(below(16), often(50), 'z', one([0, 0x40, 0x20])),
	() => Buffer.from(letters(60))
]

function saying() {
	return often(70) ? sayings[below(2)]() : one(sayings)()
}

const openings = [
	() => Buffer.concat([upgrade(`/u${below(5)}`), saying()]),
	() => upgrade(`/ask/u${below(5)}`),
	() => Buffer.concat([upgrade('/ask/u1'), saying()]),
	() => Buffer.from('POST /q/x HTTP/1.1\r\nHost: h\r\n' +
		`Content-Length: ${one([5, 3, 50])}\r\n\r\nhello`),
	() => Buffer.from(`GET ${one(['/metrics', '/healthz', '/'])} HTTP/1.1\r\n` +
		'Host: h\r\n\r\nGET /q HTTP/1.1\r\n\r\n'),
	() => Buffer.from(letters(100)),
	() => upgrade('/u1').subarray(0, below(100))
]

// In one piece, or cut anywhere.
function write(socket, bytes) {
	const cut = often(15) ? below(bytes.length + 1) : bytes.length

	socket.write(bytes.subarray(0, cut))
	if (cut < bytes.length)
		setTimeout(() => socket.write(bytes.subarray(cut)), below(50))
}

function visitor() {
	const socket = socketTo.connect(Number(port), '127.0.0.1')

	came++
	peers.add(socket)
	socket.on('error', () => {})
	socket.on('close', () => peers.delete(socket))
	if (often(15))
		socket.pause()
	else
		socket.resume()
	write(socket, often(60) ? upgrade(`/u${below(5)}`) : one(openings)())
}

// --- down -------------------------------------------------------------------

const someone = () => often(90) ? one(conns) : 'x.1'
const user = () => `u${below(5)}`
const channel = () => `c${below(5)}`
const payload = () => one([{ data: { a: told } }, { text: letters(3000) },
	{ base64: 'AAE=' }, { text: 'y'.repeat(15000) }])
const ref = () => often(50) ? {} : { ref: [told] }
const target = () => one([{ conn: someone() }, { user: user() },
	{ channel: channel() }, { all: true }])

const orders = [
	() => ({ type: 'send', ...target(), ...payload(), ...ref() }),
	() => ({ type: 'send', all: true, except: someone(), text: 'x',
		policy: one(['drop-oldest', 'drop-newest', 'close']) }),
	() => ({ type: 'kick', ...one([{ conn: someone() }, { user: user() }]),
		code: one([1000, 3001, 4000]), reason: letters(124) }),
	() => ({ type: one(['join', 'leave']), channel: channel(),
		...one([{ conn: someone() }, { user: user() }]) }),
	() => ({ type: 'merge', conn: someone(), ...ref(),
		state: { [`k${below(9)}`]: letters(50) },
		...one([{}, { key: 'z' }, { replace: true }]) }),
	() => ({ type: 'who', ...target(), ...ref() }),
	() => ({ type: 'identify', conn: someone(), user: user() }),
	() => ({ type: 'accept', conn: someone(), user: user(), state: { a: 1 } }),
	() => ({ type: 'reject', conn: someone(), status: 401, text: 'no' }),
	() => ({ type: 'respond', conn: someone(), text: letters(19000) }),
	() => ({ type: one(['stats', 'reply', 'send', 'bogus', 'publish']) })
]

function look() {
	const text = Buffer.alloc(1 << 20)
	const n = fs.readSync(events, text, 0, text.length, null)
	const found = text.toString('latin1', 0, n)
		.match(/"conn":"[a-z0-9]+\.[0-9]+"/g) || []

	conns = conns.concat(found.map(f => f.slice(8, -1))).slice(-300)
}

// --- the end ----------------------------------------------------------------

function finish() {
	clearInterval(timer)
	for (const socket of peers)
		socket.destroy()
	console.log(`${came} came, ${told} commands`)
	http.get(`${scheme}://127.0.0.1:${port}/healthz`, response =>
		process.exit(response.statusCode === 200 ? 0 : 1))
}

const timer = setInterval(() => {
	look()
	for (let i = 0; i < 20; i++) {
		if (peers.size < 60)
			visitor()
		const socket = one([...peers])

		if (often(3))
			socket.destroy()
		else if (often(5))
			socket.end()
		else if (socket.writable)
			write(socket, saying())
		if (often(50)) {
			told++
			fs.writeSync(commands, JSON.stringify(one(orders)()) + '\n')
		}
	}
}, 5)
setTimeout(finish, Number(seconds) * 1000)
