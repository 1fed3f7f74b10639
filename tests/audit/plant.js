// SPDX-License-Identifier: ISC
//
// plant.js LOG WHAT: prints the log of an audit that went well, with one thing
// wrong in the middle of it, so that a test sees that the judge notices.
//
//   lose, double, swap : served or heard   that entry is left out, comes
//                  twice, or changes places with the next one of its client
//   again:served   a call arrives twice, as two messages
//   stray:heard    an event comes to a client that it is not for
//   hang           a client is disconnected
//   late:result    a result never comes
//   leak           a stage gains 100 KiB a sample, when it should be flat
//   grow           a process has 40 MiB more while something stands still
'use strict'
const fs = require('fs')
const [file, plant] = process.argv.slice(2)
const [verb, what] = plant.split(':')
const entries = fs.readFileSync(file, 'utf8').trim().split('\n').map(JSON.parse)

const middle = kind => {
	const all = entries.filter(e => e.what === kind)

	return entries.indexOf(all[all.length >> 1])
}
const at = what ? middle(what) : entries.length >> 1
const it = entries[at]
const insert = (...more) => entries.splice(at + 1, 0, ...more)

const verbs = {
	lose: () => entries.splice(at, 1),
	double: () => insert(it),
	swap() {
		const next = entries.findIndex((e, i) => i > at &&
			e.what === what && e.client === it.client)

		entries.splice(next + 1, 0, it)
		entries.splice(at, 1)
	},
	again: () => insert({ ...it, message: 'another' }),
	stray: () => insert({ ...it, client: 'nobody' }),
	hang: () => insert({ t: it.t, what: 'closed', client: 'c0', code: 1006 }),
	late: () => entries.splice(at, 1),
	leak: () => insert({ t: it.t, what: 'warm' },
		...Array.from({ length: 40 }, (_, i) => ({ t: it.t + i,
			what: 'rss', stage: 'leaky', pid: 1,
			kib: 10000 + 100 * i }))),
	grow: () => insert(
		{ t: it.t, what: 'rss', stage: 'route', pid: 1, kib: 10000 },
		{ t: it.t, what: 'stop', stage: 'backend' },
		{ t: it.t, what: 'rss', stage: 'route', pid: 1, kib: 50000 })
}

verbs[verb]()
process.stdout.write(entries.map(e => JSON.stringify(e) + '\n').join(''))
