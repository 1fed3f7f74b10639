// SPDX-License-Identifier: ISC
//
// goals.js: what ours must be, beside what it was.  A goal is a text, the figure
// and its bound, `most` or `least`.  It asserts nothing: it tells.
'use strict';

const us = (row) => row.us ?? row.server?.us;
const p50 = (row) => row.latency_us?.p50;
const p99 = (row) => row.latency_us?.p99;
const ms = (row) => row.ms;
const mb = (row) => row.rss_kb / 1024;

const FLAT = ['fan100', 'fan1k', 'fan10k'];
const SINGLY = ['one100', 'one1k', 'one10k'];
const ECHO = ['echo1', 'echo10'];
const PEERS = ['bun', 'nats', 'ws', 'nchan', 'mosquitto', 'pushpin',
	'websocketd', 'socketio', 'socketcluster'];
const OUTSIDE = ['nats', 'pushpin', 'websocketd', 'mosquitto', 'nchan'];
const PROGRAMS = ['listen', 'listen-tls', 'route', 'amqp-bridge', 'publish',
	'client', 'store', 'jobs', 'log'];
// the client speaks TLS, too
const READY = { 'listen-tls': 40, client: 40, route: 30 };
const RESIDENT = { 'listen-tls': 10, client: 10 };

// median(case, system, figure): NaN where there is none.
module.exports = (median) => {
	const rk = (name, figure = us) => median(name, 'rk', figure);
	const most = (text, figure, bound) => ({ text, figure, most: bound });
	const least = (text, figure, bound) => ({ text, figure, least: bound });
	const against = (name, system, bound, ours = 'rk', figure = us) =>
		most(`${name}: ${ours} / ${system}`, median(name, ours, figure) /
			median(name, system, figure), bound);
	const cheaper = (names, systems) => names.flatMap((name) =>
		systems.map((system) => against(name, system, 1)));
	const times = (name, system, bound, ours = 'rk') =>
		least(`${name}: ${system} / ${ours}`, median(name, system, us) /
			median(name, ours, us), bound);
	const growth = (few, many) => rk(many) / rk(few) /
		(median(many, 'floor', us) / median(few, 'floor', us));

	return [
		...FLAT.map((name) => against(name, 'floor', 1.3)),
		...cheaper(FLAT, ['nats', 'bun']),
		...SINGLY.map((name) => against(name, 'floor', 1.15)),
		...cheaper(SINGLY, PEERS),
		...cheaper(['unicast'], ['nats', 'nchan', 'ws', 'socketio']),
		...cheaper(ECHO, OUTSIDE),
		...ECHO.flatMap((name) => OUTSIDE.map((system) => ({
			...against(name, system, 1, 'rk', p99),
			text: `${name}, p99: rk / ${system}` }))),
		most('idle connection, bytes', rk('idle'), 2600),
		most('idle connection under TLS, bytes',
			median('idle', 'rk_tls', us), 17500),
		most('beside 10,000 idle ones / without',
			rk('beside10k') / rk('beside0'), 1.1),
		least('accepted and upgraded a second',
			rk('accept', (row) => row.per_s), 15000),
		most('us of rk-listen for each', rk('accept'), 30),
		times('route200', 'jq', 6), times('route4k', 'jq', 20),
		times('route200', 'gojq', 1), times('route4k', 'gojq', 1),
		most('tracked hop, us', rk('hop-tracked'), 0.25),
		most('lone frame, us by the clock', rk('hop-lone'), 60),
		most('publish, us', rk('publish'), 0.9),
		times('publish', 'amqp-publish', 2),
		times('publish', 'amqplib', 4),
		most('consume, us', rk('consume'), 1.5),
		times('consume', 'amqplib', 4),
		times('piped', 'node', 6),
		times('rouket1k', 'node', 5),
		times('cluster', 'node', 5),
		{ ...against('piped', 'node', 1, 'rk', p50),
			text: 'piped, p50: rk / node' },
		against('tls1k', 'rk', 2.3, 'rk_tls'),
		against('tlsone1k', 'rk', 1.4, 'rk_tls'),
		most('growth by clients, flat out, over the floor\'s',
			growth('fan100', 'fan10k'), 1.15),
		most('growth by clients, one at a time, over the floor\'s',
			growth('one100', 'one10k'), 1.15),
		most('100,000 users / none', rk('users100k') / rk('users1'), 1.15),
		most('1,000 channels each / 1',
			rk('channels1k') / rk('channels1'), 1.15),
		...PROGRAMS.flatMap((name) => [
			most(`rk-${name} ready, ms`,
				median('start', `rk-${name}`, ms), READY[name] ?? 20),
			most(`rk-${name} resident, MB`,
				median('start', `rk-${name}`, mb), RESIDENT[name] ?? 6),
		]),
		times('fan1k', 'socketio', 8, 'rk_socketio'),
		against('fan1k', 'rk', 1.4, 'rk_socketio'),
		times('fan1k', 'socketcluster', 10, 'rk_socketcluster'),
		against('fan1k', 'rk', 1.4, 'rk_socketcluster'),
	].filter((goal) => Number.isFinite(goal.figure));
};
