// SPDX-License-Identifier: ISC
//
// audit.js OPTION=VALUE...: runs an assembly under load, does things to its
// stages at random moments, writes down what happened and judges it.
//
//   assembly=chain     or services, bare, pipes (stages.js)
//   dir=DIR            where sockets and the log (DIR/log) go
//   rules=FILE         the rules of rk-route
//   clients=10         calls and events are dealt out to them in turn
//   calls=5000 events=5000   all together
//   rate=500           of each, a second; 0: as fast as they go
//   pad=0              bytes in a call
//   faults=kill:route,kill:bridge   what is done, one after the other:
//                      kill:, term: a stage; swap:route: other rules, by HUP;
//                      stop:STAGE:MS: it stands still
//                      The list is shuffled, and again when it is through
//   times=10           so many in all, at least `every` ms apart: while the
//   every=0            load lasts, else as long as it takes
//   seconds=0          the load goes on for so long, whatever calls= says, and
//                      until all of that was done
//   flat=0             1: memory is flat after a third of these
//   promise=0          1: what is lost is an outcome, no fault: nobody asks
//                      again, and the end is when nothing comes any more
//   limit=60           seconds for the end (times RK_SLOW): when the load was
//                      given, for all of it to arrive
//   seed=N             default: of the clock
//
// Prints the seed first, then "fault N of TIMES: ..." as they happen, what
// was judged, and exits as judge.js does.  A line on stdin is written down:
// "kill broker" by who is about to do it, "over broker" when it is done.
'use strict'
const fs = require('fs')
const readline = require('readline')
const { Judge } = require('./judge')
const { Client, Publisher } = require('./load')
const { Stages } = require('./stages')

const TICK = 10		// ms
const QUIET = 3000	// ms
const SAMPLE = 250
const options = Object.assign({ assembly: 'chain', dir: '.', rules: '',
	clients: 10, calls: 5000, events: 5000, rate: 500, pad: 0, faults: '',
	times: 0, every: 0, seconds: 0, flat: 0,
	promise: 0, limit: 60,
	seed: Date.now() % 1000000 }, Object.fromEntries(
	process.argv.slice(2).map(word => word.split(/=(.*)/s))))

for (const key of ['clients', 'calls', 'events', 'rate', 'pad', 'times',
	'every', 'seconds', 'flat', 'promise', 'limit', 'seed'])
	options[key] = Number(options[key])
options.pad = 'x'.repeat(options.pad)

const entries = []
const began = Date.now()

const log = (what, more) =>
	entries.push({ t: Date.now() - began, what, ...more })

