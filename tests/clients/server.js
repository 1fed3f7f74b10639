// SPDX-License-Identifier: ISC
//
// server.js [PORT | SOCKET [NAME]]: a WebSocket server (npm ws) whose paths say
// what it does with a connection; with TLS, NAME.key and NAME.crt.  Prints its port first, then what happens: "open
// PATH", "message TEXT" ("binary HEX"), "close CODE".
//
//   /echo          returns each message
//   /say?A&B       sends A and B (URL-encoded); &~HEX sends bytes
//   /head          sends method, url and headers of the request
//   /flood?N&PAD   sends "1-PAD" to "N-PAD", 100 at a time as they leave, and
//                  prints "sent I"
//   /close?CODE    closes with this code and the reason "enough"
//   /drop          cuts the socket; /once: only the first time, then echoes
//   /answer        after each message sends {"answer":MESSAGE}, 100 ms later
//   /status?N      answers the upgrade with this HTTP status
//   anything else  listens
//
// The subprotocol "two" is chosen where it is offered.
'use strict'
const fs = require('fs')
const http = require('http')
const https = require('https')
const { WebSocketServer } = require('ws')

const where = process.argv[2] || '0'
const print = line => fs.writeSync(1, line + '\n')
let times = 0

function say(ws, words) {
	for (const word of words)
		ws.send(word[0] === '~' ? Buffer.from(word.slice(1), 'hex') :
			decodeURIComponent(word))
}

function flood(ws, [n, pad], from = 1) {
	const to = Math.min(from + 99, Number(n))

	for (let i = from; i < to; i++)
		ws.send(`${i}-${pad}`)
	ws.send(`${to}-${pad}`, () => {
		print(`sent ${to}`)
		if (to < n)
			flood(ws, [n, pad], to + 1)
	})
}

const begin = {
	'/say': (ws, query) => say(ws, query.split('&')),
	'/head': (ws, query, { method, url, headers }) =>
		ws.send(JSON.stringify({ method, url, headers })),
	'/flood': (ws, query) => flood(ws, query.split('&')),
	'/close': (ws, query) => ws.close(Number(query), 'enough'),
	'/drop': ws => ws.terminate(),
	'/once': ws => times++ === 0 && ws.terminate()
}

const react = {
	'/echo': (ws, data, binary) => ws.send(data, { binary }),
	'/once': (ws, data, binary) => ws.send(data, { binary }),
	'/answer': (ws, data) => setTimeout(() => ws.send(JSON.stringify(
		{ answer: String(data) })), 100)
}

const tls = process.argv[3]
const server = tls ? https.createServer({ key: fs.readFileSync(tls + '.key'),
	cert: fs.readFileSync(tls + '.crt') }) : http.createServer()
const wss = new WebSocketServer({ noServer: true,
	handleProtocols: offered => offered.has('two') && 'two' })

server.on('upgrade', (request, socket, head) => {
	const [path, query = ''] = request.url.split('?')

	if (path === '/status') {
		socket.end(`HTTP/1.1 ${query} No\r\nContent-Length: 0\r\n\r\n`)
		return
	}
	wss.handleUpgrade(request, socket, head, ws => {
		print(`open ${request.url}`)
		ws.on('message', (data, binary) => {
			print(binary ? `binary ${data.toString('hex')}` :
				`message ${data}`)
			if (react[path])
				react[path](ws, data, binary)
		})
		ws.on('error', () => {})
		ws.on('close', code => print(`close ${code}`))
		if (begin[path])
			begin[path](ws, query, request)
	})
})
server.listen(/^\d+$/.test(where) ? Number(where) : where, () => {
	const { port } = server.address()

	print(String(port || where))
})
