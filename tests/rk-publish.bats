#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr and stdin_of are set by lib

load lib

# The station prints what it takes; see tests/clients/station.js.
station() {
	start station node "$TESTS/clients/station.js" "$RK_TEST/node.sock" "$@"
	wait_line station listening
}

took() {
	sed 1,2d "$RK_TEST/station.out"		# listening, attach
}

setup() {
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

# --- usage -----------------------------------------------------------------

@test "--help lists the options, --version says which" {
	run_status 0 rk-publish --help
	[[ $output == 'usage: rk-publish '*--user=NAME* ]]
	run_status 0 rk-publish --version
	[[ $output == 'rk-publish '[0-9]* ]]
}

@test "a send has exactly one target" {
	run_status 100 rk-publish x
	[[ $stderr == 'rk-publish: one of --user, '* ]]
	run_status 100 rk-publish --user T --all x
}

@test "what makes no sense together is refused" {
	run_status 100 rk-publish --all a b
	[[ $stderr == *'more than one payload'* ]]
	run_status 100 rk-publish --all --lines a
	run_status 100 rk-publish --frames --user T
	run_status 100 rk-publish --frames --text
	run_status 100 rk-publish --type 'se"nd' x
	run_status 100 rk-publish --user $'\xff' x
	run_status 100 rk-publish --no-such-option
	run_status 100 rk-publish --all --timeout 5x x
}

# --- one payload -----------------------------------------------------------

@test "JSON becomes data, anything else text" {
	run_status 0 rk-publish --user T --event balance-changed \
		'{"balance":345.55}'
	assert_eq "$output" '{"type":"send","user":"T",'\
'"event":"balance-changed","data":{"balance":345.55}}'
	run_status 0 rk-publish --user T hello
	assert_eq "$output" '{"type":"send","user":"T","text":"hello"}'
	run_status 0 rk-publish --all ''
	assert_eq "$output" '{"type":"send","all":true,"text":""}'
}

@test "a payload is kept byte for byte" {
	local payload='{"b":1.0,"a":[9007199254740993,1e400,-0],"a":"\u00e9\/"}'

	run_status 0 rk-publish --all "$payload"
	assert_eq "$output" '{"type":"send","all":true,"data":'"$payload"'}'
}

@test "a line break between tokens becomes a space, one at the end goes" {
	run_status 0 rk-publish --all - < <(printf '{"a":\r\n1}\n')
	assert_eq "$output" '{"type":"send","all":true,"data":{"a":  1}}'
	run_status 0 rk-publish --all < <(printf 'a\nb\n')
	assert_eq "$output" '{"type":"send","all":true,"text":"a\nb"}'
}

@test "-- ends the options" {
	run_status 0 rk-publish --all -- -5
	assert_eq "$output" '{"type":"send","all":true,"data":-5}'
}

@test "the keys of the frame: conn, channel, except, ref, exchange, key" {
	run_status 0 rk-publish --conn b.1 --ref '[1]' x
	assert_eq "$output" \
		'{"type":"send","conn":"b.1","ref":[1],"text":"x"}'
	run_status 0 rk-publish --channel 'a"b' --except b.2 --ref r x
	assert_eq "$output" '{"type":"send","channel":"a\"b",'\
'"except":"b.2","ref":"r","text":"x"}'
	run_status 0 rk-publish --type publish --exchange e --key k x
	assert_eq "$output" \
		'{"type":"publish","exchange":"e","key":"k","text":"x"}'
}

@test "another type needs no payload and reads none" {
	start kick rk-publish --type kick --user T
	ended kick
	assert_eq "$(cat kick.out)" '{"type":"kick","user":"T"}'
}

@test "--text: what looks like JSON is text" {
	run_status 0 rk-publish --all --text '{"a":1}'
	assert_eq "$output" '{"type":"send","all":true,"text":"{\"a\":1}"}'
}

@test "--binary: any bytes, their newline and NUL too" {
	run_status 0 rk-publish --all --binary < <(printf '\0\xff\n')
	assert_eq "$output" '{"type":"send","all":true,"base64":"AP8K"}'
}

@test "what is not UTF-8 is refused" {
	run_status 1 rk-publish --all $'\xff'
	assert_eq "$output" ''
	[[ $stderr == *'refused: not UTF-8'* ]]
}

@test "--max: a payload at the bound passes, one byte over does not" {
	run_status 0 rk-publish -m 10 --all '"12345678"'
	run_status 1 rk-publish -m 10 --all '"123456789"'
	[[ $stderr == *'over the bound'* ]]
	run_status 0 rk-publish -m 10 --all < <(echo '"12345678"')
	run_status 1 rk-publish -m 10 --all < <(printf '"%0100000d"' 1)
}

# --- lines and frames ------------------------------------------------------

@test "--lines: a line is a payload, a bad one is named by its number" {
	run_status 1 rk-publish --all --lines < <(
		printf '1\n\n\xff\nlast, without newline')
	assert_eq "$output" '{"type":"send","all":true,"data":1}
{"type":"send","all":true,"text":""}
{"type":"send","all":true,"text":"last, without newline"}'
	[[ $stderr == 'rk-publish: warning: stdin:3: refused: not UTF-8'* ]]
}

@test "--lines: a line over the bound is skipped whole" {
	run_status 1 rk-publish -m 1k --all --lines < <(
		head -c 200000 /dev/zero | tr '\0' x; printf '\nnext\n')
	assert_eq "$output" '{"type":"send","all":true,"text":"next"}'
	[[ $stderr == *'stdin:1: refused: the line is over the bound'* ]]
}

@test "--lines: a frame leaves while the input idles" {
	start lines rk-publish --all --lines
	feed lines one
	wait_line lines '"text":"one"'
	feed lines two
	wait_line lines '"text":"two"'
	feed_end lines
	ended lines
}

@test "--frames: frames pass as they are, the rest is reported" {
	run_status 1 rk-publish --frames < <(printf '%s\n' \
		'{ "x":1.0, "type":"any" }' '[]' '{"a":1}' '{"type":"a"' \
		'{"type":"ack","seq":[[1,1]]}' '{"type":"send","seq":1}')
	assert_eq "$output" '{ "x":1.0, "type":"any" }'
	assert_eq "$(grep -c 'stdin:[2-6]: refused: ' <<<"$stderr")" 5
}

@test "memory stays flat over 200,000 lines" {
	local kib

	start flat rk-publish --all --lines
	seq 10000 >&"${stdin_of[flat]}"
	wait_lines flat 10000
	kib=$(awk '/VmRSS/ { print $2 }' "/proc/$(pid_of flat)/status")
	seq 190000 >&"${stdin_of[flat]}"
	wait_lines flat 200000
	[ "$(awk '/VmRSS/ { print $2 }' "/proc/$(pid_of flat)/status")" -lt \
		$((kib + 1024)) ]
}

# --- standard output -------------------------------------------------------

@test "a full disk is 111" {
	full() { rk-publish --all x >/dev/full; }
	run_status 111 full
	[[ $stderr == 'rk-publish: standard output: '* ]]
}

@test "a reader that left is 111" {
	left() {
		mkfifo fifo
		true <fifo &
		rk-publish --all --lines >fifo < <(yes)
	}
	run_status 111 left
}

# It has read nothing since the last look at what it read.
stopped_reading() {
	local now

	now=$(grep rchar "/proc/$(pid_of "$1")/io")
	[ "$now" = "${seen-}" ] && return
	seen=$now
	return 1
}

@test "a slow reader stops the lines, and nothing is lost" {
	local reader

	mkfifo fifo
	exec {reader}<>fifo
	# shellcheck disable=SC2016
	start slow bash -c 'exec rk-publish --all --lines >"$0"' fifo
	seq 300000 >&"${stdin_of[slow]}" 3>&- &
	wait_for stopped_reading slow
	[ "$(awk '/rchar/ { print $2 }' "/proc/$(pid_of slow)/io")" -lt 700000 ]
	head -n 300000 <&"$reader" | jq .data | cmp - <(seq 300000)
	feed_end slow
	ended slow
	exec {reader}>&-
}

# --- a socket --------------------------------------------------------------

@test "a frame is put in and settled" {
	station
	run_status 0 rk-publish -s node.sock --user T 1
	assert_eq "$output$stderr" ''
	assert_eq "$(took)" '{"type":"send","user":"T","data":1}'
	grep -q '"as":"source","name":"rk-publish"' station.out
}

@test "what the station refuses is named, the rest is accepted: 1" {
	station bad
	run_status 1 rk-publish -s node.sock --all --lines < <(
		printf 'good\nbad\nfine\n')
	assert_eq "$stderr" \
		'rk-publish: warning: stdin:2: refused: not here'
	run_status 1 rk-publish -s node.sock --all bad
	assert_eq "$stderr" 'rk-publish: refused: not here'
}

@test "whole frames to a socket" {
	station
	run_status 0 rk-publish -s node.sock --frames < <(
		echo '{"type":"kick","user":"T"}')
	assert_eq "$(took)" '{"type":"kick","user":"T"}'
}

@test "a line goes in while the input idles; ready when the peer is there" {
	station
	start_ready lines rk-publish -s node.sock --all --lines
	feed lines one
	wait_line station one
	feed_end lines
	ended lines
}

@test "20,000 lines through a window of 4 KiB, in order" {
	station
	run_status 0 rk-publish -s node.sock --window 4k --all --lines \
		< <(seq 20000)
	took | jq .data | cmp - <(seq 20000)
}

@test "nobody at the socket within --timeout is 111" {
	run_status 111 rk-publish -s node.sock --timeout 200ms --all x
	assert_eq "$stderr" 'rk-publish: node.sock: nobody is there'
}

@test "a socket that comes within --timeout is in time" {
	start early rk-publish -s node.sock --all x
	station
	ended early
	wait_line station '"text":"x"'
}

@test "a station that answers no attach is nobody" {
	start mute socat -u UNIX-LISTEN:node.sock,fork OPEN:/dev/null
	wait_for test -S node.sock
	run_status 111 rk-publish -s node.sock --timeout 300ms --all x
}

@test "a station that leaves before it settled is 111" {
	station '' 3
	run_status 111 rk-publish -s node.sock --all --lines < <(seq 5)
	[[ $stderr == *'node.sock: the peer left before it settled'* ]]
}

@test "a real listener: what it takes and what it refuses" {
	start_ready node rk-listen -p 0 --port-file port -s node.sock \
		--ws '/{user}'
	start_ready client rk-client --no-input "ws://localhost:$(<port)/T"
	run_status 1 rk-publish -s node.sock --frames < <(printf '%s\n' \
		'{"type":"send","user":"T","data":{"n":1.0}}' \
		'{"type":"bind","queue":"q"}' \
		'{"type":"send","user":"nobody","data":1}')
	assert_eq "$(grep -c 'stdin:2: refused: ' <<<"$stderr")" 1
	wait_line client '{"n":1.0}'
}

# --- the end ---------------------------------------------------------------

@test "TERM: what was read is settled, exit 0" {
	station
	start_ready lines rk-publish -s node.sock --all --lines
	feed lines one
	wait_line station one
	stop lines
}

catches_term() {		# bit 14 of the mask, 4 bits a digit
	grep -q '^SigCgt:.*[4-7c-f]...$' "/proc/$(pid_of "$1")/status"
}

@test "TERM: a peer that settles nothing is 111 after --timeout" {
	station '' '' never
	start_ready lines rk-publish -s node.sock --timeout 200ms --all --lines
	feed lines one
	wait_line station one
	stop lines 111
	grep -q 'node.sock: 1 frames are not settled' lines.err
}

@test "TERM while nobody is there is 111" {
	start lonely rk-publish -s node.sock --timeout 1m --all x
	wait_for catches_term lonely
	stop lonely 111
}
