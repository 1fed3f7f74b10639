// SPDX-License-Identifier: ISC
//
// router.js FILE [WINDOW]: the smallest router there is, as a co-process.
// Attaches on stdin and stdout, writes each frame to FILE as it came, and
// settles it, unless its data says otherwise (USR1 releases all, too):
//
//   {"hold": any}      not before a release
//   {"release": any}   all that is held, and this; {"first": any}: the oldest
//   {"refuse": why}    refuses it
//   {"say": [frame, ...]}  sends these first
'use strict'
const fs = require('fs')
const readline = require('readline')

const out = fs.openSync(process.argv[2], 'a')
let held = [], seq = 0

function say(object) {
	fs.writeSync(1, JSON.stringify(object) + '\n')
}

function settle(seqs) {
	say({ type: 'ack', seq: seqs.map(n => [n, n]) })
}

function take(frame) {
	const data = frame.data || {}

	for (const f of data.say || [])
		say({ ...f, seq: ++seq, of: ['theroutersown', frame.seq, seq] })
	if (data.refuse)
		say({ type: 'ack', refused: [[frame.seq, data.refuse]] })
	else if (data.hold)
		held.push(frame.seq)
	else if (data.first)
		settle([held.shift(), frame.seq])
	else if (data.release)
		settle(held.splice(0).concat(frame.seq))
	else
		settle([frame.seq])
}

process.on('SIGUSR1', () => settle(held.splice(0)))
say({ type: 'attach', v: 1, as: 'router', name: 'test',
	boot: 'theroutersown', window: Number(process.argv[3] || 4194304) })
readline.createInterface({ input: process.stdin }).on('line', line => {
	const frame = JSON.parse(line)

	fs.writeSync(out, line + '\n')
	if (frame.type !== 'ack' && frame.seq !== undefined)
		take(frame)
})
