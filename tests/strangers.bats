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

# KIND URL: each row of the table, becomes what the table says.
becomes() {
	run_status 0 node "$TESTS/clients/table.js" "$1" "$2" \
		"$TESTS/fixtures/strangers/messages"
}

# NAME: no more than 96 MiB, however much of a message was kept.
modest() {
	sanitized || [ "$(awk '/^VmHWM/ { print $2 }' \
		"/proc/$(pid_of "$1")/status")" -lt $((96 << 10)) ]
}

@test "each message of a table, at each endpoint" {
	local at

	cat >kind.jq <<-'END'
	def kind: if has("data") then "data" elif has("text") then "text"
	  elif has("base64") then "base64" else "none" end;
	if .type == "message" then {type: "send", conn,
	  text: (if .data == "there?" then "there" else kind end)}
	elif .type == "request" then {type: "respond", conn, text: kind}
	else empty end
	END
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port --http /http \
		--ws /step --step --ws /json --binary=json --ws /wrap --wrap \
		--engineio=/e/ --ws / -- rk-route kind.jq
	at=127.0.0.1:$(<port)
	becomes ws "ws://$at/"
	becomes ws "ws://$at/step"
	becomes json "ws://$at/json"
	becomes wrap "ws://$at/wrap"
	becomes engineio "ws://$at/e/?EIO=4&transport=websocket"
	becomes http "http://$at/http"
	modest l
	stop l
}

@test "each message of a table, at rk-piped and rk-layer" {
	start_ready p rk-piped -p 0 -n 1 --backend 'cat >calls'
	wait_lines p 1
	becomes piped "ws://localhost:$(grep -om 1 '[0-9]*$' p.out)/api/T"
	wait_for test -s calls
	jq -e -s 'all(.token == "T" and .method != null)' calls >/dev/null
	start_ready y rk-layer -p 0
	wait_lines y 1
	becomes layer "ws://localhost:$(grep -om 1 '[0-9]*$' y.out)/"
	modest p
	modest y
}

# COMMAND...: lines that no peer should say, and a sound one behind them: all is
# read, only objects come out.  Whoever says no to lines may end with 1.
swallows() {
	local got=0

	{
		cat "$TESTS/fixtures/strangers/lines"
		printf '%s\n' $'\xff\xfe' "$(printf '[%.0s' {1..500})"
		head -c 3000000 /dev/zero | tr '\0' z
		printf '\na\0b\n{"type":"stats","ref":"sound"}\n'
	} | timeout $((20 * RK_SLOW)) "$@" >out 2>err || got=$?
	say "$1: $got"
	[ "$got" -le 1 ]
	run ! grep -qv '^{.*}$' out
}

@test "lines that no peer should say, at standard input" {
	swallows rk-route -e .
	grep -q '"ref":"sound"' out
	swallows rk-publish --frames
	grep -q '"ref":"sound"' out
	swallows rk-store s.db
	swallows rk-jobs j.db
	swallows rk-log log
	swallows rk-client --frames
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

@test "peers that keep no rule: rk-amqp-bridge, without a broker" {
	start b rk-amqp-bridge --url amqp://127.0.0.1:1 --window 64k -s b.sock
	wait_for test -S b.sock
	intrude b router
}
