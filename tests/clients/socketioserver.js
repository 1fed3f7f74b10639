// SPDX-License-Identifier: ISC
//
// socketioserver.js VERSION [PORT]: a real Socket.IO server, npm socket.io 2 or
// 4.  Prints its port, then "connect NAMESPACE AUTH AUTHORIZATION" and
// "disconnect REASON" of each client.
//
//   echo       returns its arguments as they came
//   add        its ack is the sum;  silent: it has none
//   ask        asks "question" back, whose ack comes as "answered"
//   bye        disconnects;  /admin: refuses who has not {"key":1} (4 only)
//
// Each client is greeted by "hello".
'use strict'
const http = require('http').createServer()
const [version, port = '0'] = process.argv.slice(2)
const library = require(`socket.io-${version}`)
const timing = { pingInterval: 300, pingTimeout: 20000 }
const io = version === '2' ? library(http, timing) :
	new library.Server(http, timing)

function serve(socket) {
	const { auth, headers } = socket.handshake

	console.log('connect', socket.nsp.name, JSON.stringify(auth || {}),
		headers.authorization || '-')
	socket.on('disconnect', reason => console.log('disconnect', reason))
	socket.on('echo', (...args) => socket.emit('echo', ...args))
	socket.on('add', (a, b, answer) => answer(a + b))
	socket.on('silent', () => {})
	socket.on('ask', () => socket.emit('question', 1, 'x', answer =>
		socket.emit('answered', answer)))
	socket.on('bye', () => socket.disconnect())
	socket.emit('hello', { version })
}

io.on('connection', serve)
io.of('/admin').use((socket, next) => {
	const error = new Error('not an admin')

	error.data = { code: 7 }
	next(version === '4' && socket.handshake.auth.key !== 1 ? error :
		undefined)
}).on('connection', serve)
http.listen(port, '127.0.0.1', () => console.log(http.address().port))
