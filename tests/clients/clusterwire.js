// SPDX-License-Identifier: ISC
//
// clusterwire.js PROTOCOL PORT [silence | TOKENS]: frames that no library would
// send, to rk-listen with tests/fixtures/socketcluster/app.jq (--channel-limit
// 3), and what must come back for them: seeds.md P2.  With "silence", what comes
// to who says nothing; with the folder TOKENS, what is said of those tokens.  A
// row is what is said, then what is heard; a number is the code it is closed
// with.  Prints "ok NAME" for each.
'use strict'
const WebSocket = require('ws')

const fs = require('fs')

const [protocol, port, what] = process.argv.slice(2)
const tokens = what !== 'silence' && what
const v1 = protocol === '1'
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const HELLO = '{"event":"#handshake","data":{"authToken":null},"cid":1}'
const error = (rid, name, message) =>
	JSON.stringify({ rid, error: { message, name } })
const subscribe = (channel, cid) =>
	JSON.stringify({ event: '#subscribe', data: { channel }, cid })
const batch = (...frames) => `[${frames.join(',')}]`
const DONE = ['{"event":"echo","data":1,"cid":99}', '{"rid":99,"data":1}']

// Ids and the channel limit's message are masked.
const mask = (s) => s.replace(/[a-z0-9]{13}\.\d+/g, 'ID')
	.replace(/"pingTimeout":\d+/, '"pingTimeout":20000')
	.replace(/"eyJ[\w-]+\.[\w-]+\.[\w-]+"/, '"TOKEN"')
const hello = '{"rid":1,"data":{"id":"ID","pingTimeout":20000,' +
	'"isAuthenticated":false}}'