// mulberry32
let state = options.seed
function random() {
	let x = state = state + 0x6d2b79f5 | 0

	x = Math.imul(x ^ x >>> 15, x | 1)
	x ^= x + Math.imul(x ^ x >>> 7, x | 61)
	return ((x ^ x >>> 14) >>> 0) / 4294967296
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const hasBroker = options.assembly !== 'bare'

const stages = new Stages(options, log)
const clients = Array.from({ length: options.clients }, (_, i) =>
	new Client(`c${i}`, options, () => stages.port, log))
const publisher = new Publisher(log)
const events = new Map(clients.map(c => [c, 0]))
let given = { calls: 0, events: 0 }, swaps = 0, isHurt = true

function call(c) {
	c.call()
	given.calls++
}

function event(c) {
	events.set(c, events.get(c) + 1)
	publisher.event(c.name, events.get(c))
	given.events++
}

// How much is due now; whoever is full is left out this time.
function give(elapsed) {
	const due = options.rate ? elapsed * options.rate / 1000 : Infinity
	const most = options.seconds ? Infinity : options.calls
	const free = clients.filter(c => !c.isFull())

	for (let i = 0; free.length > 0 && given.calls < Math.min(due, most) &&
	    i < 1000; i++)
		call(free[given.calls % free.length])
	while (hasBroker && given.events < Math.min(due,
	    options.seconds ? Infinity : options.events) &&
	    publisher.unconfirmed.size < 1000)
		event(clients[given.events % clients.length])
}

const givenAll = elapsed => options.seconds ? elapsed > options.seconds * 1000 :
	given.calls >= options.calls &&
	(!hasBroker || given.events >= options.events)

const arrived = () => publisher.unconfirmed.size === 0 &&
	clients.every(c => c.unanswered.size === 0 &&
		c.heard >= events.get(c))

async function load() {
	const start = Date.now()

	while (!givenAll(Date.now() - start) || (options.seconds && isHurt)) {
		give(Date.now() - start)
		await pause(TICK)
	}
}

const isBack = c => c.isOpen && !c.unanswered.has(c.calls) &&
	c.heard >= events.get(c)

// What is lost never comes: until each client has had one more of each, and
// nothing has come for a while.
async function quiet(end) {
	const slow = Number(process.env.RK_SLOW || 1)
	const news = () => entries.filter(e => /^(served|result|accepted|heard)$/
		.test(e.what)).length
	let before = -1

	while (!arrived() && Date.now() < end &&
	    (!clients.every(isBack) || before !== news())) {
		before = news()
		clients.filter(c => !isBack(c)).forEach(oneMore)
		await pause(QUIET * slow)
	}
}

function oneMore(c) {
	if (c.isOpen)
		call(c)
	if (hasBroker)
		event(c)
}

// Everything arrives; then one more of each, behind all that may come twice.
async function arrival() {
	const end = Date.now() +
		options.limit * 1000 * Number(process.env.RK_SLOW || 1)
	const all = async () => {
		while (!arrived() && Date.now() < end)
			await pause(TICK)
	}

	if (options.promise) {
		await quiet(end)
		return
	}
	await all()
	if (!arrived())
		return
	clients.forEach(oneMore)
	await all()
}

// The rules again, in a file of the same name, with a mark in what they make.
function swap() {
	const rules = fs.readFileSync(process.env.AUDIT_RULES, 'utf8')
	const marked = rules.replace('(.data | del(.token))',
		`(.data | del(.token) + {rules: ${++swaps}})`)

	if (marked === rules)
		throw new Error('the rules have no place for a mark')
	fs.writeFileSync(`${options.rules}.new`, marked)
	fs.renameSync(`${options.rules}.new`, options.rules)
	log('swap', { rules: swaps })
	return stages.signal('route', 'SIGHUP')
}

async function stop(stage, ms) {
	if (!stages.signal(stage, 'SIGSTOP'))
		return false
	await pause(ms)
	return stages.signal(stage, 'SIGCONT')
}

const verbs = {
	kill: stage => stages.signal(stage, 'SIGKILL'),
	term: stage => stages.signal(stage, 'SIGTERM'),
	swap,
	stop
}

// All of the list once, in a random order; then again.
function *deck(list) {
	for (let left = []; ; ) {
		if (left.length === 0)
			left = [...list]
		yield left.splice(Math.floor(random() * left.length), 1)[0]
	}
}

// Random moments, spread over the load; a stage that is not there at its
// moment is waited for.
async function faults() {
	const cards = deck(options.faults.split(',')), n = options.times
	const span = options.seconds || Math.max(options.calls, options.events) /
		(options.rate || 5000)
	const mean = Math.max(options.every, span * 1000 / (n + 1))

	for (let i = 1; i <= n; i++) {
		const fault = cards.next().value
		const [verb, stage, ms] = fault.split(':')

		await pause(options.seconds ? mean : mean * (0.5 + random()))
		while (!await verbs[verb](stage, +ms))
			await pause(TICK)
		console.log(`fault ${i} of ${n}: ${fault}`)
	}
	isHurt = false
}

async function main() {
	console.log(`seed ${options.seed}`)
	log('begin', { assembly: options.assembly,
		promise: options.promise })
	if (hasBroker) {
		await publisher.open()
		await publisher.empty()
	}
	await stages.start()
	await Promise.all(clients.map(c => c.open()))
	console.log('open')

	const timer = setInterval(() => stages.sample(), SAMPLE)

	stages.sample()
	if (options.flat)
		setTimeout(() => log('warm'), options.seconds * 1000 / 3)
	await Promise.all([load(), faults()])
	clearInterval(timer)
	await arrival()
	clients.forEach(c => c.end())
	await publisher.end().catch(() => {})
	await stages.stop()
	fs.writeFileSync(`${options.dir}/log`,
		entries.map(e => JSON.stringify(e) + '\n').join(''))

	const judge = new Judge()

	judge.judge(entries)
	judge.print(process.stdout)
	process.exit(judge.faults.length > 0 ? 1 : 0)
}

readline.createInterface({ input: process.stdin }).on('line', line => {
	const [what, stage] = line.split(' ')

	log(what, { stage })
})
process.on('SIGTERM', () => stages.stop().then(() => process.exit(143)))
main().catch(e => {
	console.error(e.stack)
	stages.stop().then(() => process.exit(111))
})
