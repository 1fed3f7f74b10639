// SPDX-License-Identifier: ISC
//
// fuzz.js PORT PID SEED N: N connections of a stranger to the listener on this
// port, whose process is PID: requests and WebSocket frames that were sound
// once and were mutated, in pieces, and left at any moment.
//
//  - After each batch a sound client is served: /healthz is ok, and what it says
//    on /echo comes back.
//  - When all have gone, the process has the descriptors that it had before, and
//    after the first batches its memory grows by no more than GROWTH.
//  - No answer ever agrees to an extension (permessage-deflate).
'use strict'
const fs = require('fs')
const http = require('http')
const net = require('net')
const WebSocket = require('ws')

const [port, pid, seed, total] = process.argv.slice(2).map(Number)
const { below, one, often, frame, upgrade } = require('./bytes')(seed)
const BATCH = 200, ABREAST = 50, WARM = 5, GROWTH = 16 << 10	// KiB
const limit = 60000 * Number(process.env.RK_SLOW || 1)

// --- what is sent -------------------------------------------------------------

const bytes = n => Buffer.from(Array.from({ length: n }, () => below(256)))
const text = s => Buffer.from(s, 'latin1')
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate'
const paths = ['/u/a', '/u/%2F%c3%a4', '/echo', '/step/x', '/j', '/w', '/ask',
	'/q/a?b=c&d', '/u/', '/../x', '/u/%00', '/u/%ff', '//u/a', '/metrics',
	'/healthz', '/a.js', '/sub', 'http://h/u/a', '*', '/' + 'x'.repeat(20000)]
const offers = [DEFLATE, `${DEFLATE}; server_no_context_takeover`,
	`${DEFLATE}; server_max_window_bits=10; client_max_window_bits`,
	`${DEFLATE}, x-webkit-deflate-frame, ${'a, '.repeat(200)}b`]
const header = [
	() => one(offers),
	() => `Sec-WebSocket-Protocol: ${one(['v1', 'v9', 'v1,'.repeat(100), ','])}`,
	() => `Origin: ${one(['null', 'http://bad', '\x01'])}`,
	() => `X-${'y'.repeat(below(300))}: ${'z'.repeat(one([0, 9, 9000]))}`,
	() => ' folded: line',
	() => 'Content-Length: ' + one(['0', '5', '-1', '+5', '1e3', '9'.repeat(30)]),
	() => `Transfer-Encoding: ${one(['chunked', 'identity', 'chunked, x'])}`,
	() => one(['Host: other', 'Host : h', 'Expect: 100-continue', 'a', ':', '']),
	() => 'Upgrade: ' + one(['h2c', 'websocket, x', 'x'])
]
const headers = () => Array.from({ length: one([0, 1, 1, 2, 4, 80]) },
	() => one(header)())
const requests = [
	() => upgrade(one(paths), headers()),
	() => upgrade(one(paths), headers()),
	() => text([`${one(['GET', 'HEAD', 'POST', 'PUT', 'CONNECT', 'OPTIONS',
		'get', 'G\0T'])} ${one(paths)} HTTP/${one(['1.1', '1.0', '1.9',
		'2.0', '0.9', '1.10', ''])}`, 'Host: h', ...headers(), '',
	'hello'].join('\r\n')),
	() => text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
	() => Buffer.from('16030100a5010000a10303', 'hex'),
	() => bytes(below(300))
]

const payloads = [
	() => '{"a":[1.0,{"b":"c"}]}', () => '', () => 'null', () => '['.repeat(below(300)),
	() => '{"type":"kick","all":true}', () => 'x'.repeat(below(70000)),
	() => bytes(below(200)), () => Buffer.from('c3', 'hex'),
	() => Buffer.from('edA080'.toLowerCase(), 'hex'), () => Buffer.from('28ff', 'hex')
]
const payload = () => one(payloads)()
const frames = [
	() => frame(one([1, 2]), true, payload()),
	() => frame(one([1, 2]), true, payload(), 0, false),
	() => frame(below(16), often(70), payload(), one([0, 0, 0x10, 0x20, 0x40])),
	() => frame(0, often(50), payload()),
	() => Buffer.concat([frame(1, false, Buffer.from('c3', 'hex')),
		frame(one([9, 10]), often(90), 'p'.repeat(one([0, 125, 126]))),
		frame(0, true, Buffer.from(one(['a4', '28']), 'hex'))]),
	() => frame(8, often(90), one([[], [3], [3, 232], [3, 236], [3, 237],
		[3, 238], [3, 247], [11, 184], [19, 136], [255, 255],
		[3, 232, 255], [3, 232, ...bytes(130)]])),
	() => frame(1, true, Buffer.from('aa5600', 'hex'), 0x40),
	() => Buffer.concat([Buffer.from([0x81, 0xff, one([0, 0x7f, 0x80]), 0, 0,
		0, 0, 0x10, 0, 0]), bytes(40)]),
	() => Buffer.concat(Array.from({ length: 40 },
		() => frame(one([9, 0, 1]), often(50), 'x')))
]

