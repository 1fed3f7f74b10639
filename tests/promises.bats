# SPDX-License-Identifier: ISC
#
# What rk(7) promises, PROMISES, assembly by stage that is killed: each cell is
# an audit with kills of that stage alone, whose clients do not ask again.
# What it costs is at most what tests/audit/promises.json has, of which the
# table is made (`make lint` compares them); `make promises` measures, and puts
# down what is worse.
#
# slow: four minutes
# asan: no (the programs are under it in their own tests)

load lib
load rabbitmq

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }
teardown() { stop_all; }

setup() {
	export AMQP_URL=$RABBIT_URL
}

crash() {
	wait_for grep -qx open "$RK_TEST/audit.out"
	feed audit 'kill broker'
	rabbit_kill
	rabbit_start
	feed audit 'over broker'
}

# ASSEMBLY STAGE...: what a death of each costs.
costs() {
	local stage faults

	for stage in "${@:2}"; do
		faults=kill:$stage
		[ "$stage" != broker ] || faults=
		rm -f "$RK_TEST"/*.sock "$RK_TEST"/served
		start audit node "$TESTS/audit/audit.js" dir="$RK_TEST" \
			rules="$ROOT/lib/rules/piped.jq" assembly="$1" \
			promise=1 clients=20 seconds=6 rate=1000 pad=200 \
			faults="$faults" times="${faults:+4}"
		[ "$stage" != broker ] || crash
		wait_for -t 120 gone "$(pid_of audit)"
		cat "$RK_TEST/audit.out" "$RK_TEST/stages.err" >&2
		ended audit
		node "$TESTS/audit/promises.js" check "$1" "$stage" \
			<"$RK_TEST/audit.out"
	done
}

@test "plain pipes: what a death costs" {
	costs pipes listen route bridge publish backend broker
}

@test "co-processes: what a death costs" {
	costs chain listen route bridge backend broker
}

@test "services at sockets: what a death costs" {
	costs services listen route bridge backend broker
}

@test "a bare back end: what a death costs" {
	costs bare listen route backend
}

@test "a loss that is not promised is seen" {
	costs chain broker
	node "$TESTS/audit/plant.js" "$RK_TEST/log" lose:served >"$RK_TEST/planted"
	run_status 0 node "$TESTS/audit/judge.js" "$RK_TEST/planted"
	run_status 1 node "$TESTS/audit/promises.js" check chain broker \
		<<<"$output"
	grep -qx 'worse than promised: lost calls' <<<"$output"
}
