// SPDX-License-Identifier: ISC
//
// clusterface.js: one face for both generations of socketcluster-client:
// callbacks up to 14, streams from 15 on.
'use strict'

module.exports = (version, options) => {
	const library = require(`socketcluster-client-${version}`)
	const socket = library.create({ hostname: '127.0.0.1', multiplex: false,
		autoReconnectOptions: { initialDelay: 10, randomness: 10 },
		...options })
	const face = { socket, errors: [] }

	if (version === '14') {
		face.on = (event, f) => socket.on(event, f)
		face.once = (event) => new Promise((resolve) =>
			socket.once(event, (a, b) => resolve({ code: a, reason: b,
				...(a && typeof a === 'object' ? a : {}) })))
		socket.on('error', (e) => face.errors.push(e))
		face.receive = (event) => new Promise((resolve) =>
			socket.once(event, resolve))
		face.invoke = (event, data) => new Promise((resolve, reject) =>
			socket.emit(event, data, (error, result) =>
				error ? reject(error) : resolve(result)))
		face.transmit = (event, data) => socket.emit(event, data)
		face.publish = (name, data) => new Promise((resolve, reject) =>
			socket.publish(name, data, (error) =>
				error ? reject(error) : resolve()))
		face.authenticate = (token) => new Promise((resolve, reject) =>
			socket.authenticate(token, (error) =>
				error ? reject(error) : resolve()))
		face.procedure = (event, f) => socket.on(event, (data, respond) =>
			f(data, (result) => respond(null, result),
				(error) => respond(error)))
		face.subscribe = (name, how) => {
			const channel = socket.subscribe(name, how)

			return { ok: new Promise((resolve, reject) => {
				channel.once('subscribe', resolve)
				channel.once('subscribeFail', reject)
			}), kicked: new Promise((resolve) =>
				channel.once('kickOut', resolve)),
			watch: (f) => channel.watch(f),
			unsubscribe: () => channel.unsubscribe() }
		}
		return face
	}
	const stream = async (s, f) => { for await (const x of s) f(x) }

	stream(socket.listener('error'), ({ error }) => face.errors.push(error))
	face.on = (event, f) => stream(socket.listener(event), f)
	face.once = (event) => socket.listener(event).once()
	face.receive = (event) => socket.receiver(event).once()
	face.invoke = (event, data) => socket.invoke(event, data)
	face.transmit = (event, data) => socket.transmit(event, data)
	face.publish = (name, data) => socket.invokePublish(name, data)
	face.authenticate = (token) => socket.authenticate(token)
	face.procedure = (event, f) => stream(socket.procedure(event), (r) =>
		f(r.data, (x) => r.end(x), (e) => r.error(e)))
	face.subscribe = (name, how) => {
		const channel = socket.subscribe(name, how)

		return { ok: Promise.race([channel.listener('subscribe').once(),
			channel.listener('subscribeFail').once()
				.then(({ error }) => { throw error })]),
		kicked: channel.listener('kickOut').once(),
		watch: (f) => stream(channel, f),
		unsubscribe: () => channel.unsubscribe() }
	}
	return face
}
