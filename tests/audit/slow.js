// SPDX-License-Identifier: ISC
//
// slow.js URL SOCKET POLICY N SLOW MESSAGES BYTES: N clients, of whom SLOW do
// not read, and a router (attached at SOCKET) that sends MESSAGES of so many
// BYTES, about, to all of them.
//
//  - The others get every message, in order, while the slow ones stand still.
//  - Then these read, too.  With a policy that drops they stay; with `close`
//    they are closed, with 1013 when they read in time.  Each message to each client was either read by it
//    or is in a `drop` frame about it: the books are kept client by client.
//
// Prints "open", "served" (the others have all), figures, or what is wrong.
'use strict'
const net = require('net')
const readline = require('readline')
const WebSocket = require('ws')

const [url, path, policy, ...numbers] = process.argv.slice(2)
const [n, slow, messages, bytes] = numbers.map(Number)
const stays = policy !== 'close'
const limit = 60000 * Math.max(1, n / 1000) * Number(process.env.RK_SLOW || 1)
const AHEAD = 20	// sends on their way
const PAD = 'x'.repeat(bytes)

const clients = new Map()	// by user
const totals = { sent: 0, took: 0, read: 0, dropped: 0, closed: 0 }

function fail(why) {
	console.log(why)
	process.exit(1)
}

setTimeout(() => fail('it takes too long'), limit).unref()

class Client {
	constructor(name, reads) {
		Object.assign(this, { name, reads, read: 0, dropped: 0,
			last: -1 })
		clients.set(name, this)
		this.socket = new WebSocket(`${url}/api/${name}`,
			{ perMessageDeflate: false })
		this.socket.on('message', data => this.message(String(data)))
		this.socket.on('close', code => this.end(code))
		this.socket.on('error', e => fail(`${name}: ${e.message}`))
		this.opened = new Promise(resolve =>
			this.socket.on('open', resolve))
		this.ended = new Promise(resolve => this.resolve = resolve)
	}

	// What was dropped leaves a gap, never a swap.
	message(text) {
		const i = JSON.parse(text).i

		if (i === messages) {
			this.resolve()
			return
		}
		if (i <= this.last || (this.reads && i !== this.last + 1))
			fail(`${this.name}: ${i} after ${this.last}`)
		this.last = i
		this.read++
		totals.read++
	}

	end(code) {
		if (this.reads || stays || ![1013, 1006].includes(code))
			fail(`${this.name}: closed ${code}`)
		totals.closed++
		this.resolve()
	}
}

// A router in the test's hands: rk-frame(5), LINKS.
class Router {
	constructor() {
		this.seq = 0
		this.unsettled = 0
		this.wake = () => {}
		this.answered = 0
		this.peer = net.connect(path)
		this.write({ type: 'attach', v: 1, as: 'router', name: 'slow',
			boot: 'theslowrouter', window: 4194304 })
		readline.createInterface({ input: this.peer })
			.on('line', line => this.frame(JSON.parse(line)))
	}

	write(object) {
		this.peer.write(JSON.stringify(object) + '\n')
	}

	frame(f) {
		if (f.type === 'ack')
			this.acked(f)
		else if (f.type === 'sent') {
			totals.took += f.conns
			this.answered++
		} else if (f.type === 'drop') {
			clients.get(f.user).dropped += f.frames
			totals.dropped += f.frames
		}
		if (f.seq !== undefined && f.type !== 'ack')
			this.write({ type: 'ack', seq: [[f.seq, f.seq]] })
	}

	acked({ seq = [], refused = [] }) {
		if (refused.length > 0)
			fail(`refused: ${refused[0][1]}`)
		for (const [low, high] of seq)
			this.unsettled -= high - low + 1
		this.wake()
	}

	async send(frame) {
		while (this.unsettled >= AHEAD)
			await new Promise(resolve => this.wake = resolve)
		this.unsettled++
		this.write({ type: 'send', ...frame, seq: ++this.seq })
	}
}

async function until(what, test) {
	while (!test())
		await new Promise(resolve => setTimeout(resolve, 10))
}

// One by one: a closed client may have had fewer messages, but none between
// the first and its close that is in neither book.
function check() {
	for (const c of clients.values()) {
		const sum = c.read + c.dropped

		if (stays || c.reads ? sum !== messages :
		    c.read !== c.last + 1 || c.dropped === 0)
			fail(`${c.name}: ${c.read} read, ${c.dropped} dropped`)
	}
	// who is closed is not counted by the send that closes it
	const given = stays ? messages * n :
		totals.took + totals.closed

	if (totals.read + totals.dropped !== given)
		fail(`${totals.read} read and ${totals.dropped} dropped, ` +
			`of ${given}`)
	if (!stays && totals.closed !== slow)
		fail(`${totals.closed} were closed, not ${slow}`)
}

async function main() {
	const all = Array.from({ length: n }, (_, i) =>
		new Client(`c${i}`, i >= slow))
	const lazy = all.slice(0, slow), others = all.slice(slow)
	const router = new Router()

	await Promise.all(all.map(c => c.opened))
	lazy.forEach(c => c.socket._socket.pause())
	console.log('open')
	for (let i = 0; i < messages; i++)
		await router.send({ all: true, ref: i, data: { i, pad: PAD } })
	await until('served', () => others.every(c => c.read === messages))
	await until('answers', () => router.answered === messages)
	console.log('served')
	lazy.forEach(c => c.socket._socket.resume())
	// behind all that they were to get, and their drop frames
	if (stays) {
		await until('reading', () => lazy.every(c =>
			c.read + c.dropped === messages))
		for (const c of lazy)
			await router.send({ user: c.name, data: { i: messages } })
	}
	await Promise.all(lazy.map(c => c.ended))
	await until('settled', () => router.unsettled === 0)
	totals.sent = messages * n
	check()
	console.log(JSON.stringify(totals))
	process.exit(0)
}

main()
