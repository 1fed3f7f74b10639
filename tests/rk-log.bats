#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-log: what is kept, where, and what comes of it again.
#
# asan: long

load lib

setup() {
	cd "$RK_TEST" || return
	export TZ=UTC
}

teardown() {
	stop_all
}

today() {
	date +%F
}

# Without the times.
kept() {
	sed -E 's/"kept":[0-9]+/"kept":T/' "$@"
}

frames() {	# N: so many, numbered
	seq -f '{"type":"message","n":%.0f,"data":{"a":1.0}}' "$1"
}

# --- usage -----------------------------------------------------------------

@test "one directory, and one way for frames to come" {
	run_status 100 rk-log
	[[ $stderr == 'rk-log: DIR is missing '* ]]
	run_status 100 rk-log a b
	run_status 100 rk-log a --tap x -s y
	run_status 100 rk-log a --tap x -- cat
	run_status 100 rk-log a --link x
	run_status 100 rk-log a --link x -s y -- cat
	run_status 100 rk-log a -e . --rule r
	run_status 100 rk-log a --keep 1h
	run_status 100 rk-log a --from 1
	run_status 100 rk-log --replay f a
	run_status 100 rk-log --replay f --from yesterday
	run_status 100 rk-log --replay f --from 2026-02-30
	run_status 100 rk-log a -e '.a |'
	run_status 100 rk-log a --rule none
	[ ! -e a ]
}

# --- the plain case ----------------------------------------------------------

@test "a filter: frames pass as they are, a copy is kept" {
	frames 3 >in
	run_status 0 rk-log log <in
	assert_eq "$output" "$(<in)"
	assert_eq "$(kept "log/$(today).ndjson")" \
		"$(sed 's/}$/,"kept":T}/' in)"
	assert_eq "$(stat -c %a log "log/$(today).ndjson" | xargs)" '700 600'
}

@test "what is there already goes on" {
	run_status 0 rk-log log < <(frames 2)
	run_status 0 rk-log log < <(frames 1)
	[ "$(wc -l <"log/$(today).ndjson")" -eq 3 ]
}

@test "payloads are kept byte for byte, the link's own keys are not" {
	run_status 0 rk-log log <<<'{"type":"m", "data": {"b":1.0,"a":[1e400]}, "seq":7, "again":true }'
	assert_eq "$(kept "log/$(today).ndjson")" \
		'{"type":"m","data":{"b":1.0,"a":[1e400]},"kept":T}'
}

@test "--types: only these" {
	run_status 0 rk-log log --types open,close <<'END'
{"type":"open","n":1}
{"type":"message","n":2}
{"type":"close","n":3}
END
	assert_eq "$(jq -c .n "log/$(today).ndjson" | xargs)" '1 3'
	[ "$(wc -l <<<"$output")" -eq 3 ]
}

@test "garbage is told by its line, and not kept" {
	printf '{"type":"a"}\n\0\n[]\n{"type":"\xff"}\n{"type":"b"}\n' >in
	run_status 0 rk-log log <in
	[[ $stderr == *stdin:2:*stdin:3:*stdin:4:* ]]
	assert_eq "$(jq -r .type "log/$(today).ndjson" | xargs)" 'a b'
}

@test "a type that is no name is an error, and not kept" {
	printf '%s\n' '{"type":5}' '{"type":""}' '{"a":1}' '{"type":"b"}' >in
	run_status 0 rk-log log <in
	assert_eq "$(jq -r .type <<<"$output" | xargs)" 'error error error b'
	assert_eq "$(kept "log/$(today).ndjson")" '{"type":"b","kept":T}'
}

# --- rules -------------------------------------------------------------------

