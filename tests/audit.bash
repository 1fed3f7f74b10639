# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# audit.bash: the audit (tests/audit/) for the tests of one file, with a
# private RabbitMQ and rules of its own.  After `load lib`, `load rabbitmq` and
# `load audit`:
#
#   audit_start OPTION=VALUE...   starts it as `audit`
#   audit_ends SECONDS [STATUS]   it ends within that, with that status (0)
#   audit_says REGEX              a line of what it printed

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }
teardown() { stop_all; }

setup() {
	export AMQP_URL=$RABBIT_URL AUDIT_RULES=$ROOT/lib/rules/piped.jq
	cp "$AUDIT_RULES" "$RK_TEST/rules.jq"
}

audit_start() {
	start audit node "$TESTS/audit/audit.js" dir="$RK_TEST" \
		rules="$RK_TEST/rules.jq" "$@"
}

audit_ends() {
	wait_for -t "$1" gone "$(pid_of audit)"
	cat "$RK_TEST/audit.out" >&2
	ended audit "${@:2}"
}

audit_says() {
	grep -qE "$1" "$RK_TEST/audit.out"
}
