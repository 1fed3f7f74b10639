// SPDX-License-Identifier: ISC
//
// layer-model.js TAKEOVER SEEDS [FIRST]: plays lib/rules/layer.jq, run by
// rk-route, against a model of the listener and its two pipes.  Clients
// connect, speak and leave while events and commands are under way, in an
// order drawn from the seed; when all is quiet, what everybody was told must
// agree with the roster.  Prints the seed and the whole exchange if not.
//
//  - A model of rk-frame(5), "Order": events of a connection in order, one at
//    a time (--step); the commands of one frame applied as one; an answer
//    shows the roster at its question and goes before what happens later.
'use strict'
const { spawn } = require('child_process')
const fs = require('fs')

const [takeover, seeds, first = '1'] = process.argv.slice(2)
const BOOT = 'modelofalayer'
const EVENTS = 60

// --- the rule: a frame in, frames out; a tick tells where they end

const rule = fs.readFileSync(`${__dirname}/../../lib/rules/layer.jq`, 'utf8')
const router = spawn('rk-route', ['--arg', 'takeover', takeover, '-e',
	`def rule: ${rule}; if .type == "tick" then . else rule end`],
	{ stdio: ['pipe', 'pipe', 'inherit'] })
let answer = null, made = [], rest = ''

router.stdout.on('data', bytes => {
	const lines = (rest + bytes).split('\n')

	rest = lines.pop()
	for (const frame of lines.map(JSON.parse)) {
		if (frame.type !== 'tick') {
			made.push(frame)
			continue
		}
		const frames = made

		made = []
		answer(frames)
	}
})

function ask(frame) {
	router.stdin.write(JSON.stringify(frame) + '\n{"type":"tick"}\n')
	return new Promise(resolve => answer = resolve)
}

// --- chance

let state

function below(n) {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0
	return Math.floor(state / 2 ** 32 * n)
}

// --- the listener

const copy = value => JSON.parse(JSON.stringify(value))

class Listener {
	constructor() {
		this.conns = []		// n - 1: connection
		this.up = []		// {frame, conn}: to the rule
		this.down = []		// [{frame, event}]: from one frame each
		this.kicked = []	// they close some time later
		this.log = []
	}

	open() {
		const conn = { n: this.conns.length + 1, state: {}, user: null,
			channels: new Set(), waiting: [], busy: false,
			gone: false, over: false, kicked: false,
			heard: [], said: [] }

		conn.id = `${BOOT}.${conn.n}`
		this.conns.push(conn)
	}

	here() {
		return this.conns.filter(c => !c.gone)
	}

	in(channel) {
		return this.here().filter(c => c.channels.has(channel))
	}

	head(c, type) {
		return { type, conn: c.id, n: c.n, user: c.user,
			state: copy(c.state), channels: [...c.channels] }
	}

	leave(c, channel) {
		if (c.channels.delete(channel) &&
		    !this.conns.some(o => o.channels.has(channel)))
			this.up.push({ frame: { type: 'vacated', channel } })
	}

	// --step; the roster keeps who is gone until its close leaves
	pump(c) {
		while (!c.busy && c.waiting.length > 0) {
			const { type, ...rest } = c.waiting.shift()

			c.busy = true
			this.up.push({ conn: c,
				frame: { ...this.head(c, type), ...rest } })
			if (type !== 'close')
				continue
			c.over = true
			for (const channel of [...c.channels])
				this.leave(c, channel)
		}
	}

	settled(c) {
		c.busy = false
		this.pump(c)
	}

	say(c, data) {
		this.log.push(`${c.n} says ${JSON.stringify(data)}`)
		c.said.push(data)
		c.waiting.push({ type: 'message', data })
		this.pump(c)
	}

	close(c) {
		if (c.gone)
			return
		this.log.push(`${c.n} is gone`)
		c.gone = true
		c.waiting.push({ type: 'close' })
		this.pump(c)
	}

	targets(f) {
		return this.here().filter(c => c.id !== f.except &&
			(f.conn ? c.id === f.conn : f.user ? c.user === f.user :
				c.channels.has(f.channel)))
	}

	members(f, conns) {
		if (f.ref)
			this.up.push({ frame: { type: 'members', ref: f.ref,
				members: conns.map(c => this.head(c)) } })
	}

	apply(f) {
		const conns = f.type === 'merge' ?
			this.conns.filter(c => c.id === f.conn && !c.over) :
			// what is joined, elsewhere it is who is meant
			f.type === 'join' || f.type === 'leave' ?
				this.targets({ conn: f.conn, user: f.user }) :
				this.targets(f)
		const each = {
			merge: c => {
				const old = c.state[f.key] || {}

				c.state = { ...c.state, ...f.key ?
					{ [f.key]: { ...old, ...f.state } } : f.state }
			},
			join: c => c.channels.add(f.channel),
			leave: c => this.leave(c, f.channel),
			identify: c => c.user = f.user,
			kick: c => {
				c.kicked = true
				this.kicked.push(c)
			},
			send: c => {
				this.log.push(`${c.n} hears ${JSON.stringify(f.data)}`)
				c.heard.push(f.data)
			},
			who: () => {}, count: () => {}
		}[f.type]

		conns.forEach(each)
		if (f.type === 'send' && f.ref)
			this.up.push({ frame: { type: 'sent', ref: f.ref,
				conns: conns.length } })
		else
			this.members(f, conns)
	}