const wire = {
	'garbage before the handshake': [['hello'], 4009],
	'a pong before the handshake': [[v1 ? '#2' : ''], 4009],
	'bytes before the handshake': [[Buffer.from([1, 2])], 4009],
	'an event before the handshake':
		[['{"event":"a","cid":1}'], 4009],
	'a batch with an event before the handshake':
		[['[{"event":"a"},{"event":"#handshake","cid":1}]'], 4009],
	'a handshake in a batch': [[`[${HELLO},${DONE[0]}]`], hello, DONE[1]],
	'a handshake without data':
		[['{"event":"#handshake","cid":1}', DONE[0]], hello, DONE[1]],
	'a handshake without a number': v1 ?
		[['{"event":"#handshake"}', DONE[0]], DONE[1]] :
		[['{"event":"#handshake"}'], 4008],
	'a second handshake': [[HELLO, HELLO, DONE[0]], hello, hello, DONE[1]],
	'what is no packet is ignored': [[HELLO, 'x', '{', '[', '1', '{}', '[]',
		'[1,null,[]]', '{"event":1,"cid":2}', Buffer.from([0]), '#9',
		'{"rid":77,"data":1}', DONE[0]], hello, DONE[1]],
	'invokes that nobody answers':
		[[HELLO, '{"event":"never","cid":2}', DONE[0]], hello, DONE[1]],
	'the number is spelled as it came':
		[[HELLO, '{"cid": 2.0, "data": "x" , "event": "echo"}'], hello,
			'{"rid":2.0,"data":"x"}'],
	'no data is no data':
		[[HELLO, '{"event":"echo","cid":2}',
			'{"event":"echo","data":null,"cid":3}'], hello,
		'{"rid":2}', '{"rid":3,"data":null}'],
	'channels that are none': [[HELLO, subscribe(7, 2), subscribe('', 3),
		subscribe('x'.repeat(256), 4), subscribe('a\n', 5),
		'{"event":"#subscribe","cid":6}', subscribe('x'.repeat(100000), 7)],
	hello, ...[2, 3, 4, 5, 6, 7].map((n) => error(n, 'InvalidActionError',
		'Subscribe channel name was malformatted'))],
	'subscribing twice': [[HELLO, subscribe('a', 2), subscribe('a', 3)],
		hello, '{"rid":2}', '{"rid":3}'],
	'subscribing before it is authenticated, though it says otherwise': [[
		HELLO, '{"event":"#subscribe","data":{"channel":"a",' +
		'"waitForAuth":true},"cid":2}'], hello, '{"rid":2}'],
	'subscribing without a number': [[HELLO,
		'{"event":"#subscribe","data":{"channel":"q"}}',
		'{"event":"#publish","data":{"channel":"q"}}', DONE[0]], hello,
	...v1 ? ['{"event":"#publish","data":{"channel":"q"}}'] : [], DONE[1]],
	'a channel limit': [[HELLO, batch(subscribe('a', 2), subscribe('never', 3),
		subscribe('b', 4), subscribe('c', 5))], hello,
	error(5, 'BrokerError', 'Failed to subscribe socket to the c channel - ' +
		'InvalidActionError: Socket ID tried to exceed the channel ' +
		'subscription limit of 3'), '{"rid":2}', '{"rid":4}'],
	'publishing': [[HELLO, batch(subscribe('p', 2),
		'{"event":"#publish","data":{"channel":"p","data":[1, 2.0]},"cid":3}',
		'{"event":"#publish","data":{"channel":"p"},"cid":4}',
		'{"event":"#publish","data":{"channel":5,"data":1},"cid":5}',
		'{"event":"#publish","cid":6}', '{"event":"#publish"}', DONE[0])],
	hello,
	error(5, 'InvalidActionError', 'Publish channel name was malformatted'),
	error(6, 'InvalidActionError', 'Publish channel name was malformatted'),
	'{"rid":2}',
	'{"event":"#publish","data":{"channel":"p","data":[1, 2.0]}}',
	'{"rid":3}', '{"event":"#publish","data":{"channel":"p"}}', '{"rid":4}',
	DONE[1]],
	'leaving what one is not in': [[HELLO,
		'{"event":"#unsubscribe","data":"z","cid":2}',
		'{"event":"#unsubscribe","data":{},"cid":3}',
		'{"event":"#unsubscribe","data":"z"}', DONE[0]], hello,
	error(2, 'BrokerError', 'Failed to unsubscribe socket from the z ' +
		'channel - InvalidActionError: Socket ID tried to unsubscribe ' +
		'from a channel which it is not subscribed to'),
	error(3, 'InvalidActionError',
		'Unsubscribe channel name was malformatted'), DONE[1]],
	'leaving before it was joined': [[HELLO, batch(subscribe('w', 2),
		'{"event":"#unsubscribe","data":"w","cid":3}'),
	'{"event":"#publish","data":{"channel":"w","data":1}}', DONE[0]], hello,
	'{"rid":3}', '{"rid":2}', '{"event":"left","data":{}}', DONE[1]],
	'put out of a channel, and of one it is not in': [[HELLO,
		subscribe('k', 2), '{"event":"kick","data":"k","cid":3}',
		'{"event":"kick","data":"k","cid":4}',
		'{"event":"#publish","data":{"channel":"k"}}', DONE[0]], hello,
	'{"rid":2}', v1 ?
		'{"event":"#kickOut","data":{"message":"why","channel":"k"}}' :
		'{"event":"#kickOut","data":{"channel":"k","message":"why"}}',
	'{"rid":3}', '{"rid":4}', DONE[1]],
	'errors of the application': [[HELLO, '{"event":"fail","cid":2}'], hello,
		error(2, 'MyError', 'nope')]
}
if (v1)
	wire['a channel as plain text'] = [[HELLO,
		'{"event":"#subscribe","data":"t","cid":2}'], hello, '{"rid":2}']
if (v1)
	wire['a farewell'] = [[HELLO,
		'{"event":"#disconnect","data":{"code":1000}}'], hello, 1000]


// ---- tokens

const token = (name) => tokens &&
	fs.readFileSync(`${tokens}/${name}.jwt`, 'utf8').trim()
const invalid = (message) =>
	({ message, name: 'AuthTokenInvalidError', isBadToken: true })
const noString = { message: 'Invalid token format - Token must be a string',
	name: 'AuthTokenError', isBadToken: true }
const removed = JSON.stringify({ event: '#removeAuthToken',
	...v1 ? { data: null } : {} })
const expired = { message: 'jwt expired', name: 'AuthTokenExpiredError',
	expiry: '2026-11-20T22:20:19.000Z', isBadToken: true }
const said = (event, data) => `{"event":"${event}","data":${data}}`
const bob = '{"sub":"bob","n":1.0}'

const greet = (authToken) =>
	JSON.stringify({ event: '#handshake', data: { authToken }, cid: 1 })
const answer = (isAuthenticated, authError) => JSON.stringify({ rid: 1, data:
	{ id: 'ID', pingTimeout: 20000, ...authError ? { authError } : {},
		isAuthenticated } })
