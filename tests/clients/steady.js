// SPDX-License-Identifier: ISC
//
// steady.js URL CLIENTS [AGAIN]: each client, a token of its own, keeps 16
// calls under way until standard input says so (a line); then it waits for
// what is missing and says how many there were.  A line "N" is written after
// every N-th thousand of results.  Fails when a result is missing, comes out
// of order or, but for AGAIN, twice, or when a connection closes.
'use strict'
const WebSocket = require('ws')

const [url, clients, again] = process.argv.slice(2)
let results = 0, left = Number(clients), stopping = false

function fail(why) {
	console.error(why)
	process.exit(1)
}

function client(name) {
	const socket = new WebSocket(`${url}/api/${name}`)
	let asked = 0, answered = 0

	const ask = () => socket.send(`{"id":${asked++},"method":"m"}`)

	socket.on('open', () => {
		while (asked < 16)
			ask()
	})
	socket.on('message', data => {
		const { id } = JSON.parse(data)

		if (id < answered && again)
			return
		if (id !== answered++)
			fail(`${name}: got ${id}, not ${answered - 1}`)
		if (++results % 1000 === 0)
			console.log(results / 1000)
		if (!stopping)
			ask()
		else if (answered === asked && --left === 0) {
			console.log(`${results} results`)
			process.exit(0)
		}
	})
	socket.on('close', code => fail(`${name}: closed ${code}`))
	socket.on('error', e => fail(`${name}: ${e.message}`))
}

for (let i = 0; i < clients; i++)
	client(`client-${i}`)
process.stdin.once('data', () => { stopping = true })
