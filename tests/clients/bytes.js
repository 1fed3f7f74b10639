// SPDX-License-Identifier: ISC
//
// bytes.js: what those need who write WebSocket bytes by hand, all drawn from
// one seed: require('./bytes')(seed).
//
//   below(n)     a number from 0 to n - 1
//   one(list)    one of them
//   often(p)     true, p times of 100
//   frame(opcode, final, payload, reserved, masked)  a frame of a client
//   upgrade(path, headers)  the request that begins a WebSocket
'use strict'

module.exports = seed => {
	// mulberry32
	function below(n) {
		let t = seed = seed + 0x6d2b79f5 | 0

		t = Math.imul(t ^ t >>> 15, t | 1)
		t ^= t + Math.imul(t ^ t >>> 7, t | 61)
		return ((t ^ t >>> 14) >>> 0) % n
	}

	const one = list => list[below(list.length)]
	const often = percent => below(100) < percent

	function frame(opcode, final, payload, reserved = 0, masked = true) {
		const data = Buffer.from(payload), n = data.length
		const mask = masked ? [1, 2, 3, 4].map(() => below(256)) : []
		const bit = masked ? 0x80 : 0
		const length = n < 126 ? [bit | n] : n < 65536 ?
			[bit | 126, n >> 8, n & 255] :
			[bit | 127, 0, 0, 0, 0, n >> 24, n >> 16 & 255,
				n >> 8 & 255, n & 255]

		return Buffer.concat([Buffer.from([
			(final ? 0x80 : 0) | reserved | opcode, ...length,
			...mask]), masked ? data.map((b, i) => b ^ mask[i & 3]) :
			data])
	}

	function upgrade(path, headers = []) {
		return Buffer.from([`GET ${path} HTTP/1.1`, 'Host: h',
			'Upgrade: websocket', 'Connection: Upgrade',
			'Sec-WebSocket-Version: 13',
			'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
			...headers, '', ''].join('\r\n'))
	}

	return { below, one, often, frame, upgrade }
}
