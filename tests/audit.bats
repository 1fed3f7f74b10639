# SPDX-License-Identifier: ISC
#
# The audit (tests/audit/): stages are killed, stopped and given other rules
# under load, with a real RabbitMQ; what was sent, accepted and received is
# written down, and judged by what rk(7) promises.  First the judge itself: it
# sees what is planted.
#
# asan: no (the programs are under it in their own tests)

load lib
load rabbitmq

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }
teardown() { stop_all; }

setup() {
	export AMQP_URL=$RABBIT_URL AUDIT_RULES=$ROOT/lib/rules/piped.jq
	cp "$AUDIT_RULES" "$RK_TEST/rules.jq"
}

# OPTION=VALUE...: starts it; `verdict` waits for its end.
start_audit() {
	start audit node "$TESTS/audit/audit.js" dir="$RK_TEST" \
		rules="$RK_TEST/rules.jq" "$@"
}

verdict() {
	wait_for -t 110 gone "$(pid_of audit)"
	cat "$RK_TEST/audit.out" >&2
	ended audit "$@"
}

audit() {
	start_audit "$@"
	verdict
}

figures() {
	grep -q "$1" "$RK_TEST/audit.out"
}

# --- the judge --------------------------------------------------------------

# PLANT FAULT: what is planted in a good log is that fault.
planted() {
	node "$TESTS/audit/plant.js" "$RK_TEST/log" "$1" >"$RK_TEST/planted"
	run_status 1 node "$TESTS/audit/judge.js" "$RK_TEST/planted"
	grep -qxE "fault: $2" <<<"$output" && return
	say "$1:" "$output"
	return 1
}

@test "the judge sees a loss, a double, a swap and the rest in a log" {
	audit clients=3 calls=300 events=300
	figures '^303 calls, 303 served, 303 events, 303 heard, 303 results$'
	run_status 0 node "$TESTS/audit/judge.js" "$RK_TEST/log"
	planted lose:served 'c[0-9]: call [0-9]+: lost'
	planted double:served 'c[0-9]: call [0-9]+: twice'
	planted swap:served 'c[0-9]: call ([0-9]+): after [0-9]+'
	planted again:served 'c[0-9]: call [0-9]+: as .* and another'
	planted late:result 'c[0-9]: call [0-9]+: no result'
	planted lose:heard 'c[0-9]: event [0-9]+: lost'
	planted double:heard 'c[0-9]: event [0-9]+: twice'
	planted swap:heard 'c[0-9]: event [0-9]+: after [0-9]+'
	planted stray:heard 'nobody: event [0-9]+: from nowhere'
	planted hang 'c0: disconnected: 1006'
	planted grow 'route 1: 40000 KiB more than before it stood still'
}

# OUTPUT: what the rules make of call 17 of each client.
rules_with() {
	sed -i "s/^if .type == \"message\" then/if .data.id? == 17 then $1\nel&/" \
		"$RK_TEST/rules.jq"
}

@test "a router that loses a call is seen" {
	rules_with empty
	start_audit clients=3 calls=300 events=0 limit=5
	verdict 1
	figures '^fault: c[0-9]: call 17: lost'
}

@test "a router that doubles a call is seen" {
	rules_with 'call, call'
	start_audit clients=3 calls=300 events=0 limit=5
	verdict 1
	figures '^fault: c[0-9]: call 17: as .*-0 and .*-1'
}

# --- kill anything ------------------------------------------------------------

ALL=kill:route,kill:bridge,kill:backend

@test "a chain: kill -9 of the router, the bridge and the back end" {
	audit assembly=chain faults=$ALL times=10
}

@test "services: kill -9 of the router, the bridge and the back end" {
	audit assembly=services faults=$ALL times=10
}

@test "services: kill -9 of the router: nothing comes twice" {
	audit assembly=services faults=kill:route times=10
	run ! figures twice
}

@test "kill -9 of the listener: clients come back and ask again" {
	audit assembly=services faults=kill:listen times=3
	audit assembly=chain faults=kill:listen times=3
}

# --- other rules under load -----------------------------------------------------

@test "20 swaps of the rules: nobody is disconnected, nothing lost, in order" {
	audit assembly=chain faults=swap: times=20 clients=200 calls=8000 \
		events=8000 rate=800
	figures '8200 served, .* 8200 heard, .* 20 swaps$'
}

@test "services: rules swapped, the router stopped and killed in turns" {
	audit assembly=services faults=swap:,term:route,kill:route times=15
	run ! figures twice
}

# --- what stands still ------------------------------------------------------------

@test "the back end stands still under full load: no stage grows, none is lost" {
	audit assembly=bare seconds=8 rate=0 pad=1000 clients=50 \
		faults=stop:backend:4000 times=1
	figures '1 stops$'
}

@test "the broker stands still under full load: no stage grows, none is lost" {
	audit assembly=chain seconds=8 rate=3000 pad=1000 clients=50 \
		faults=stop:broker:4000 times=1
	figures '1 stops$'
}

# POLICY N SLOW MESSAGES [--unix]: the books of who does not read; a queue is
# 64 KiB, and the listener may have twice of these and 16 MiB.
slow_readers() {
	local url=ws://127.0.0.1 kib

	if [ "${5-}" = --unix ]; then
		start_ready listen rk-listen --unix "$RK_TEST/ws.sock" \
			-s "$RK_TEST/router.sock" --ws '/api/{user}' \
			--slow "$1" --max-out 64k
		url=ws+unix:$RK_TEST/ws.sock:
	else
		start_ready listen rk-listen -p 0 --port-file "$RK_TEST/port" \
			-s "$RK_TEST/router.sock" --ws '/api/{user}' \
			--slow "$1" --max-out 64k
		url=$url:$(<"$RK_TEST/port")
	fi
	run_status 0 node "$TESTS/audit/slow.js" "$url" \
		"$RK_TEST/router.sock" "$1" "$2" "$3" "$4"
	kib=$(awk '/VmHWM/ { print $2 }' "/proc/$(pid_of listen)/status")
	say "$output" "$kib KiB"
	[ "$kib" -lt $((16384 + 2 * 64 * $3)) ]
	stop listen
}

@test "100 of 1000 clients do not read: what they miss is in drop frames" {
	slow_readers drop-newest 1000 100 1000 --unix
	grep -q '"dropped":[1-9]' <<<"$output"
}

@test "20 of 200 clients do not read, and are closed: the books add up" {
	slow_readers close 200 20 6000
	grep -q '"closed":20' <<<"$output"
}

# --- soak ---------------------------------------------------------------------------

@test "30 s of steady load and a kill every 2 s: memory stays flat" {
	audit assembly=chain faults=$ALL times=14 seconds=30 rate=200 flat=1 \
		clients=50
}
