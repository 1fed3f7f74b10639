// SPDX-License-Identifier: ISC
//
// table.js RESULTS REPS: the results as Markdown; median (min-max).
'use strict';
const fs = require('fs');
const os = require('os');
const { execFileSync } = require('child_process');
const [file, reps] = process.argv.slice(2);

const rows = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
	.map((line) => JSON.parse(line));

function unique(key) {
	return [...new Set(rows.map((row) => row[key]))];
}

function number(x) {
	return x >= 1000 ? String(Math.round(x)) : x >= 100 ? x.toFixed(0) :
		x >= 10 ? x.toFixed(1) : x.toFixed(2);
}

function range(values) {
	const v = values.filter(Number.isFinite).sort((a, b) => a - b);
	const middle = v.length >> 1;

	if (v.length === 0)
		return '-';
	const median = v.length % 2 ? v[middle] :
		(v[middle - 1] + v[middle]) / 2;

	return v.length === 1 ? number(median) :
		`${number(median)} (${number(v[0])}-${number(v.at(-1))})`;
}

function table(title, cases, value) {
	const has = (name) => rows.some((row) => cases.includes(row.case) &&
		row.system === name && Number.isFinite(value(row)));
	const systems = unique('system').filter(has);

	if (systems.length === 0)
		return;
	console.log(`\n## ${title}\n`);
	console.log(`| | ${cases.join(' | ')} |`);
	console.log(`| --- |${' --- |'.repeat(cases.length)}`);
	for (const system of systems)
		console.log(`| ${system} | ` + cases.map((name) =>
			range(rows.filter((row) => row.case === name &&
				row.system === system && !row.missing)
				.map(value))).join(' | ') + ' |');
}

function version(command, ...args) {
	try {
		return execFileSync(command, args, { encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'pipe'] }).trim();
	} catch (e) {
		return 'none';
	}
}

function packages(...names) {
	return version('dpkg-query', '-W', '-f',
		'${Package} ${Version}; ', ...names);
}

const us = (row) => row.us ?? row.server?.us;
const all = unique('case');
const of = (...names) => names.filter((name) => all.includes(name));
const cpu = os.cpus();

console.log(`# Results

${new Date().toISOString().slice(0, 10)}; ${cpu.length} x ${cpu[0].model};
Linux ${os.release()}; Node ${process.version}.
${packages('nats-server', 'mosquitto', 'nginx', 'pushpin', 'websocketd', 'jq',
	'gojq', 'rabbitmq-server', 'amqp-tools')}

${reps} runs, the systems in turn within each; median (min-max).  CPU is that
of all processes of a system, user and system, over the measured messages;
back ends of echo and the broker are not counted.`);
table('CPU microseconds a delivery, flat out', of('fan100', 'fan1k',
	'fan10k'), us);
table('CPU microseconds a delivery, one message at a time', of('one100',
	'one1k', 'one10k'), us);
table('CPU microseconds a message to one of 1,000, and a request',
	of('unicast', 'echo1', 'echo10'), us);
table('Messages a second', of('fan100', 'fan1k', 'fan10k', 'unicast', 'echo1',
	'echo10'), (row) => row.per_s);
table('Latency, p50, milliseconds', of('one100', 'one1k', 'one10k', 'echo1',
	'echo10'), (row) => row.latency_us?.p50 / 1e3);
table('Latency, p99, milliseconds', of('one100', 'one1k', 'one10k', 'echo1',
	'echo10'), (row) => row.latency_us?.p99 / 1e3);
table('Bytes of an idle connection', of('idle'), us);
table('CPU microseconds a frame', of('route200', 'route4k', 'hop-plain',
	'hop-tracked'), us);
table('A lone frame, one way, microseconds by the clock', of('hop-lone'), us);
table('CPU microseconds a message of RabbitMQ, in the client', of('publish',
	'consume'), us);

const unclean = rows.filter((row) => row.error || row.missing > 0 ||
	row.doubled > 0 || row.misrouted > 0 || row.saturated);

if (unclean.length > 0)
	console.log('\n## Not clean\n');
for (const row of unclean)
	console.log(`- ${row.case} ${row.system}: ` + ['error', 'missing',
		'doubled', 'misrouted', 'saturated'].filter((k) => row[k])
		.map((k) => `${k} ${row[k]}`).join(', '));