const cuts = [
	b => { b[below(b.length)] ^= 1 << below(8); return b },
	b => { b[below(b.length)] = one([0, 10, 13, 32, 37, 58, 127, 128, 255]); return b },
	b => b.subarray(0, below(b.length)),
	b => Buffer.concat([b.subarray(0, below(b.length)), bytes(below(9)),
		b.subarray(below(b.length))]),
	b => Buffer.concat([b, b.subarray(below(b.length))])
]

function mutated(buffer, percent) {
	let b = Buffer.from(buffer)

	while (b.length > 0 && often(percent))
		b = one(cuts)(b)
	return b
}

// A sound beginning half the time, so that what follows is heard.
function conversation() {
	const sound = often(50)
	const all = [sound ? upgrade(one(paths.slice(0, 7)), often(30) ?
		[one(offers)] : []) : mutated(one(requests)(), 60)]

	for (let i = below(sound ? 8 : 2); i > 0; i--)
		all.push(mutated(one(frames)(), 25))
	return Buffer.concat(all)
}

// --- one connection -----------------------------------------------------------

function stranger() {
	return new Promise(done => {
		const socket = net.connect(port, '127.0.0.1')
		const all = conversation(), patience = often(5) ? 300 : below(40)
		let heard = ''

		socket.on('error', () => {})
		socket.on('close', () => done())
		socket.on('data', data => {
			if (heard.length < 4096)
				heard += data.toString('latin1')
			if (/^sec-websocket-extensions:/im.test(
				heard.split('\r\n\r\n')[0]))
				fail('an extension was agreed to')
		})
		for (let from = 0, to; from < all.length; from = to) {
			to = often(80) ? all.length : from + 1 + below(all.length - from)
			socket.write(all.subarray(from, to))
		}
		if (often(30))
			socket.end()
		setTimeout(() => {
			if (often(50))
				socket.resetAndDestroy()
			socket.destroy()	// reset alone may not close
		}, patience)
	})
}

// --- what is to be seen after a batch -----------------------------------------

function fail(why) {
	console.error(why)
	process.exit(1)
}

const files = () => fs.readdirSync(`/proc/${pid}/fd`).length
const rss = () => Number(/VmRSS:\s*(\d+)/.exec(
	fs.readFileSync(`/proc/${pid}/status`))[1])
const soon = (what, start) => new Promise((resolve, reject) => {
	setTimeout(() => reject(new Error(`waited for ${what}`)), limit).unref()
	start(resolve, reject)
})

const healthy = () => soon('/healthz', (resolve, reject) =>
	http.get(`http://127.0.0.1:${port}/healthz`, response => {
		response.resume()
		response.on('end', () => response.statusCode === 200 ?
			resolve() : reject(new Error('not healthy')))
	}).on('error', reject))

const echoed = () => soon('an echo', (resolve, reject) => {
	const ws = new WebSocket(`ws://127.0.0.1:${port}/echo`)

	ws.on('open', () => ws.send('{"still":"here"}'))
	ws.on('message', data => {
		if (String(data) !== '{"still":"here"}')
			reject(new Error(`echoed ${data}`))
		ws.close()
	})
	ws.on('close', resolve)
	ws.on('error', reject)
})

const settled = before => soon('its descriptors', resolve => {
	const look = () => files() <= before ? resolve() : setTimeout(look, 20)

	look()
})

async function main() {
	const before = files()
	let warm = 0

	for (let n = 0, batch = 1; n < total; batch++) {
		const lanes = Array.from({ length: ABREAST }, async () => {
			for (let i = 0; i < BATCH / ABREAST; i++, n++)
				await stranger()
		})

		await Promise.all(lanes)
		await healthy()
		await echoed()
		await settled(before)
		if (batch === WARM)
			warm = rss()
		if (batch > WARM && rss() > warm + GROWTH && !process.env.RK_ASAN)
			fail(`${rss()} KiB after ${n}, ${warm} before`)
	}
	console.log(`${total} came, ${rss()} KiB, ${files()} descriptors`)
	process.exit(0)
}

main().catch(e => fail(e.message))
