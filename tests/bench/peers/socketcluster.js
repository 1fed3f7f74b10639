// SPDX-License-Identifier: ISC
//
// socketcluster.js PORT LINEPORT COMMAND: the npm package socketcluster-server.
// Clients subscribe to news, or to a channel named by their token, which comes
// last in the query.
'use strict';
const http = require('http');
const socketcluster = require('socketcluster-server');
const lines = require('./lines');
const [port, linePort, command] = process.argv.slice(2);
const web = http.createServer();
const server = socketcluster.attach(web);
const byToken = new Map();

const send = lines.backend(command, (line) => {
	const message = JSON.parse(line);
	const socket = byToken.get(message.token);

	if (socket)
		socket.transmit('result', message);
});

async function listenTo(socket, token) {
	for await (const message of socket.receiver('msg')) {
		message.token = token;
		send(JSON.stringify(message));
	}
}

async function connections() {
	for await (const { socket } of server.listener('connection')) {
		const { url } = socket.request;
		const token = url.slice(url.lastIndexOf('=') + 1);

		byToken.set(token, socket);
		listenTo(socket, token);
	}
}

connections();
lines.listen(+linePort, (line) => {
	const message = JSON.parse(line);
	const { token } = message;

	server.exchange.transmitPublish(token === '*' ? 'news' : token, message);
});
web.listen(+port, '127.0.0.1', 4096);
