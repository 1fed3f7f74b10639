// SPDX-License-Identifier: ISC
//
// rouket-load.js N M W: the core of tests/bench/rouket, which speaks
// laravel-echo-server's dialect, and N clients of the router.  Prints the core's
// URL; reads the router's port and process id; has M broadcasts routed to all
// clients, W on their way at a time; prints what that cost the router and its
// children.
'use strict';
const http = require('http');
const Server = require('socket.io');
const WebSocket = require('ws');
const cpu = require('./cpu');
const [n, m, w] = process.argv.slice(2).map(Number);
const web = http.createServer();
const io = new Server(web, { transports: ['websocket'],
	perMessageDeflate: false });
const pad = 'x'.repeat(100);
let subscribed = 0, heard = 0, step = () => {};

io.on('connection', (socket) => socket.on('subscribe', ({ channel }) => {
	socket.join(channel);
	subscribed++;
	step();
}));

function until(test) {
	return new Promise((resolve) => {
		step = () => test() && resolve();
		step();
	});
}

// A real client's words, without its cost.
function client(port, i) {
	const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/` +
		'?EIO=3&transport=websocket', { perMessageDeflate: false });

	ws.on('message', (data) => {
		const text = data.toString('latin1', 0, 20);

		if (text === '40')
			ws.send(`42["set_connection",{"token":"t${i}","user":${i}}]`);
		else if (text.startsWith('42["example.channel"')) {
			heard++;
			step();
		}
	});
	return new Promise((resolve) => ws.on('open', resolve));
}

// Each is on its way until all clients have it.
async function broadcasts(count) {
	const base = heard;
	let sent = 0;

	await until(() => {
		while (sent < count && (sent - w) * n < heard - base)
			io.to('example.channel').emit('example_event',
				'example.channel', { mark: sent++, pad });
		return heard - base === count * n;
	});
}

async function main(port, pid) {
	for (let i = 0; i < n; i++)
		await client(port, i);
	await until(() => subscribed === n);
	await broadcasts(Math.ceil(m / 10));
	const before = cpu(pid), start = Date.now();
	await broadcasts(m);
	const after = cpu(pid), parts = {};
	for (const name of Object.keys(after))
		parts[name] = (after[name] - before[name]) / 1000 / n / m;
	console.log(JSON.stringify({
		us: Object.values(parts).reduce((a, b) => a + b, 0), parts,
		events: n * m, seconds: (Date.now() - start) / 1000 }));
	process.exit(0);
}

web.listen(0, '127.0.0.1', 4096, () =>
	console.log(`http://127.0.0.1:${web.address().port}`));
process.stdin.once('data', (data) => main(...String(data).split(' ')
	.map(Number)));
