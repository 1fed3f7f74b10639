// SPDX-License-Identifier: ISC
//
// piped.js PORT URL: what rk-piped does, as one writes it with the npm packages
// ws and amqplib: calls of clients to the broker, persistent and confirmed;
// results to all of a token, each acknowledged when it was written.
'use strict';
const amqp = require('amqplib');
const { WebSocketServer } = require('ws');
const [port, url] = process.argv.slice(2);
const WINDOW = 200;
const byToken = new Map();

function lost(error) {
	if (error)
		throw error;
}

function call(channel, token, text) {
	const { id, method, payload } = JSON.parse(text);

	channel.publish('exchange-out-1', '', Buffer.from(JSON.stringify(
		{ id, method, token, payload })), { persistent: true }, lost);
}

function result(channel, message) {
	const { token, ...rest } = JSON.parse(message.content);
	const text = JSON.stringify(rest);

	for (const socket of byToken.get(token) ?? [])
		socket.send(text);
	channel.ack(message);
}

async function declare(channel, way) {
	await channel.assertExchange(`exchange-${way}-1`, 'fanout',
		{ durable: true });
	await channel.assertQueue(`queue-${way}-1`, { durable: true });
	await channel.bindQueue(`queue-${way}-1`, `exchange-${way}-1`, '');
}

async function main() {
	const connection = await amqp.connect(url);
	const channel = await connection.createConfirmChannel();

	await declare(channel, 'in');
	await declare(channel, 'out');
	await channel.prefetch(WINDOW);
	await channel.consume('queue-in-1', (m) => result(channel, m));
	const server = new WebSocketServer({ host: '127.0.0.1', port: +port,
		perMessageDeflate: false, backlog: 4096 });

	server.on('connection', (socket, request) => {
		const token = request.url.slice(request.url.lastIndexOf('/') + 1);

		if (!byToken.has(token))
			byToken.set(token, new Set());
		byToken.get(token).add(socket);
		socket.on('close', () => byToken.get(token).delete(socket));
		socket.on('message', (text) => call(channel, token, text));
	});
}

main();
