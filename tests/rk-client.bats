#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr and stdin_of are set by lib
#
# asan: long

load lib

# A real WebSocket server whose paths say what it does; see the file.
setup() {
	cd "$RK_TEST" || return
	start server node "$TESTS/clients/server.js"
	wait_lines server 1
	url=ws://localhost:$(head -n 1 server.out)
}

teardown() {
	stop_all
}

# What a terminal of our own shows of a command.
on_terminal() {
	script -qec "$1" /dev/null | tr -d '\r'
}

# --- usage -----------------------------------------------------------------

@test "--help lists the options, --version says which" {
	run_status 0 rk-client --help
	[[ $output == 'usage: rk-client '*--expect=JQ* ]]
	run_status 0 rk-client --version
	[[ $output == 'rk-client '[0-9]* ]]
}

@test "what makes no sense is refused" {
	run_status 100 rk-client
	[[ $stderr == 'rk-client: a URL is missing'* ]]
	run_status 100 rk-client "$url" "$url"
	run_status 100 rk-client "http://localhost/"
	run_status 100 rk-client --frames "$url"
	run_status 100 rk-client --frames --send x
	run_status 100 rk-client "$url" -- cat
	run_status 100 rk-client --expect '.a |' "$url"
	run_status 100 rk-client --count 0 "$url"
	run_status 100 rk-client --format yaml "$url"
	run_status 100 rk-client --header 'no colon' "$url"
	run_status 100 rk-client --header $'a: b\r\nc: d' "$url"
	run_status 100 rk-client --send $'\xff' "$url"
	run_status 100 rk-client --reconnect=0 "$url"
}

# --- lines out, messages in ------------------------------------------------

@test "a line is a message, and answers are waited for" {
	run_status 0 rk-client "$url/answer" < <(printf 'one\n\ntwo')
	assert_eq "$output" '{"answer":"one"}
{"answer":""}
{"answer":"two"}'
	assert_eq "$stderr" ''
	wait_line server 'close 1000'
}

@test "lines leave and messages come while the input idles" {
	start client rk-client "$url/echo"
	feed client one
	wait_line client one
	feed client two
	wait_line client two
	feed_end client
	ended client
}

@test "a message is a line: JSON as it came, text, binary" {
	run_status 0 rk-client --no-input --count 3 \
		"$url/say?%7B%20%22a%22:%0D%0A1.0%7D&text%0Aline&~00ff"
	assert_eq "$output" '{ "a":  1.0}
text line
{"base64":"AP8="}'
}

@test "--format=json: every line is JSON" {
	run_status 0 rk-client --no-input --count 3 --format json \
		"$url/say?%7B%20%22a%22:1.0%7D&text%0Aline&~00ff"
	assert_eq "$output" '{ "a":1.0}
"text\nline"
{"base64":"AP8="}'
}

@test "--format=pretty: indented, marked, harmless to a terminal" {
	run_status 0 rk-client --no-input --count 4 --format pretty \
		"$url/say?%7B%22a%22:%5B1,%7B%7D%5D,%22b%22:null%7D&[]&~00ff&\
te%1b%5B2Jxt%C2%9B%7F%0Aline"
	assert_eq "$output" '< {
    "a": [
      1,
      {}
    ],
    "b": null
  }
< []
< 2 bytes AP8=
< te\u001b[2Jxt\u009b\u007f
  line'
}

@test "a terminal gets colours, and is told of the connection" {
	on_terminal "rk-client --send '{\"a\":\"b\"}' --expect .a $url/echo" \
		>seen
	grep -qF $'\e[0;36m> \e[0m{' seen
	grep -qF $'\e[34;1m"a"\e[0m: \e[0;32m"b"\e[0m' seen
	on_terminal "NO_COLOR=1 rk-client --no-input --count 1 $url/say?1" \
		>plain
	grep -qxF '< 1' plain
	run ! grep -q $'\e' plain
}

@test "10,000 messages keep their order, both ways" {
	run_status 0 rk-client --count 10000 "$url/echo" < <(seq 10000)
	assert_eq "$output" "$(seq 10000)"
}

