// SPDX-License-Identifier: ISC
//
// flood.js PORT: one SocketCluster client that asks for 100,000 channels, then
// says 10,000 things in one batch; all is answered.  Prints "ok".
'use strict'
const WebSocket = require('ws')
const [port] = process.argv.slice(2)
const limit = 100000 * Number(process.env.RK_SLOW || 1)
const ws = new WebSocket(`ws://127.0.0.1:${port}/socketcluster/`)
let granted = 0, refused = 0, wanted = 0, go = () => {}

ws.on('message', (m) => {
	const text = String(m)

	if (text === '') {
		ws.send('')
		return
	}
	if (/BrokerError/.test(text))
		refused++
	else if (/^{"rid":/.test(text))
		granted++
	if (granted + refused === wanted)
		go()
})

const answered = (n) => new Promise((resolve, reject) => {
	wanted += n
	go = resolve
	setTimeout(() => reject(new Error(`${granted} granted, ${refused} ` +
		`refused, of ${wanted}`)), limit).unref()
})

async function main() {
	await new Promise((resolve) => ws.on('open', resolve))
	let all = answered(1)

	ws.send('{"event":"#handshake","cid":1}')
	await all
	for (let i = 0; i < 100000; i += 1000) {
		all = answered(1000)
		for (let k = i; k < i + 1000; k++)
			ws.send(`{"event":"#subscribe","data":{"channel":"c${k}"},` +
				`"cid":${k + 2}}`)
		await all
	}
	if (granted !== 1001)
		throw new Error(`${granted} granted`)
	all = answered(10000)
	ws.send('[' + [...Array(10000).keys()].map((i) =>
		`{"event":"echo","data":${i},"cid":${i + 200000}}`).join() + ']')
	await all
	console.log('ok')
	process.exit(0)
}

ws.on('close', (code) => {
	console.error('closed', code)
	process.exit(1)
})
main().catch((error) => {
	console.error(error)
	process.exit(1)
})
