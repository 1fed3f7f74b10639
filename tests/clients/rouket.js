// SPDX-License-Identifier: ISC
//
// rouket.js VERSION URL TRANSPORTS [TOKEN USER]: a real socket.io-client (2, 3
// or 4) of rk-rouket.  Prints "connect" and "disconnect", and each event as
// JSON ["name",argument...].  With a token and a user it says set_connection
// when it is connected; each line of its input is an event to emit,
// ["name",argument...].
'use strict'
const [version, url, transports, token, user] = process.argv.slice(2)
const io = require(`socket.io-client-${version}`)
const socket = io(url, { transports: transports.split(','),
	reconnectionDelay: 50, reconnectionDelayMax: 200 })
const deliver = socket.onevent

socket.onevent = function (packet) {
	console.log(JSON.stringify(packet.data))
	deliver.call(this, packet)
}
socket.on('connect', () => {
	console.log('connect')
	if (token !== undefined)
		socket.emit('set_connection', { token, user })
})
socket.on('disconnect', () => console.log('disconnect'))

require('readline').createInterface({ input: process.stdin })
	.on('line', line => socket.emit(...JSON.parse(line)))
	.on('close', () => socket.close())