@test "a message at the bound passes, a longer one ends the connection" {
	run_status 0 rk-client -m 1k --no-input --count 1 \
		"$url/say?$(printf %01024d 0)"
	run_status 111 rk-client -m 1k --no-input "$url/say?$(printf %01025d 0)"
	[[ $stderr == *': 1009'* ]]
}

@test "a large message that nobody answers stops nothing" {
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port --ws '/*' \
		-- rk-route -e 'if .type == "message" and .data.last then
			{type: "send", conn, data: "seen"} else empty end'
	start a rk-client "ws://127.0.0.1:$(<port)/"
	feed a "\"$(head -c 600000 /dev/zero | tr '\0' x)\"" '{"last":true}'
	wait_line a seen
}

@test "a line over the bound is skipped and named" {
	run_status 0 rk-client -m 10 "$url/echo" < <(
		printf '01234567890\nnext\n')
	assert_eq "$output" next
	[[ $stderr == *'stdin:1: longer than a message may be' ]]
}

@test "a line that is not UTF-8 is skipped and named" {
	run_status 0 rk-client "$url/echo" < <(printf 'a\n\xff\nb\n')
	assert_eq "$output" $'a\nb'
	[[ $stderr == *'stdin:2: not UTF-8'* ]]
}

@test "--binary sends binary messages" {
	run_status 0 rk-client --binary "$url/echo" < <(printf 'a\xff\n')
	assert_eq "$output" '{"base64":"Yf8="}'
}

@test "--echo-back returns what comes, as it came" {
	start client rk-client --echo-back "$url/say?a&~00ff&%7B%20%7D"
	wait_lines server 5
	assert_eq "$(sed 1,2d server.out)" $'message a\nbinary 00ff\nmessage { }'
	stop client
	assert_eq "$(cat client.out)" ''
}

# The server has printed nothing at the last 20 looks.
stagnates() {
	local now

	now=$(wc -l <server.out)
	[ "$now" = "${seen-}" ] || same=0
	seen=$now
	[ $((++same)) -gt 20 ]
}

@test "a reader that stops, stops the server; nothing is lost" {
	local reader pad

	pad=$(printf %01000d 0)
	mkfifo fifo
	exec {reader}<>fifo
	# shellcheck disable=SC2016
	start client bash -c 'exec rk-client --no-input "$0" >fifo' \
		"$url/flood?30000&$pad"
	wait_line server sent
	wait_for stagnates
	run ! grep -q 'sent 30000' server.out
	head -n 30000 <&"$reader" | cmp - <(seq 30000 | sed "s/\$/-$pad/")
	exec {reader}>&-
	stop client
}

# --- waiting for something -------------------------------------------------

@test "--expect: 0 when it was seen, with everything before it" {
	run_status 0 rk-client --no-input --expect '. == 3' "$url/say?1&2&3"
	assert_eq "$output" $'1\n2\n3'
}

@test "--expect: one after the other, each by a message of its own" {
	run_status 0 rk-client --no-input --expect '. > 0' --expect '. > 0' \
		"$url/say?1&2"
	run_status 1 rk-client --no-input --timeout 3s --expect '. == 2' \
		--expect '. == 1' "$url/say?1&2"
	[[ $stderr == 'rk-client: not seen in time: . == 1' ]]
}

@test "--expect sees text as a string, binary as base64, errors as no" {
	run_status 0 rk-client --no-input --expect '. == "te\nxt"' \
		--expect '.base64 == "AP8="' "$url/say?te%0Axt&~00ff"
	run_status 0 rk-client --no-input --expect .a.b \
		"$url/say?1&%7B%22a%22:%7B%22b%22:1%7D%7D"
}

@test "--send and --expect are a script, in their order" {
	run_status 0 rk-client --send one --expect '.answer == "one"' \
		--send two --expect '.answer == "two"' --send three \
		"$url/answer"
	wait_line server 'close 1000'
	assert_eq "$(grep ^message server.out)" \
		$'message one\nmessage two\nmessage three'
}

