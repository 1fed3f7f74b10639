// SPDX-License-Identifier: ISC
//
// crowd.js PORT PATH N [M]: N WebSockets on bare sockets.  Prints "open" when
// all are; then each must get the text messages 0, 1 ... M-1 in this order:
// prints "done" when all have, or what went wrong, and ends.  Without M it
// holds them until stdin ends, or the listener has closed them.  WS_TLS=1:
// under TLS.
'use strict'
const socketTo = require(process.env.WS_TLS ? 'tls' : 'net')

const [port, path, n, m] = process.argv.slice(2)
let open = 0, done = 0, closed = 0

function fail(why) {
	console.log(why)
	process.exit(1)
}

// Frames of a server: short texts only.
function frames(state, bytes, each) {
	state.rest = state.rest ? Buffer.concat([state.rest, bytes]) : bytes
	for (;;) {
		const b = state.rest

		if (b.length < 2 || b.length < 2 + b[1])
			return
		if (b[0] === 0x81)
			each(b.toString('latin1', 2, 2 + b[1]))
		else if (b[0] === 0x88 && m === undefined)
			state.socket.end()
		else if (b[0] !== 0x89)
			fail(`frame ${b[0]}`)
		state.rest = b.subarray(2 + b[1])
	}
}

function visitor() {
	const socket = socketTo.connect(Number(port), '127.0.0.1')
	const state = { next: 0, head: true, socket }

	socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n` +
		'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
		'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
	socket.on('error', e => fail(e.message))
	socket.on('close', () => {
		if (m === undefined && ++closed === Number(n))
			process.exit(0)
		if (m !== undefined && done < Number(n))
			fail('closed')
	})
	socket.on('data', bytes => {
		if (state.head) {
			const end = bytes.indexOf('\r\n\r\n')

			if (!bytes.toString().startsWith('HTTP/1.1 101'))
				fail(bytes.toString())
			state.head = false
			if (++open === Number(n))
				console.log('open')
			bytes = bytes.subarray(end + 4)
		}
		frames(state, bytes, text => {
			if (text !== String(state.next++))
				fail(`${text}, not ${state.next - 1}`)
			if (state.next === Number(m) && ++done === Number(n)) {
				console.log('done')
				process.exit(0)
			}
		})
	})
}

process.stdin.on('end', () => process.exit(0)).resume()
for (let i = 0; i < Number(n); i++)
	setTimeout(visitor, Math.floor(i / 100) * 10)
