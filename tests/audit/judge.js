// SPDX-License-Identifier: ISC
//
// judge.js LOG: judges what an audit wrote down; prints figures, then a line
// for each fault, and exits 1 when there is one.
//
// The log has a JSON object a line, in the order in which things happened;
// all have `t` (ms) and `what`:
//
//   begin     assembly; promise: what is lost is an outcome, and no fault
//   open closed       client, code
//   call      client, id          given to its socket; again when asked again
//   served    client, id, message, again    the back end got it
//   result    client, id          its client got it
//   event     client, id          given to the broker; again likewise
//   accepted  client, id          the broker confirmed it
//   heard     client, id          its client got it
//   kill      stage               before it is done; stage "broker": restarted,
//                                 or its connections reset, until
//   over      stage
//   stop go   stage               it stands still; a call in the last quarter
//                                 of that is a late one
//   swap      rules               from here on results have other rules
//   died      stage, how          by itself
//   rss       stage, pid, kib
//   warm      memory must not grow any more
//
// What is promised (rk(7), PROMISES):
//
//  - A call whose client stayed is at the back end, and has its result; those
//    of a client arrive in their order.
//  - An event that was accepted is heard by its client, if its connection
//    stays; those of a connection are heard in order, none left out.
//  - What comes twice was on its way when a stage died that the repeat needs:
//    a call has its message_id then, events are at most a prefetch a death.
//  - No client is disconnected but by the death of the listener.
//  - A process has at most 32 MiB more while something stands still, and a
//    stage that is warm gains at most 2 MiB by the end; not the back end, which
//    is node's, and as large as that likes.
'use strict'
const fs = require('fs')

const PREFETCH = 200
const STANDING = 32 << 10	// KiB
const FLAT = 2 << 10
const SHOWN = 20

// A router that dies in a chain takes the bridge with it.
function causes(assembly) {
	const bridge = ['bridge', 'broker'].concat(
		assembly === 'services' ? [] : ['route', 'listen'])

	return { heard: bridge, served: bridge.concat('backend') }
}

class Judge {
	constructor() {
		this.faults = []
		this.outcome = new Set()	// what was lost, what came twice
		this.figures = { calls: 0, served: 0, events: 0, heard: 0,
			results: 0, kills: 0, stops: 0, swaps: 0,
			'calls twice': 0, 'events twice': 0,
			'calls lost': 0, 'events lost': 0, 'late calls': 0 }
		this.asked = []
		this.clients = new Map()
		this.kills = []
		this.rss = new Map()
		this.rules = new Set()
		this.causes = causes('chain')
	}

	fault(text) {
		this.faults.push(text)
	}

	// Where it is asked what a death costs, it is no fault.
	cost(kind, isExcused, text) {
		this.outcome.add(kind)
		if (!this.promise && !isExcused)
			this.fault(text)
	}

	client({ client: name }) {
		if (!this.clients.has(name))
			this.clients.set(name, { name, calls: new Map(),
				events: new Map(), opened: -1, closed: -1,
				heard: 0, served: 0 })
		return this.clients.get(name)
	}

	// Was it on its way when a stage died of which repeats come?
	excused(kind, from, to) {
		return this.kills.some(k => from <= k.until && k.t <= to &&
			this.causes[kind].includes(k.stage))
	}

	begin({ assembly, promise }) {
		this.promise = promise
		this.causes = causes(assembly)
	}

	open(e) {
		const c = this.client(e)

		c.opened = e.t
		c.expected = null
	}

	closed(e) {
		const c = this.client(e)

		c.closed = e.t
		this.cost('lost connections', this.kills.some(k =>
			k.stage === 'listen' && k.t >= c.opened),
			`${c.name}: disconnected: ${e.code}`)
	}

	call(e) {
		const { calls } = this.client(e)

		this.asked.push(e.t)

		if (!calls.has(e.id)) {
			calls.set(e.id, { t: e.t, asked: 0, copies: [],
				messages: new Set(), results: 0 })
			this.figures.calls++
		}
		calls.get(e.id).asked++
		calls.get(e.id).last = e.t
	}

	served(e) {
		const c = this.client(e), call = c.calls.get(e.id)

		if (call === undefined) {
			this.fault(`${c.name}: call ${e.id}: from nowhere`)
			return
		}
		call.messages.add(e.message)
		if (call.copies.push(e.t) > 1)
			this.servedTwice(c, call, e)
		else if (e.id < c.served && call.asked === 1)
			this.fault(`${c.name}: call ${e.id}: after ${c.served}`)
		else
			this.figures.served++
		c.served = Math.max(c.served, e.id)
	}

	servedTwice(c, call, e) {
		this.figures['calls twice']++
		if (call.messages.size > call.asked)
			this.fault(`${c.name}: call ${e.id}: ` +
				`as ${[...call.messages].join(' and ')}`)
		this.cost('twice calls', call.asked > 1 ||
			this.excused('served', call.t, e.t),
			`${c.name}: call ${e.id}: twice`)
	}

	result(e) {
		const call = this.client(e).calls.get(e.id)

		if (call === undefined)
			this.fault(`${e.client}: result ${e.id}: from nowhere`)
		else if (call.results++ === 0)
			this.figures.results++
		if (e.rules !== undefined)
			this.rules.add(e.rules)
	}

	event(e) {
		const { events } = this.client(e)

		if (!events.has(e.id)) {
			events.set(e.id, { t: e.t, sent: 0, heard: 0 })
			this.figures.events++
		}
		events.get(e.id).sent++
	}

	accepted(e) {
		this.client(e).events.get(e.id).accepted = true
	}