@test "--send: what comes is listened to for --linger" {
	run_status 0 rk-client --linger 3s --send one --send two "$url/answer"
	assert_eq "$output" $'{"answer":"one"}\n{"answer":"two"}'
	run_status 0 rk-client --linger 0 --send one "$url/answer"
	assert_eq "$output" ''
}

@test "closed before it was seen is 1" {
	run_status 1 rk-client --no-input --expect .a "$url/close?1000"
	[[ $stderr == *'closed by the server: 1000 enough; not seen: .a' ]]
}

@test "--count ends after so many" {
	run_status 0 rk-client --no-input --count 2 "$url/say?1&2&3"
	assert_eq "$output" $'1\n2'
	run_status 1 rk-client --no-input --timeout 3s --count 2 "$url/say?1"
	assert_eq "$stderr" 'rk-client: not seen in time: 1 more messages'
}

# --- the request -----------------------------------------------------------

@test "--header, --origin, --subprotocol, and a Host with its port" {
	printf 'authorization: Bearer x\n\nx-b: c\n' >headers
	run_status 0 rk-client --no-input --count 1 --header 'X-A: b' \
		--header @headers --origin https://o.example \
		--subprotocol 'one, two' -v "$url/head"
	assert_eq "$(jq -c '.headers | [."x-a", .authorization, ."x-b",
		.origin, ."sec-websocket-protocol", .host]' <<<"$output")" \
		'["b","Bearer x","c","https://o.example","one, two","'"${url#ws://}"'"]'
	[[ $stderr == *'open, speaks two'* ]]
}

@test "a WebSocket on a Unix socket" {
	start unix node "$TESTS/clients/server.js" ws.sock
	wait_line unix ws.sock
	run_status 0 rk-client --send hi --count 1 ws+unix:ws.sock:/echo
	assert_eq "$output" hi
}

@test "wss: certificates are checked" {
	local tls=$TESTS/fixtures/tls/localhost

	start secure node "$TESTS/clients/server.js" 0 "$tls"
	wait_lines secure 1
	secure=wss://localhost:$(head -n 1 secure.out)/echo
	run_status 0 rk-client --send hi --count 1 --ca "$tls.crt" "$secure"
	assert_eq "$output" hi
	run_status 0 rk-client --send hi --count 1 --insecure "$secure"
	run_status 111 rk-client --send hi --count 1 "$secure"
	[[ $stderr == *certificate* ]]
	run_status 111 rk-client --ca "$tls.crt" "${secure/localhost/127.0.0.1}"
}

# --- what goes wrong -------------------------------------------------------

@test "nobody there is 111, and a password is not told" {
	run_status 111 rk-client ws://localhost:1/x?token=secret
	assert_eq "$stderr" \
		'rk-client: ws://localhost:1/x: unable to connect'
}

@test "a name that nobody has is 111" {
	run_status 111 rk-client --timeout 2s ws://no.such.invalid/
	[[ $stderr == 'rk-client: ws://no.such.invalid/: '* ]]
}

@test "an answer of 4xx is 1, of 5xx is 111" {
	run_status 1 rk-client "$url/status?404"
	assert_eq "$stderr" "rk-client: $url/stat...: 404 not found"
	run_status 1 rk-client "$url/status?302"
	run_status 111 rk-client "$url/status?503"
	assert_eq "$stderr" "rk-client: $url/stat...: 503 service unavailable"
}

@test "a server that says nothing is 111 after --timeout" {
	start mute socat -u TCP-LISTEN:0,fork,bind=127.0.0.1 OPEN:/dev/null
	local port

	wait_for listening mute
	port=$(listening mute)
	run_status 111 rk-client --timeout 300ms "ws://127.0.0.1:$port/"
	[[ $stderr == *': not open in time' ]]
}

# the port that a process listens on
listening() {
	ss -Hltnp | grep -F "pid=$(pid_of "$1")," |
		grep -o '127.0.0.1:[0-9]*' | cut -d : -f 2 | grep .
}

@test "the server's close: 1000 is 0, any other is 111, and told" {
	run_status 0 rk-client --no-input "$url/close?1000"
	assert_eq "$stderr" ''
	run_status 111 rk-client --no-input "$url/close?4001"
	assert_eq "$stderr" \
		"rk-client: $url/clos...: closed by the server: 4001 enough"
	run_status 111 rk-client --no-input "$url/drop"
	[[ $stderr == *': 1006' ]]
}

@test "--reconnect: opened again, and the opening lines sent again" {
	run_status 0 rk-client --reconnect --send hi --expect '. == "hi"' \
		"$url/once"
	assert_eq "$(grep -c '^open' server.out)" 2
	[[ $stderr == *'warning: '*'closed by the server: 1006' ]]
}

@test "--reconnect: a server that comes back is found" {
	start client rk-client --reconnect=200ms --no-input \
		ws+unix:late.sock:/say?here
	wait_for grep -q connect client.err
	start late node "$TESTS/clients/server.js" late.sock
	wait_line client here
	stop client
}

@test "a full disk is 111" {
	full() { rk-client --no-input --count 1 "$url/say?1" >/dev/full; }
	run_status 111 full
}

# --- the end ---------------------------------------------------------------

@test "TERM closes with 1001, exit 0; 1 when something was waited for" {
	start_ready client rk-client --no-input "$url/echo"
	stop client
	wait_line server 'close 1001'
	start_ready client rk-client --no-input --expect .a "$url/echo"
	stop client 1
}

@test "TERM while connecting" {
	start client rk-client --reconnect --no-input ws://localhost:1/
	wait_for grep -q warning client.err
	stop client
}

# --- a station -------------------------------------------------------------

@test "--frames: dial, send, hangup; up, message, down" {
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/echo","user":"T"}'
	wait_line station '"up"'
	feed station '{"type":"send","conn":"a","data":{"x": 1.0}}' \
		'{"type":"send","conn":"a","base64":"AP8="}' \
		'{"type":"send","conn":"a","text":"t"}'
	wait_lines station 4
	feed station '{"type":"hangup","conn":"a","code":4000,"reason":"bye"}'
	wait_lines station 5
	assert_eq "$(jq -c 'del(.at)' station.out)" \
'{"type":"up","conn":"a","user":"T"}
{"type":"message","conn":"a","user":"T","data":{"x":1}}
{"type":"message","conn":"a","user":"T","base64":"AP8="}
{"type":"message","conn":"a","user":"T","text":"t"}
{"type":"down","conn":"a","user":"T","code":4000,"reason":"bye","by":"client"}'
	grep -qF '"data":{"x": 1.0}' station.out
	wait_line server 'close 4000'
	stop station
}

@test "--frames: what is sent before it is up waits for it" {
	run_status 0 rk-client --frames < <(printf '%s\n' \
		'{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"send","conn":"a","data":1}' \
		'{"type":"send","conn":"a","data":2}')
	assert_eq "$(jq -c 'select(.type == "message").data' <<<"$output")" \
		$'1\n2'
}

@test "--frames: headers and protocol of a dial" {
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/head",
		"headers":{"X-A":"b\u00e9"},"protocol":"two"}' | tr -d '\n'
	feed station '{"type":"dial","conn":"b","url":"'"$url"\
'/head","headers":{"X-A":"b"},"protocol":"two"}'
	wait_line station '"message"'
	assert_eq "$(jq -r 'select(.type == "up").protocol' station.out)" two
	assert_eq "$(jq -r 'select(.type == "message")
		.data.headers."x-a"' station.out)" b
	stop station
}

