// SPDX-License-Identifier: ISC
//
// end.js serve|attach PATH AS BOOT [WINDOW]: the other end of a tracked link.
// Writes each frame of stdin with a seq; prints what comes, acks too.  Settles
// what comes, unless its data says otherwise:
//
//   {"hold": any}      not before the line "release" on stdin
//   {"refuse": why}    refuses it
'use strict'
const fs = require('fs')
const net = require('net')
const readline = require('readline')

const [how, path, as, boot, window = '4194304'] = process.argv.slice(2)
let held = [], seq = 0, peer

function say(object) {
	peer.write(JSON.stringify(object) + '\n')
}

function settled(...seqs) {
	say({ type: 'ack', seq: seqs.map(n => [n, n]) })
}

function settle({ seq, data }) {
	if (data && data.refuse)
		say({ type: 'ack', refused: [[seq, data.refuse]] })
	else if (data && data.hold)
		held.push(seq)
	else
		settled(seq)
}

function hello(type) {
	say({ type, v: 1, as, name: 'end', boot, window: Number(window) })
}

function take(line) {
	const frame = JSON.parse(line)

	fs.writeSync(1, line + '\n')
	if (frame.type === 'attach')
		hello('ready')
	else if (frame.type !== 'ack' && frame.seq !== undefined)
		settle(frame)
}

function meet(socket) {
	peer = socket
	seq = 0
	peer.on('error', () => {})
	readline.createInterface({ input: peer }).on('line', take)
	if (how === 'attach')
		hello('attach')
}

if (how === 'serve')
	net.createServer(meet).listen(path, () => console.log('serving'))
else
	meet(net.connect(path).on('close', () => process.exit(0)))
readline.createInterface({ input: process.stdin }).on('line', line => {
	if (line === 'release')
		settled(...held.splice(0))
	else
		peer.write(line.slice(0, -1) + `,"seq":${++seq}}\n`)
})
