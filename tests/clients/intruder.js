// SPDX-License-Identifier: ISC
//
// intruder.js SOCKET PID MAIN FILE: a peer of a link that keeps no rule.  Each
// line of FILE, and some that no file should hold, is said first, after an
// attach as a source, and after one as MAIN (what this side takes as its main
// peer); many attach at once; some never read, some leave in the middle.
//
// Then a sound source is answered, the process has the descriptors that it had
// before, and no memory to speak of has gone to who did not read.
'use strict'
const fs = require('fs')
const net = require('net')

const [path, pid, main, file] = process.argv.slice(2)
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const HELD = 64 << 10		// KiB that all who do not read may cost

const attach = (as, more = {}) => JSON.stringify({ type: 'attach', v: 1, as,
	name: 'intruder', boot: 'intruder', window: 65536, ...more })
const lines = fs.readFileSync(file, 'utf8').split('\n').concat(
	'\0', 'a\0b', '\xff\xfe', '{"type":"send","all":true,"text":"\0"}',
	'['.repeat(500), `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
	`{"type":"x","data":${'['.repeat(500)}${']'.repeat(500)}}`,
	'x'.repeat(100000), `{"type":"who","ref":"${'y'.repeat(100000)}"}`,
	'z'.repeat(3 << 20), `{"type":"${'t'.repeat(2000)}"}`)

const files = () => fs.readdirSync(`/proc/${pid}/fd`).length
const rss = () => Number(/VmRSS:\s*(\d+)/.exec(
	fs.readFileSync(`/proc/${pid}/status`))[1])

function fail(why) {
	console.error(why)
	process.exit(1)
}

async function until(what, test) {
	const end = Date.now() + limit

	while (!test()) {
		if (Date.now() > end)
			fail(`waited for ${what}`)
		await new Promise(again => setTimeout(again, 20))
	}
}

function peer(text, act) {
	return new Promise(done => {
		const socket = net.connect(path)

		socket.on('error', () => {})
		socket.on('close', done)
		socket.on('connect', () => {
			socket.write(text)
			act(socket)
		})
	})
}

// Says it, hears what there is to hear, leaves.
const said = (...words) => peer(words.join('\n') + '\n', socket => {
	socket.resume()
	socket.end()
})
const halved = text => peer(text, socket => socket.destroy())

async function sound() {
	let heard = ''

	peer(attach('source', { boot: 'soundsource' }) + '\n', socket =>
		socket.on('data', data => {
			heard += data
			if (heard.includes('\n'))
				socket.destroy()
		}))
	await until('a ready', () => heard.includes('"type":"ready"'))
}

// Writes MiB of this line, as fast as it goes, and reads nothing.
function deaf(first, line, mebibytes) {
	const block = `${line}\n`.repeat(Math.ceil(65536 / line.length))
	let left = (mebibytes << 20) / block.length

	return peer(`${first}\n`, socket => {
		socket.pause()
		const more = () => {
			while (left-- > 0 && !socket.destroyed)
				if (!socket.write(block)) {
					socket.once('drain', more)
					return
				}
			setTimeout(() => socket.destroy(), 100)
		}

		more()
		setTimeout(() => socket.destroy(), 2000)
	})
}

async function all() {
	await sound()
	await said(...lines)
	const before = files(), memory = rss()

	for (const line of lines) {
		await Promise.all([said(line), said(line, line),
			said(attach('source'), line, attach('source')),
			said(attach(main), line, attach(main)),
			said(attach(main, { window: 1, boot: 'other' }), line),
			said(attach('tap'), line), halved(line.slice(0, 99))])
		await sound()
	}
	await said(attach('source'), ...lines.map((line, i) =>
		`{"type":"kick","seq":${i * 7 + 1}}\n${line}`))
	await said(attach(main), ...lines)
	await Promise.all(['source', 'tap', main, 'router', 'station'].map(as =>
		Promise.all(Array.from({ length: 100 }, (_, i) => i % 2 ?
			said(attach(as, { boot: `b${i}`, name: `n${i % 9}` })) :
			halved(attach(as) + '\n')))))
	await sound()
	await deaf('', 'garbage'.repeat(100), 8)
	await deaf('', '{"type":"who","all":true,"ref":"r"}', 8)
	await deaf(attach('source'), '{"type":"bogus"}', 8)
	await deaf(attach(main), '{"type":"kick"}', 8)
	await sound()
	await until(`${before} descriptors, not ${files()}`,
		() => files() <= before)
	if (rss() > memory + HELD && !process.env.RK_ASAN)
		fail(`${rss()} KiB, ${memory} before`)
	process.exit(0)
}

all()
