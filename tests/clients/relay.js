// SPDX-License-Identifier: ISC
//
// relay.js PORT: the network between a program and a peer on 127.0.0.1:PORT,
// of which it prints the port.  Without PORT it is a peer that accepts and
// says nothing.  A line of stdin is what happens to it:
//
//   reset        every connection ends with a RST, both ways
//   reset N      only the Nth, from 1, of those that are there
//   stall        nothing is forwarded, nothing is closed; who comes meanwhile
//                is accepted
//   go           it is forwarded again, what was held too
//
'use strict'
const net = require('net')
const readline = require('readline')

const port = Number(process.argv[2])
let pairs = [], stalled = false

function each(f) {
	for (const pair of pairs)
		for (const socket of pair)
			f(socket)
}

function reset(chosen) {
	for (const pair of chosen)
		for (const socket of pair)
			socket.resetAndDestroy()
}

function forward(from, to) {
	from.on('data', data => to.write(data))
	from.on('end', () => to.end())
	from.on('error', () => to.destroy())
}

function tie(near) {
	const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
	const pair = [near, far]

	pairs.push(pair)
	forward(near, far)
	forward(far, near)
	for (const socket of pair) {
		socket.setNoDelay()
		socket.on('close', () => {
			pairs = pairs.filter(p => p !== pair)
		})
		if (stalled)
			socket.pause()
	}
}

const happens = {
	reset: n => reset(n ? pairs.slice(n - 1, n) : pairs),
	stall() {
		stalled = true
		each(socket => socket.pause())
	},
	go() {
		stalled = false
		each(socket => socket.resume())
	}
}

const server = net.createServer({ allowHalfOpen: true }, socket =>
	port ? tie(socket) : socket.on('error', () => {}))

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
readline.createInterface({ input: process.stdin }).on('line', line => {
	const [what, n] = line.split(' ')

	happens[what](Number(n))
	console.log(line)
})