@test "--frames: a dial is idempotent by its conn" {
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"dial","conn":"a","url":"'"$url"'/say?1"}'
	wait_line station '"why":"this conn is dialled to another url"'
	wait_line station '"up"'
	wait_line server open
	assert_eq "$(grep -c '^open' server.out)" 1
	stop station
}

@test "--frames: what cannot be is refused" {
	run_status 0 rk-client --frames --dials 1 < <(printf '%s\n' \
		'{"type":"dial","url":"'"$url"'"}' \
		'{"type":"dial","conn":"a"}' \
		'{"type":"dial","conn":"a","url":"http://x/"}' \
		'{"type":"dial","conn":"a","url":"ws://x","headers":{"a b":"c"}}' \
		'{"type":"dial","conn":"a","url":"ws://x","headers":{"a":"b\n"}}' \
		'{"type":"send","conn":"a","data":1}' \
		'{"type":"other"}' '[]' \
		'{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"send","conn":"a"}' \
		'{"type":"dial","conn":"b","url":"'"$url"'/echo"}' \
		'{"type":"hangup","conn":"a","code":1}')
	assert_eq "$(jq -r 'select(.type == "error").why' <<<"$output" |
		sort)" "$(sort <<-'END'
	conn: missing, or no name
	url: missing, or no URL
	url: not a ws:, wss: or ws+unix: URL
	headers: not an object of header fields
	headers: not an object of header fields
	no such connection
	not for this station
	not an object
	the payload is missing or malformed
	too many connections (--dials)
	code: not one that can be sent
	END
	)"
}