@test "a rule chooses file, text and head" {
	cat >rule.jq <<-'END'
	if .type == "open" then {type: "keep", file: "ServerLogs/{day}.txt",
		head: "-----SERVER-LOGS-----",
		text: "[Server] => New client robot connected:  \(.conn)"}
	elif .type == "message" then {type: "keep",
		file: ["ClientLogs", .data.name],
		text: "[Message-Content]: \(.data.text | tojson)\n\n"}
	elif .type == "post" then {type: "keep", file: "packages/p_15", data}
	else empty end
	END
	run_status 0 rk-log log --rule rule.jq <<'END'
{"type":"open","conn":"b.1"}
{"type":"message","data":{"name":"bot","text":"hi"}}
{"type":"post","data":{"Package":{"n":1.0},"JobID":15}}
{"type":"open","conn":"b.2"}
{"type":"other"}
END
	[ "$(wc -l <<<"$output")" -eq 5 ]
	assert_eq "$(cat "log/ServerLogs/$(today).txt")" \
		'-----SERVER-LOGS-----
[Server] => New client robot connected:  b.1
[Server] => New client robot connected:  b.2'
	assert_eq "$(cat log/ClientLogs/bot)" '[Message-Content]: "hi"'
	assert_eq "$(cat log/packages/p_15)" '{"Package":{"n":1.0},"JobID":15}'
	run_status 0 rk-log log --rule rule.jq <<<'{"type":"open","conn":"b.3"}'
	assert_eq "$(grep -c SERVER-LOGS "log/ServerLogs/$(today).txt")" 1
}

@test "names from frames stay below the directory" {
	echo mine >precious
	run_status 0 rk-log log -e '{type: "keep", file, text: "x"}' <<'END'
{"type":"a","file":"../precious"}
{"type":"a","file":["..","..","precious"]}
{"type":"a","file":["a/../../precious"]}
{"type":"a","file":"/tmp/x"}
{"type":"a","file":".hidden"}
{"type":"a","file":"nul\u0000l"}
END
	assert_eq "$(<precious)" mine
	assert_eq "$(find log -type f | sort)" 'log/_./_./precious
log/_./precious
log/_/tmp/x
log/_hidden
log/a_.._.._precious
log/nul_l'
}

@test "what a rule makes wrong is counted and told, and frames pass" {
	run_status 0 rk-log log -e 'if .n == 1 then error("no")
		elif .n == 2 then {type: "send"}
		elif .n == 3 then {type: "keep", file: 7, text: "x"}
		elif .n == 4 then {type: "keep", text: 7}
		else {type: "keep", file: "f", text: "x"} end' < <(frames 5)
	[ "$(wc -l <<<"$output")" -eq 5 ]
	[[ $stderr == *"a rule's output is not kept"*"name of a file"* ]]
	assert_eq "$(find log -type f)" log/f
}

@test "HUP: the rule is read again, and moved files are left" {
	echo '{type: "keep", file: "f", text: "old"}' >rule.jq
	start_ready log rk-log log --rule rule.jq
	feed log '{"type":"a"}'
	wait_lines log 1
	mv log/f log/f.1
	echo '{type: "keep", file: "f", text: "new"}' >rule.jq
	kill -HUP "$(pid_of log)"
	renewed() {
		feed log '{"type":"a"}'
		grep -q new log/f 2>/dev/null
	}
	wait_for renewed
	assert_eq "$(sort -u log/f.1)" old
	stop log
}

# --- days --------------------------------------------------------------------

# A zone in which midnight is so many seconds away.
midnight_in() {
	local now off

	now=$(date +%s)
	off=$(((now % 86400 + $1) % 86400))
	# local = UTC - what POSIX calls the offset
	printf 'LCL%02d:%02d:%02d' $((off / 3600)) $((off / 60 % 60)) \
		$((off % 60))
}

@test "a new day is a new file, without a restart" {
	TZ=$(midnight_in 6)
	export TZ
	start log rk-log log
	feed log '{"type":"before"}'
	wait_lines log 1
	two() {
		feed log '{"type":"after"}'
		[ "$(find log -name '*.ndjson' | wc -l)" -eq 2 ]
	}
	wait_for two
	stop log
	assert_eq "$(find log -name '*.ndjson' | sort | xargs head -qn 1 |
		jq -r .type | xargs)" 'before after'
	[ -e "log/$(today).ndjson" ]
}

@test "--utc: days are UTC's" {
	local TZ

	TZ=LCL-14
	run_status 0 rk-log --utc log < <(frames 1)
	[ -e "log/$(TZ=UTC date +%F).ndjson" ]
}

@test "--keep: older days are forgotten, and nothing else" {
	mkdir -p log/sub
	touch log/2001-02-03.ndjson log/sub/2001-02-03.txt log/2001-02-30.txt \
		log/notes "log/$(date -d '3 days ago' +%F).ndjson" outside-2001
	mkdir elsewhere
	touch elsewhere/2001-02-03.txt
	ln -s ../elsewhere log/link
	run_status 0 rk-log log --keep 30d < <(frames 1)
	assert_eq "$(find log -name '2001*')" log/2001-02-30.txt
	[ -e elsewhere/2001-02-03.txt ] && [ -e log/notes ]
	[ -e "log/$(date -d '3 days ago' +%F).ndjson" ]
}

