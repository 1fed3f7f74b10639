#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# asan: no, two that watch memory do not live together
#
# Each program under valgrind, from start to end: traffic, faults, HUP, a break,
# TERM.  Nothing is read that was not written, nothing lost that was taken.

load lib
load rabbitmq

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	valgrind_all
}

teardown() {
	local status=0

	stop_all || status=$?
	[ -z "${RABBIT_DIR-}" ] || rabbit_stop
	return "$status"
}

listen() {	# OPTION...: rk-listen as "l"
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port "$@"
}

client() {	# NAME PATH: it is open
	start "$1" node "$TESTS/clients/ws.js" "ws://127.0.0.1:$(<port)$2"
	wait_line "$1" open
}

http() {	# WANT PATH [CURL OPTION...]: the status
	local want=$1 path=$2

	shift 2
	assert_eq "$path $(curl -s -o /dev/null -w '%{http_code}' "$@" \
		"http://127.0.0.1:$(<port)$path")" "$path $want"
}

@test "a client, a rule, HUP and TERM" {
	echo 'select(.type == "message") | {type: "send", conn} + payload' \
		>rule.jq
	listen -- rk-route rule.jq
	client a /
	feed a 'text {"echo":[1.0]}'
	wait_line a 'text {"echo":[1.0]}'
	kill -HUP "$(pid_of l)"
	feed a 'text again'
	wait_line a 'text again'
	stop l
	ended a
	valgrind_clean
}

@test "rk-listen: clients of every kind, a router that is killed" {
	# what a client says is done
	cat >rule.jq <<-'END'
	if .type == "message" and (.data | type) == "array" then
		.conn as $me | .data[] | if .me then {conn: $me} + . else . end
	elif .type == "open" and .pending then
		{type: "accept", conn, user: "guest", state: {a: 1}}
	elif .type == "request" then
		{type: "respond", conn, status: 201, headers: {"X-A": "b"}} +
			payload
	else empty end
	END
	cat >router <<-END
	#!/bin/sh
	echo \$\$ >>pids
	exec rk-route --depth 3 rule.jq
	END
	chmod +x router
	listen -s l.sock --unix c.sock -m 20000 --max-out 64k \
		--http /q --ws '/u/{user}' --with state,channels,headers \
		--ws /ask --ask --ws /w --wrap --binary=json --slow drop-oldest \
		--step -- ./router
	client a /u/T
	client b /ask
	client c /w
	feed a 'text [{"type":"join","me":1,"channel":"c"},{"type":"merge","me":1,"state":{"s":[1,2]},"ref":1},{"type":"who","all":true,"ref":2},{"type":"send","channel":"c","text":"hello"},{"type":"count","name":"n","labels":{"l":"v"}},{"type":"stats"},{"type":"bogus"},{"type":"kick"},{"type":"leave","me":1,"channel":"c"},{"type":"identify","me":1,"user":"U"}]'
	wait_line a 'text hello'
	feed c 'pieces {"a": 1}' 'binary 7b7d' 'binary ff'
	feed b 'big 30000'
	wait_line b 'close 1009'
	http 404 /none
	http 201 /q -d '{"a":1}'
	http 413 /q -d "$(printf %030000d 0)"
	http 200 /metrics
	http 200 /healthz
	kill -KILL "$(tail -n 1 pids)"
	feed a 'text [{"type":"send","all":true,"text":"there"}]'
	wait_line a 'text there'
	wait_line c there
	rk-publish -s l.sock --all '{"from":"outside"}'
	wait_line c outside
	feed c drop
	kill -HUP "$(pid_of l)"
	feed a 'text [{"type":"kick","user":"U","code":4000,"reason":"go"}]'
	wait_line a 'close 4000 go'
	client d /u/D
	stop l
	ended d
	valgrind_clean
}

