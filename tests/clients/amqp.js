// SPDX-License-Identifier: ISC
//
// amqp: the other side of a broker, by amqplib, at $AMQP_URL.
//
//   amqp.js get QUEUE [N]      takes N messages (1) and prints each as
//                              {"body": base64, "fields", "properties"}
//   amqp.js put EXCHANGE KEY   publishes each line of stdin, confirmed:
//                              {"body": base64, "options": of amqplib}
//   amqp.js fill EXCHANGE KEY N   publishes {"i":1} .. {"i":N}
//   amqp.js piped N            declares what a Piped node N declares, as it
//                              does; fails when that clashes
//   amqp.js hold QUEUE         consumes as a Piped node does, and prints
//                              bodies until it is killed; says "consuming"
//   amqp.js serve QUEUE EXCHANGE   a back end: answers calls of the queue

'use strict'
const amqp = require('amqplib')
const [mode, a, b, c] = process.argv.slice(2)

const json = (x) => JSON.stringify(x, (k, v) =>
	v && v.type === 'Buffer' ? { $base64: Buffer.from(v).toString('base64') }
		: v)

function show(m) {
	const properties = {}
	for (const [k, v] of Object.entries(m.properties))
		if (v !== undefined)
			properties[k] = v
	console.log(json({ body: m.content.toString('base64'),
		fields: m.fields, properties }))
}

const modes = {
	async get(ch) {
		for (let n = +(b || 1); n > 0;) {
			const m = await ch.get(a, { noAck: true })
			if (m) {
				show(m)
				n--
			} else
				await new Promise((r) => setTimeout(r, 20))
		}
	},

	async put(ch) {
		const lines = require('fs').readFileSync(0, 'utf8').trim()
			.split('\n').map(JSON.parse)
		for (const m of lines)
			ch.publish(a, b, Buffer.from(m.body, 'base64'), m.options)
		await ch.waitForConfirms()
	},

	async fill(ch) {
		for (let i = 1; i <= +c; i++)
			ch.publish(a, b, Buffer.from(`{"i":${i}}`))
		await ch.waitForConfirms()
	},

	async piped(ch) {
		const fan = (x) => ch.assertExchange(x, 'fanout', { durable: true })
		await fan('exchange-mass')
		await fan(`exchange-in-${a}`)
		await fan(`exchange-out-${a}`)
		await ch.assertQueue(`queue-in-${a}`, { durable: true })
		await ch.assertQueue(`queue-out-${a}`, { durable: true })
		await ch.bindQueue(`queue-in-${a}`, `exchange-in-${a}`, '')
		await ch.bindQueue(`queue-out-${a}`, `exchange-out-${a}`, '')
		await ch.bindExchange(`exchange-in-${a}`, 'exchange-mass', '')
	},

	async hold(ch) {
		await ch.prefetch(1)
		await ch.consume(a, (m) => {
			console.log(m.content.toString())
			ch.ack(m)
		})
		console.log('consuming')
		return true
	},

	async serve(ch) {
		await ch.consume(a, (m) => {
			const call = JSON.parse(m.content)
			ch.publish(b, '', Buffer.from(JSON.stringify({ type: 'result',
				id: call.id, token: call.token,
				payload: call.payload })))
			ch.ack(m)
		})
		console.log('serving')
		return true
	},
}

async function main() {
	const connection = await amqp.connect(process.env.AMQP_URL)
	const ch = await connection.createConfirmChannel()

	if (!await modes[mode](ch))
		await connection.close()
}

main().catch(e => {
	console.error(`amqp: ${e.message}`)
	process.exit(1)
})
