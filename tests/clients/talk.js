// SPDX-License-Identifier: ISC
//
// talk.js URL FILE: plays a conversation and fails at the first line that goes
// otherwise.  A name is a WebSocket connection (npm ws); "#" begins a comment.
//
//   a open [PATH]          connect to URL + PATH; go on when it is open
//   a refused STATUS [PATH]  the same, but it is answered with an HTTP status
//   a > TEXT               send;  >> HEX: send bytes
//   a < TEXT               its next message is TEXT, byte for byte; << HEX
//   a close [CODE]         close; go on when it is closed
//   a drop                 close the socket without a word
//   a closed CODE [REASON]  it is closed by the other side
//   a nothing              no message is waiting, nor comes before a pong
//
// With AMQP_URL (npm amqplib), a name can be a queue or an exchange, too:
//
//   queue-out-1 < TEXT     the next message of the queue, acknowledged
//   queue-out-1 empty      there is none
//   exchange-mass > TEXT   publish; go on when the broker confirmed it
//
// At the end no connection may have a message that nobody asked for.
'use strict'
const fs = require('fs')
const WebSocket = require('ws')

const [url, file] = process.argv.slice(2)
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const peers = new Map()
let broker = null

function fail(why) {
	throw new Error(why)
}

// A promise that fails when it takes too long.
function soon(what, start) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() =>
			reject(new Error(`waited for ${what}`)), limit)

		start(value => {
			clearTimeout(timer)
			resolve(value)
		})
	})
}

class Peer {
	constructor(path) {
		this.inbox = []
		this.wake = () => {}
		this.end = null
		this.status = null
		this.open = false
		this.socket = new WebSocket(url + path)
		this.socket.on('open', () => this.on(() => this.open = true))
		this.socket.on('message', (data, binary) =>
			this.on(() => this.inbox.push({ data, binary })))
		this.socket.on('unexpected-response', (request, response) =>
			this.on(() => this.status = response.statusCode))
		this.socket.on('close', (code, reason) =>
			this.on(() => this.end = `${code} ${reason}`.trim()))
		this.socket.on('error', () => {})
	}

	on(change) {
		change()
		this.wake()
	}

	until(what, test) {
		return soon(what, done => {
			this.wake = () => {
				if (test())
					done()
			}
			this.wake()
		})
	}

	async next() {
		await this.until('a message',
			() => this.inbox.length > 0 || this.end !== null)
		return this.inbox.shift() || fail(`closed: ${this.end}`)
	}
}

function expect(got, want) {
	if (got !== want)
		fail(`got ${got}`)
}

const wsVerbs = {
	'>': (peer, text) => peer.socket.send(text),
	'>>': (peer, hex) => peer.socket.send(Buffer.from(hex, 'hex')),
	'<': async (peer, text) => {
		const { data, binary } = await peer.next()

		expect((binary ? 'binary ' : '') + data, text)
	},
	'<<': async (peer, hex) => {
		const { data, binary } = await peer.next()

		expect((binary ? '' : 'text ') + data.toString('hex'), hex)
	},
	close: async (peer, code) => {
		peer.socket.close(code === '' ? undefined : Number(code))
		await peer.until('the close', () => peer.end !== null)
	},
	drop: peer => peer.socket.terminate(),
	closed: async (peer, how) => {
		await peer.until('the close', () => peer.end !== null)
		expect(peer.end, how)
	},
	nothing: async peer => {
		await soon('a pong', done => {
			peer.socket.once('pong', done)
			peer.socket.ping()
		})
		if (peer.inbox.length > 0)
			fail(`got ${peer.inbox[0].data}`)
	}
}

async function begin(name, verb, rest) {
	const [status, path] = verb === 'open' ? [null, rest] :
		[Number(rest.split(' ')[0]), rest.split(' ')[1]]
	const peer = new Peer(path || '')

	peers.set(name, peer)
	await peer.until(verb, () => peer.open || peer.status !== null ||
		peer.end !== null)
	if (peer.status !== status || (status === null && !peer.open))
		fail(`got ${peer.open ? 'open' : peer.status || peer.end}`)
	if (status !== null)
		peers.delete(name)
}

async function connectBroker() {
	const link = await require('amqplib').connect(process.env.AMQP_URL)

	broker = await link.createConfirmChannel()
	broker.link = link
}

function get(queue, wait) {
	return soon(`a message in ${queue}`, async done => {
		let message = await broker.get(queue)

		while (!message && wait) {
			await new Promise(again => setTimeout(again, 20))
			message = await broker.get(queue)
		}
		if (message)
			broker.ack(message)
		done(message)
	})
}

const mqVerbs = {
	'<': async (queue, text) =>
		expect((await get(queue, true)).content.toString(), text),
	empty: async queue => await get(queue, false) &&
		fail(`${queue} is not empty`),
	'>': async (exchange, text) => {
		broker.publish(exchange, '', Buffer.from(text))
		await broker.waitForConfirms()
	}
}

async function play(line) {
	const [, name, verb, rest] =
		/^(\S+) (\S+) ?(.*)$/.exec(line) || fail('not a line')

	if (verb === 'open' || verb === 'refused')
		return begin(name, verb, rest)
	if (peers.has(name))
		return (wsVerbs[verb] || fail('no such verb'))(peers.get(name),
			rest)
	if (broker === null)
		await connectBroker()
	return (mqVerbs[verb] || fail('no such verb'))(name, rest)
}

async function main() {
	const lines = fs.readFileSync(file, 'utf8').split('\n')

	for (const [i, line] of lines.entries()) {
		if (line === '' || line.startsWith('#'))
			continue
		await play(line).catch(e =>
			fail(`${file}:${i + 1}: ${line}: ${e.message}`))
	}
	for (const [name, peer] of peers)
		if (peer.inbox.length > 0)
			fail(`${name}: nobody asked for ${peer.inbox[0].data}`)
	process.exit(0)
}

main().catch(e => {
	console.error(e.message)
	process.exit(1)
})
