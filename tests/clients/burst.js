// SPDX-License-Identifier: ISC
//
// burst.js URL CLIENTS CALLS: each client, a token of its own, sends all its
// calls at once and waits for their results.  Fails when one is missing,
// comes twice or out of order, or a connection closes.
'use strict'
const WebSocket = require('ws')

const [url, clients, calls] = process.argv.slice(2)
let left = Number(clients)

function fail(why) {
	console.error(why)
	process.exit(1)
}

function client(name) {
	const socket = new WebSocket(`${url}/api/${name}`)
	let next = 0

	socket.on('open', () => {
		for (let id = 0; id < calls; id++)
			socket.send(`{"id":${id},"method":"m"}`)
	})
	socket.on('message', data => {
		const { id } = JSON.parse(data)

		if (id !== next++)
			fail(`${name}: got ${data}, not ${next - 1}`)
		if (next === Number(calls) && --left === 0)
			process.exit(0)
	})
	socket.on('close', code => fail(`${name}: closed ${code}`))
	socket.on('error', e => fail(`${name}: ${e.message}`))
}

for (let i = 0; i < clients; i++)
	client(`client-${i}`)
setTimeout(() => fail(`${left} clients are not through`),
	90000 * Number(process.env.RK_SLOW || 1))
