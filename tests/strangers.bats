#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2034,SC2154 # url is for listen; stderr, output from lib
#
# Strangers: whatever comes in at the front, or from a peer of a link, nothing
# crashes, spins, or keeps what it was given; the next one is served.

load lib
load listen

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
	sound_calls() {
		[ -s calls ] && jq -e -s 'all(.token == "T" and .method != null)' \
			calls >/dev/null
	}
	wait_for sound_calls
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

# --- the protocol, in ways that libraries are known to take badly ------------

# An upgrade on $raw, with these headers besides; its answer.
upgrade() {
	exec {raw}<>"/dev/tcp/127.0.0.1/$port"
	printf %b "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13$1\r\n" >&"$raw"
	head_of_answer
}

head_of_answer() {
	local line

	while read -r -t $((20 * RK_SLOW)) line <&"$raw"; do
		line=${line%$'\r'}
		[ -n "$line" ] || return 0
		echo "$line"
	done
	return 1
}

@test "compression is never agreed to; empty messages and large ones echo" {
	local offer

	listen --ws / -- rk-route -e 'select(.type == "message") |
		{type: "send", conn} + payload'
	for offer in permessage-deflate \
		'permessage-deflate; server_no_context_takeover' \
		'permessage-deflate; server_max_window_bits=10' \
		'permessage-deflate; client_max_window_bits, x-webkit-deflate-frame'
	do
		upgrade "Sec-WebSocket-Extensions: $offer\r\n" >answer
		grep -q '^HTTP/1.1 101' answer
		run ! grep -qi extensions answer
		exec {raw}>&-
	done
	# RSV1 without it: what would have been compressed
	upgrade '' >answer
	printf '\xc1\x83\0\0\0\0\xaa\x56\0' >&"$raw"
	assert_eq "$(timeout $((20 * RK_SLOW)) head -c 4 <&"$raw" |
		od -An -tx1 | cut -c 1-3,7-12)" ' 88 03 ea'
	exec {raw}>&-
	client a /
	feed a 'text a' 'text ' 'binary ' 'big 200000' 'text b'
	wait_line a 'text b'
	assert_eq "$(tr '\n' ' ' <a.out)" \
		'open text a text binary big 200000 text b '
	stop l
}

@test "each frame of a table, to rk-listen and to rk-client" {
	local table=$TESTS/fixtures/strangers/frames

	start_ready l rk-listen -p 127.0.0.1:0 --port-file port \
		-- rk-route -e 'select(.type == "message") |
		{type: "send", conn} + payload'
	run_status 0 timeout -k 5 $((120 * RK_SLOW)) \
		node "$TESTS/clients/frames.js" "$(<port)" "$table"
	run_status 0 timeout -k 5 $((240 * RK_SLOW)) \
		node "$TESTS/clients/frames.js" 0 "$table" rk-client
	stop l
}

@test "Host comes once, and a request has one length" {
	local rest

	listen --http /
	for rest in 'Host: h\r\nHost: h\r\n' 'Host: h\r\nhost: other\r\n' '' \
		'Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n' \
		'Host : h\r\n' 'Host: h\r\n folded\r\n'
	do
		assert_eq "$rest: $(status_of "GET / HTTP/1.1\r\n$rest\r\n")" \
			"$rest: 400"
		assert_eq "$rest: $(status_of "GET / HTTP/1.1\r\n$rest${UPGRADE#*n}$KEY$V13\r\n")" \
			"$rest: 400"
	done
	[ ! -s l.out ]
}

@test "what CAVEATS says: no mask, codes 1012 to 1014, pings together" {
	listen
	upgrade '' >answer
	printf '\x81\x03abc' >&"$raw"		# no mask
	wait_line l '"text":"abc"'
	printf '\x89\x80\0\0\0\0\x89\x80\0\0\0\0' >&"$raw"	# two pings
	assert_eq "$(timeout $((20 * RK_SLOW)) head -c 2 <&"$raw" |
		od -An -tx1)" ' 8a 00'
	printf '\x88\x82\0\0\0\0\x03\xf5' >&"$raw"		# 1013
	wait_line l '"code":1002'
	exec {raw}>&-
}

