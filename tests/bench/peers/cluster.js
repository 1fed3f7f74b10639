// SPDX-License-Identifier: ISC
//
// cluster.js URL QUEUE N: the system of tests/bench/cluster in Node, which is how
// the original is made: a publisher (amqplib, socketcluster-client 20) takes what
// the queue has for the clients c0 to c(N-1) to a socketcluster-server 20, its
// child, and acknowledges what was published.  Prints the server's port.
'use strict';
const { fork } = require('child_process');
const amqp = require('amqplib');
const [url, queue, n] = process.argv.slice(2);

function server() {
	const web = require('http').createServer();

	require('socketcluster-server-20').attach(web);
	process.once('disconnect', process.exit);
	web.listen(0, '127.0.0.1', 4096, () =>
		process.send(web.address().port));
}

async function publisher(port) {
	const socket = require('socketcluster-client-20').create(
		{ hostname: '127.0.0.1', port });
	await socket.listener('connect').once();
	const known = new Set([...Array(+n).keys()].map((i) => `c${i}`));
	const channel = await (await amqp.connect(url)).createChannel();

	await channel.assertQueue(queue, { durable: true });
	await channel.prefetch(200);
	await channel.consume(queue, async (message) => {
		const data = JSON.parse(message.content);

		if (known.has(data.clientID))
			await socket.invokePublish(data.clientID, data);
		channel.ack(message);
	});
	console.log(port);
}

if (process.send)
	server();
else
	fork(__filename).once('message', publisher);