@test "--frames: a dial that fails is down, with its status" {
	run_status 0 rk-client --frames < <(printf '%s\n' \
		'{"type":"dial","conn":"a","url":"'"$url"'/status?404"}' \
		'{"type":"dial","conn":"b","url":"ws://localhost:1/"}')
	assert_eq "$(jq -c 'del(.at)' <<<"$output" | sort)" \
'{"type":"down","conn":"a","status":404,"error":"404 not found"}
{"type":"down","conn":"b","error":"unable to connect"}'
}

@test "--frames: in a plain line, another station's frames pass" {
	run_status 0 rk-client --frames <<<'{ "type":"publish", "data":1.0 }'
	assert_eq "$output" '{ "type":"publish", "data":1.0 }'
}

@test "--frames --reconnect: dialled again until hangup" {
	start_ready station rk-client --frames --reconnect
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/once"}'
	wait_lines station 3
	assert_eq "$(jq -r .type station.out)" $'up\ndown\nup'
	feed station '{"type":"hangup","conn":"a"}'
	wait_lines station 4
	stop station
}

@test "--frames: TERM closes all with 1001" {
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"dial","conn":"b","url":"'"$url"'/echo"}'
	wait_lines station 2
	stop station
	wait_for has_lines server.out 5
	assert_eq "$(grep -c 'close 1001' server.out)" 2
}

@test "--frames: a co-process is its rules" {
	cat >rules <<-'END'
	#!/bin/sh
	echo '{"type":"dial","conn":"a","url":"'$1'/say?7"}'
	cat >got
	END
	chmod +x rules
	start_ready station rk-client --frames -- ./rules "$url"
	wait_for grep -q '"data":7' got
	stop station
}

# --- a station, in Socket.IO -------------------------------------------------

# A listener that echoes events, answers those with an ack id with "ok", says
# "ask" back with an ack of its own, and refuses who has no token.
socketio() {
	start_ready sio rk-listen -p 0 --port-file sio.port --socketio \
		--ns /,/admin --ask --ping-interval 100ms "$@" -- rk-route -e '
		def in: {type: "send", conn, event} + take("data", "args",
		  "base64", "attachments");
		if .type == "open" and .pending then
		  if .ns == "/" and .query.EIO != "3" and .auth.token != "t" then
		    {type: "reject", conn, reason: "no token", data: {a: 1}}
		  else {type: "accept", conn} end
		elif .type == "message" and .event == "ask" then
		  {type: "send", conn, event: "asked", data: 1, ref: "r"}
		elif .type == "message" and .event == "leave" then
		  {type: "kick", conn}
		elif .type == "message" and has("ref") then
		  {type: "reply", conn, ref, data: "ok"}
		elif .type == "message" then in
		elif .type == "answer" then
		  {type: "send", conn, event: "answered", data: .data}
		else empty end'
	sio=http://localhost:$(<sio.port)
}

