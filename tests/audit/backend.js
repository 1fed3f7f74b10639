// SPDX-License-Identifier: ISC
//
// backend.js [FILE]: the back end of an audit, made to be killed.
//
//  - Takes calls of queue-out-1 at $AMQP_URL, prints what it got, publishes
//    the result, and acknowledges the call when the broker has the result.
//    So what it was killed over comes again.
//  - With FILE it is a bare co-process: calls come on stdin, results leave on
//    stdout, and what it got is written to FILE.  Its pid is in FILE.pid.
//
// A line it prints is {client, id, message, again}: whose call, its
// message_id, and whether the broker says that it comes again.
'use strict'
const fs = require('fs')
const readline = require('readline')
const file = process.argv[2]
const out = file ? fs.openSync(file, 'a') : 1

function got(call, { messageId, redelivered }) {
	fs.writeSync(out, JSON.stringify({ client: call.token, id: call.id,
		message: messageId, again: redelivered }) + '\n')
}

const result = ({ id, token }) => JSON.stringify({ type: 'result', id, token })

async function serve() {
	const amqp = require('amqplib')
	const connection = await amqp.connect(process.env.AMQP_URL)
	const channel = await connection.createConfirmChannel()
	const leave = () => process.exit(111)

	connection.on('error', leave)
	connection.on('close', leave)
	channel.on('error', leave)
	await channel.prefetch(100)
	await channel.consume('queue-out-1', message => {
		if (message === null)
			leave()
		const call = JSON.parse(message.content)

		got(call, { messageId: message.properties.messageId,
			redelivered: message.fields.redelivered })
		channel.publish('exchange-in-1', '', Buffer.from(result(call)),
			{ persistent: true }, error => {
				if (!error)
					channel.ack(message)
			})
	}, { exclusive: true })
	fs.writeSync(1, 'ready\n')
}

function bare() {
	const lines = readline.createInterface({ input: process.stdin })

	fs.writeFileSync(`${file}.pid`, String(process.pid))
	lines.on('line', line => {
		const call = JSON.parse(line)

		got(call, {})
		if (!process.stdout.write(result(call) + '\n'))
			lines.pause()
	})
	process.stdout.on('drain', () => lines.resume())
}

if (file)
	bare()
else
	serve().catch(e => {
		console.error(`backend: ${e.message}`)
		process.exit(111)
	})
