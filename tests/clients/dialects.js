// SPDX-License-Identifier: ISC
//
// dialects.js PORT N: a raw WebSocket, a Socket.IO client and two generations
// of SocketCluster clients, of one port and one channel; each says N things,
// all at once.  All hear everything, their own too, in one order.
'use strict'
const assert = require('assert')
const WebSocket = require('ws')
const face = require('./clusterface.js')

const [port, n] = process.argv.slice(2).map(Number)
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const url = `127.0.0.1:${port}`
const heard = {}

const hear = (name) => (x) => (heard[name] = heard[name] || []).push(x)

const clients = {
	async raw() {
		const ws = new WebSocket(`ws://${url}/raw`)

		await new Promise((resolve) => ws.once('message', resolve))
		ws.on('message', (m) => hear('raw')(JSON.parse(m)))
		return (x) => ws.send(JSON.stringify(x))
	},
	async socketio() {
		const socket = require('socket.io-client-4')(`http://${url}`,
			{ transports: ['websocket'] })

		socket.on('said', hear('socketio'))
		await new Promise((resolve) => socket.on('in', resolve))
		return (x) => socket.emit('say', x)
	},
	cluster20: () => cluster('20'),
	cluster16: () => cluster('16')
}

async function cluster(version) {
	const socket = face(version, { port })
	const room = socket.subscribe('room')

	room.watch(hear(`cluster${version}`))
	await room.ok
	return (x) => socket.socket.transmitPublish('room', x)
}

async function main() {
	const names = Object.keys(clients)
	const say = await Promise.all(names.map((name) => clients[name]()))

	setTimeout(() => {
		console.error(Object.entries(heard).map(([k, v]) => [k, v.length]))
		process.exit(1)
	}, limit)
	for (let i = 0; i < n; i++)
		say.forEach((f, k) => f([names[k], i]))
	while (!names.every((name) => (heard[name] || []).length === 4 * n))
		await new Promise((resolve) => setTimeout(resolve, 20))
	for (const name of names) {
		assert.deepEqual(heard[name], heard.raw)
		assert.deepEqual(heard[name].filter((x) => x[0] === name)
			.map((x) => x[1]), [...Array(n).keys()])
	}
	console.log('ok')
	process.exit(0)
}

main().catch((error) => {
	console.error(error)
	process.exit(1)
})
