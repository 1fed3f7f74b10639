// SPDX-License-Identifier: ISC
//
// socketcluster.js VERSION PORT [CHECK...]: a real socketcluster-client (14, 16
// or 20) against rk-listen with tests/fixtures/socketcluster/app.jq.  Runs the
// checks below, prints "ok NAME" for each, and ends with 1 at the first that
// fails.
'use strict'
const assert = require('assert')

const [version, port, ...wanted] = process.argv.slice(2)
const face = require('./clusterface.js')
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const old = version === '14'
const open = new Set()

function within(promise, what) {
	let timer
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no ${what}`)), limit)
	})

	return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function dial(more = {}) {
	const f = face(version, { port: Number(port), ackTimeout: limit, ...more })

	open.add(f.socket)
	return f
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

	// A channel for who is authenticated: asked for once it is, and again
	// after a drop, when the token is in the handshake.
	async waits() {
		const a = await connected(), got = []
		const room = a.subscribe('members', { waitForAuth: true })

		await within(a.invoke('echo', 1), 'echo')
		assert.deepEqual(a.socket.subscriptions(true), ['members'])
		assert.deepEqual(a.socket.subscriptions(), [])
		room.watch((x) => got.push(x))
		await within(a.publish('members', 'too early'), 'publish')
		await within(a.invoke('login', { username: 'bob' }), 'login')
		await within(room.ok, 'subscribe')
		assert.deepEqual(a.socket.subscriptions(), ['members'])
		const back = a.once('subscribe')

		a.invoke('drop', { code: 4001, reason: 'again' }).catch(() => 0)
		await within(back, 'subscribe again')
		assert.equal(a.socket.authState, 'authenticated')
		await within(a.publish('members', 1), 'publish')
		await within(a.invoke('echo', 1), 'echo')
		assert.deepEqual(got, [1])
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

	async login() {
		const a = await connected(), now = Math.floor(Date.now() / 1000)

		await fails(a.invoke('login', { username: 'eve' }), 'LoginError',
			/unknown/)
		await within(a.invoke('login', { username: 'bob', n: 1 }), 'login')
		assert.equal(a.socket.authState, 'authenticated')
		const token = a.socket.authToken

		assert.equal(token.username, 'bob')
		assert(token.iat >= now - 60 && token.exp === token.iat + 86400)
		// it is good for another connection, by whose claims it is known
		const b = await connected(), hello = b.receive('claims')

		await within(b.authenticate(a.socket.signedAuthToken), 'token')
		assert.equal((await within(hello, 'claims')).username, 'bob')
		// and over when the server says so
		const over = a.once('deauthenticate')

		await within(a.invoke('logout'), 'logout')
		await within(over, 'deauthenticate')
		assert.equal(a.socket.authState, 'unauthenticated')
	},

	// A token ends while its connection lives on.
	async expiry() {
		const a = await connected(), over = a.once('deauthenticate')
		const claims = a.receive('claims')

		await within(a.invoke('login', { username: 'bob',
			exp: Math.floor(Date.now() / 1000) + 5 }), 'login')
		await within(over, 'deauthenticate')
		assert.deepEqual(await within(claims, 'claims'), {})
		assert.equal(await within(a.invoke('echo', 1), 'echo'), 1)
	},

	async kickout() {
		const a = await connected(), room = a.subscribe('kicked')

		await within(room.ok, 'subscribe')
		await within(a.invoke('kick', 'kicked'), 'kick')
		await within(room.kicked, 'kickOut')
		const b = await connected(), watch = b.subscribe('kicked')

		await within(watch.ok, 'subscribe')
		room.watch(() => assert.fail('it is out'))
		await within(b.publish('kicked', 1), 'publish')
		assert.equal(await within(a.invoke('echo', 1), 'echo'), 1)
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
