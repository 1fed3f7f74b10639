// SPDX-License-Identifier: ISC
//
// cluster-load.js URL QUEUE N M W PID PORT [HTTP]: the back end and N clients of
// tests/bench/cluster.  Registers them where there is an API; puts M messages into
// the queue, each for one client, W on their way at a time; prints what that cost
// process PID and its children.
'use strict';
const amqp = require('amqplib');
const WebSocket = require('ws');
const cpu = require('./cpu');
const [url, queue, ...rest] = process.argv.slice(2);
const [n, m, w, pid, port, http] = rest.map(Number);
const pad = 'x'.repeat(100);
let heard = 0, step = () => {};

// A real client's words, without its cost.
function client(i) {
	const ws = new WebSocket(`ws://127.0.0.1:${port}/socketcluster/`,
		{ perMessageDeflate: false });
	const say = (event, data, cid) =>
		ws.send(JSON.stringify({ event, data, cid }));

	ws.on('open', () => say('#handshake', { authToken: null }, 1));
	return new Promise((resolve) => ws.on('message', (data) => {
		const text = data.toString('latin1', 0, 20);

		if (text === '')
			ws.send('');
		else if (text.startsWith('{"rid":1,'))
			say('#subscribe', { channel: `c${i}` }, 2);
		else if (text.startsWith('{"rid":2}'))
			resolve();
		else if (text.startsWith('{"event":"#publish"')) {
			heard++;
			step();
		}
	}));
}

async function register(i) {
	const answer = await fetch(
		`http://127.0.0.1:${http}/v1/create-channel-client`,
		{ method: 'POST', body: `{"clientID":"c${i}"}` });

	if (answer.status !== 201)
		throw new Error(await answer.text());
}

function messages(channel, count) {
	const base = heard;
	let sent = 0;

	return new Promise((resolve) => {
		step = () => {
			for (; sent < count && sent - w < heard - base; sent++)
				channel.sendToQueue(queue, Buffer.from(
					JSON.stringify({ clientID: `c${sent % n}`,
						mark: sent, pad })), { persistent: true });
			if (heard - base === count)
				resolve();
		};
		step();
	});
}

async function main() {
	const channel = await (await amqp.connect(url)).createChannel();

	for (let i = 0; i < n; i++) {
		if (http)
			await register(i);
		await client(i);
	}
	await messages(channel, Math.ceil(m / 5));
	const before = cpu(pid), start = Date.now();
	await messages(channel, m);
	const after = cpu(pid), parts = {};
	for (const name of Object.keys(after))
		parts[name] = (after[name] - before[name]) / 1000 / m;
	console.log(JSON.stringify({
		us: Object.values(parts).reduce((a, b) => a + b, 0), parts,
		messages: m, seconds: (Date.now() - start) / 1000 }));
	process.exit(0);
}

main();
