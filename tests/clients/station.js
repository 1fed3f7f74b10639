// SPDX-License-Identifier: ISC
//
// station.js PATH [REFUSE [LEAVE [never]]]: the smallest station there is.
// Serves one Unix socket, answers attach, prints each frame without its seq,
// settles it (or never does); refuses those whose line contains REFUSE; leaves
// instead of settling the LEAVEth.  Prints "listening" first.
'use strict'
const fs = require('fs')
const net = require('net')
const readline = require('readline')

const [path, refuse = '', leave = '0', never] = process.argv.slice(2)
let left = Number(leave)

function print(object) {
	fs.writeSync(1, JSON.stringify(object) + '\n')
}

function settle(peer, seq, line) {
	const refused = refuse !== '' && line.includes(refuse)

	if (--left === 0)
		process.exit(0)
	peer.write(JSON.stringify(refused ?
		{ type: 'ack', refused: [[seq, 'not here']] } :
		{ type: 'ack', seq: [[seq, seq]] }) + '\n')
}

net.createServer(peer => {
	peer.on('error', () => {})
	readline.createInterface({ input: peer }).on('line', line => {
		const { seq, ...frame } = JSON.parse(line)

		print(frame)
		if (frame.type === 'attach')
			peer.write(JSON.stringify({ type: 'ready', v: 1,
				as: 'station', name: 'fake', boot: 'fakefakefake1',
				window: 65536 }) + '\n')
		else if (seq !== undefined && !never)
			settle(peer, seq, line)
	})
}).listen(path, () => console.log('listening'))
