// SPDX-License-Identifier: ISC
//
// slow.js PORT KIND N: N connections that take their time, until the listener
// ends them.  Prints "there" when all are connected and have said what they
// say at once, and, when all are gone, how: "gone 503:2 408:7 closed:1".
//
//   silent      nothing is said
//   half        half a head
//   drip        a head that never ends, a line each second
//   body        a head and half a body
//   dripbody    a head and a body that never ends, a byte each second
//   deaf        requests whose answers are not read; their end is not seen
'use strict'
const net = require('net')

const [port, kind, count] = process.argv.slice(2)
const n = Number(count), how = {}
const post = 'POST /q HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n'
const kinds = {
	silent: [''],
	half: ['GET / HTTP/1.1\r\nHo'],
	drip: ['GET / HTTP/1.1\r\n', i => `X-${i}: y\r\n`],
	body: [post + 'x'.repeat(50000)],
	dripbody: [post, () => 'x'],
	deaf: ['GET /big HTTP/1.1\r\nHost: h\r\n\r\n']
}
const [first, next] = kinds[kind]
let there = 0, gone = 0

function over(ending) {
	how[ending] = (how[ending] || 0) + 1
	if (++gone < n)
		return
	console.log('gone ' + Object.keys(how).sort()
		.map(name => `${name}:${how[name]}`).join(' '))
	process.exit(0)
}

function arrived() {
	if (++there === n)
		console.log('there')
}

function visitor() {
	let status = 'closed', i = 0
	const socket = net.connect(Number(port), '127.0.0.1', () => {
		if (first)
			socket.write(first, arrived)
		else
			arrived()
	})
	const drip = next && setInterval(() => socket.write(next(i++)), 1000)

	if (kind === 'deaf') {
		socket.pause()
		setInterval(() => {}, 1000)	// it is not waited for
	}
	socket.on('data', bytes => {
		const [, code] = /^HTTP\/1.1 (\d+)/.exec(bytes) || []

		status = code || status
	})
	socket.on('error', () => {})
	socket.on('close', () => {
		clearInterval(drip)
		over(status)
	})
}

for (let i = 0; i < n; i++)
	setTimeout(visitor, Math.floor(i / 100) * 10)
