#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-store: what is kept, what is answered, and what a kill leaves.

load lib

setup() {
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

# LINE...: what a store says to these, as a filter, and with which status.
ask() {
	local status=$1

	shift
	run_status "$status" rk-store f.db < <(printf '%s\n' "$@")
}

peer() {	# NAME: a connection to s.sock by hand
	start "$1" node "$TESTS/clients/peer.js" s.sock
}

attach() {	# NAME BOOT [AS]
	feed "$1" '{"type":"attach","v":1,"as":"'"${3:-source}"'","name":"n","boot":"'"$2"'","window":65536}'
	wait_line "$1" '"ready"'
}

# --- usage -----------------------------------------------------------------

@test "one file, and a size that makes sense" {
	run_status 100 rk-store
	[[ $stderr == 'rk-store: FILE is missing '* ]]
	run_status 100 rk-store a b
	run_status 100 rk-store f.db --size 1k
	run_status 100 rk-store f.db --size 2000g
	[ ! -e f.db ]
}

# --- the plain case ----------------------------------------------------------

@test "put, get, delete" {
	ask 0 '{"type":"put","key":"k","data":{"a":1},"ref":1}' \
		'{"type":"put","key":"k","data":2,"ref":[2]}' \
		'{"type":"get","key":"k","ref":{"r":3}}' \
		'{"type":"delete","key":"k","ref":4}' \
		'{"type":"get","key":"k","ref":5}' \
		'{"type":"delete","key":"k","ref":6}'
	assert_eq "$output" '{"type":"done","ref":1,"key":"k","created":true}
{"type":"done","ref":[2],"key":"k","created":false}
{"type":"entry","ref":{"r":3},"key":"k","data":2}
{"type":"done","ref":4}
{"type":"entry","ref":5,"key":"k","absent":true}
{"type":"done","ref":6}'
}

@test "without a ref nothing is said, and it is kept over restarts" {
	ask 0 '{"type":"put","key":"k","text":"hello"}'
	assert_eq "$output" ''
	ask 0 '{"type":"get","key":"k","ref":1}'
	assert_eq "$output" '{"type":"entry","ref":1,"key":"k","text":"hello"}'
}

@test "if absent: only the first is kept" {
	ask 0 '{"type":"put","key":"k","if":"absent","data":1,"ref":1}' \
		'{"type":"put","key":"k","if":"absent","data":2,"ref":2}' \
		'{"type":"get","key":"k","ref":3}'
	assert_eq "$output" '{"type":"done","ref":1,"key":"k","created":true}
{"type":"done","ref":2,"key":"k","created":false}
{"type":"entry","ref":3,"key":"k","data":1}'
}

@test "payloads come back byte for byte, of all three kinds" {
	local payload

	for payload in '"data":{"b":1.0,"a":[9007199254740993,1e400],"a":"\u00e9\/"}' \
		'"data":null' '"text":"\ud83d\ude00\n"' '"base64":"AAEC/w=="'
	do
		ask 0 '{"type":"put","key":"k",'"$payload"'}' \
			'{"type":"get","key":"k","ref":1}'
		assert_eq "$output" \
			'{"type":"entry","ref":1,"key":"k",'"$payload"'}'
	done
}

@test "a key is its text, however it is spelled" {
	ask 0 '{"type":"put","key":"\u0061\/\"","data":1}' \
		'{"type":"get","key":"a/\u0022","ref":1}' \
		'{"type":"list","ref":2}'
	assert_eq "$output" '{"type":"entry","ref":1,"key":"a/\u0022","data":1}
{"type":"entries","ref":2,"entries":[{"key":"a/\"","data":1}]}'
}

# --- pages -------------------------------------------------------------------

@test "list: by key, with a prefix, after a key, limited" {
	ask 0 '{"type":"put","key":"b","data":4}' \
		'{"type":"put","key":"a/2","data":2}' \
		'{"type":"put","key":"a/1","data":1}' \
		'{"type":"put","key":"a0","data":3}' \
		'{"type":"list","ref":1}' \
		'{"type":"list","prefix":"a/","ref":2}' \
		'{"type":"list","after":"a/2","limit":1,"ref":3}' \
		'{"type":"list","prefix":"a/","after":"a/1","limit":1,"ref":4}' \
		'{"type":"list","prefix":"c","ref":5}'
	assert_eq "$(jq -c '[.ref, .more, (.entries[] | .key, .data)]' \
		<<<"$output")" \
		'[1,null,"a/1",1,"a/2",2,"a0",3,"b",4]
[2,null,"a/1",1,"a/2",2]
[3,true,"a0",3]
[4,null,"a/2",2]
[5,null]'
}

# N BYTES: so many entries of so many bytes.
fill() {
	seq -f '%05.0f' "$1" | jq -cR --argjson n "$2" \
		'{type: "put", key: ., data: ("x" * $n)}'
}

@test "list: pages of 64 KiB and 1000 entries, which a rule can turn" {
	{
		fill 2500 20
		echo '{"type":"list","ref":1}'
	} >in
	run_status 0 rk-store f.db <in
	[ "$(jq '.entries | length' <<<"$output")" -eq 1000 ]
	jq -e .more <<<"$output"
	start_ready store rk-store f.db -- rk-route -e '
		if .type == "link" then {type: "list", ref: 0}
		elif .type == "entries" then
			({type: "put", key: "x/\(.ref)",
				data: (.entries | length)},
			if .more then {type: "list", ref: (.ref + 1),
				after: .entries[-1].key} else empty end)
		else empty end'
	wait_for grep -qa x/2 f.db-wal
	stop store
	ask 0 '{"type":"list","prefix":"x/","ref":1}'
	assert_eq "$(jq -c '[.entries[].data]' <<<"$output")" '[1000,1000,502]'
}

@test "list: an entry over a page is a page" {
	{
		fill 3 100000
		echo '{"type":"list","ref":1}'
		echo '{"type":"list","after":"00002","ref":2}'
	} >in
	run_status 0 rk-store f.db <in
	assert_eq "$(jq -c '[.more, .entries[].key]' <<<"$output")" \
		'[true,"00001"]
[null,"00003"]'
}

# --- what is wrong -------------------------------------------------------------

@test "what is wrong is refused, the rest goes on, and the end is 1" {
	ask 1 '{"type":"put","data":1,"ref":1}' \
		'{"type":"put","key":"","data":1,"ref":2}' \
		'{"type":"put","key":7,"data":1,"ref":3}' \
		'{"type":"put","key":"a\u0000","data":1,"ref":4}' \
		'{"type":"put","key":"k","ref":5}' \
		'{"type":"put","key":"k","data":1,"text":"","ref":6}' \
		'{"type":"put","key":"k","base64":"?","ref":7}' \
		'{"type":"put","key":"k","data":1,"if":"present","ref":8}' \
		'{"type":"get","ref":9}' '{"type":"delete","ref":10}' \
		'{"type":"list","limit":1001,"ref":11}' \
		'{"type":"list","prefix":1,"ref":12}' \
		'{"type":"list","after":"\n","ref":13}' \
		'{"type":"nonsense","ref":14}' \
		'{"type":"list","ref":15}'
	assert_eq "$(jq -c '[.type, .ref]' <<<"$output" | head -n 14)" \
		"$(seq -f '["error",%.0f]' 14)"
	assert_eq "$(tail -n 1 <<<"$output")" \
		'{"type":"entries","ref":15,"entries":[]}'
	ask 1 '{"type":"put","data":1}'
	assert_eq "$output" '{"type":"error","why":"key: not a string of 1 to 255 bytes without controls"}'
}

@test "a key at 255 bytes passes, one more does not" {
	local key

	key=$(printf '%0255d' 0)
	ask 0 '{"type":"put","key":"'"$key"'","data":1}'
	ask 1 '{"type":"put","key":"'"$key"'0","data":1}'
}

@test "--max: a payload at the bound passes, one byte over does not" {
	run_status 0 rk-store f.db -m 10 \
		<<<'{"type":"put","key":"k","data":"12345678"}'
	run_status 1 rk-store f.db -m 10 \
		<<<'{"type":"put","key":"k","data":"123456789"}'
	[[ $output == *'the payload is too large'* ]]
}

@test "garbage, NUL and invalid UTF-8 are told by their line" {
	printf '{"type":"put","key":"k","data":1}\n\0\n{"type":"put","key":"\xff","data":1}\n[]\n' >in
	run_status 1 rk-store f.db <in
	assert_eq "$(grep -c '"error"' <<<"$output")" 3
	[[ $stderr == *stdin:2:*stdin:3:*stdin:4:* ]]
}

@test "what is another station's passes through a pipeline" {
	ask 0 '{"type":"send","user":"T","data":{"a":1.0}}' \
		'{"type":"stats","ref":1}'
	assert_eq "$output" '{"type":"send","user":"T","data":{"a":1.0}}
{"type":"stats","ref":1}'
}

# --- files -----------------------------------------------------------------

@test "a file is its owner's, and one process's at a time" {
	start_ready store rk-store f.db
	assert_eq "$(stat -c %a f.db)" 600
	run_status 111 rk-store f.db </dev/null
	assert_eq "$stderr" 'rk-store: f.db: another process has it'
	stop store
	[ ! -e f.db-wal ]
}

@test "what is no database of ours is left alone" {
	yes precious | head -n 1000 >f.db
	cp f.db copy
	run_status 100 rk-store f.db </dev/null
	assert_eq "$stderr" 'rk-store: f.db: not a database'
	cmp f.db copy
	run_status 111 rk-store none/f.db </dev/null
	run_status 111 rk-store . </dev/null
}

@test "a damaged file is told, and ends with 100" {
	fill 2000 1000 >in
	run_status 0 rk-store f.db <in
	yes damaged | dd of=f.db bs=4096 seek=1 count=200 conv=notrunc \
		iflag=fullblock status=none
	ask 100 '{"type":"get","key":"00900","ref":1}'
	[[ $stderr == 'rk-store: f.db: it is damaged: '* ]]
}

@test "--size: a full file refuses, says so, keeps what it has, goes on" {
	start store rk-store f.db --size 256k
	feed store '{"type":"put","key":"a","data":1,"ref":1}'
	wait_line store '"ref":1'
	fill 1 400000 >in
	feed store "$(<in)" '{"type":"get","key":"a","ref":2}'
	wait_line store full
	feed store '{"type":"put","key":"b","data":2,"ref":3}' \
		'{"type":"list","ref":4}'
	wait_line store '"ref":4'
	assert_json_eq "$(tail -n 1 store.out)" '{"type":"entries","ref":4,
		"entries":[{"key":"a","data":1},{"key":"b","data":2}]}'
	grep -q 'f.db: the disk is full' store.err
	feed_end store
	ended store 1
}