# CONN MORE: a dial of that listener.
dial() {
	feed station '{"type":"dial","conn":"'"$1"'","url":"'"$sio"'",'"$2"'}'
}

seen() {	# what the station said, without times
	jq -c 'del(.at)' station.out
}

speaks() {	# PROTO
	socketio
	start_ready station rk-client --frames
	dial a '"proto":"'"$1"'","auth":{"token":"t"}'
	wait_line station '"up"'
	feed station \
		'{"type":"send","conn":"a","event":"e","data":{"x": 1.0}}' \
		'{"type":"send","conn":"a","event":"e","args":[1, "é"]}' \
		'{"type":"send","conn":"a","base64":"AP8="}' \
		'{"type":"send","conn":"a","event":"e","data":{"_placeholder":true,"num":0,"b":1},"attachments":["AQI="]}' \
		'{"type":"send","conn":"a","event":"e","data":1,"ref":{"my":1}}' \
		'{"type":"send","conn":"a","event":"ask","data":1}'
	wait_line station '"asked"'
	feed station '{"type":"reply","conn":"a","ref":0,"args":[2]}'
	wait_line station '"answered"'
	assert_eq "$(seen)" \
'{"type":"up","conn":"a"}
{"type":"message","conn":"a","event":"e","data":{"x":1}}
{"type":"message","conn":"a","event":"e","args":[1,"é"]}
{"type":"message","conn":"a","event":"message","base64":"AP8="}
{"type":"message","conn":"a","event":"e","data":{"_placeholder":true,"num":0,"b":1},"attachments":["AQI="]}
{"type":"answer","conn":"a","ref":{"my":1},"data":"ok"}
{"type":"message","conn":"a","event":"asked","data":1,"ref":0}
{"type":"message","conn":"a","event":"answered","data":2}'
	grep -qF '"data":{"x": 1.0}' station.out
}

@test "--frames, Socket.IO 2: events, acks both ways, bytes" {
	speaks socketio2
}

@test "--frames, Socket.IO 4: events, acks both ways, bytes" {
	speaks socketio
}

@test "--frames, Socket.IO: refused, namespaces, let go by the server" {
	socketio
	start_ready station rk-client --frames
	dial a '"proto":"socketio"'
	wait_line station '"error":"no token","data":{"message":"no token","data":{"a":1}}'
	dial b '"proto":"socketio4","ns":"/admin"'
	dial c '"proto":"socketio2","ns":"/admin"'
	wait_lines station 3
	feed station '{"type":"send","conn":"b","event":"leave","data":1}' \
		'{"type":"send","conn":"c","event":"e","data":1,"ref":1}'
	wait_line station '"down","conn":"b"'
	wait_line station '"reason":"disconnected by the server","by":"server"'
	wait_line station '"answer","conn":"c"'
	dial d '"proto":"socketio","ns":"/none","auth":{}'
	wait_line station '"error":"Invalid namespace"'
	stop station
}

# The listener pings (version 4), or is pinged (version 3), ten times a second.
@test "--frames, Socket.IO: heartbeats of both versions" {
	socketio --ping-timeout "$((5 * RK_SLOW))s"
	start_ready station rk-client --frames --ping 0
	dial a '"proto":"socketio2"'
	dial b '"proto":"socketio4","auth":{"token":"t"}'
	wait_lines station 2
	kill -STOP "$(pid_of sio)"
	wait_for -t 60 grep -q '"conn":"b".*"by":"timeout"' station.out
	wait_for -t 60 grep -q '"conn":"a".*"by":"timeout"' station.out
	kill -CONT "$(pid_of sio)"
	stop station
}

@test "--frames: a name that is hung up is free at once" {
	socketio
	start_ready station rk-client --frames --reconnect
	for i in 1 2 3; do
		dial a '"proto":"socketio2","user":"'"$i"'"'
		feed station '{"type":"send","conn":"a","event":"e","data":'"$i"'}'
		wait_line station '"user":"'"$i"'",'
		wait_line station '"event":"e","data":'"$i"
		feed station '{"type":"hangup","conn":"a"}'
	done
	dial a '"proto":"socketio2","user":"4"'
	wait_lines station 10
	assert_eq "$(jq -r '"\(.type) \(.user)"' station.out | tr '\n' ' ')" \
		'up 1 message 1 down 1 up 2 message 2 down 2 up 3 message 3 down 3 up 4 '
	stop station
}

