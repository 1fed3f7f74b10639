// SPDX-License-Identifier: ISC
//
// stages.js: the processes of an audit: starts them, kills them, starts again
// those that nobody else starts.
//
//   chain      rk-listen -- rk-route -- rk-amqp-bridge, and a back end
//   services   the three of them at two Unix sockets, and a back end
//   bare       rk-listen -- rk-route -- the back end, without a broker
//   pipes      a ring of plain pipes, closed by a socket, and a back end; it
//              starts again when all of it has ended, which for what consumes
//              is when the next event meets a broken pipe
//
// What is no child of ours is found among the descendants, by its name.
'use strict'
const fs = require('fs')
const { spawn } = require('child_process')

const names = { listen: 'rk-listen', route: 'rk-route',
	bridge: 'rk-amqp-bridge', publish: 'rk-publish', backend: 'node' }
const quote = words => words.map(w => `'${w}'`).join(' ')

// The command lines of each assembly; 0 is the port.
function commands(assembly, { dir, rules, port }) {
	const listen = ['rk-listen', '-D', '3', '-p', port, '--port-file',
		`${dir}/port`, '--ws', '/api/{user}', '--ping', '0']
	const bridge = ['rk-amqp-bridge', '--piped', '1', '--reconnect', '1']
	const backend = [process.execPath, `${__dirname}/backend.js`]
	const [up, down] = [`${dir}/up.sock`, `${dir}/down.sock`]

	return {
		chain: () => ({ backend, listen: [...listen, '--', 'rk-route',
			rules, '--', ...bridge] }),
		services: () => ({ backend,
			listen: [...listen, '-s', up],
			bridge: [...bridge, '-s', down],
			route: ['rk-route', '--link', `up=${up}`,
				'--link', `down=${down}`, rules] }),
		bare: () => ({ listen: [...listen, '--', 'rk-route', '--bare',
			rules, '--', ...backend, `${dir}/served`] }),
		pipes: () => ({ backend, pipeline: ['bash', '-c', [
			[...listen, '-s', up], ['rk-route', rules], bridge,
			['rk-route', rules],
			['rk-publish', '-s', up, '--frames', '--timeout', '2s']
		].map(quote).join(' | ')] })
	}[assembly]()
}

function parents() {
	const found = []

	for (const pid of fs.readdirSync('/proc').filter(n => /^\d+$/.test(n)))
		try {
			const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
			const [, name, rest] = /\((.*)\) (.*)/s.exec(stat)

			found.push({ pid: +pid, name, state: rest[0],
				parent: +rest.split(' ')[1] })
		} catch {
			// it ended meanwhile
		}
	return found
}

class Stages {
	constructor(options, log) {
		this.options = options
		this.log = log
		this.running = new Map()	// by stage
		this.ending = false
		this.port = '0'
		this.errors = fs.openSync(`${options.dir}/stages.err`, 'a')
	}

	async start() {
		const lines = this.commands()

		for (const stage of Object.keys(lines).sort()) // bridge first
			if (stage !== 'backend')
				await this.run(stage)
		if (lines.backend)
			await this.run('backend')
	}

	commands() {
		return commands(this.options.assembly,
			{ ...this.options, port: this.port })
	}

	// Returns when it is ready: rk-listen is when its co-processes are, the
	// back end says so.
	run(stage) {
		const [command, ...words] = this.commands()[stage]
		const child = spawn(command, words, { stdio: ['ignore',
			stage === 'backend' ? 'pipe' : this.errors,
			this.errors, 'pipe'], detached: stage === 'pipeline' })

		this.running.set(stage, child)
		child.on('error', e => this.died(stage, e.message))
		child.on('exit', (code, signal) =>
			this.exited(stage, child, code, signal))
		if (stage === 'backend')
			return this.served(child.stdout)
		if (stage !== 'listen' && stage !== 'pipeline')
			return Promise.resolve()
		return new Promise(resolve => child.stdio[3].once('data', () => {
			this.port = fs.readFileSync(`${this.options.dir}/port`,
				'utf8').trim()
			resolve()
		}))
	}