# --- links -----------------------------------------------------------------

@test "a socket: accepted when it is on disk, refused otherwise; stats" {
	start_ready store rk-store f.db -s s.sock
	run_status 0 rk-publish -s s.sock --type put --key k 17
	run_status 1 rk-publish -s s.sock --type publish x
	[[ $stderr == *'not for this station'* ]]
	peer p
	feed p '{"type":"stats","ref":1}'
	wait_line p '"stats"'
	assert_json_eq "$(jq '.data | [.store_entries, .store_created_total,
		.commands_total, .commands_refused_total]' p.out)" '[1, 1, 1, 1]'
}

@test "a co-process: its router asks and is answered" {
	start_ready store rk-store f.db -- rk-route -e '
		if .type == "link" then
			{type: "put", key: "a", data: {n: 1}, ref: "put"}
		elif .ref == "put" then {type: "get", key: "a", ref: "get"}
		elif .ref == "get" then {type: "put", key: "b"} + payload
		else empty end'
	wait_for grep -qaF 'b{"n":1}' f.db-wal
	stop store
	ask 0 '{"type":"get","key":"b","ref":1}'
	assert_eq "$output" '{"type":"entry","ref":1,"key":"b","data":{"n":1}}'
}

@test "two at once: one is first" {
	start_ready store rk-store f.db -s s.sock
	peer a
	peer b
	feed a '{"type":"put","key":"k","if":"absent","data":"a","ref":1}'
	feed b '{"type":"put","key":"k","if":"absent","data":"b","ref":1}'
	wait_line a '"created"'
	wait_line b '"created"'
	assert_eq "$(cat a.out b.out | jq .created | sort | xargs)" 'false true'
}

