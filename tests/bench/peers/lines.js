// SPDX-License-Identifier: ISC
//
// What the peers written in JavaScript share: lines from a publisher on a TCP
// port, and a back end that answers lines.
'use strict';
const net = require('net');
const { spawn } = require('child_process');

function eachLine(stream, call) {
	let rest = '';

	stream.setEncoding('utf8');
	stream.on('data', (text) => {
		const parts = (rest + text).split('\n');

		rest = parts.pop();
		for (const line of parts)
			call(line);
	});
}

exports.listen = (port, call) =>
	net.createServer((s) => eachLine(s, call)).listen(port, '127.0.0.1');

// Lines written in one tick go in one write, as a careful program would do.
exports.backend = (command, call) => {
	const child = spawn('/bin/sh', ['-c', 'exec ' + command],
		{ stdio: ['pipe', 'pipe', 'inherit'] });
	let waiting = '';

	eachLine(child.stdout, call);
	return (line) => {
		if (waiting === '')
			setImmediate(() => {
				const text = waiting;

				waiting = '';
				child.stdin.write(text);
			});
		waiting += line + '\n';
	};
};