@test "rk-route: links that come and go, a rule swapped, a rule that fails" {
	echo 'select(.type != "link") |
		if .bad then error("no") else {type: "send", via: "b"} +
		payload end' >rule.jq
	start a node "$TESTS/clients/station.js" a.sock
	start_ready r rk-route --link a=a.sock --serve b=b.sock rule.jq
	start b node "$TESTS/clients/peer.js" b.sock
	feed b '{"type":"attach","v":1,"as":"station","name":"b","boot":"bbb","window":999}'
	wait_line b ready
	start p node "$TESTS/clients/peer.js" b.sock
	feed p '{"type":"x","data":{"deep":[1.0,{}]}}' '{"type":"x","bad":1}' \
		'garbage' '{"type":"x","base64":"AA=="}'
	wait_line b 'AA=='
	feed b '{"type":"ack","seq":[[1,1]],"refused":[[2,"no"],[3]]}'
	stop b 143
	stop a 143
	rm a.sock
	start a node "$TESTS/clients/station.js" a.sock
	echo '{type: "count", name: "new", via: "a"}' >rule.jq
	kill -HUP "$(pid_of r)"
	wait_line a new
	echo 'no rule |' >rule.jq
	kill -HUP "$(pid_of r)"
	wait_for grep -q rule.jq r.err
	stop r
	valgrind_clean
}

said() {	# N TEXT: p heard it so often
	[ "$(grep -cF "$2" p.out)" -eq "$1" ]
}

@test "rk-client: by hand, as a tap, as a station" {
	start server node "$TESTS/clients/server.js"
	wait_lines server 1
	url=ws://127.0.0.1:$(<server.out)
	run_status 0 rk-client --count 3 --format pretty "$url/say?{}&a&~00"
	run_status 0 rk-client --send '{"a":1}' --expect '.a == 1' "$url/echo"
	run_status 1 rk-client --no-input --expect '.b' "$url/close?4000"
	run_status 111 rk-client --no-input ws://127.0.0.1:1/
	start_ready f rk-client --frames --reconnect=1 -s f.sock
	start tap rk-client --timeout 1 unix:f.sock --type up,message,down
	start p node "$TESTS/clients/peer.js" f.sock
	feed p '{"type":"attach","v":1,"as":"router","name":"p","boot":"ppp","window":65536}' \
		"{\"type\":\"dial\",\"conn\":\"x\",\"url\":\"$url/echo\",\"user\":\"u\",\"seq\":1}" \
		"{\"type\":\"dial\",\"conn\":\"y\",\"url\":\"$url/once\",\"seq\":2}" \
		'{"type":"send","conn":"x","data":{"n":[1]},"seq":3}' \
		'{"type":"send","conn":"z","data":1,"seq":4}' 'garbage'
	wait_line p '"n":[1]'
	wait_for said 2 '"up","conn":"y"'
	kill -HUP "$(pid_of f)"
	feed p '{"type":"hangup","conn":"x","seq":5}' \
		'{"type":"hangup","conn":"y","seq":6}'
	wait_for said 3 '"type":"down"'
	feed p '{"type":"ack","seq":[[1,99]]}'
	stop f
	ended p
	ended tap 111
	valgrind_clean
}

publish() {	# WANT LINE...: frames by the bridge's socket
	run_status "$1" rk-publish -s b.sock --frames \
		< <(printf '%s\n' "${@:2}")
}

delivered() {
	[ "$(grep -c '"type":"delivery"' routed)" -ge "$1" ]
}

