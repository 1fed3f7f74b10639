// SPDX-License-Identifier: ISC
//
// churn.js URL N: N Socket.IO sessions that poll come and go, 16 at a time, of
// both versions, each ending in another way: by a close packet, by nonsense, by
// a GET that is given up, by two at once, by attachments that never come or that
// nobody announced, by silence.
'use strict'
const http = require('http')
const [url, n] = process.argv.slice(2)

function ask(method, query, body = '', giveUp = false) {
	return new Promise((resolve, reject) => {
		const request = http.request(`${url}/socket.io/?${query}`, { method,
			agent: false, headers: { 'Content-Length': body.length } },
		(answer) => {
			let text = ''

			answer.on('data', (piece) => { text += piece })
			answer.on('end', () => resolve([answer.statusCode, text]))
		})

		request.on('error', giveUp ? () => resolve() : reject)
		request.end(body)
		if (giveUp)
			setTimeout(() => request.destroy(), 5)
	})
}

const ends = [
	(post) => post('1'),
	(post) => post('nonsense'),
	(post, get) => get(true),
	(post, get) => Promise.all([get(true), get(true)]),
	(post) => post('bAQID'),
	(post) => post('451-["a",{"_placeholder":true,"num":0}]'),
	() => {},
	async (post) => {
		await post('42["b",1]')
		await post('41')
		await post('1')
	}
]

// When there are too many, it comes again.
async function handshake(version) {
	for (;;) {
		const [status, text] = await ask('GET',
			`EIO=${version}&transport=polling`)

		if (status === 200)
			return /"sid":"([^"]+)"/.exec(text)[1]
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
}

async function session(i) {
	const version = 3 + Math.floor(i / ends.length) % 2
	const sid = await handshake(version)
	const query = `EIO=${version}&transport=polling&sid=${sid}`
	const post = (text) => ask('POST', query,
		version === 3 ? `${text.length}:${text}` : text)

	if (version === 4)
		await post('40')
	await ends[i % ends.length](post,
		(giveUp) => ask('GET', query, '', giveUp))
	if (i % 7 === 0)
		await ask('GET', query, '', true)
}

async function main() {
	let next = 0

	await Promise.all([...Array(16)].map(async () => {
		while (next < n)
			await session(next++)
	}))
}

main().catch((e) => {
	console.error(e)
	process.exit(1)
})