@test "who asks much and reads nothing is bounded" {
	start_ready store rk-store f.db -s s.sock --window 100k
	fill 1 60000 >in
	run_status 0 rk-publish -s s.sock --frames <in
	peer p
	attach p aaaa router
	seq -f '{"type":"get","key":"00001","ref":1,"seq":%.0f}' 100 >in
	feed p "$(<in)"
	wait_line p '"why":"too many answers wait"'
}

# --- kills -----------------------------------------------------------------

@test "kill -9: what was answered is there" {
	local n i

	for i in 1 2 3 4 5; do
		rm -f f.db*
		start store bash -c 'exec rk-store f.db < <(perl -e "
			print qq({\"type\":\"put\",\"key\":\"\$_\",\"data\":1,) .
				qq(\"ref\":\$_}\n) for 1 .. 1e9")'
		wait_lines store $((i * 500))
		kill -9 "$(pid_of store)"
		ended store 137
		sed -n 's/^{"type":"done","ref":\([0-9]*\),.*}$/\1/p' \
			store.out | sort >answered
		n=$(wc -l <answered)
		say "$n answered"
		run_status 0 rk-store f.db < <(
			jq -c '{type: "get", key: tostring, ref: .}' answered)
		[ "$(grep -c '"data":1' <<<"$output")" -eq "$n" ]
	done
}

@test "a put that comes again after kill -9 gets the answer that it got" {
	local put='{"type":"put","key":"k","if":"absent","data":1,"ref":1,"seq":1'

	start_ready store rk-store f.db -s s.sock
	peer p
	attach p aaaa
	feed p "$put}"
	wait_line p '"created":true'
	kill -9 "$(pid_of store)"
	ended store 137
	start_ready store rk-store f.db -s s.sock
	peer q
	attach q aaaa
	feed q "$put,\"again\":true}"
	wait_line q '"created":true'
	peer r
	attach r bbbb
	feed r "$put}"
	wait_line r '"created":false'
}

# --- the end -----------------------------------------------------------------

@test "an answer comes while input idles" {
	start store rk-store f.db
	feed store '{"type":"get","key":"k","ref":1}'
	wait_line store '"absent"'
	stop store
}

@test "a reader that left, a full disk: 111" {
	seq -f '{"type":"get","key":"%.0f","ref":1}' 20000 >in
	run_status 111 bash -c 'rk-store f.db <in >/dev/full'
	[[ $stderr == *'stdout: cannot be written'* ]]
	rk-store f.db <in 2>err | head -n 1 >out
	[ "${PIPESTATUS[0]}" -eq 111 ]
}

rss() {
	awk '/VmRSS/ { print $2 }' "/proc/$(pid_of store)/status"
}

@test "memory stays flat over 100,000 frames" {
	local before

	export ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=1
	start store rk-store f.db
	some() {
		seq -f '{"type":"put","key":"k","data":%.0f}' "$1"
		echo '{"type":"get","key":"k","ref":'"$2"'}'
	}
	some 10000 1 >&"${stdin_of[store]}"
	wait_line store '"ref":1'
	before=$(rss)
	some 100000 2 >&"${stdin_of[store]}"
	wait_line store '"ref":2'
	say "from $before to $(rss) kB"
	[ "$(rss)" -lt $((before + 2000)) ]
}
