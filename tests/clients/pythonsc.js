// SPDX-License-Identifier: ISC
//
// pythonsc.js PORT TOKEN: what socketcluster-client-python 1.3 writes as a
// publisher, byte for byte (seeds.md 2.2: keys sorted, a space behind each
// colon and comma, cid from 1), and what must come back; first with the token,
// then without.  Every message to it is empty or one JSON object.
'use strict'
const assert = require('assert')
const WebSocket = require('ws')

const [port, token] = process.argv.slice(2)
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const mask = (s) => s.replace(/[a-z0-9]{13}\.\d+/g, 'ID')
const hello = (yes) => '{"rid":1,"data":{"id":"ID","pingTimeout":20000,' +
	`"isAuthenticated":${yes}}}`
const blocked = (rid, what) => `{"rid":${rid},"error":{"message":"The ${what}` +
	' AGAction was blocked by inbound middleware",' +
	'"name":"SilentMiddlewareBlockedError","type":"inbound"}}'

const handshake = (jwt) =>
	`{"cid": 1, "data": {"authToken": ${jwt}}, "event": "#handshake"}`
const subscribe = '{"cid": 2, "data": {"channel": "c1"}, "event": "#subscribe"}'
const publish = (cid) => `{"cid": ${cid}, "data": {"channel": "c1", "data": ` +
	'{"a": [1.0, null], "b": "\\u00e9"}}, "event": "#publish"}'
const unsubscribe = '{"cid": 4, "data": "c1", "event": "#unsubscribe"}'
const emit = '{"data": {"x": 1}, "event": "hello"}'

const talks = [[
	[handshake(`"${token}"`), hello(true)],
	[subscribe, '{"rid":2}'],
	[publish(3), '{"event":"#publish","data":{"channel":"c1","data":' +
		'{"a": [1.0, null], "b": "\\u00e9"}}}', '{"rid":3}'],
	[unsubscribe, '{"rid":4}'],
	[emit, ''],			// a ping, which is answered
	['', ''],
	[publish(5), '{"rid":5}']
], [
	[handshake('null'), hello(false)],
	[subscribe, blocked(2, 'subscribe')],
	[publish(3), blocked(3, 'publishIn')],
	[publish(5).replace('"cid": 5, ', ''), ''],
	['', '']
]]

const within = (promise, what) => Promise.race([promise,
	new Promise((_, reject) => setTimeout(() =>
		reject(new Error(`no ${what}`)), limit).unref())])

async function play(talk) {
	const ws = new WebSocket(`ws://127.0.0.1:${port}/socketcluster/`)
	const inbox = [], waits = []
	const next = () => new Promise((resolve) => inbox.length ?
		resolve(inbox.shift()) : waits.push(resolve))

	ws.on('message', (m) => {
		const text = mask(String(m))

		assert(text === '' || /^{/.test(text), text)
		waits.length ? waits.shift()(text) : inbox.push(text)
	})
	await within(new Promise((resolve, reject) => ws.on('open', resolve)
		.on('error', reject)), 'connection')
	for (const [says, ...hears] of talk) {
		ws.send(says)
		for (const want of hears) {
			let got = await within(next(), `answer to ${says}`)

			for (; got === '' && want !== ''; got = await within(next(),
				`answer to ${says}`))
				ws.send('')	// a ping in between
			assert.equal(got, want)
		}
	}
	assert.equal(ws.readyState, WebSocket.OPEN)
	ws.terminate()
}

(async () => {
	for (const talk of talks)
		await play(talk)
	process.exit(0)
})().catch((error) => {
	console.error(error)
	process.exit(1)
})
