// SPDX-License-Identifier: ISC
//
// hostile.js URL VERSION [polling]: what a Socket.IO server does with odd
// messages.  Each line of stdin is one row: messages with spaces between,
// "hex:0102" for bytes, "empty" for none.  A row gets a session of its own, by
// WebSocket or by polling, joined to the namespace /; then it asks whether the
// server is still there.  Prints each row with "alive" or "closed".
'use strict'
const WebSocket = require('ws')
const rows = require('fs').readFileSync(0, 'utf8').trim().split('\n')
const [url, version, polling] = process.argv.slice(2)
const ALIVE = '42["echo","alive"]', BACK = '42["back","alive"]'

const bytes = (word) => word === 'empty' ? '' :
	word.startsWith('hex:') ? Buffer.from(word.slice(4), 'hex') : word

function play(row) {
	return new Promise((resolve) => {
		const ws = new WebSocket(`${url}/socket.io/?transport=websocket` +
			`&EIO=${version}`, { perMessageDeflate: false })

		ws.on('message', (data) => {
			const text = data.toString()

			if (text.startsWith('0') && version === '4')
				ws.send('40')
			else if (text.startsWith('40')) {
				for (const word of row.split(' '))
					ws.send(bytes(word))
				ws.send(ALIVE)
			} else if (text === BACK) {
				resolve('alive')
				ws.terminate()
			}
		})
		ws.on('error', () => {})
		ws.on('close', () => resolve('closed'))
	})
}

// A message as a body of its own.
function body(message) {
	const b64 = (b) => Buffer.from(b).toString('base64')

	if (version === '4')
		return typeof message === 'string' ? message : `b${b64(message)}`
	if (typeof message !== 'string')
		message = `b${message[0] ?? ''}${b64(message.slice(1))}`
	return message === '' ? '' : `${message.length}:${message}`
}

async function poll(row) {
	const query = `${url}/socket.io/?transport=polling&EIO=${version}`
	const open = await (await fetch(query)).text()
	const session = `${query}&sid=${/"sid":"([^"]+)"/.exec(open)[1]}`
	const post = (message) => fetch(session, { method: 'POST',
		body: body(message) }).then((answer) => answer.text())
	let heard = open.replace('{', '')

	// what comes until there is this, or no more
	const until = async (text) => {
		while (!heard.includes(text)) {
			const answer = await fetch(session)

			if (answer.status !== 200)
				return 'closed'
			heard += await answer.text()
		}
		return 'alive'
	}

	if (version === '4')
		await post('40')
	await until('40')
	for (const word of row.split(' '))
		await post(bytes(word))
	await post(ALIVE)
	const how = await until(BACK)
	if (how === 'alive') {		// nobody waits for it any more
		await post('1')
		await fetch(session)
	}
	return how
}

async function main() {
	for (const row of rows)
		console.log(await (polling ? poll : play)(row), row)
}

main()