	// One frame through the rule; its commands go on their way.
	async route() {
		const event = this.up.shift()
		const commands = await ask(event.frame)

		this.log.push(JSON.stringify(event.frame),
			...commands.map(c => '    ' + JSON.stringify(c)))
		event.left = commands.length
		if (commands.length > 0)
			this.down.push(commands.map(frame => ({ frame, event })))
		else if (event.conn)
			this.settled(event.conn)
	}

	command() {
		for (const { frame, event } of this.down.shift()) {
			this.apply(frame)
			if (--event.left === 0 && event.conn)
				this.settled(event.conn)
		}
	}

	async quiet() {
		while (this.up.length + this.down.length + this.kicked.length > 0) {
			if (this.kicked.length > 0)
				this.close(this.kicked.shift())
			if (this.up.length > 0)
				await this.route()
			while (this.down.length > 0)
				this.command()
		}
	}
}

// --- what people do

let serial

function act(listener) {
	// who has a message waiting is not read from
	const able = listener.here().filter(c => !c.kicked &&
		c.waiting.length === 0)
	const what = below(12)
	const c = able[below(able.length)]

	if (able.length < 2 || (what === 0 && listener.conns.length < 9))
		listener.open()
	else if (what <= 3)
		listener.say(c, { connect: 'client' })
	else if (what === 4)
		listener.say(c, { connect: 'server' })
	else if (what <= 9)
		listener.say(c, { data: { ['abc'[below(3)]]: ++serial } })
	else if (what === 10)
		listener.close(c)
	else if (c.user === 'server')
		listener.say(c, { data: { client_id: 1 + below(9),
			secret: ++serial } })
}

// --- what must be true when all is quiet

const shown = data => JSON.stringify(Object.keys(data).length > 0 ? data : [])

// Only those who took one role, and one only, can be judged by what they said.
const only = (c, role) => c.said.every(d => (d.connect || role) === role)

function lastServerData(c) {
	return c.heard.reduce((last, m) => m.server_disconnect ? '[]' :
		m.server_data && !m.server_data.secret ?
			JSON.stringify(m.server_data) : last, 'nothing')
}

function problem(listener) {
	const here = listener.here()
	const slot = listener.in('server'), server = slot[0]
	const clients = here.filter(c => c.state.role === 'client')

	if (slot.length > 1)
		return 'two servers'
	for (const c of listener.conns) {
		const took = c.said.some(d => d.connect)

		if (!took && c.heard.length > 0)
			return `${c.n} has no role and hears something`
		if (took && only(c, 'client') && c.heard.length > 0 &&
		    c.heard[0].client_id !== c.n)
			return `${c.n} hears something before its greeting`
	}
	for (const c of clients) {
		if (c.user !== String(c.n) || !c.channels.has('clients') ||
		    c.channels.has('lobby'))
			return `${c.n} is a client that is no member`
		if (only(c, 'client') && lastServerData(c) !==
		    (server ? shown(server.state.data) : '[]'))
			return `${c.n} has old data of the server`
	}
	if (!server || !only(server, 'server') ||
	    server.said.filter(d => d.connect).length > 1)
		return null
	const known = new Map()

	for (const m of server.heard)
		if ('client_data' in m)
			known.set(m.client_id, JSON.stringify(m.client_data))
		else if ('client_disconnect' in m)
			known.delete(m.client_disconnect)
	for (const c of clients)
		if (known.get(c.n) !== shown(c.state.data))
			return `the server has ${known.get(c.n)} of ${c.n}`
	for (const n of known.keys())
		if (listener.conns[n - 1].gone &&
		    only(listener.conns[n - 1], 'client'))
			return `the server knows ${n}, who is gone`
	return null
}

async function play(seed) {
	const listener = new Listener()

	state = seed * 7919 + 13
	for (let i = 0; i < 5; i++)
		below(2)
	serial = 0
	for (let acts = 0; acts < EVENTS;)
		switch (below(4)) {
		case 0:
			act(listener)
			acts++
			break
		case 1:
			if (listener.up.length > 0)
				await listener.route()
			break
		case 2:
			if (listener.down.length > 0)
				listener.command()
			break
		case 3:
			if (listener.kicked.length > 0)
				listener.close(listener.kicked.shift())
		}
	await listener.quiet()
	const what = problem(listener)

	if (what !== null) {
		console.error(`seed ${seed}, ${takeover}: ${what}`)
		console.error(listener.log.join('\n'))
		process.exit(1)
	}
}

async function main() {
	for (let seed = +first; seed < +first + +seeds; seed++)
		await play(seed)
	process.exit(0)
}

main()
