// SPDX-License-Identifier: ISC
//
// jobs.js KILLS SEED: rk-jobs under kills.  We start it, are its router, and
// schedule, take, nack and cancel all the time, while it is killed, or our
// connection is cut, at random moments.  At the end: every job that was
// answered has fired, none twice unless marked, none after an answered cancel.
// Prints what was wrong, then a line of figures; exits 1 when anything was.
'use strict'
const { spawn } = require('child_process')
const net = require('net')
const readline = require('readline')

const kills = Number(process.argv[2])
let seed = Number(process.argv[3])
const WINDOW = 300		// commands of ours that are not settled
const boot = 'routerrouter1'

const jobs = new Map()		// by number
const unsettled = new Map()	// seq: frame
const count = { due: 0, again: 0, fired: 0, failed: 0, cancelled: 0 }
let next = 0, seq = 0, killed = 0, wrong = 0
let station, peer, ended = false

function random(n) {		// of no great quality, but repeatable
	seed = (seed * 1103515245 + 12345) % 2147483648
	return Math.floor(seed / 65536) % n
}

function complain(...what) {
	wrong++
	console.log('wrong:', ...what)
}

// --- the link ---

function put(frame) {
	if (peer)
		peer.write(JSON.stringify(frame) + '\n')
}

function send(frame) {
	frame.seq = ++seq
	unsettled.set(seq, frame)
	put(frame)
}

function acked({ seq: ranges = [], refused = [] }) {
	for (const [low, high] of ranges)
		for (let s = low; s <= high; s++)
			unsettled.delete(s)
	for (const [s] of refused)
		unsettled.delete(s)
	work()
}

function attached() {
	for (const frame of unsettled.values())
		put({ ...frame, again: true })
	work()
}

function connect() {
	const socket = net.connect('jobs.sock')
	let ready = false

	socket.on('error', () => {})
	socket.on('close', () => {
		peer = null
		if (!ended)
			setTimeout(connect, 5)
	})
	socket.on('connect', () => {
		socket.write(JSON.stringify({ type: 'attach', v: 1, as: 'router',
			name: 'test', boot, window: 1 << 20 }) + '\n')
		const lines = readline.createInterface({ input: socket })

		lines.on('error', () => {})
		lines.on('line', line => {
			const frame = JSON.parse(line)

			if (!ready && frame.type === 'ready') {
				ready = true
				peer = socket
				attached()
			} else if (frame.type === 'ack') {
				acked(frame)
			} else {
				take(frame)
				if (peer === socket && frame.seq)
					put({ type: 'ack', seq: [[frame.seq, frame.seq]] })
			}
		})
	})
}

function start() {
	station = spawn('rk-jobs', ['jobs.db', '-s', 'jobs.sock', '--pause',
		'5ms', '--keep', '1h'], { stdio: ['ignore', 'ignore', 'inherit'] })
	station.on('exit', (code, signal) => {
		if (signal !== 'SIGKILL' && !ended) {
			complain('rk-jobs ended', code, signal)
			process.exit(1)
		}
		if (!ended)
			start()
	})
}

// --- jobs ---

function work() {
	while (peer && killed < kills && unsettled.size < WINDOW) {
		const i = next++

		jobs.set(i, { tries: new Set() })
		send({ type: 'schedule', in: random(300), user: 'u' + i % 7,
			wait: i % 2 ? 60000 : 0, data: i, ref: ['s', i] })
	}
}

function due(frame) {
	const i = frame.data, job = jobs.get(i)

	count.due++
	if (job.tries.has(frame.try) && !frame.again)
		complain('twice, and not marked', i, JSON.stringify(frame))
	if (job.cancelled)
		complain('after its cancel was answered', i)
	if (frame.try > 1 || frame.again)
		count.again++
	job.tries.add(frame.try)
	job.id = frame.id
	if (i % 2)
		send(random(10) ? { type: 'done', id: frame.id } :
			{ type: 'nack', id: frame.id, why: 'not now' })
}

function take(frame) {
	const ref = frame.ref || []

	switch (frame.type) {
	case 'due':
		due(frame)
		break
	case 'scheduled': {
		const job = jobs.get(ref[1])

		if (job.id !== undefined && job.id !== frame.id)
			complain('two jobs of one schedule', ref[1])
		job.id = frame.id
		if (!job.answered && random(5) === 0)
			send({ type: 'cancel', id: frame.id, ref: ['c', ref[1]] })
		job.answered = true
		break
	}
	case 'cancelled':
		jobs.get(ref[1]).cancelled = true
		count.cancelled++
		break
	case 'fired':
	case 'failed':
		count[frame.type]++
	}
}

// --- the end ---

function missing() {
	let n = 0

	for (const job of jobs.values())
		n += !job.tries.size && !job.cancelled
	return n + unsettled.size
}

function finish() {
	ended = true
	station.kill('SIGTERM')
	station.on('exit', code => {
		if (code !== 0)
			complain('rk-jobs ended with', code)
		if (missing() > 0)
			complain(missing(), 'did not fire')
		console.log(`# ${jobs.size} jobs, ${killed} kills:`,
			JSON.stringify(count))
		process.exit(wrong ? 1 : 0)
	})
}

function trouble() {
	if (killed < kills) {
		killed++
		if (random(4) === 0 && peer)
			peer.destroy()
		else
			station.kill('SIGKILL')
		setTimeout(trouble, 20 + random(200))
		return
	}
	const limit = Date.now() + 60000
	const timer = setInterval(() => {
		if (missing() > 0 && Date.now() < limit)
			return
		clearInterval(timer)
		finish()
	}, 50)
}

start()
connect()
setTimeout(trouble, 300)
