// SPDX-License-Identifier: ISC
//
// socketcluster.js VERSION PORT [CHECK...]: a real socketcluster-client (14, 16
// or 20) against rk-listen with tests/fixtures/socketcluster/app.jq.  Runs the
// checks below, prints "ok NAME" for each, and ends with 1 at the first that
// fails.
'use strict'
const assert = require('assert')

const [version, port, ...wanted] = process.argv.slice(2)
const library = require(`socketcluster-client-${version}`)
const limit = 15000 * Number(process.env.RK_SLOW || 1)
const old = version === '14'
const open = new Set()

function within(promise, what) {
	let timer
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no ${what}`)), limit)
	})

	return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// One face for both generations: callbacks up to 14, streams from 15 on.
function dial(more = {}) {
	const options = { hostname: '127.0.0.1', port: Number(port), ackTimeout:
		limit, autoReconnectOptions: { initialDelay: 10, randomness: 10 },
		multiplex: false, ...more }
	const socket = library.create(options)
	const face = { socket, closed: null, errors: [] }

	open.add(socket)
	if (old) {
		face.on = (event, f) => socket.on(event, f)
		face.once = (event) => new Promise((resolve) =>
			socket.once(event, (a, b) => resolve({ code: a, reason: b,
				...(a && typeof a === 'object' ? a : {}) })))
		socket.on('error', (e) => face.errors.push(e))
		face.receive = (event) => new Promise((resolve) =>
			socket.once(event, resolve))
		face.invoke = (event, data) => new Promise((resolve, reject) =>
			socket.emit(event, data, (error, result) =>
				error ? reject(error) : resolve(result)))
		face.transmit = (event, data) => socket.emit(event, data)
		face.publish = (name, data) => new Promise((resolve, reject) =>
			socket.publish(name, data, (error) =>
				error ? reject(error) : resolve()))
		face.procedure = (event, f) => socket.on(event, (data, respond) =>
			f(data, (result) => respond(null, result),
				(error) => respond(error)))
		face.subscribe = (name, how) => {
			const channel = socket.subscribe(name, how)

			return { ok: new Promise((resolve, reject) => {
				channel.once('subscribe', resolve)
				channel.once('subscribeFail', reject)
			}), kicked: new Promise((resolve) =>
				channel.once('kickOut', resolve)),
			watch: (f) => channel.watch(f),
			unsubscribe: () => channel.unsubscribe() }
		}
		return face
	}
	const stream = async (s, f) => { for await (const x of s) f(x) }

	stream(socket.listener('error'), ({ error }) => face.errors.push(error))
	face.on = (event, f) => stream(socket.listener(event), f)
	face.once = (event) => socket.listener(event).once()
	face.receive = (event) => socket.receiver(event).once()
	face.invoke = (event, data) => socket.invoke(event, data)
	face.transmit = (event, data) => socket.transmit(event, data)
	face.publish = (name, data) => socket.invokePublish(name, data)
	face.procedure = (event, f) => stream(socket.procedure(event), (r) =>
		f(r.data, (x) => r.end(x), (e) => r.error(e)))
	face.subscribe = (name, how) => {
		const channel = socket.subscribe(name, how)

		return { ok: Promise.race([channel.listener('subscribe').once(),
			channel.listener('subscribeFail').once()
				.then(({ error }) => { throw error })]),
		kicked: channel.listener('kickOut').once(),
		watch: (f) => stream(channel, f),
		unsubscribe: () => channel.unsubscribe() }
	}
	return face
}

async function connected(more) {
	const face = dial(more)

	face.status = await within(face.once('connect'), 'connect')
	return face
}

const fails = (promise, name, message) => assert.rejects(
	within(promise, name), (e) => {
		assert.equal(e.name, name)
		assert.match(e.message, message)
		return true
	})

const checks = {
	async handshake() {
		const a = await connected(), b = await connected()

		assert.notEqual(a.socket.id, b.socket.id)
		assert.equal(a.socket.state, 'open')
		assert.equal(a.socket.authState, 'unauthenticated')
		assert.deepEqual(a.errors, [])
	},

	async invokes() {
		const a = await connected()
		const values = [null, true, 0, -1.5, 1e21, 'ключ 😀', '', [], {},
			{ a: [1, null] }, [[1]], [1, 2]]

		for (const v of values)
			assert.deepEqual(await within(a.invoke('echo', v), 'echo'), v)
		assert.equal(await within(a.invoke('echo'), 'echo'), undefined)
		await fails(a.invoke('fail', 1), 'MyError', /^nope$/)
		await fails(a.invoke('words', 1), 'Error', /^words$/)
		assert.deepEqual(await within(Promise.all([...Array(50).keys()].map(
			(i) => a.invoke('echo', i))), 'fifty'), [...Array(50).keys()])
	},

	async transmits() {
		const a = await connected(), told = a.receive('told')

		a.transmit('tell', { hi: 1 })
		assert.deepEqual(await within(told, 'told'), { hi: 1 })
	},

	async questions() {
		const a = await connected()

		a.procedure('question', (data, end) => end(data + '!'))
		assert.equal(await within(a.invoke('ask'), 'answer'), 'x!')
		const b = await connected()

		b.procedure('question', (data, end, fail) =>
			fail(Object.assign(new Error('what'), { name: 'Hm' })))
		await fails(b.invoke('ask'), 'Hm', /^what$/)
	},

	async channels() {
		const a = await connected(), b = await connected(), got = []
		const room = a.subscribe('room'), other = b.subscribe('room')
		const two = new Promise((resolve) => {
			room.watch((x) => got.push(['a', x]) === 4 && resolve())
			other.watch((x) => got.push(['b', x]) === 4 && resolve())
		})

		await within(Promise.all([room.ok, other.ok]), 'subscribe')
		const raw = []

		a.on('message', (m) => raw.push(String(old ? m : m.message)))
		await within(a.publish('room', { n: 1 }), 'publish')
		b.socket.transmitPublish ? b.socket.transmitPublish('room', 2) :
			b.socket.publish('room', 2)
		await within(two, 'both')
		assert.deepEqual(got.filter(([who]) => who === 'b'),
			[['b', { n: 1 }], ['b', 2]])
		// the copy came before the answer
		assert.match(raw.filter((m) => m[0] === '{')[0], /#publish/)
		assert.match(raw.filter((m) => m[0] === '{')[1], /^{"rid":\d+}$/)
		await fails(a.publish('readonly', 1), 'ReadOnly', /no publishing/)
		await fails(a.subscribe('secret').ok, 'NotAllowed', /log in/)
	},

	async options() {
		const a = await connected(), told = a.receive('wanted')

		await within(a.subscribe('opt', { data: { since: 5 } }).ok, 'opt')
		assert.deepEqual(await within(told, 'wanted'), { since: 5 })
	},

	async leaving() {
		const a = await connected(), watch = a.subscribe('watch'), seen = []
		const all = new Promise((resolve) => watch.watch((x) =>
			x[1] === 'mine' && seen.push(x[0]) === 2 && resolve()))

		await within(watch.ok, 'watch')
		const b = await connected(), mine = b.subscribe('mine')

		await within(mine.ok, 'mine')
		const left = a.receive('left')
		mine.unsubscribe()
		assert.equal((await within(left, 'left')).channel, 'mine')
		await within(all, 'vacated')
		assert.deepEqual(seen, ['occupied', 'vacated'])
	},

	// Three intervals and more: a client that heard none would hang up.
	async pings() {
		const a = await connected()
		let beats = 0

		a.on('message', (m) => {
			if ((old ? m : m.message) === (old ? '#1' : ''))
				beats++
		})
		while (beats < 4)
			await within(new Promise((resolve) => setTimeout(resolve, 50)))
		assert.equal(a.socket.state, 'open')
		assert.equal(await within(a.invoke('echo', 1), 'echo'), 1)
	},

	async drops() {
		const a = await connected({ autoReconnect: false })
		const end = a.once('disconnect')

		await within(a.invoke('drop', { code: 4501, reason: 'dropped' }),
			'drop')
		const { code } = await within(end, 'disconnect')

		assert.equal(code, 4501)
	},

	// Dropped with a code that says nothing against coming back.
	async returns() {
		const a = await connected(), room = a.subscribe('again')

		await within(room.ok, 'subscribe')
		const before = a.socket.id, back = a.once('connect')
		const got = new Promise((resolve) => room.watch(resolve))

		a.transmit('x')
		a.invoke('drop', { code: 4001, reason: 'again' }).catch(() => 0)
		await within(back, 'reconnect')
		assert.notEqual(a.socket.id, before)
		const b = await connected()
		const again = setInterval(() => b.publish('again', 7).catch(() => 0), 100)

		try {
			assert.equal(await within(got, 'message'), 7)
		} finally {
			clearInterval(again)
		}
	},

	async rejected() {
		const end = (query) => {
			const a = dial({ query, autoReconnect: false })
			const aborted = a.once('connectAbort')

			return within(aborted, 'connectAbort').then((x) => [x.code, a])
		}
		const [code, refused] = await end({ token: 'bad' })

		assert.equal(code, 4008)
		assert(refused.errors.some((e) => e.message === 'no') || old)
		assert.equal((await end({ token: 'worse' }))[0], 4501)
	}
}

async function main() {
	for (const name of wanted.length ? wanted : Object.keys(checks)) {
		await checks[name]()
		for (const socket of open)
			(socket.destroy || socket.disconnect).call(socket)
		open.clear()
		console.log(`ok ${name}`)
	}
}

main().then(() => process.exit(0), (error) => {
	console.error(error)
	process.exit(1)
})
