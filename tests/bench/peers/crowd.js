// SPDX-License-Identifier: ISC
//
// crowd.js PORT COUNT FILE: that many users on few sockets, for each namespace of a
// Socket.IO session is a connection of its own.  Makes FILE when all are there.
'use strict';
const fs = require('fs');
const WebSocket = require('ws');
const [port, count, file] = process.argv.slice(2);
const EACH = 64;		// namespaces of a session
let missing = +count;

function join(socket, n) {
	for (let i = 0; i < n; i++)
		socket.send(`40/n${i},`);
}

function here() {
	if (--missing === 0)
		fs.writeFileSync(file, '');
}

function session(n) {
	const socket = new WebSocket(`ws://127.0.0.1:${port}` +
		'/socket.io/?EIO=4&transport=websocket');

	socket.on('message', (data) => {
		const text = data.toString();

		if (text.startsWith('0{'))
			join(socket, n);
		else if (text.startsWith('40/'))
			here();
		else if (text === '2')
			socket.send('3');
	});
	socket.on('close', () => process.exit(1));
}

for (let left = +count; left > 0; left -= EACH)
	session(Math.min(left, EACH));
