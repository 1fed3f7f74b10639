// SPDX-License-Identifier: ISC
//
// arrivals.js URL ADDRESS: a robot (npm ws) with this address; each message
// it gets is a line: the time it came, in ms, and the message.
'use strict'
const WebSocket = require('ws')

const [url, address] = process.argv.slice(2)
const socket = new WebSocket(url)

socket.on('open', () => socket.send(JSON.stringify({
	event: 'client robot metaData',
	value: { robotName: 'arrivals', robotAddress: address }
})))
socket.on('message', data => console.log(Date.now(), String(data)))
socket.on('close', () => process.exit(0))
process.on('SIGTERM', () => socket.close())
