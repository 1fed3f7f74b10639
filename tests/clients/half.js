// SPDX-License-Identifier: ISC
//
// half.js URL WHAT N: Socket.IO clients that begin and do not go on, and prints
// how they were answered: "STATUS HOW-MANY" in order.
//
//   sessions   N handshakes of both versions, that never poll; some of them
//              joined a namespace
//   heads      N requests at once, each with 1 MiB of head
//   joins      N sessions at once, each with a CONNECT of 1 MiB
'use strict'
const http = require('http')
const [url, what, n] = process.argv.slice(2)
const MEGA = 'x'.repeat(1 << 20)
const counts = new Map()

function count(status) {
	counts.set(status, (counts.get(status) || 0) + 1)
}

// [status, text]; one that is hung up on has the status 0.
function ask(method, query, body = '', headers = {}) {
	return new Promise((resolve) => {
		const request = http.request(`${url}/socket.io/?${query}`, { method,
			agent: false, headers: { 'Content-Length': body.length,
				...headers } },
		(answer) => {
			let text = ''

			answer.on('data', (piece) => { text += piece })
			answer.on('end', () => resolve([answer.statusCode, text]))
			answer.on('error', () => resolve([0, '']))
		})

		request.on('error', () => resolve([0, '']))
		request.end(body)
	})
}

async function session(version) {
	const query = `EIO=${version}&transport=polling`
	const [status, text] = await ask('GET', query)
	const sid = /"sid":"([^"]+)"/.exec(text)

	return [status, sid ? `${query}&sid=${sid[1]}` : null]
}

const ways = {
	async sessions(i) {
		const [status, query] = await session(3 + i % 2)

		if (query && i % 4 === 1)
			await ask('POST', query, '40')
		count(status)
	},
	async heads() {
		count((await ask('GET', 'EIO=4&transport=polling', '',
			{ 'X-A': MEGA }))[0])
	},
	async joins() {
		const [, query] = await session(4)

		count((await ask('POST', query, `40{"a":"${MEGA}"}`))[0])
	}
}

async function main() {
	let next = 0

	await Promise.all([...Array(what === 'sessions' ? 32 : +n)].map(
		async () => {
			while (next < n)
				await ways[what](next++)
		}))
	for (const status of [...counts.keys()].sort())
		console.log(status, counts.get(status))
}

main()