# What is known to break listeners, or what they stand on, and the test that shows
# that it does not break ours.
known() {
	cat <<-'END'
	a GET and a POST in one segment|rk-listen|a GET and a POST in one segment
	an unknown Upgrade, and again|rk-listen|an unknown Upgrade is a plain
	CONNECT, HTTP/2, TLS at a plain port|rk-listen|requests that are wrong
	two names of a host, two lengths|strangers|Host comes once
	any version, any method, no key|rk-listen|handshakes that are wrong
	a slow reader that pings, plain|rk-listen|frames stay whole
	a slow reader that pings, TLS|tls|frames stay whole
	a slow reader with compression|strangers|compression is never agreed to
	an empty message with compression|strangers|compression is never agreed to
	a large message with compression|strangers|compression is never agreed to
	odd offers of compression|strangers|compression is never agreed to
	frames that are not masked|strangers|what CAVEATS says
	several pings in one segment|strangers|what CAVEATS says
	a broken frame, and it never hangs up|rk-listen|what breaks the protocol
	a POST that drips|admission|--body-time: for the whole
	heads that drip|admission|--head-time
	half-open connections by the thousand|admission|half-open connections
	an answer that is not read|admission|--body-time: who does not read
	stdin a file, /dev/null|rk-listen|stdin may be a file
	5,000 idle connections|rk-listen|5,000 idle connections
	TERM is 1001 for everybody|rk-listen|TERM: everybody is closed
	TERM is 1001 for everybody, TLS|tls|TERM: everybody is closed
	a rule that runs away|rk-route|--budget: a rule that runs away
	a broker that takes nothing|broker|a broker short of memory
	no descriptors|strangers|descriptors run out
	END
}

@test "what is known to break others has its test" {
	local what suite test

	while IFS='|' read -r what suite test; do
		grep -qF -e "@test \"$test" "$TESTS/$suite.bats" && continue
		say "$what: no \"$test\" in $suite.bats"
		return 1
	done < <(known)
	[ -x "$TESTS/differ/run" ]	# the scanner: JSONTestSuite, another parser
}

# --- descriptors ------------------------------------------------------------

# NAME: it may open no more.
no_more_files() {
	prlimit --pid "$(pid_of "$1")" --nofile=3:
}

more_files() {
	prlimit --pid "$(pid_of "$1")" --nofile=1024:
}

# N: so often it was held up; from a stats frame, for nobody comes in.
held_up() {
	feed l '{"type":"stats","ref":1}'
	jq -es --argjson n "$1" 'last |
		.data["refused_total{reason=\"files\"}"] >= $n' l.out >/dev/null
}

ms() {
	echo "${EPOCHREALTIME/./}" | cut -c -13
}

@test "descriptors run out: said, counted, and over when there are some" {
	local before fd fds=()

	listen
	client a /
	no_more_files l
	for _ in {1..16}; do		# some may come in yet
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
	done
	curl -s -m $((60 * RK_SLOW)) "http://127.0.0.1:$port/healthz" >health \
		3>&- &
	wait_for held_up 1
	before=$(ms)
	wait_for held_up 11
	[ $(($(ms) - before)) -ge 500 ]	# it does not ask all the time
	feed l '{"type":"send","all":true,"text":"in between"}'
	wait_line a 'text in between'
	grep -q 'Too many open files: nobody else is accepted' l.err
	[ ! -s health ]
	more_files l
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	wait_for grep -qx ok health
	stop l
}

@test "descriptors run out at a socket: it is the peers' turn later" {
	listen -s n.sock
	client a /
	no_more_files l
	start p rk-publish -s n.sock --all waited
	wait_for grep -q 'n.sock: accept: Too many open files' l.err
	more_files l
	ended p
	wait_line a 'text waited'
	curl -s "http://127.0.0.1:$port/metrics" |
		grep -q '^rk_listen_link_no_files_total [1-9]'
	stop l
}

@test "descriptors run out while the router dies: it comes back" {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port -- sh -c \
		'echo $$ >router; exec rk-route -e "select(.type == \"message\") |
		{type: \"send\", conn} + payload"'
	port=$(<port)
	url=ws://127.0.0.1:$port
	client a /
	no_more_files l
	kill -9 "$(<router)"
	wait_for grep -q 'pipe: Too many open files' l.err
	more_files l
	feed a 'text there?'
	wait_line a 'text there?'
	stop l
}
