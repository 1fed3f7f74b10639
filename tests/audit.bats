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
load audit

audit() {
	audit_start "$@"
	audit_ends 110
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
	audit_says '^303 calls, 303 served, 303 events, 303 heard, 303 results$'
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
	planted leak 'leaky: grew by [0-9]+ KiB'
	planted grow 'route 1: 40000 KiB more than before it stood still'
}

# OUTPUT: what the rules make of call 17 of each client.
rules_with() {
	sed -i "s/^if .type == \"message\" then/if .data.id? == 17 then $1\nel&/" \
		"$RK_TEST/rules.jq"
}

@test "a router that loses a call is seen" {
	rules_with empty
	audit_start clients=3 calls=300 events=0 limit=5
	audit_ends 110 1
	audit_says '^fault: c[0-9]: call 17: lost'
}

@test "a router that doubles a call is seen" {
	rules_with 'call, call'
	audit_start clients=3 calls=300 events=0 limit=5
	audit_ends 110 1
	audit_says '^fault: c[0-9]: call 17: as .*-0 and .*-1'
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
	run ! audit_says twice
}

@test "kill -9 of the listener: clients come back and ask again" {
	audit assembly=services faults=kill:listen times=3
	audit assembly=chain faults=kill:listen times=3
}

# --- other rules under load -----------------------------------------------------

swapped() {
	audit clients=1000 calls=10000 events=10000 rate=500 times=21 "$@"
	audit_says '11000 served, .* 11000 heard'
}

# Ten times other rules by HUP, ten times another router, once after kill -9.
SWAPS=$(printf 'swap:,term:route,%.0s' {1..10})kill:route

@test "20 swaps of the rules: nobody is disconnected, nothing lost, in order" {
	swapped assembly=chain faults="$SWAPS"
}

@test "services: 20 swaps of the rules, and nothing comes twice" {
	swapped assembly=services faults="$SWAPS"
	run ! audit_says twice
}

# --- what stands still; more of it is in flow.bats ------------------------------

@test "the broker stands still under full load: no stage grows, none is lost" {
	audit assembly=chain seconds=8 rate=3000 pad=1000 clients=50 \
		faults=stop:broker:4000 times=1
	audit_says ' 1 stops'
}
