#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr and output are set by lib
#
# Strangers: whatever comes in at the front, or from a peer of a link, nothing
# crashes, spins, or keeps what it was given; the next one is served.

load lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all && sound l.out
}

# What a listener wrote is frames.
sound() {
	[ ! -e "$1" ] || sed -n -e '/^{"type":"\(attach\|ready\|ack\)"/d' \
		-e 's/,"seq":[0-9]*\(,"again":true\)*}$/}/' -e '/^{/p' "$1" |
		rk-publish --frames >/dev/null
}

# A sanitizer's memory is not flat.
sanitized() {
	[[ $RK_BIN == */asan/* ]] || [[ $RK_BIN == *-asan/* ]]
}

seed() {
	RK_SEED=${RK_SEED:-$RANDOM$RANDOM}
	echo "# RK_SEED=$RK_SEED" >&3
}

@test "connections of strangers, mutated" {
	local n=2000

	seed
	[ -z "${RK_LONG-}" ] || n=40000
	mkdir site
	echo page >site/a.js
	cat >rule.jq <<-'END'
	if .type == "message" and .user == "echo" then
		{type: "send", conn} + payload
	elif .type == "open" and .pending then {type: "accept", conn}
	elif .type == "request" then {type: "respond", conn} + payload
	else empty end
	END
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port -m 64k \
		--docroot site --deadline 1 --http /q --ws '/u/{user}' \
		--subprotocol v1 --with headers --ws '/step/{user}' --step \
		--ws /j --binary=json --ws /w --wrap --slow drop-oldest \
		--ws /ask --ask --ws '/{user}' -- rk-route rule.jq
	export RK_ASAN
	sanitized && RK_ASAN=1
	run_status 0 timeout $((400 * RK_SLOW)) node \
		"$TESTS/clients/fuzz.js" "$(<port)" "$(pid_of l)" "$RK_SEED" "$n"
	echo "# $output" >&3
	stop l
}

# NAME MAIN: the program NAME serves NAME.sock, where MAIN is its main peer.
intrude() {
	export RK_ASAN
	sanitized && RK_ASAN=1
	run_status 0 node "$TESTS/clients/intruder.js" "$1.sock" \
		"$(pid_of "$1")" "$2" "$TESTS/fixtures/strangers/lines"
	stop "$1"
}

@test "peers that keep no rule: rk-listen" {
	start_ready l rk-listen -p 127.0.0.1:0 --window 64k -s l.sock
	intrude l router
}

@test "peers that keep no rule: rk-route" {
	start b node "$TESTS/clients/station.js" b.sock
	wait_line b listening
	start_ready r rk-route --window 64k --serve a=r.sock --link b=b.sock \
		-e 'select(.type != "link")'
	intrude r station
}

@test "peers that keep no rule: rk-client" {
	start_ready c rk-client --frames --window 64k -s c.sock
	intrude c router
}