@test "--frames: all are hung up at once, and make room for others" {
	start_ready station rk-client --frames --dials 3
	for name in a b c a b c; do
		feed station '{"type":"dial","conn":"'"$name"'","url":"'"$url"'/echo"}'
		[ "$name" != c ] || feed station '{"type":"hangup","all":true}'
	done
	feed station '{"type":"dial","conn":"d","url":"'"$url"'/echo"}'
	wait_line station '"type":"up","conn":"d"'
	assert_eq "$(jq -r 'select(.type == "down") | "\(.conn) \(.by)"' station.out |
		sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
		' 2 a client; 2 b client; 2 c client;'
	run ! grep -q '"type":"error"' station.out
	stop station
}

@test "--frames: what no dialect has is refused, and figures are told" {
	run_status 0 rk-client --frames < <(printf '%s\n' \
		'{"type":"dial","conn":"a","url":"ws://x","proto":"none"}' \
		'{"type":"dial","conn":"a","url":"ws://x","subscribe":["a"]}' \
		'{"type":"dial","conn":"a","url":"ws://x","proto":"echo","auth":[]}' \
		'{"type":"dial","conn":"a","url":"ws://x","proto":"echo","ns":"a"}' \
		'{"type":"dial","conn":"a","url":"'"$url"'/echo"}' \
		'{"type":"join","conn":"a","channel":"c"}' \
		'{"type":"reply","conn":"a","ref":1,"data":1}')
	assert_eq "$(jq -r 'select(.type == "error").why' <<<"$output" |
		sort)" "$(sort <<-'END'
	proto: no dialect that is spoken
	subscribe: up to 64 channels, where there are any
	auth: not an object of up to 4 KiB
	ns: no namespace
	no channels on this connection
	no answers on this connection
	END
	)"
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","url":"'"$url"'/echo"}'
	wait_line station '"up"'
	feed station '{"type":"stats","ref":1}'
	wait_line station '"connections_up":1,"dials_total":1'
	stop station
}

# --- a tap -----------------------------------------------------------------

listener() {
	start_ready node rk-listen -p 0 --port-file port \
		-s "$RK_TEST/node.sock" --ws '/{user}'
	node=ws://localhost:$(<port)
}

@test "unix: taps a socket, both directions" {
	listener
	start_ready tap rk-client unix:node.sock
	start client rk-client "$node/T"
	wait_line tap '"open"'
	rk-publish -s node.sock --user T '{"n": 1.0}'
	wait_line client '{"n": 1.0}'
	feed client up
	wait_line tap '"text":"up"'
	grep -q '"type":"send","user":"T","data":{"n": 1.0}' tap.out
	stop tap
	feed_end client
	ended client
}

@test "unix: --user, --type; --expect and --count" {
	listener
	start_ready one rk-client --user T unix:node.sock
	start_ready two rk-client --type open,close unix:node.sock
	start_ready three rk-client --count 1 unix:node.sock
	start_ready four rk-client --expect '.type == "close"' unix:node.sock
	rk-client --linger 0 --send hi "$node/U"
	rk-client --linger 0 --send hi "$node/T"
	wait_lines one 3
	wait_lines two 4
	ended three
	ended four
	assert_eq "$(jq -r '.user' one.out | sort -u)" T
	assert_eq "$(jq -r '.type' two.out | sort | uniq -c | tr -s ' ')" \
		$' 2 close\n 2 open'
	stop one
	stop two
}

@test "unix: nobody there is 111; so is a peer that leaves" {
	run_status 111 rk-client --timeout 300ms unix:none.sock
	assert_eq "$stderr" 'rk-client: none.sock: nobody is there'
	listener
	start_ready tap rk-client unix:node.sock
	stop node
	ended tap 111
}