# --- what may go wrong ---------------------------------------------------------

@test "a line that a crash left without its end is cut off" {
	mkdir log
	printf '{"type":"whole","kept":1}\n{"type":"tor' >"log/$(today).ndjson"
	run_status 0 rk-log log < <(frames 1)
	[[ $stderr == *'the last line has no end'* ]]
	assert_eq "$(jq -r .type "log/$(today).ndjson" | xargs)" \
		'whole message'
	yes x | head -c 100000 | tr -d '\n' >"log/$(today).ndjson"
	run_status 0 rk-log log < <(frames 1)
	assert_eq "$(jq -r .type "log/$(today).ndjson" | xargs)" message
}

@test "a link in the directory is not followed, a fifo not opened" {
	mkdir log
	echo mine >precious
	ln -s ../precious "log/$(today).ndjson"
	run_status 0 rk-log log --must < <(frames 3)
	[ "$(wc -l <<<"$output")" -eq 3 ]
	[[ $stderr == *'what comes is lost'* ]]
	assert_eq "$(<precious)" mine
	rm "log/$(today).ndjson"
	mkfifo "log/$(today).ndjson"
	run_status 0 rk-log log < <(frames 3)
	[ "$(wc -l <<<"$output")" -eq 3 ]
}

# CMD...: with a disk that takes 4 kB of a file.
on_a_full_disk() {
	trap '' XFSZ
	ulimit -S -f 4
	exec "$@"
}

