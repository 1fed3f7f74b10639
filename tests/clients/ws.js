// SPDX-License-Identifier: ISC
//
// ws.js URL [PROTOCOL,...]: a WebSocket client (npm ws) played by hand: does
// what lines on stdin say, prints what comes.  Ends when the connection does.
//
//   text TEXT | json JSON     sends it as text (json: with \n and the like)
//   binary HEX                sends bytes
//   pieces TEXT...            one text message in a fragment a word, pings
//                             between them
//   part TEXT                 a fragment of a message that is not whole
//   big N                     a text message of N letters
//   pause | resume            stops and goes on reading
//   ping | close [CODE [REASON]] | drop
//   say WORDS                 prints them: it has done what came before
//
// Prints: open [PROTOCOL], text TEXT, binary HEX, big N (for long texts), pong,
// status N (it was refused), close CODE [REASON]; with WS_PINGS also ping (one
// came), for they come when they like.
'use strict'
const fs = require('fs')
const readline = require('readline')
const WebSocket = require('ws')

const [url, protocols] = process.argv.slice(2)
const headers = JSON.parse(process.env.WS_HEADERS || '{}')
const socket = new WebSocket(url, protocols ? protocols.split(',') : [],
	{ perMessageDeflate: false, headers })

function say(...words) {
	fs.writeSync(1, words.filter(w => w !== '').join(' ') + '\n')
}

const verbs = {
	text: rest => socket.send(rest),
	json: rest => socket.send(JSON.parse(`"${rest}"`)),
	binary: rest => socket.send(Buffer.from(rest, 'hex')),
	part: rest => socket.send(rest, { fin: false }),
	big: rest => socket.send('x'.repeat(Number(rest))),
	pieces: rest => {
		const words = rest.split(' ')

		words.forEach((word, i) => {
			socket.send(word, { fin: i === words.length - 1 })
			socket.ping()
		})
	},
	pause: () => socket._socket.pause(),
	resume: () => socket._socket.resume(),
	ping: () => socket.ping(),
	say: rest => say(rest),
	close: rest => {
		const [code, ...reason] = rest.split(' ')

		socket.close(code ? Number(code) : undefined, reason.join(' '))
	},
	drop: () => socket.terminate()
}

socket.on('open', () => {
	say('open', socket.protocol)
	readline.createInterface({ input: process.stdin }).on('line', line => {
		const [, verb, rest] = /^(\S+) ?(.*)$/.exec(line)

		verbs[verb](rest)
	})
})
socket.on('message', (data, binary) => {
	if (binary)
		say('binary', data.toString('hex'))
	else if (data.length > 10000)
		say('big', String(data.length))
	else
		say('text', data.toString())
})
socket.on('pong', () => say('pong'))
if (process.env.WS_PINGS)
	socket.on('ping', () => say('ping'))
socket.on('unexpected-response', (request, response) => {
	say('status', String(response.statusCode))
	process.exit(0)
})
socket.on('error', () => {})
socket.on('close', (code, reason) => {
	say('close', String(code), reason.toString())
	process.exit(0)
})
