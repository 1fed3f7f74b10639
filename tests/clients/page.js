// SPDX-License-Identifier: ISC
//
// page.js PAGE URL VERSION: the socket.io-client of a real browser, in a page
// of another origin (PAGE has client-VERSION.js), against rk-listen at URL with
// tests/fixtures/socketio/app.jq: by polling alone, by WebSocket, by both.
// Client 2 polls with bytes in its bodies, which it never does in Node.
'use strict'
const assert = require('assert')
const { chromium } = require('playwright-core')

const [page, url, version] = process.argv.slice(2)
const timeout = 60000 * Number(process.env.RK_SLOW || 1)

// Runs in the page: what came back of what was said.
function talk([url, transports]) {
	const bytes = new Uint8Array([0, 1, 0xff, 0x1e]).buffer
	const hex = (b) => [...new Uint8Array(b)].map((x) =>
		x.toString(16).padStart(2, '0')).join('')
	const socket = io(url, { transports, forceNew: true, query: { token: 'p' },
		auth: { token: 'p' } })
	const back = (...args) => new Promise((resolve) => {
		socket.once('back', (...got) => resolve(got))
		socket.emit('echo', ...args)
	})
	const ask = (...args) => new Promise((resolve) =>
		socket.emit('q', ...args, (...got) => resolve(got)))
	// while the upgrade goes on, where there is one
	const flight = (n) => new Promise((resolve) => {
		const got = []
		let sent = 0
		const heard = (i) => {
			if (got.push(i) === n) {
				socket.off('back', heard)
				resolve(got.every((x, at) => x === at))
			}
		}
		const tick = setInterval(() => {
			for (let i = 0; i < 20 && sent < n; i++)
				socket.emit('echo', sent++)
			if (sent === n)
				clearInterval(tick)
		}, 2)

		socket.on('back', heard)
	})

	return new Promise((resolve, reject) => {
		for (const e of ['connect_error', 'error'])
			socket.on(e, (x) => reject(new Error(`${e}: ${x}`)))
		socket.on('hello', async (hello) => {
			const inOrder = await flight(500)
			const long = 'ключ 😀 '.repeat(300000 / 14)
			const whole = (await back(long))[0] === long
			const acks = await Promise.all([...Array(50).keys()].map(
				(i) => ask(i).then(([x]) => x === i)))
			const text = await back(1, 'ключ 😀', { a: [null] })
			const binary = await back(bytes, { x: bytes }, 'z')
			const ack = await ask(bytes, 'y')
			const later = await new Promise((go) => setTimeout(go, 600))
				.then(() => back('later'))
			const id = socket.id === hello.sid

			socket.close()
			resolve({ id, token: hello.token, text, later, inOrder,
				whole, acks: acks.every(Boolean),
				binary: [hex(binary[0]), hex(binary[1].x), binary[2]],
				ack: [hex(ack[0]), ack[1]] })
		})
	})
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu'] })
	const tab = await browser.newPage()

	tab.setDefaultTimeout(timeout)
	await tab.goto(page)
	await tab.addScriptTag({ url: `${page}client-${version}.js` })
	for (const how of ['polling', 'websocket', 'polling,websocket']) {
		const got = await tab.evaluate(talk, [url, how.split(',')])

		assert.deepStrictEqual(got, { id: true, token: 'p',
			inOrder: true, whole: true, acks: true,
			text: [1, 'ключ 😀', { a: [null] }], later: ['later'],
			binary: ['0001ff1e', '0001ff1e', 'z'],
			ack: ['0001ff1e', 'y'] })
		console.log(`ok ${how}`)
	}
	await browser.close()
}

main().catch((e) => {
	console.error(e.message)
	process.exit(1)
})