ups() {	# N: the broker was there so often
	[ "$(grep -c 'broker","state":"up"' routed)" -ge "$1" ]
}

@test "rk-amqp-bridge and rk-publish: a broker that is not always there" {
	local deep='{"b":[1.0,null],"s":"\u00e9"}'

	rabbit_start
	start relay node "$TESTS/clients/relay.js" "$RABBIT_PORT"
	wait_lines relay 1
	AMQP_URL="amqp://127.0.0.1:$(<relay.out)?heartbeat=20" \
		start_ready b rk-amqp-bridge -v --reconnect 200ms -s b.sock \
		--max 10k --prefetch 4 --queue q --consume q --exchange x:fanout \
		--bind x::q --publish x -- node "$TESTS/clients/router.js" routed
	publish 0 "{\"type\":\"publish\",\"data\":$deep,\"headers\":$deep}" \
		'{"type":"publish","base64":"AAH/"}' \
		'{"type":"declare","queue":"r","options":{"durable":false}}' \
		'{"type":"bind","exchange":"x","queue":"r","key":"k"}' \
		'{"type":"unbind","exchange":"x","queue":"r","key":"k"}' \
		'{"type":"consume","queue":"r"}' \
		'{"type":"publish","data":{"hold":1}}' \
		'{"type":"publish","data":{"refuse":"no"}}' \
		'{"type":"publish","exchange":"","key":"none","data":1,"ref":1}'
	publish 1 '{"type":"publish","exchange":"none","data":1}' \
		'{"type":"publish","data":1,"headers":[]}' \
		'{"type":"declare","queue":"q","options":{"durable":false}}' \
		'{"type":"consume","queue":"none"}' '{"type":"publish"}' 'garbage'
	rk-publish -s b.sock --type stats >told
	wait_for delivered 4
	feed relay reset
	wait_for ups 2
	publish 0 '{"type":"publish","data":{"hold":2}}'
	rabbit_ctl delete_queue q >/dev/null
	wait_for ups 3
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/amqp.js" put '' q \
		< <(printf '{"body":"%s"}\n' \
		"$(head -c 20000 /dev/zero | base64 -w0)")
	wait_for grep -q '"type":"drop"' routed
	publish 0 '{"type":"publish","data":{"release":1}}'
	stop b
	run_status 0 rk-publish --user u --lines < <(printf '1\nx\n')
	run_status 111 rk-publish -s b.sock --timeout 100ms --all 1
	run_status 1 rk-publish --all --text "$(printf '\xff')"
	valgrind_clean
}

@test "rk-store, rk-jobs and rk-log: files, a full one, a tap, what is wrong" {
	printf '%s\n' '{"type":"put","key":"k","data":{"a":1},"ref":1}' \
		'{"type":"put","key":"\u0001","data":1}' garbage \
		'{"type":"list","ref":2}' '{"type":"delete","key":"k"}' \
		'{"type":"get","key":"k","ref":3}' '{"type":"x","ref":4}' >in
	jq -nc '{type: "put", key: "big", data: ("x" * 200000)}' >>in
	run_status 1 rk-store --size 64k s.db <in
	run_status 100 rk-jobs s.db </dev/null
	start_ready j rk-jobs j.db -s j.sock --pause 1ms --tries 2
	start p node "$TESTS/clients/peer.js" j.sock
	feed p '{"type":"attach","v":1,"as":"router","name":"p","boot":"ppp","window":65536}' \
		'{"type":"schedule","in":0,"id":"a","user":"u","data":[1],"seq":1}' \
		'{"type":"schedule","date":"29-2","time":"1:00","zone":"Europe/Warsaw","ref":1,"seq":2}' \
		'{"type":"schedule","in":0,"wait":20,"key":"k","seq":3}' \
		'{"type":"cancel","id":2,"ref":2,"seq":4}' \
		'{"type":"schedule","date":"30-2","time":"1:00","ref":3,"seq":5}'
	start_ready l rk-log log --tap j.sock --keep 1d --fsync -e '
		{type: "keep", file: ["a", .type], text: .type, head: "h"},
		{type: "keep", file: 7, text: ""}'
	refuse_all() {
		feed p "{\"type\":\"ack\",\"refused\":[$(seq -s, -f '[%.0f,"no"]' \
			"$(grep -c '"seq":[0-9]*}$' p.out)")]}"
	}
	wait_line p '"due","id":"a"'
	refuse_all
	feed p '{"type":"list","ref":4,"seq":6}' \
		'{"type":"nack","user":"u","seq":7}'
	wait_line p '"jobs"'
	wait_line p '"try":2'
	refuse_all
	wait_line p '"failed"'
	wait_for test -s log/a/failed
	kill -HUP "$(pid_of l)"
	feed p '{"type":"ack","seq":[[1,999]]}'
	stop l
	stop j
	run_status 0 rk-log log2 < <(printf '{"type":"a"}\n{"seq":1}\n')
	run_status 0 rk-log --replay "$(find log2 -type f)" --timed
	valgrind_clean
}
