// SPDX-License-Identifier: ISC
//
// knock.js PORT PATH N: N at a time, GET PATH on a connection of its own, again
// and again until stdin ends.  Prints "N knocks" now and then, at last what they
// met: "200:812 503:3", where "refused" and "reset" are no answer.
'use strict'
const fs = require('fs')
const net = require('net')

const [port, path, n] = process.argv.slice(2)
const met = {}
let stopping = false, busy = 0, knocks = 0

function over(what) {
	met[what] = (met[what] || 0) + 1
	busy--
	if (++knocks % 100 === 0)
		fs.writeSync(1, `${knocks} knocks\n`)
	if (!stopping)
		setTimeout(knock, 5)
	else if (busy === 0)
		console.log(Object.keys(met).sort()
			.map(k => `${k}:${met[k]}`).join(' '))
}

function knock() {
	let answer = '', why = 'reset'
	const socket = net.connect(Number(port), '127.0.0.1')

	busy++
	socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
	socket.on('data', bytes => { answer += bytes })
	socket.on('error', e => { if (e.code === 'ECONNREFUSED') why = 'refused' })
	socket.on('close', () =>
		over((/^HTTP\/1.1 (\d+)/.exec(answer) || [null, why])[1]))
}

process.stdin.on('end', () => { stopping = true }).resume()
for (let i = 0; i < Number(n); i++)
	knock()
