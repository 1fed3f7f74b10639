// SPDX-License-Identifier: ISC
//
// clusterwire.js PROTOCOL PORT: frames that no library would send, to
// rk-listen with tests/fixtures/socketcluster/app.jq (--channel-limit 3), and
// what must come back for them: seeds.md P2.  A row is what is said, then what
// is heard; a number is the code it is closed with.  Prints "ok NAME" for each.
'use strict'
const WebSocket = require('ws')

const [protocol, port] = process.argv.slice(2)
const v1 = protocol === '1'
const limit = 15000 * Number(process.env.RK_SLOW || 1)
const HELLO = '{"event":"#handshake","data":{"authToken":null},"cid":1}'
const error = (rid, name, message) =>
	JSON.stringify({ rid, error: { message, name } })
const subscribe = (channel, cid) =>
	JSON.stringify({ event: '#subscribe', data: { channel }, cid })
const batch = (...frames) => `[${frames.join(',')}]`
const DONE = ['{"event":"echo","data":1,"cid":99}', '{"rid":99,"data":1}']

// Ids and the channel limit's message are masked.
const mask = (s) => s.replace(/[a-z0-9]{13}\.\d+/g, 'ID')
const hello = '{"rid":1,"data":{"id":"ID","pingTimeout":20000,' +
	'"isAuthenticated":false}}'

const rows = {
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
	'errors of the application': [[HELLO, '{"event":"fail","cid":2}'], hello,
		error(2, 'MyError', 'nope')]
}
if (v1)
	rows['a channel as plain text'] = [[HELLO,
		'{"event":"#subscribe","data":"t","cid":2}'], hello, '{"rid":2}']
if (v1)
	rows['a farewell'] = [[HELLO,
		'{"event":"#disconnect","data":{"code":1000}}'], hello, 1000]

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
		ws.on('message', (m) => hear(mask(String(m))
			.replace(/{"n":\d+,"channel":"w"}/, '{}')))
		ws.on('close', hear)
		ws.on('error', reject)
	})
}

async function main() {
	for (const [name, row] of Object.entries(rows)) {
		await run(row).catch((e) => {
			throw new Error(`${name}: ${e.message}`)
		})
		console.log(`ok ${name}`)
	}
}

main().then(() => process.exit(0), (e) => {
	console.error(e.message)
	process.exit(1)
})
