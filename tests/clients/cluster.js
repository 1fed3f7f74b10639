// SPDX-License-Identifier: ISC
//
// cluster.js VERSION PORT [OPTIONS]: a real socketcluster-client, by hand; its
// OPTIONS are JSON.  Lines in:
//	subscribe CHANNEL, publish CHANNEL JSON, token JWT
// and out: connect, disconnect CODE; subscribed CHANNEL or refused CHANNEL
// NAME; published CHANNEL or failed CHANNEL NAME; token ok or token NAME;
// kicked CHANNEL; deauthenticate; and of each message CHANNEL JSON.
'use strict'
const [version, port, options = '{}'] = process.argv.slice(2)
const say = (...words) => console.log(words.join(' '))
const socket = require('./clusterface.js')(version, { port: Number(port),
	ackTimeout: 20000 * Number(process.env.RK_SLOW || 1),
	...JSON.parse(options) })

const commands = {
	subscribe(name) {
		const channel = socket.subscribe(name)

		channel.watch((data) => say(name, JSON.stringify(data)))
		channel.kicked.then(() => say('kicked', name))
		channel.ok.catch((error) => say('refused', name, error.name))
	},
	publish(name, data) {
		socket.publish(name, JSON.parse(data)).then(
			() => say('published', name),
			(error) => say('failed', name, error.name))
	},
	token(token) {
		socket.authenticate(token).then(() => say('token ok'),
			(error) => say('token', error.name))
	}
}

socket.on('subscribe', (x) => say('subscribed', x.channel || x))
socket.on('connect', () => say('connect'))
socket.on('disconnect', (code) => say('disconnect', code.code || code))
socket.on('deauthenticate', () => say('deauthenticate'))
require('readline').createInterface({ input: process.stdin })
	.on('line', (line) => {
		const [command, name, ...rest] = line.split(' ')

		commands[command](name, rest.join(' '))
	})
