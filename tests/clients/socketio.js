// SPDX-License-Identifier: ISC
//
// socketio.js VERSION TRANSPORTS URL [CHECK...]: a real socket.io-client (2, 3
// or 4) against rk-listen with tests/fixtures/socketio/app.jq.  TRANSPORTS:
// polling, websocket, or both with a comma.  Runs the checks below, prints
// "ok NAME" for each, and ends with 1 at the first that fails.
'use strict'
const assert = require('assert')

const [version, how, url, ...wanted] = process.argv.slice(2)
const io = require(`socket.io-client-${version}`)
const transports = how.split(',')
const limit = 60000 * Number(process.env.RK_SLOW || 1)

const open = new Set()

// A connection of its own; token: what the application wants to hear.
function dial(ns = '/', token = 'good', more = {}) {
	const socket = io(url.replace(/\/$/, '') + ns, { transports, forceNew: true,
		reconnectionDelay: 10, query: { token }, auth: { token },
		...more })

	open.add(socket)
	return socket
}

const once = (socket, event) => new Promise((resolve, reject) => {
	const timer = setTimeout(() => reject(new Error(`no ${event}`)), limit)

	socket.once(event, (...args) => {
		clearTimeout(timer)
		resolve(args)
	})
})

const ask = (socket, ...args) => new Promise((resolve, reject) => {
	const timer = setTimeout(() => reject(new Error('no ack')), limit)

	socket.emit(...args, (...answer) => {
		clearTimeout(timer)
		resolve(answer)
	})
})

async function upgraded(socket) {
	const engine = socket.io.engine

	if (transports.length === 2 && engine.transport.name !== 'websocket')
		await once(engine, 'upgrade')
	assert.equal(engine.transport.name, transports[transports.length - 1])
}

async function connected(...args) {
	const socket = dial(...args)
	const [[hello]] = await Promise.all([once(socket, 'hello'),
		once(socket, 'connect')])

	socket.hello = hello
	return socket
}

// What comes back of some arguments.
async function back(socket, ...args) {
	const answer = once(socket, 'back')

	socket.emit('echo', ...args)
	return answer
}