@test "a full disk is reported, tears no line, and stops no frame" {
	export -f on_a_full_disk
	frames 1000 >in
	run_status 0 bash -c 'on_a_full_disk rk-log log <in'
	[ "$(wc -l <<<"$output")" -eq 1000 ]
	[[ $stderr == *'what comes is lost' ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	run_status 0 jq . "log/$(today).ndjson"
	[ "$(wc -c <"log/$(today).ndjson")" -gt 3900 ]
	assert_eq "$(tail -c 1 "log/$(today).ndjson")" ''
}

@test "--must: frames wait for the disk, and none is lost" {
	export -f on_a_full_disk
	start log bash -c 'on_a_full_disk rk-log log --must'
	frames 200 >in
	cat in >&"${stdin_of[log]}"
	wait_for grep -q 'it waits' log.err
	feed log '{"type":"last"}'
	run ! grep -q last log.out
	prlimit --pid "$(pid_of log)" --fsize=1000000:
	wait_line log last
	assert_eq "$(sed '$d' log.out)" "$(<in)"
	stop log
	[ "$(wc -l <"log/$(today).ndjson")" -eq 201 ]
	run_status 0 jq . "log/$(today).ndjson"
}

@test "kill -9: what was passed is there, and the next start mends the end" {
	export -f frames
	start log bash -c 'exec rk-log log < <(frames 1000000000)'
	wait_lines log 5000
	kill -9 "$(pid_of log)"
	ended log 137
	[ "$(wc -l <"log/$(today).ndjson")" -ge "$(wc -l <log.out)" ]
	rk-log log <<<'{"type":"last"}'
	run_status 0 jq -n '[inputs.type] | last' "log/$(today).ndjson"
	assert_eq "$output" '"last"'
}

@test "a directory that cannot be: 111" {
	echo x >file
	run_status 111 rk-log file </dev/null
	run_status 111 rk-log none/log </dev/null
}

# --- links -------------------------------------------------------------------

@test "in between: both ways, tracked, and what is refused is refused" {
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port \
		--ws '/{user}' -- rk-log log -- rk-route -e '
		select(.type == "message") | if .data == 2 then refuse("no")
		else {type: "send", conn, data} end'
	start a node "$TESTS/clients/ws.js" "ws://127.0.0.1:$(<port)/u"
	wait_line a open
	feed a 'text 1' 'text 2' 'text 3'
	wait_line a 'text 3'
	run ! grep -q 'text 2' a.out
	wait_for grep -q '"send"' "log/$(today).ndjson"
	stop node
	assert_eq "$(jq -r '.type + (.data | tostring)' "log/$(today).ndjson" |
		grep '[123]$' | sort | xargs)" \
		'message1 message2 message3 send1 send3'
	run ! grep -q '"seq"' "log/$(today).ndjson"
}

@test "--link: between a socket and a co-process, whichever comes first" {
	start log rk-log log --link n.sock -- rk-route -e '
		select(.type == "message") | {type: "send", conn, data}'
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port -s n.sock \
		--ws '/{user}'
	start a node "$TESTS/clients/ws.js" "ws://127.0.0.1:$(<port)/u"
	wait_line a open
	feed a 'text 1'
	wait_line a 'text 1'
	stop log
	grep -q '"type":"send"' "log/$(today).ndjson"
	start_ready log rk-log log --link n.sock -- rk-route -e '
		select(.type == "message") | {type: "send", conn, data: "new"}'
	feed a 'text 2'
	wait_line a 'text "new"'
}

@test "a tap: what passes at another's socket" {
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port -s n.sock \
		--ws '/{user}' -- rk-route -e 'select(.type == "message")
		| {type: "send", conn, data}'
	start_ready log rk-log log --tap n.sock --types message,send
	start a node "$TESTS/clients/ws.js" "ws://127.0.0.1:$(<port)/u"
	wait_line a open
	feed a 'text 1'
	wait_for grep -q '"send"' "log/$(today).ndjson"
	assert_eq "$(jq -r .type "log/$(today).ndjson" | xargs)" 'message send'
	stop log
}

@test "a station: what a router sends it is kept, and settled; --fsync" {
	start_ready log rk-log log -s l.sock --fsync \
		-e '{type: "keep", file: "f", text}'
	run_status 0 rk-publish -s l.sock --frames \
		<<<'{"type":"keep","text":"hello"}'
	assert_eq "$(<log/f)" hello
	stop log
}

@test "a reader that left, a full device: 111" {
	frames 20000 >in
	run_status 111 bash -c 'rk-log log <in >/dev/full'
	rk-log log <in 2>err | head -n 1 >out
	[ "${PIPESTATUS[0]}" -eq 111 ]
}

# --- replay ------------------------------------------------------------------

@test "what was kept comes back byte for byte, twice the same" {
	frames 100 >in
	rk-log log <in >/dev/null
	run_status 0 rk-log --replay "log/$(today).ndjson"
	assert_eq "$output" "$(<in)"
	run_status 0 rk-log --replay - <"log/$(today).ndjson"
	assert_eq "$output" "$(<in)"
}

@test "--from, --to, --types: a part of it" {
	printf '{"type":"%s","kept":%s}\n' a 1000 b 2000 a 3000 \
		c 1784073600000 d 1784109600000 e 1784160000000 >file
	part() {
		rk-log --replay file "$@" | jq -r .type | xargs
	}
	assert_eq "$(part --from 2000 --to 3000)" b
	assert_eq "$(part --to 3000 --types a)" a
	assert_eq "$(part --from 2026-07-15 --to 2026-07-16)" 'c d'
	assert_eq "$(part --from 2026-07-15T10:00 --to 2026-07-15T10:00:01)" d
	assert_eq "$(TZ=LCL-1 part --from 2026-07-15T11:00 \
		--to 2026-07-15T11:00:01)" d
	assert_eq "$(TZ=LCL-1 part --utc --from 2026-07-15T10:00 \
		--to 2026-07-15T10:00:01)" d
}

@test "--timed: with the pauses that there were" {
	local began

	printf '{"type":"a","kept":%s}\n' 1000 1100 1300 >file
	began=$(date +%s%3N)
	run_status 0 rk-log --replay file --timed
	[ "$(wc -l <<<"$output")" -eq 3 ]
	[ $(($(date +%s%3N) - began)) -ge 300 ]
}

@test "what was not kept by us is told, and the end is 1" {
	printf '{"type":"a","kept":1}\n{"type":"b"}\nx\n{"kept":"1"}\n' >file
	run_status 1 rk-log --replay file
	assert_eq "$output" '{"type":"a"}'
	[[ $stderr == *file:2:*file:3:*file:4:* ]]
	run_status 111 rk-log --replay none
}

@test "a recorded run gives the same, through its rules, each time" {
	local rule=$ROOT/lib/rules/piped.jq

	grep -h '^{' "$ROOT"/tests/fixtures/piped/*.in >in
	rk-log log <in >/dev/null
	rk-route "$rule" <in >want 2>/dev/null || :
	for i in 1 2; do
		rk-log --replay "log/$(today).ndjson" |
			rk-route "$rule" 2>/dev/null >"got$i" || :
		cmp want "got$i"
	done
	[ -s want ]
}
