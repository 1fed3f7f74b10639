// SPDX-License-Identifier: ISC
//
// hostile.js URL VERSION: what a Socket.IO server does with odd messages.  Each
// line of stdin is one row: WebSocket messages with spaces between, "hex:0102"
// for bytes, "empty" for none.  A row gets a connection of its own, joined to
// the namespace /; then it asks whether the server is still there.  Prints each
// row with "alive" or "closed".
'use strict'
const WebSocket = require('ws')
const rows = require('fs').readFileSync(0, 'utf8').trim().split('\n')
const [url, version] = process.argv.slice(2)

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
				ws.send('42["echo","alive"]')
			} else if (text === '42["back","alive"]') {
				resolve('alive')
				ws.terminate()
			}
		})
		ws.on('error', () => {})
		ws.on('close', () => resolve('closed'))
	})
}

async function main() {
	for (const row of rows)
		console.log(await play(row), row)
}

main()
