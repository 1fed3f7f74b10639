// SPDX-License-Identifier: ISC
//
// bun.js PORT LINEPORT COMMAND: Bun's own server, which is uWebSockets.
'use strict';
const lines = require('./lines');
const [port, linePort, command] = process.argv.slice(2);
let send;
const server = Bun.serve({
	hostname: '127.0.0.1',
	port: +port,
	fetch(request, it) {
		const token = request.url.slice(request.url.lastIndexOf('/') + 1);

		if (!it.upgrade(request, { data: { token } }))
			return new Response('no', { status: 400 });
	},
	websocket: {
		perMessageDeflate: false,
		idleTimeout: 0,
		open(socket) {
			socket.subscribe('news');
			socket.subscribe(socket.data.token);
		},
		message(socket, text) {
			const message = JSON.parse(text);

			message.token = socket.data.token;
			send(JSON.stringify(message));
		},
	},
});

send = lines.backend(command, (line) =>
	server.publish(JSON.parse(line).token, line));
lines.listen(+linePort, (line) => {
	const { token } = JSON.parse(line);

	server.publish(token === '*' ? 'news' : token, line);
});
