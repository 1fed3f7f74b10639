// SPDX-License-Identifier: ISC
//
// clusterserver.js VERSION [PORT]: a real SocketCluster server, npm
// socketcluster-server 14 (protocol 1) or 20 (protocol 2).  Prints its port,
// then "connect" and "disconnect CODE" of each client.
//
//   add, fail    are answered: with a sum, with an error
//   tell         is told back, as "told"
//   ask          asks "question" back, whose answer comes as "answered"
//   login        sets a token with these claims;  logout: takes it away
//   whoami       answers with the claims
//   kick         kicks out of a channel;  bye: closes with 4501
//
// Nobody may subscribe to "secret".  It pings five times a second.
'use strict'
const http = require('http').createServer()
const [version, port = '0'] = process.argv.slice(2)
const server = require(`socketcluster-server-${version}`).attach(http,
	{ authKey: 'a key of at least thirty-two bytes', pingInterval: 200,
		pingTimeout: 20000 })

function refusal() {
	const error = new Error('not for you')

	error.name = 'NotAllowed'
	return error
}

const procedures = {
	add: (socket, [a, b]) => a + b,
	fail: () => { throw refusal() },
	login: (socket, claims) => { socket.setAuthToken(claims) },
	whoami: socket => socket.authToken
}

const receivers = {
	tell: (socket, data, transmit) => transmit('told', data),
	logout: socket => socket.deauthenticate(),
	kick: (socket, channel) => socket.kickOut(channel, 'enough'),
	bye: socket => socket.disconnect(4501, 'never again')
}

function serve14(socket) {
	console.log('connect')
	socket.on('disconnect', code => console.log('disconnect', code))
	for (const [name, run] of Object.entries(procedures))
		socket.on(name, (data, respond) => {
			try {
				respond(null, run(socket, data))
			} catch (error) {
				respond(error)
			}
		})
	for (const [name, run] of Object.entries(receivers))
		socket.on(name, data => run(socket, data,
			(event, told) => socket.emit(event, told)))
	socket.on('ask', data => socket.emit('question', data,
		(error, answer) => socket.emit('answered',
			error ? { error: error.message } : { answer })))
}

async function each(stream, run) {
	for await (const item of stream)
		run(item)
}

function serve20(socket) {
	console.log('connect')
	each(socket.listener('disconnect'),
		({ code }) => console.log('disconnect', code))
	for (const [name, run] of Object.entries(procedures))
		each(socket.procedure(name), request => {
			try {
				request.end(run(socket, request.data))
			} catch (error) {
				request.error(error)
			}
		})
	for (const [name, run] of Object.entries(receivers))
		each(socket.receiver(name), data => run(socket, data,
			(event, told) => socket.transmit(event, told)))
	each(socket.receiver('ask'), data => socket.invoke('question', data)
		.then(answer => ({ answer }), ({ message }) => ({ error: message }))
		.then(told => socket.transmit('answered', told)))
}

if (version === '14') {
	server.addMiddleware(server.MIDDLEWARE_SUBSCRIBE, ({ channel }, next) =>
		next(channel === 'secret' ? refusal() : undefined))
	server.on('connection', serve14)
} else {
	server.setMiddleware(server.MIDDLEWARE_INBOUND, actions =>
		each(actions, action => action.type === action.SUBSCRIBE &&
			action.channel === 'secret' ? action.block(refusal()) :
			action.allow()))
	each(server.listener('connection'), ({ socket }) => serve20(socket))
}
http.listen(port, '127.0.0.1', () => console.log(http.address().port))
