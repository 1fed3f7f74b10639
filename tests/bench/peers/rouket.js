// SPDX-License-Identifier: ISC
//
// rouket.js CORE: the router of tests/bench/rouket in Node: npm socket.io 2, and
// for each client one socket.io-client 2, which is how the original is made.
// Prints its port.
'use strict';
const http = require('http');
const Server = require('socket.io');
const dial = require('socket.io-client-2');
const core = process.argv[2];
const web = http.createServer();
const io = new Server(web, { transports: ['websocket'],
	perMessageDeflate: false });

io.on('connection', (socket) => {
	let upstream = null;

	socket.on('set_connection', ({ token }) => {
		upstream = dial(core, { transports: ['websocket'],
			forceNew: true });
		upstream.on('connect', () => upstream.emit('subscribe', {
			channel: 'example.channel',
			auth: { headers: { Authorization: `Bearer ${token}` } } }));
		upstream.on('example_event', (channel, data) => {
			if (channel === 'example.channel')
				socket.emit(channel, data);
		});
	});
	socket.on('disconnect', () => upstream && upstream.close());
});
web.listen(0, '127.0.0.1', 4096, () => console.log(web.address().port));