const hold = (data, cid) =>
	JSON.stringify({ event: '#authenticate', data, cid })

// What is wrong is soft in a handshake, an error later; either way the client
// is to forget it.  Protocol 1 hears that first.
const soft = (authToken, error) => [[greet(authToken)],
	...v1 ? [removed, answer(false, error)] : [answer(false, error), removed]]
const hard = (data, error) => [[HELLO, hold(data, 2)], hello, ...v1 ?
	[removed, JSON.stringify({ rid: 2, error,
		data: { isAuthenticated: false, authError: error } })] :
	[JSON.stringify({ rid: 2, error }), removed]]

const bad = [['none', invalid('jwt signature is required')],
	['none-signed', invalid('invalid algorithm')],
	['hs512', invalid('invalid algorithm')],
	['rs256', invalid('invalid algorithm')],
	['expired', expired]]
const held = {
	'a token in the handshake':
		[[greet(token('hs256'))], answer(true), said('hello', bob)],
	'a token later, and its end': [[HELLO, hold(token('hs256'), 2),
		'{"event":"#removeAuthToken"}'], hello,
	'{"rid":2,"data":{"isAuthenticated":true,"authError":null}}',
	said('claims', bob), said('claims', '{}')],
	'a token from the server, and its end': [[HELLO,
		'{"event":"login","data":{"username":"bob"},"cid":2}',
		'{"event":"logout","cid":3}'], hello,
	'{"event":"#setAuthToken","data":{"token":"TOKEN"}}', '{"rid":2}',
	removed, '{"rid":3}'],
	'a changed token': soft(token('hs256') && token('hs256')
		.replace(/\.[^.]*$/, '.AAAA'), invalid('invalid signature')),
	'no token at all': hard(null, invalid('jwt must be provided')),
	'a number for a token': soft(5, noString),
	'an object for a token, later': hard({}, noString),
	'three parts that are nothing': soft('a.b.c', invalid('invalid token')),
	'two parts': soft('a.b', invalid('jwt malformed')),
	'an empty token is none': [[greet('')], hello],
	'authenticating without a number': v1 ?
		[[HELLO, hold(token('hs256')), DONE[0]], hello,
			said('claims', bob), DONE[1]] :
		[[HELLO, hold(token('hs256'))], hello, 4008]
}
for (const [name, error] of bad) {
	held[`${name} in the handshake`] = soft(token(name), error)
	held[`${name} later`] = hard(token(name), error)
}

// ---- silence: there are pings, too

const silence = {
	'no handshake': [[], 4005],
	'no handshake, with a batch of nothing': [['[]'], 4005],
	'no pong': [[HELLO], hello, 4001],
	'events, but no pong': [[HELLO, DONE[0]], hello, DONE[1], 4001]
}
const isPing = (s) => rows === silence && s === (v1 ? '#1' : '')

const rows = what === 'silence' ? silence : tokens ? held : wire

function run([says, ...want]) {
	return new Promise((resolve, reject) => {
		const got = []
		const ws = new WebSocket(`ws://127.0.0.1:${port}/socketcluster/`)
		const fail = (why) => {
			ws.terminate()
			reject(new Error(`${why}\n got ${got.join('\n     ')}\nwant ` +
				want.join('\n     ')))
		}
		const timer = setTimeout(() => fail('nothing more'), limit)
		const hear = (x) => {
			if (String(x) !== String(want[got.push(x) - 1]))
				fail('something else')
			else if (got.length === want.length) {
				clearTimeout(timer)
				ws.terminate()
				resolve()
			}
		}
		ws.on('open', () => says.forEach((s) => ws.send(s)))
		ws.on('message', (m) => isPing(String(m)) || hear(mask(String(m))
			.replace(/{"n":\d+,"channel":"w"}/, '{}')))
		ws.on('close', hear)
		ws.on('error', reject)
	})
}

const check = ([name, row]) => run(row).then(() => console.log(`ok ${name}`),
	(e) => { throw new Error(`${name}: ${e.message}`) })

async function main() {
	if (rows === silence)
		return Promise.all(Object.entries(rows).map(check))
	for (const row of Object.entries(rows))
		await check(row)
}

main().then(() => process.exit(0), (e) => {
	console.error(e.message)
	process.exit(1)
})
