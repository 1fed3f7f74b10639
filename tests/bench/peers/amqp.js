// SPDX-License-Identifier: ISC
//
// amqp.js publish|consume URL QUEUE COUNT: the npm package amqplib, with
// confirms, or with an ack each; 200 bytes, persistent.  Prints its own CPU
// microseconds a message.
'use strict';
const amqp = require('amqplib');
const [what, url, queue, count] = process.argv.slice(2);
const WINDOW = 200;
const body = Buffer.from(JSON.stringify({ type: 'event', token:
	'123e4567-e89b-12d3-a456-426655440000', event: 'balance-changed',
	payload: { balance: 345.55, pad: 'x'.repeat(84) } }));

function publish(channel, n) {
	let sent = 0, confirmed = 0;

	return new Promise((done, fail) => {
		function more() {
			for (; sent < n && sent - confirmed < WINDOW; sent++)
				channel.sendToQueue(queue, body,
					{ persistent: true }, confirm);
		}
		function confirm(error) {
			if (error)
				fail(error);
			else if (++confirmed === n)
				done();
			else
				more();
		}
		more();
	});
}

async function consume(channel, n) {
	let got = 0;

	await channel.prefetch(WINDOW);
	await new Promise((done) => channel.consume(queue, (message) => {
		JSON.parse(message.content);
		channel.ack(message);
		if (++got === n)
			done();
	}));
}

async function main() {
	const connection = await amqp.connect(url);
	const channel = await connection.createConfirmChannel();

	await channel.assertQueue(queue, { durable: true });
	const before = process.cpuUsage();

	await (what === 'publish' ? publish : consume)(channel, +count);
	const { user, system } = process.cpuUsage(before);

	console.log(((user + system) / +count).toFixed(3));
	await channel.checkQueue(queue);
	await connection.close();
}

main();
