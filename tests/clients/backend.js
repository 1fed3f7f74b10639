// SPDX-License-Identifier: ISC
//
// backend.js NODE...: a back end at AMQP_URL, as Piped's documents have it:
// takes the calls of these nodes, and returns each as its result, byte for
// byte.  Prints "ready"; comes back by itself when the broker does.
'use strict'
const amqp = require('amqplib')

const nodes = process.argv.slice(2)

async function serve() {
	const link = await amqp.connect(process.env.AMQP_URL)
	const channel = await link.createChannel()
	const end = new Promise(resolve => link.on('close', resolve))

	link.on('error', () => {})
	channel.on('error', () => {})
	await channel.prefetch(1000)
	for (const node of nodes)
		await channel.consume(`queue-out-${node}`, call => {
			if (call === null)
				return
			channel.publish(`exchange-in-${node}`, '', Buffer.concat([
				Buffer.from('{"type":"result",'),
				call.content.subarray(1)]))
			channel.ack(call)
		})
	console.log('ready')
	await end
}

async function main() {
	for (;;) {
		await serve().catch(() => {})
		await new Promise(again => setTimeout(again, 200))
	}
}

main()