	heard(e) {
		const c = this.client(e), event = c.events.get(e.id)

		if (event === undefined) {
			this.fault(`${c.name}: event ${e.id}: from nowhere`)
			return
		}
		if (event.heard++ > 0) {
			this.figures['events twice']++
			if (event.heard <= event.sent)
				return
			this.cost('twice events',
				this.excused('heard', event.t, e.t),
				`${c.name}: event ${e.id}: twice`)
			return
		}
		this.figures.heard++
		this.inOrder(c, e.id)
	}

	// The first copies of a connection: what was sent since it is open, in
	// order and without a gap.
	inOrder(c, id) {
		if (c.expected !== null && id < c.expected)
			this.fault(`${c.name}: event ${id}: ` +
				`after ${c.expected - 1}`)
		for (let gap = c.expected === null ? 1 : c.expected;
		    gap < id; gap++) {
			const missed = c.events.get(gap)

			if (missed.t >= c.opened && missed.heard === 0 &&
			    !this.promise)
				this.fault(`${c.name}: event ${gap}: ` +
					`${id} came before it`)
		}
		c.expected = Math.max(c.expected || 0, id + 1)
	}

	kill(e) {
		this.figures.kills++
		this.kills.push({ ...e,
			until: e.stage === 'broker' ? Infinity : e.t })
	}

	over({ t, stage }) {
		for (const k of this.kills)
			if (k.stage === stage)
				k.until = Math.min(k.until, t)
	}

	stop(e) {
		this.figures.stops++
		for (const series of this.rss.values())
			series.before = series.last
		this.stopped = e.t
		this.asked = []
	}

	go({ t }) {
		const late = t - (t - this.stopped) / 4

		this.figures['late calls'] +=
			this.asked.filter(asked => asked > late).length
	}

	swap() {
		this.figures.swaps++
	}

	died({ stage, how }) {
		this.fault(`${stage}: died by itself: ${how}`)
	}

	rss_(e) {
		const key = `${e.stage} ${e.pid}`, s = this.rss.get(key) ||
			{ stage: e.stage, before: null, over: 0 }

		this.rss.set(key, s)
		s.last = e.kib
		if (s.before !== null)
			s.over = Math.max(s.over, e.kib - s.before)
		if (this.warmed !== undefined)
			this.flat.push(e)
	}

	warm({ t }) {
		this.warmed = t
		this.flat = []
	}

	end() {
		for (const c of this.clients.values()) {
			for (const [id, call] of c.calls)
				this.ended(c, id, call)
			for (const [id, event] of c.events)
				this.missed(c, id, event)
		}
		const allowed = PREFETCH * this.kills.filter(k =>
			this.causes.heard.includes(k.stage)).length

		if (this.figures['events twice'] > allowed && !this.promise)
			this.fault(`${this.figures['events twice']} events ` +
				`twice, not ${allowed} at most`)
		// of two swaps at once only the last is seen
		if (this.rules.size < this.figures.swaps / 2)
			this.fault(`${this.rules.size} rules of ` +
				`${this.figures.swaps} were seen`)
		this.memory()
	}

	// A client whose connection broke has to ask again.
	ended(c, id, call) {
		const stayed = c.closed < call.last

		if (call.copies.length === 0 && (stayed || this.promise ||
		    call.results > 0)) {
			this.figures['calls lost']++
			this.cost('lost calls', false,
				`${c.name}: call ${id}: lost`)
		} else if (call.results === 0 && (stayed || this.promise))
			this.cost('lost results', false,
				`${c.name}: call ${id}: no result`)
	}

	missed(c, id, event) {
		if (event.heard > 0)
			return
		if (event.accepted && (this.promise || (event.t >= c.opened &&
		    c.closed <= c.opened))) {
			this.figures['events lost']++
			this.cost('lost events', false,
				`${c.name}: event ${id}: lost`)
		}
	}

	memory() {
		for (const [name, { over }] of this.rss)
			if (over > STANDING)
				this.fault(`${name}: ${over} KiB more than ` +
					'before it stood still')
		if (this.warmed === undefined)
			return
		for (const stage of new Set(this.flat.map(e => e.stage))) {
			const growth = slope(this.flat.filter(e =>
				e.stage === stage))

			this.figures[`${stage} KiB`] = Math.round(growth)
			if (growth > FLAT && stage !== 'backend')
				this.fault(`${stage}: grew by ` +
					`${Math.round(growth)} KiB`)
		}
	}

	judge(entries) {
		for (const e of entries)
			(e.what === 'rss' ? this.rss_ : this[e.what])
				.call(this, e)
		this.end()
		return this.faults
	}

	print(stream) {
		const words = Object.entries(this.figures).filter(([, n]) => n)
			.map(([name, n]) => `${n} ${name}`)
		const over = this.faults.length - SHOWN

		stream.write(words.join(', ') + '\n')
		if (this.promise)
			for (const word of [...this.outcome].sort())
				stream.write(`outcome: ${word}\n`)
		for (const fault of this.faults.slice(0, SHOWN))
			stream.write(`fault: ${fault}\n`)
		if (over > 0)
			stream.write(`and ${over} more\n`)
	}
}

// What the line of least squares gains from its begin to its end.
function slope(series) {
	const n = series.length
	const mean = key => series.reduce((s, e) => s + e[key], 0) / n
	const t = mean('t'), kib = mean('kib')
	let over = 0, under = 0

	for (const e of series) {
		over += (e.t - t) * (e.kib - kib)
		under += (e.t - t) ** 2
	}
	return under ? over / under * (series[n - 1].t - series[0].t) : 0
}

module.exports = { Judge }

if (require.main === module) {
	const judge = new Judge()

	judge.judge(fs.readFileSync(process.argv[2], 'utf8').trim()
		.split('\n').map(line => JSON.parse(line)))
	judge.print(process.stdout)
	process.exit(judge.faults.length > 0 ? 1 : 0)
}
