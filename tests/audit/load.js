// SPDX-License-Identifier: ISC
//
// load.js: who uses the kit in an audit.
//
//   Client      a WebSocket that calls and listens.  When its connection
//               breaks it comes back, and asks again what it has no result of,
//               unless the option promise is set: then that is lost
//   Publisher   gives events to the broker.  What was not confirmed when its
//               connection broke it gives again, before anything new
'use strict'
const amqp = require('amqplib')
const WebSocket = require('ws')

const FULL = 64 << 10	// bytes in a client's own buffer
const AGAIN = 100	// ms between tries

class Client {
	constructor(name, options, port, log) {
		Object.assign(this, { name, options, port, log })
		this.calls = 0
		this.unanswered = new Set()
		this.heard = 0
		this.ending = false
		this.resolve = () => {}
	}

	open() {
		return new Promise(resolve => {
			this.resolve = resolve
			this.connect()
		})
	}

	connect() {
		const socket = new WebSocket(`ws://127.0.0.1:${this.port()}` +
			`/api/${this.name}`, { perMessageDeflate: false })

		this.socket = socket
		socket.on('error', () => {})
		socket.on('open', () => this.opened())
		socket.on('message', data => this.message(JSON.parse(data)))
		socket.on('close', code => this.closed(code))
	}

	opened() {
		this.isOpen = true
		this.log('open', { client: this.name })
		for (const id of this.options.promise ? [] : this.unanswered)
			this.ask(id)
		this.resolve()
	}

	closed(code) {
		if (this.ending)
			return
		if (this.isOpen)
			this.log('closed', { client: this.name, code })
		this.isOpen = false
		setTimeout(() => this.connect(), AGAIN)
	}

	message({ type, id, payload, rules }) {
		if (type === 'result') {
			this.log('result', { client: this.name, id, rules })
			this.unanswered.delete(id)
		} else {
			this.log('heard', { client: this.name, id: payload })
			this.heard = Math.max(this.heard, payload)
		}
	}

	isFull() {
		return !this.isOpen || this.socket.bufferedAmount > FULL
	}

	call() {
		this.unanswered.add(++this.calls)
		this.ask(this.calls)
	}

	ask(id) {
		this.log('call', { client: this.name, id })
		this.socket.send(JSON.stringify({ id, method: 'm',
			payload: this.options.pad }))
	}

	end() {
		this.ending = true
		this.socket.terminate()
	}
}

class Publisher {
	constructor(log) {
		this.log = log
		this.unconfirmed = new Map()	// in the order they were given
		this.channel = null
		this.ending = false
	}

	async open() {
		const ok = { durable: true }

		this.connection = await amqp.connect(process.env.AMQP_URL)
		const channel = await this.connection.createConfirmChannel()

		for (const exchange of ['exchange-in-1', 'exchange-out-1'])
			await channel.assertExchange(exchange, 'fanout', ok)
		for (const way of ['in', 'out']) {
			await channel.assertQueue(`queue-${way}-1`, ok)
			await channel.bindQueue(`queue-${way}-1`,
				`exchange-${way}-1`, '')
		}
		this.connection.on('error', () => {})
		this.connection.on('close', () => this.closed())
		channel.on('error', () => {})
		this.channel = channel
		for (const key of this.unconfirmed.keys())
			this.give(key)
	}

	async empty() {
		await this.channel.purgeQueue('queue-in-1')
		await this.channel.purgeQueue('queue-out-1')
	}

	closed() {
		this.channel = null
		if (!this.ending)
			setTimeout(() => this.open().catch(() => this.closed()),
				AGAIN)
	}

	event(client, id) {
		const key = `${client} ${id}`

		this.unconfirmed.set(key, { client, id })
		if (this.channel !== null)
			this.give(key)
	}

	give(key) {
		const { client, id } = this.unconfirmed.get(key)

		this.log('event', { client, id })
		try {
			this.channel.publish('exchange-in-1', '', Buffer.from(
				JSON.stringify({ type: 'event', token: client,
					event: 'e', payload: id })),
				{ persistent: true }, error => {
					if (!error)
						this.confirmed(key)
				})
		} catch {
			// its channel is closing; it is given again
		}
	}

	confirmed(key) {
		const event = this.unconfirmed.get(key)

		if (event !== undefined)
			this.log('accepted', event)
		this.unconfirmed.delete(key)
	}

	async end() {
		this.ending = true
		await this.connection.close().catch(() => {})
	}
}

module.exports = { Client, Publisher }
