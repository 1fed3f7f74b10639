// SPDX-License-Identifier: ISC
//
// socketio.js PORT LINEPORT COMMAND: the npm package socket.io.  The token comes
// last in the query.
'use strict';
const http = require('http');
const { Server } = require('socket.io');
const lines = require('./lines');
const [port, linePort, command] = process.argv.slice(2);
const web = http.createServer();
const io = new Server(web, { transports: ['websocket'] });

const send = lines.backend(command, (line) => {
	const message = JSON.parse(line);

	io.to(message.token).emit('result', message);
});

io.on('connection', (socket) => {
	const { token } = socket.handshake.query;

	socket.join(token);
	socket.on('msg', (message) => {
		message.token = token;
		send(JSON.stringify(message));
	});
});

lines.listen(+linePort, (line) => {
	const message = JSON.parse(line);

	if (message.token === '*')
		io.emit('event', message);
	else
		io.to(message.token).emit('event', message);
});
web.listen(+port, '127.0.0.1', 4096);
