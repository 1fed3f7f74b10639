// SPDX-License-Identifier: ISC
//
// board.js URL: the page of rk-layer --demo in a real browser.  Three windows
// see each other; what one moves, the others see; when the window that is the
// server closes, another takes over; the snippets of the layer's README work
// in the page as they stand.
'use strict'
const assert = require('assert')
const { chromium } = require('playwright-core')

const url = process.argv[2]
const timeout = 60000 * Number(process.env.RK_SLOW || 1)

// A window; closed windows close their sockets.
async function open(browser) {
	const context = await browser.newContext({
		viewport: { width: 800, height: 600 } })
	const page = await context.newPage()

	page.setDefaultTimeout(timeout)
	page.problems = []
	page.on('pageerror', e => page.problems.push(e.message))
	await page.goto(url)
	await page.waitForSelector('body[data-people]')
	return page
}

const people = (page, n) =>
	page.waitForSelector(`body[data-people="${n}"]:not([data-id=""])`)

const id = page => page.evaluate(() => document.body.dataset.id)

const isServer = page =>
	page.evaluate(() => document.body.dataset.server === 'true')

async function move(from, to, x, y) {
	const dot = `.point[data-id="${await id(from)}"]`

	await from.mouse.move(x, y)
	await to.waitForFunction(([dot, x, y]) => {
		const box = document.querySelector(dot)?.getBoundingClientRect()

		return box && Math.abs(box.x + 11 - x) < 2 &&
			Math.abs(box.y + 11 - y) < 2
	}, [dot, x, y])
}

async function server(pages) {
	const flags = await Promise.all(pages.map(isServer))

	assert.strictEqual(flags.filter(Boolean).length, 1, 'one server')
	return pages[flags.indexOf(true)]
}

// The seed's snippets: connect, become a client, send data, close.
async function snippets(page) {
	await page.evaluate(where => new Promise(resolve => {
		window.got = []
		window.conn = new WebSocket(where)
		conn.onopen = function (e) {
			console.log("Connection established!")
			resolve()
		}
		conn.onmessage = function (e) {
			console.log(e.data)
			got.push(JSON.parse(e.data))
		}
	}), url.replace(/^http/, 'ws'))
	await page.evaluate(() => {
		conn.send('{"connect": "client"}');
		conn.send('{"data": {"name": "Bob", "x": 0.25, "y": 0.5}}');
	})
	await page.waitForFunction(() => got.length > 0)
	return page.evaluate(() => got[0].client_id)
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu'] })
	const pages = []

	for (let n = 1; n <= 3; n++)
		pages.push(await open(browser))
	await Promise.all(pages.map(page => people(page, 3)))
	await move(pages[0], pages[1], 300, 200)
	await move(pages[2], pages[0], 100, 500)

	const old = await server(pages)
	await old.context().close()
	const rest = pages.filter(page => page !== old)
	await Promise.all(rest.map(page => people(page, 2)))
	await Promise.race(rest.map(page =>
		page.waitForSelector('body[data-server="true"]')))
	await move(rest[0], rest[1], 600, 300)
	await move(rest[1], rest[0], 50, 50)

	const bob = await snippets(rest[0])
	await rest[1].waitForSelector(`.point[data-id="${bob}"]`)
	await Promise.all(rest.map(page => people(page, 3)))
	await rest[0].evaluate(() => conn.close())
	await Promise.all(rest.map(page => people(page, 2)))

	for (const page of rest)
		assert.deepStrictEqual(page.problems, [])
	if (process.argv[3])
		await rest[1].screenshot({ path: process.argv[3] })
	await browser.close()
}

main().catch(e => {
	console.error(e.message)
	process.exit(1)
})
