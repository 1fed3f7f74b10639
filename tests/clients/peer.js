// SPDX-License-Identifier: ISC
//
// peer.js PATH: a connection to a Unix socket by hand: lines of stdin go in,
// lines that come are printed, and its end is ours.
'use strict'
const net = require('net')

const peer = net.connect(process.argv[2])

process.stdin.pipe(peer)
peer.pipe(process.stdout)
peer.on('error', e => {
	console.error(e.message)
	process.exit(1)
})
peer.on('close', () => process.exit(0))
