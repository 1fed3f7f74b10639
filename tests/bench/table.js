// SPDX-License-Identifier: ISC
//
// table.js RESULTS MODULES: the results as Markdown; median (min-max).
'use strict';
const fs = require('fs');
const os = require('os');
const { execFileSync } = require('child_process');
const goals = require('./goals');

const [results, installed] = process.argv.slice(2);
const rows = fs.readFileSync(results, 'utf8').split('\n')
	.filter(Boolean).map((line) => JSON.parse(line));

function unique(key) {
	return [...new Set(rows.map((row) => row[key]))];
}

function number(x) {
	return x >= 1000 ? String(Math.round(x)) : x >= 100 ? x.toFixed(0) :
		x >= 10 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(3);
}

function middle(sorted) {
	const n = sorted.length;

	return n === 0 ? NaN : (sorted[n - 1 >> 1] + sorted[n >> 1]) / 2;
}

// What a case gave for a system, in order; what was lost is not counted.
function figures(name, system, value) {
	return rows.filter((row) => row.case === name &&
		row.system === system && !(row.missing > 0))
		.map(value).filter(Number.isFinite).sort((a, b) => a - b);
}

function range(v) {
	return v.length === 0 ? '-' : v.length === 1 ? number(v[0]) :
		`${number(middle(v))} (${number(v[0])}-${number(v.at(-1))})`;
}

function table(title, wanted, value) {
	const cases = wanted.filter((name) => unique('case').includes(name));
	const systems = unique('system').filter((system) =>
		cases.some((name) => figures(name, system, value).length > 0));

	if (systems.length === 0)
		return;
	console.log(`\n## ${title}\n`);
	console.log(`| | ${cases.join(' | ')} |`);
	console.log(`| --- |${' --- |'.repeat(cases.length)}`);
	for (const system of systems)
		console.log(`| ${system} | ${cases.map((name) =>
			range(figures(name, system, value))).join(' | ')} |`);
}

function reached({ figure, most, least }) {
	return figure <= (most ?? Infinity) && figure >= (least ?? 0);
}

function told(list) {
	console.log('\n## What it is to be\n');
	console.log('Medians, in bounds that `goals.js` names.\n');
	console.log('| | figure | bound | |\n| --- | --- | --- | --- |');
	for (const goal of list)
		console.log(`| ${goal.text} | ${number(goal.figure)} | ` +
			(goal.most ? `at most ${goal.most}` :
				`at least ${goal.least}`) +
			` | ${reached(goal) ? 'yes' : '**no**'} |`);
}

function packages(...names) {
	try {
		return execFileSync('dpkg-query', ['-W', '-f',
			'${Package} ${Version}\n', ...names], { encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'ignore'] });
	} catch (e) {
		return e.stdout;	// of those that are known
	}
}

function modules(...names) {
	const version = (name) => JSON.parse(fs.readFileSync(
		`${installed}/${name}/package.json`)).version;

	return names.map((name) => `${name} ${version(name)}`).join('; ');
}

// Cores that others kept busy while it was measured, by its own count.
function others() {
	const v = rows.map((row) => row.other_cores).filter(Number.isFinite)
		.sort((a, b) => a - b);

	return v.length === 0 ? '' : `
Cores that others used meanwhile: ${number(middle(v))} in the median
measurement, ${number(v[Math.floor(v.length * 0.9)])} in one of ten.`;
}

const us = (row) => row.us ?? row.server?.us;
const cpu = os.cpus();
const counts = unique('case').flatMap((name) => unique('system').map(
	(system) => rows.filter((row) => row.case === name &&
		row.system === system).length)).filter(Boolean);

const [fewest, times] = [Math.min(...counts), Math.max(...counts)];
const runs = fewest === times ? `${times} runs` :
	`${times} runs, or of as few as ${fewest} of peers that are far behind`;

console.log(`# Results

${new Date().toISOString().slice(0, 10)}; ${cpu.length} x ${cpu[0].model};
${Math.round(os.totalmem() / 2 ** 30)} GB; Linux ${os.release().split("-")[0]};
Node ${process.version}.
${packages('nats-server', 'mosquitto', 'nginx-core', 'nginx-light',
	'libnginx-mod-nchan', 'pushpin', 'websocketd', 'jq', 'gojq',
	'rabbitmq-server', 'amqp-tools', 'libwebsockets17', 'libssl3')
	.split('\n').filter((line) => line.includes(' ') &&
		!line.endsWith(' ')).join('; ')};
${modules('ws', 'socket.io', 'socketcluster-server', 'amqplib', 'bun')}.

Each figure is the median (least-most) of ${runs}; within
a run the systems were measured in turn, over loopback in a network namespace of
its own.  CPU is that of all processes of a system, user and system, over the measured
messages, which come after a warm-up; back ends of echo and the broker are not
counted.  Times by the clock say more about the machine than CPU does.${others()}
\`make bench\` does it again; what the cases are is in \`cases.bash\` and
\`parts.bash\`.`);
table('CPU microseconds a delivery, flat out',
	['fan100', 'fan1k', 'fan10k', 'tls1k'], us);
table('CPU microseconds a delivery, one message at a time',
	['one100', 'one1k', 'one10k', 'tlsone1k'], us);
table('CPU microseconds a message to one of 1,000, a request, a call over ' +
	'RabbitMQ', ['unicast', 'echo1', 'echo10', 'piped'], us);
table('CPU microseconds a message: from the core to a Socket.IO client, from ' +
	'RabbitMQ to a SocketCluster client', ['rouket1k', 'cluster'], us);
table('Beside 10,000 idle clients, 100,000 users, 1,000 channels: CPU ' +
	'microseconds a message', ['beside0', 'beside10k', 'users1', 'users100k',
	'channels1', 'channels1k'], us);
table('Messages a second', ['fan100', 'fan1k', 'fan10k', 'tls1k', 'unicast',
	'echo1', 'echo10', 'piped'], (row) => row.per_s);
table('Latency, p50, milliseconds', ['one100', 'one1k', 'one10k', 'echo1',
	'echo10', 'piped'], (row) => row.latency_us?.p50 / 1e3);
table('Latency, p99, milliseconds', ['one100', 'one1k', 'one10k', 'echo1',
	'echo10', 'piped'], (row) => row.latency_us?.p99 / 1e3);
table('Accepted and upgraded a second', ['accept'], (row) => row.per_s);
table('CPU microseconds for each of them', ['accept'], us);
table('Bytes of an idle connection', ['idle'], us);
table('CPU microseconds a frame', ['route200', 'route4k', 'hop-plain',
	'hop-tracked'], us);
table('A lone frame, one way, microseconds by the clock', ['hop-lone'], us);
table('CPU microseconds a message of RabbitMQ, in the client', ['publish',
	'consume'], us);
table('Milliseconds until ready', ['start'], (row) => row.ms);
table('CPU of that, milliseconds', ['start'], (row) => row.cpu_ms);
table('Resident then, MB', ['start'], (row) => row.rss_kb / 1024);
told(goals((name, system, value) => middle(figures(name, system, value))));

const unclean = rows.filter((row) => row.error || row.missing > 0 ||
	row.doubled > 0 || row.misrouted > 0 || row.saturated);

if (unclean.length > 0)
	console.log('\n## Not clean\n');
for (const row of unclean)
	console.log(`- ${row.case} ${row.system}: ` + ['error', 'missing',
		'doubled', 'misrouted', 'saturated'].filter((k) => row[k])
		.map((k) => `${k} ${row[k]}`).join(', '));
