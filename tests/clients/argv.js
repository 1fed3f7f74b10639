// SPDX-License-Identifier: ISC
//
// argv.js FILE: what ps shows of the processes of this test (those with our
// RK_TEST), looked up again and again: each new command line is a line of FILE.
'use strict'
const fs = require('fs')

const out = fs.openSync(process.argv[2], 'a')
const mine = `RK_TEST=${process.env.RK_TEST}\0`
const seen = new Set()

function look(pid) {
	try {
		const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')

		if (line === '' || seen.has(line) ||
		    !fs.readFileSync(`/proc/${pid}/environ`, 'latin1')
			.includes(mine))
			return
		seen.add(line)
		fs.writeSync(out, line.replace(/[\0\n]/g, ' ') + '\n')
	} catch {
		// it has ended
	}
}

console.log('looking')
setInterval(() => fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))
	.forEach(look), 10)