const checks = {
	async ids() {
		const a = await connected(), b = await connected()

		assert.equal(a.hello.sid, a.id)
		assert.equal(b.hello.sid, b.id)
		assert.notEqual(a.id, b.id)
		assert.notEqual(a.io.engine.id, b.io.engine.id)
		if (version !== '2')
			assert.notEqual(a.id, a.io.engine.id)
		assert.equal(a.hello.token, 'good')
		assert.equal(a.hello.proto, 'socketio')
		await upgraded(a)
	},

	async types() {
		const socket = await connected()
		const values = [null, true, false, 0, -1.5, 1e21, 'text', '', 'ключ 😀',
			'\u2028"\\\n', [], {}, [[1, [2]], null], { a: { b: [null] } }]

		for (const v of values)
			assert.deepEqual(await back(socket, v), [v])
		assert.deepEqual(await back(socket, ...values), values)
		assert.deepEqual(await back(socket), [])
	},

	async order() {
		const socket = await connected(), got = []
		const all = new Promise((resolve) => socket.on('back', (i) =>
			got.push(i) === 500 && resolve()))

		for (let i = 0; i < 500; i++)
			socket.emit('echo', i)
		await all
		assert.deepEqual(got, [...Array(500).keys()])
	},

	// Some before the upgrade begins, some while it goes on, some after.
	async flight() {
		const socket = dial(), got = []
		let sent = 0

		const all = new Promise((resolve) => socket.on('back', (i) =>
			got.push(i) === 600 && resolve()))
		const tick = setInterval(() => {
			for (let i = 0; i < 20; i++)
				if (sent < 600)
					socket.emit('echo', sent++)
			if (sent === 600)
				clearInterval(tick)
		}, 2)
		await all
		await upgraded(socket)
		assert.deepEqual(got, [...Array(600).keys()])
	},

	async acks() {
		const socket = await connected()
		const all = [...Array(50).keys()].map((i) => ask(socket, 'q', i, 'x'))

		assert.deepEqual(await Promise.all(all),
			[...Array(50).keys()].map((i) => [i, 'x']))
		assert.deepEqual(await ask(socket, 'none'), [])
		assert.deepEqual(await ask(socket, 'fail'), [{ error: 'no' }])
	},

	async questions() {
		const socket = await connected()

		socket.on('question', (x, cb) => cb(x + '!', 2))
		let answer = once(socket, 'answered')
		socket.emit('ask-me', 'why')
		assert.deepEqual(await answer, [{ asked: 'why' }, ['why!', 2]])
		socket.off('question')
		socket.on('question', (x, cb) => cb())
		answer = once(socket, 'answered')
		socket.emit('ask-me', 'how')
		assert.deepEqual(await answer, [{ asked: 'how' }, []])
	},

	async big() {
		const socket = await connected()
		const text = 'ключ 😀 '.repeat(300000 / 14)

		assert.deepEqual(await back(socket, text, { text }), [text, { text }])
	},

	async binary() {
		const socket = await connected()
		const bytes = Buffer.from([0, 1, 2, 0xff, 0x1e, 0x62])
		const equal = (got, want) => assert(Buffer.from(got).equals(want))

		equal((await back(socket, bytes))[0], bytes)
		equal((await back(socket, Buffer.alloc(0)))[0], Buffer.alloc(0))
		equal((await ask(socket, 'q', bytes))[0], bytes)
		const big = Buffer.alloc(200000, 7)
		const [a, b] = await back(socket, { x: [bytes, 1], y: big }, 'z')
		equal(a.x[0], bytes)
		equal(a.y, big)
		assert.equal(b, 'z')
		const many = [...Array(10)].map((_, i) => Buffer.from([i]))
		const [got] = await back(socket, many)
		many.forEach((m, i) => equal(got[i], m))
		assert.deepEqual(await back(socket, 'after'), ['after'])
	},

	async namespaces() {
		const root = await connected()
		const admin = root.io.socket('/admin', { auth: { token: 'adm' },
			query: 'token=adm' })

		admin.open()
		const [[hello]] = await Promise.all([once(admin, 'hello'),
			once(admin, 'connect')])
		assert.equal(hello.ns, '/admin')
		assert.equal(hello.sid, admin.id)
		assert.notEqual(admin.id, root.id)
		assert.equal(hello.token, 'adm')
		assert.deepEqual(await back(admin, 1), [1])
		assert.deepEqual(await ask(admin, 'q', 2), [2])
		admin.disconnect()
		assert.deepEqual(await back(root, 3), [3])
		admin.connect()
		await once(admin, 'hello')
		assert.deepEqual(await back(admin, 4), [4])
	},

	async unknown() {
		const root = await connected()
		const none = root.io.socket('/none', { auth: {} })
		const refused = once(none, version === '2' ? 'error' :
			'connect_error')

		none.open()
		const [e] = await refused
		assert.equal(version === '2' ? e : e.message, 'Invalid namespace')
		assert.deepEqual(await back(root, 3), [3])
	},

	async rooms() {
		const a = await connected(), b = await connected(),
			c = await connected()

		for (const socket of [a, b]) {
			const joined = once(socket, 'joined')
			socket.emit('join', 'room')
			await joined
		}
		c.on('said', () => assert.fail('not in the room'))
		const heard = Promise.all([once(a, 'said'), once(b, 'said')])
		c.emit('say', { room: 'room', what: { n: [1] } })
		assert.deepEqual(await heard, [[{ n: [1] }], [{ n: [1] }]])
		const left = once(b, 'left')
		b.emit('leave', 'room')
		await left
		b.on('said', () => assert.fail('left the room'))
		const again = once(a, 'said')
		c.emit('say', { room: 'room', what: 2 })
		assert.deepEqual(await again, [2])
		await back(b, 'x')
		await back(c, 'x')
	},

	async refusal() {
		const event = version === '2' ? 'error' : 'connect_error'
		const [e] = await once(dial('/', 'bad'), event)
		const [f] = await once(dial('/', 'worse'), event)

		if (version === '2') {
			assert.deepEqual(e, { code: 7 })
			assert.equal(f, 'Forbidden')
		} else {
			assert.equal(e.message, 'not authorized')
			assert.deepEqual(e.data, { code: 7 })
			assert.equal(f.message, 'Forbidden')
			assert.equal(f.data, undefined)
		}
	},

	async kicked() {
		const socket = await connected()
		const gone = once(socket, 'disconnect')

		socket.emit('kick-me')
		assert.equal((await gone)[0], 'io server disconnect')
	},

	async reconnect() {
		const socket = await connected()
		const id = socket.id, again = once(socket, 'hello')

		await upgraded(socket)
		socket.io.engine.close()
		const [hello] = await again
		assert.notEqual(hello.sid, id)
		assert.equal(hello.sid, socket.id)
		assert.deepEqual(await back(socket, 1), [1])
	},

	// Longer than some pings, whoever sends them.
	async pings() {
		const socket = await connected()

		socket.on('disconnect', (why) => assert.fail(why))
		await new Promise((resolve) => setTimeout(resolve, 1500))
		assert.deepEqual(await back(socket, 'still'), ['still'])
	}
}

async function main() {
	for (const name of wanted.length ? wanted : Object.keys(checks)) {
		await checks[name]().catch((e) => {
			e.message = `${name}: ${e.message}`
			throw e
		})
		console.log(`ok ${name}`)
		for (const socket of open) {
			socket.removeAllListeners()
			socket.close()
		}
		open.clear()
	}
	process.exit(0)
}

main().catch((e) => {
	console.error(e)
	process.exit(1)
})
