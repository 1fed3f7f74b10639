// SPDX-License-Identifier: ISC
//
// cpu(PID): nanoseconds of CPU of a process and its descendants, by their
// names.
'use strict';
const fs = require('fs');

module.exports = function cpu(pid, sum = {}) {
	const proc = `/proc/${pid}`;
	const name = fs.readFileSync(`${proc}/comm`, 'latin1').trim();

	for (const task of fs.readdirSync(`${proc}/task`))
		sum[name] = (sum[name] || 0) + Number(fs.readFileSync(
			`${proc}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
	for (const child of fs.readFileSync(`${proc}/task/${pid}/children`,
		'latin1').split(' ').filter(Boolean))
		cpu(child, sum);
	return sum;
};
