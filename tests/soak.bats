# SPDX-License-Identifier: ISC
#
# The soak: steady load, and a kill -9 of the router, the bridge or the back
# end every 2 s, for 30 seconds; for five minutes with RK_LONG.  Nothing is
# lost, nobody is disconnected, and memory is flat: after a third of the time
# a line is fitted to the RSS of each stage, and gains at most 2 MiB by the end
# (tests/audit/judge.js).
#
# slow: thirty seconds, or five minutes
# asan: no (its memory is not that of the programs)

load lib
load rabbitmq

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }
teardown() { stop_all; }

length=$((RK_LONG ? 300 : 30))	# seconds

@test "steady load and a kill every 2 s: nothing is lost, memory is flat" {
	export AMQP_URL=$RABBIT_URL
	start audit node "$TESTS/audit/audit.js" dir="$RK_TEST" \
		rules="$ROOT/lib/rules/piped.jq" assembly=chain clients=50 \
		faults=kill:route,kill:bridge,kill:backend \
		times=$((length / 2 - 1)) seconds="$length" rate=200 flat=1
	wait_for -t $((length + 90)) gone "$(pid_of audit)"
	cat "$RK_TEST/audit.out" >&2
	ended audit
	grep -q " $((length / 2 - 1)) kills," "$RK_TEST/audit.out"
	grep -q " listen KiB" "$RK_TEST/audit.out"
}
