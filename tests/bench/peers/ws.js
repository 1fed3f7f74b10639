// SPDX-License-Identifier: ISC
//
// ws.js PORT LINEPORT COMMAND: the npm package ws.  The last part of the path
// is the token; a line is for the token it names, or for all ("*").
'use strict';
const { WebSocketServer } = require('ws');
const lines = require('./lines');
const [port, linePort, command] = process.argv.slice(2);
const byToken = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: +port,
	perMessageDeflate: false, backlog: 4096 });

function toOne(token, line) {
	const socket = byToken.get(token);

	if (socket)
		socket.send(line);
}

const send = lines.backend(command, (line) =>
	toOne(JSON.parse(line).token, line));

server.on('connection', (socket, request) => {
	const token = request.url.slice(request.url.lastIndexOf('/') + 1);

	byToken.set(token, socket);
	socket.on('close', () => byToken.delete(token));
	socket.on('message', (data) => {
		const message = JSON.parse(data);

		message.token = token;
		send(JSON.stringify(message));
	});
});

lines.listen(+linePort, (line) => {
	const { token } = JSON.parse(line);

	if (token !== '*') {
		toOne(token, line);
		return;
	}
	const data = Buffer.from(line);

	for (const socket of server.clients)
		socket.send(data, { binary: false });
});
