// SPDX-License-Identifier: ISC
//
// promises.js: the table of rk(7), PROMISES, and where it comes from.
//
// promises.json has, for each assembly and stage, the worst that was ever
// measured when that stage was killed: what was lost, and what came twice; and,
// by hand, what nothing excludes but is too rare to be seen each time.
// tests/promises.bats measures again: more than that is a failure, until
// `make promises` has put it down, and into the page.
//
//   promises.js check ASSEMBLY STAGE   reads what audit.js printed; says what is
//                     worse than promised, and exits 1; with RK_PROMISES set it
//                     is put down instead
//   promises.js page                   a filter: puts the table between the
//                     marks of a page
'use strict'
const fs = require('fs')

const RECORD = `${__dirname}/promises.json`
const MARKS = /(\.\\" promises: .*\n)[^]*(\.\\" end of promises\n)/
const stages = { listen: 'listener', route: 'router', bridge: 'bridge',
	publish: 'publisher', backend: 'back end', broker: 'broker' }
const assemblies = { pipes: 'plain pipes', chain: 'co-processes',
	services: 'services', bare: 'a bare back end' }
const nouns = ['connections', 'calls', 'results', 'events']

const record = JSON.parse(fs.readFileSync(RECORD, 'utf8'))

function check(cell) {
	const out = fs.readFileSync(0, 'utf8')
	const found = [...out.matchAll(/^outcome: (.*)$/gm)].map(m => m[1])
	const known = record[cell] || []
	const worse = found.filter(word => !known.includes(word))

	console.log(`${cell}: ${found.join(', ') || 'nothing'}`)
	if (process.env.RK_PROMISES) {
		record[cell] = [...known, ...worse].sort()
		fs.writeFileSync(RECORD, JSON.stringify(record, null, '\t') + '\n')
	} else if (worse.length > 0 || !record[cell]) {
		console.log(`worse than promised: ${worse.join(', ')}`)
		process.exit(1)
	}
}

function words(cell, verb) {
	const found = nouns.filter(noun => cell.includes(`${verb} ${noun}`))

	return found.length > 0 ? found.join(', ') : 'nothing'
}

function rows() {
	const list = []

	for (const [stage, name] of Object.entries(stages))
		for (const [assembly, where] of Object.entries(assemblies)) {
			const cell = record[`${assembly} ${stage}`]

			if (cell)
				list.push([name, where, words(cell, 'lost'),
					words(cell, 'twice')])
		}
	return list
}

function table() {
	const widths = ['publisher', 'a bare back end',
		'connections, calls, results, events', 'calls, events']

	return `.Bl -column ${widths.map(w => `"${w}"`).join(' ')}\n` +
		'.It Em killed Ta Em in Ta Em may be lost Ta Em may come twice\n' +
		rows().map(row => `.It ${row.join(' Ta ')}\n`).join('') + '.El\n'
}

function page() {
	const text = fs.readFileSync(0, 'utf8')

	if (!MARKS.test(text)) {
		console.error('promises.js: no marks in this page')
		process.exit(100)
	}
	process.stdout.write(text.replace(MARKS, (_, begin, end) =>
		begin + table() + end))
}

const [verb, ...rest] = process.argv.slice(2)

if (verb === 'check')
	check(rest.join(' '))
else
	page()