	// What the back end prints; returns at its first line.
	served(stdout) {
		let rest = ''

		stdout.on('data', bytes => {
			const lines = (rest + bytes).split('\n')

			rest = lines.pop()
			for (const line of lines)
				if (line[0] === '{')
					this.log('served', JSON.parse(line))
		})
		return new Promise(resolve => stdout.once('data', resolve))
	}

	died(stage, how) {
		this.log('died', { stage, how })
	}

	// A back end that lost its broker leaves; that is no fault of the kit.
	exited(stage, child, code, signal) {
		if (this.ending) {
			if (code !== 0 && /listen|route|bridge/.test(stage))
				this.died(stage, `${code || signal} at the end`)
			return
		}
		if (stage === 'backend' && !child.wanted)
			this.log('kill', { stage })
		else if (!child.wanted)
			this.died(stage, String(code || signal))
		this.run(stage)
	}

	// All processes of a stage; the last one is of the tallest tree.
	pids(stage) {
		const all = parents(), ours = new Set([process.pid])

		for (const { pid, parent } of all)	// parents come first, mostly
			if (ours.has(parent))
				ours.add(pid)
		for (const { pid, parent } of all)
			if (ours.has(parent))
				ours.add(pid)
		return all.filter(p => ours.has(p.pid) && p.state !== 'Z' &&
			p.pid !== process.pid &&
			p.name.startsWith(names[stage])).map(p => p.pid)
	}

	stages() {
		return Object.keys(names)
	}

	pid(stage) {
		if (stage === 'broker')
			return +fs.readFileSync(`${process.env.RABBIT_DIR}/pid`)
		const child = this.running.get(stage)

		return child ? child.pid : this.pids(stage).pop()
	}

	// Sends a signal; false when the stage is not there.
	signal(stage, signal) {
		const pid = this.pid(stage), child = this.running.get(stage)

		if (pid === undefined)
			return false
		if (signal === 'SIGKILL' || signal === 'SIGTERM') {
			this.log('kill', { stage })
			const whole = child || this.running.get('pipeline')

			if (whole)
				whole.wanted = true
		} else if (signal === 'SIGSTOP')
			this.log('stop', { stage })
		else if (signal === 'SIGCONT')
			this.log('go', { stage })
		try {
			process.kill(pid, signal)
		} catch {
			return false
		}
		return true
	}

	sample() {
		for (const stage of this.stages())
			for (const pid of this.pids(stage))
				try {
					const kib = /VmRSS:\s*(\d+)/.exec(fs.readFileSync(
						`/proc/${pid}/status`, 'utf8'))

					this.log('rss', { stage, pid, kib: +kib[1] })
				} catch {
					// it ended meanwhile
				}
	}

	// What a co-process died of is in what its parent says.
	async stop() {
		const left = [...this.running.values()].filter(child =>
			child.exitCode === null && child.signalCode === null)

		this.ending = true
		for (const child of left)
			process.kill(child === this.running.get('pipeline') ?
				-child.pid : child.pid, 'SIGTERM')
		await Promise.all(left.map(child => new Promise(resolve =>
			child.exitCode === null && child.signalCode === null ?
				child.on('exit', resolve) : resolve())))
		const said = fs.readFileSync(`${this.options.dir}/stages.err`,
			'utf8')

		for (const [line, what] of said.matchAll(
		    /.*(?:killed by signal |exit )(\d+)$/gm))
			if (!['9', '15', '0', '111'].includes(what))
				this.died('co-process', line)
		if (this.options.assembly === 'bare')
			this.readServed()
	}

	readServed() {
		const lines = fs.readFileSync(`${this.options.dir}/served`,
			'utf8').trim().split('\n')

		for (const line of lines)
			this.log('served', JSON.parse(line))
	}
}

module.exports = { Stages }
