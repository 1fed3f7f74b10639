// SPDX-License-Identifier: ISC
//
// laravel.js: an HTTP server in the role of Laravel's /broadcasting/auth.
// Prints its port, then each request as "USER CHANNEL STATUS".
//
// The bearer token is the user: "good-U" is user U, who may hear
// private-*.U and be in any presence channel; others get 403.
'use strict'
const http = require('http')

function verdict(token, channel) {
	const user = (/^Bearer good-(.+)$/.exec(token) || [])[1]

	if (user === undefined)
		return [403, {}]
	if (channel.startsWith('presence-'))
		return [200, { channel_data: { user_id: user,
			user_info: { name: `User ${user}` } } }]
	return channel.endsWith(`.${user}`) ? [200, true] : [403, {}]
}

const server = http.createServer((request, response) => {
	let body = ''

	request.on('data', piece => body += piece)
	request.on('end', () => {
		const channel = new URLSearchParams(body).get('channel_name')
		const token = request.headers.authorization
		const [status, answer] = verdict(token, String(channel))

		console.log(`${token} ${channel} ${status}`)
		response.writeHead(status, { 'Content-Type': 'application/json' })
		response.end(JSON.stringify(answer))
	})
})

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
