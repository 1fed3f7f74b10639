// SPDX-License-Identifier: ISC
//
// table.js KIND URL FILE: what becomes of the messages of a stranger.  Each row
// of FILE is a payload and, behind tabs, a word for each column of its first
// line.  Each gets a connection of its own, says the payload, and asks whether
// it is still heard; another one leaves in the middle of the same.
//
// The words of the column of KIND are what is to become of it: what is answered
// (or "nothing", or "closed CODE").  Payloads: "empty"; "hex:00ff";
// "N*TEXT", TEXT so many times, and "N*TEXT+REST", with something behind it.
'use strict'
const fs = require('fs')
const http = require('http')
const net = require('net')
const WebSocket = require('ws')

const [kind, url, file] = process.argv.slice(2)
const limit = 60000 * Number(process.env.RK_SLOW || 1)
const rows = fs.readFileSync(file, 'utf8').split('\n').filter(row =>
	row !== '' && !row.startsWith('#')).map(row => row.split('\t'))
const column = rows.shift().indexOf(kind.split('-')[0])

function bytes(word) {
	const many = /^(\d+)\*([^+]+)\+?(.*)$/s.exec(word)

	return word === 'empty' ? Buffer.alloc(0) :
		word.startsWith('hex:') ? Buffer.from(word.slice(4), 'hex') :
		Buffer.from(many ? many[2].repeat(Number(many[1])) + many[3] :
			word)
}

// How a kind is spoken: what is said first, the question and its answer.
const plain = { ask: '"there?"', there: text => text === 'there' }
const kinds = {
	ws: plain,
	json: { ...plain, binary: true },
	wrap: { ...plain, there: text => text === '{"data":"there"}',
		read: text => JSON.parse(text).data },
	engineio: { begin: text => text.startsWith('0'), ask: '4"there?"',
		pack: data => Buffer.concat([Buffer.from('4'), data]),
		there: text => text === '4there', read: text => text.slice(1) },
	piped: { ask: '{"method":"ping"}',
		there: text => text === '{"type":"event","event":"pong"}',
		read: text => text.includes('parse') ? 'parse' : 'method' },
	layer: { hello: '{"connect":"client"}',
		begin: text => text.includes('client_id'), ask: '{"connect":"client"}',
		there: text => text.includes('"client_id"'), read: text => text }
}

function fail(why) {
	console.error(why)
	process.exit(1)
}

function spoken(data) {
	const k = kinds[kind.split('-')[0]]

	return new Promise(done => {
		const ws = new WebSocket(url, { perMessageDeflate: false })
		const heard = []
		let begun = k.begin === undefined
		const say = () => {
			ws.send(k.pack ? k.pack(data) : data,
				{ binary: k.binary === true })
			ws.send(k.ask)
		}

		ws.on('error', () => {})
		ws.on('open', () => begun ? say() : k.hello && ws.send(k.hello))
		ws.on('close', code => done(`closed ${code}`))
		ws.on('message', message => {
			const text = message.toString()

			if (!begun && k.begin(text)) {
				begun = true
				say()
			} else if (begun && k.there(text)) {
				ws.removeAllListeners('close')
				ws.close()
				done(heard.join(', ') || 'nothing')
			} else if (begun)
				heard.push(k.read ? k.read(text) : text)
		})
	})
}

const posted = data => new Promise(done => {
	const request = http.request(url, { method: 'POST',
		headers: { 'Content-Length': data.length } }, response => {
		let text = ''

		response.on('data', more => text += more)
		response.on('end', () => done(response.statusCode === 200 ?
			text : String(response.statusCode)))
	})

	request.on('error', error => done(error.message))
	request.end(data)
})

const left = data => new Promise(done => {
	const ws = new WebSocket(url, { perMessageDeflate: false })

	ws.on('error', () => {})
	ws.on('close', done)
	ws.on('open', () => {
		ws.send(data)
		ws.terminate()
	})
})

async function main() {
	const act = kind === 'http' ? posted : spoken
	let bad = 0

	if (column < 1)
		fail(`no column ${kind}`)
	for (const row of rows) {
		const data = bytes(row[0])
		const clock = setTimeout(() => fail(`${row[0]}: nothing came`),
			limit)
		const got = await act(data)

		if (kind !== 'http')
			await left(data)
		clearTimeout(clock)
		if (got !== row[column]) {
			console.error(`${row[0]}: ${got}, not ${row[column]}`)
			bad = 1
		}
	}
	process.exit(bad)
}

main()
