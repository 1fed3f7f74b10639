# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr is set by lib
#
# rk-client in the dialects, for people and scripts: against real servers of
# Socket.IO (2, 4) and SocketCluster (14, 20), and rk-listen.
# laravel-echo-server's is in rk-client-echo.bats.
#
# asan: long

load lib

setup() { cd "$RK_TEST" || return; }
teardown() { stop_all; }

# KIND VERSION: a real server; $url.
serve() {
	start server node "$TESTS/clients/$1.js" "$2"
	wait_lines server 1
	url=http://127.0.0.1:$(head -n 1 server.out)
}

# The same one again, where it was.
serve_again() {
	start server node "$TESTS/clients/$1.js" "$2" "${url##*:}"
	wait_lines server 1
}

@test "what makes no sense is refused" {
	local u=http://127.0.0.1:1

	run_status 100 rk-client --socketio --echo "$u"
	run_status 100 rk-client --socketio=5 "$u"
	run_status 100 rk-client --socketcluster=3 "$u"
	run_status 100 rk-client --emit e ws://127.0.0.1:1
	run_status 100 rk-client --subscribe c ws://127.0.0.1:1
	run_status 100 rk-client --ns /a ws://127.0.0.1:1
	run_status 100 rk-client --socketio --frames
	run_status 100 rk-client --socketio --echo-back "$u"
	run_status 100 rk-client --socketio --ns admin "$u"
	run_status 100 rk-client --socketio --auth '[]' "$u"
	run_status 100 rk-client --socketio --auth '{' "$u"
	run_status 111 rk-client --socketio --auth @none "$u"
	run_status 100 rk-client --socketio $'--emit=\xff' "$u"
	run_status 111 rk-client --socketio "$u"
	assert_eq "$stderr" "rk-client: $u: unable to connect"
}

# --- Socket.IO ---------------------------------------------------------------

socketio() {	# VERSION
	serve socketioserver "$1"
	run_status 0 rk-client --socketio="$1" --expect '.event == "hello"' \
		--emit echo --send '{"a": 1.0}' --expect '.event == "echo"' \
		--send text --expect '.data == "text"' \
		--ack --emit add --args --send '[1,2]' --expect '.ref == 1' \
		"$url"
	assert_eq "$output" \
'{"type":"message","event":"hello","data":{"version":"'"$1"'"}}
{"type":"message","event":"echo","data":{"a":1}}
{"type":"message","event":"echo","data":"text"}
{"type":"answer","ref":1,"data":3}'
	run_status 0 rk-client --socketio="$1" --binary --emit echo \
		--send abc --expect '.base64 == "YWJj"' "$url"
	run_status 0 rk-client --socketio="$1" --emit echo --args \
		--expect '.event == "hello"' --send '[1,"é",[]]' \
		--expect '.args == [1,"é",[]]' --send '[]' \
		--expect '.args == []' "$url"
	wait_line server 'disconnect client namespace disconnect'
}

@test "Socket.IO 2: events, arguments, bytes, acks" {
	socketio 2
}

@test "Socket.IO 4: events, arguments, bytes, acks" {
	socketio 4
}

@test "Socket.IO: lines are events, and what comes is a line" {
	serve socketioserver 4
	start client rk-client --socketio --emit echo "$url"
	wait_line client hello
	feed client 1 '{"b":[]}' 'no JSON'
	wait_lines client 4
	assert_eq "$(jq -c .data client.out)" \
		$'{"version":"4"}\n1\n{"b":[]}\n"no JSON"'
	feed_end client
	ended client
}

@test "Socket.IO: --ack waits for answers, and 1 is one that is none" {
	serve socketioserver 4
	run_status 0 rk-client --socketio --emit add --args --ack \
		--linger 10ms "$url" < <(printf '[%d,1]\n' {1..500})
	assert_eq "$(grep -c '"answer"' <<<"$output")" 500
	assert_eq "$(jq -s 'map(select(.type == "answer") |
		.data - .ref) | unique' -c <<<"$output")" '[1]'
	run_status 1 rk-client --socketio --emit silent --ack --send 1 \
		--timeout 3s "$url"
	[[ $output == *'{"type":"answer","ref":1,"error":"no answer in time"}' ]]
	assert_eq "$stderr" 'rk-client: an answer was an error'
}

@test "Socket.IO: --ns, --auth, --bearer; who is refused is told, 1" {
	serve socketioserver 4
	echo '{"key":1}' >auth
	run_status 0 rk-client --socketio --ns /admin --auth @auth --count 1 \
		--bearer T "$url"
	wait_line server 'connect /admin {"key":1} Bearer T'
	run_status 1 rk-client --socketio --ns /admin --auth '{}' "$url"
	[[ $stderr == *': refused: {"message":"not an admin","data":{"code":7}}' ]]
	run_status 1 rk-client --socketio --ns /none "$url"
	[[ $stderr == *': refused: {"message":"Invalid namespace"}' ]]
	stop server 143
	serve socketioserver 2
	run_status 1 rk-client --socketio=2 --ns /none "$url"
	[[ $stderr == *': refused: "Invalid namespace"' ]]
	run_status 0 rk-client --socketio=2 --ns /admin --count 1 "$url"
}

@test "Socket.IO: a server that lets go is 0, and 1 for who waits" {
	serve socketioserver 4
	run_status 0 rk-client --socketio --emit bye --send 1 -v "$url"
	[[ $stderr == *': disconnected by the server' ]]
	run_status 1 rk-client --socketio --emit bye --send 1 --expect .no "$url"
	[[ $stderr == *': disconnected by the server; not seen: .no' ]]
}

# The server pings three times in a second; so does it expect of version 2.
@test "Socket.IO: heartbeats, and a reconnect" {
	serve socketioserver 2
	start client rk-client --socketio=2 --reconnect=200ms --no-input \
		--emit echo --send again "$url"
	wait_line client again
	stop server 143
	wait_for grep -q 'warning: ' client.err
	serve_again socketioserver 2
	wait_lines client 4
	assert_eq "$(grep -c again client.out)" 2
	stop client
}

@test "Socket.IO: rk-listen is such a server" {
	start_ready node rk-listen -p 0 --port-file port --socketio -- \
		rk-route -e 'if .type == "message" then {type: "reply", conn,
		  ref} + payload else empty end'
	run_status 0 rk-client --socketio --emit e --ack --send '{"a":1.0}' \
		--expect '.data.a == 1' "http://127.0.0.1:$(<port)"
	run_status 0 rk-client --socketio=2 --emit e --ack --binary --send abc \
		--expect '.base64 == "YWJj"' "http://127.0.0.1:$(<port)"
}

@test "a token is seen by nobody" {
	serve socketioserver 4
	start_ready client rk-client --socketio --no-input --bearer sesame \
		--auth '{"key":"sesame"}' "$url"
	wait_line server 'Bearer sesame'
	run ! grep -aq sesame "/proc/$(pid_of client)/cmdline"
	stop client
}

# --- SocketCluster -----------------------------------------------------------

cluster() {	# PROTOCOL
	run_status 0 rk-client --socketcluster="$1" \
		--emit tell --send '{"a": 1.0}' --expect '.event == "told"' \
		--ack --emit add --send '[1,2]' --expect '.data == 3' \
		--emit whoami --send 0 --expect '.type == "answer"' "$url"
	assert_eq "$output" '{"type":"message","event":"told","data":{"a":1}}
{"type":"answer","ref":1,"data":3}
{"type":"answer","ref":2,"data":null}'
	run_status 1 rk-client --socketcluster="$1" --ack --emit fail \
		--send 0 "$url"
	assert_json_eq "$output" '{"type":"answer","ref":1,
		"error":{"name":"NotAllowed","message":"not for you"}}'
}

channels() {	# PROTOCOL
	run_status 0 rk-client --socketcluster="$1" --subscribe c \
		--expect '.event == "#subscribe" and .channel == "c"' \
		--ack --channel c --send '{"a": [1]}' --expect '.data.a == [1]' \
		--expect '.type == "answer"' --subscribe secret \
		--expect '.event == "#subscribeFail" and .channel == "secret"
		  and .data.name == "NotAllowed"' --emit add --channel '' \
		--send '[1,2]' --expect '.ref == 2 and .data == 3' "$url"
	grep -qxF '{"type":"message","channel":"c","data":{"a":[1]}}' \
		<<<"$output"
}

@test "SocketCluster 2: transmits and invokes" {
	serve clusterserver 20
	cluster 2
}

@test "SocketCluster 1: transmits and invokes" {
	serve clusterserver 14
	cluster 1
}

@test "SocketCluster 2: channels" {
	serve clusterserver 20
	channels 2
}

@test "SocketCluster 1: channels" {
	serve clusterserver 14
	channels 1
}

# CHANNEL and KICKED: to be kicked out, and then not to hear it.
leaves() {	# PROTOCOL
	start_ready hears rk-client --socketcluster="$1" --no-input \
		--subscribe c --expect '.event == "#subscribe"' \
		--emit kick --send c --expect '.event == "#kickOut"
		  and .data.message == "enough"' --subscribe c --subscribe d \
		--expect '.event == "#subscribe" and .channel == "d"' \
		--unsubscribe c --emit tell --send left \
		--expect '.data == "left"' --expect '.channel == "d"' "$url"
	wait_line hears left
	run_status 0 rk-client --socketcluster="$1" --ack --channel c \
		--send for-c --channel d --send for-d "$url"
	ended hears
	run ! grep -q for-c hears.out
}

@test "SocketCluster: kicked out, and unsubscribed" {
	serve clusterserver 20
	leaves 2
	stop server 143
	serve clusterserver 14
	leaves 1
}

token() {	# PROTOCOL
	local token

	run_status 0 rk-client --socketcluster="$1" --ack --emit login \
		--send '{"user":"ann"}' --expect '.event == "#setAuthToken"' "$url"
	token=$(jq -r 'select(.event == "#setAuthToken").data.token' \
		<<<"$output")
	echo "$token" >token
	run_status 0 rk-client --socketcluster="$1" --bearer @token --ack \
		--emit whoami --send 0 --expect '.data.user == "ann"' \
		--emit '#authenticate' --send "$token" \
		--expect '.type == "answer" and .data.isAuthenticated' "$url"
	run_status 0 rk-client --socketcluster="$1" --bearer "x.$token" \
		--emit tell --send 0 --expect '.event == "told"' "$url"
	[[ $stderr == *'warning: '*': not authenticated: '* ]]
	[[ $stderr != *"$token"* ]]
}

@test "SocketCluster 2: a token, given, taken and refused" {
	serve clusterserver 20
	token 2
}

@test "SocketCluster 1: a token, given, taken and refused" {
	serve clusterserver 14
	token 1
}

again() {	# PROTOCOL VERSION
	start client rk-client --socketcluster="$1" --reconnect=200ms \
		--subscribe c --no-input --ack --emit login \
		--send '{"user":"ann"}' "$url"
	wait_line client '"#setAuthToken"'
	wait_line client '"#subscribe"'
	stop server 143
	wait_for grep -q 'warning: ' client.err
	serve_again clusterserver "$2"
	wait_for has_twice '"#subscribe"'
	run_status 0 rk-client --socketcluster="$1" --ack --channel c \
		--send 'once more' "$url"
	wait_line client 'once more'
	stop client
	stop server 143
}

has_twice() {
	[ "$(grep -cF "$1" client.out)" -eq 2 ]
}

@test "SocketCluster: subscribed again after a reconnect" {
	serve clusterserver 20
	again 2 20
	serve clusterserver 14
	again 1 14
}

# It pings five times a second; an answer that is missing ends the connection.
@test "SocketCluster: pings are answered; the server's close is told" {
	serve clusterserver 20
	run_status 111 rk-client --socketcluster --emit bye --send 0 "$url"
	[[ $stderr == *': closed by the server: 4501 never again' ]]
	stop server 143
	serve clusterserver 14
	run_status 111 rk-client --socketcluster=1 --emit bye --send 0 "$url"
	[[ $stderr == *': closed by the server: 4501' ]]
}

@test "SocketCluster: rk-listen is such a server, and a refusal is 1" {
	local p

	for p in 1 2; do
		start_ready node rk-listen -p 0 --port-file port \
			--socketcluster --sc-protocol "$p" --ask --ping-interval 50ms \
			--ping-timeout "$((4 * RK_SLOW))s" \
			-- rk-route "$TESTS/fixtures/socketcluster/app.jq"
		url=http://127.0.0.1:$(<port)
		run_status 0 rk-client --socketcluster="$p" --no-input \
			--subscribe c --subscribe secret --ack --emit add \
			--send 1 --expect '.data == 1' --emit fail --send 0 \
			--expect '.error.name == "MyError"' "$url"
		run_status 1 rk-client --socketcluster="$p" "$url/?token=bad"
		[[ $stderr == *': refused: {'* ]]
		run_status 1 rk-client --socketcluster="$p" --no-input \
			--timeout "$((6 * RK_SLOW))s" --expect .never "$url"
		assert_eq "$stderr" 'rk-client: not seen in time: .never'
		stop node
	done
}

# --- a station ---------------------------------------------------------------

station() {	# PROTO
	start_ready station rk-client --frames
	feed station '{"type":"dial","conn":"a","user":"u","url":"'"$url"'",'"$(
		)"'"proto":"'"$1"'","subscribe":["é"]}'
	wait_line station '"#subscribe"'
	feed station '{"type":"send","conn":"a","event":"ask","data":1}' \
		'{"type":"send","conn":"a","event":"add","data":[1,2],"ref":"r"}'
	wait_line station '"question"'
	wait_line station '"answer"'
	ref=$(jq 'select(.event == "question").ref' station.out)
	feed station '{"type":"reply","conn":"a","ref":'"$ref"',"data":{"x": 1.0}}' \
		'{"type":"reply","conn":"a","ref":"x","data":0}' \
		'{"type":"send","conn":"a","event":1,"data":0}' \
		'{"type":"send","conn":"a","channel":1,"data":0}'
	wait_line station '"answered"'
	feed station '{"type":"send","conn":"a","event":"ask","data":2}'
	wait_for says_question 2
	ref=$(jq 'select(.event == "question" and .data == 2).ref' station.out)
	feed station '{"type":"reply","conn":"a","ref":'"$ref"',"error":"no"}'
	wait_line station '{"error":"no"}'
	feed station '{"type":"leave","conn":"a","channel":"é"}' \
		'{"type":"join","conn":"a","channel":"f"}'
	wait_line station '"channel":"f","event":"#subscribe"'
	feed station '{"type":"send","conn":"a","channel":"é","data":0,"ref":1}' \
		'{"type":"send","conn":"a","channel":"f","data":3}'
	wait_line station '"channel":"f","data":3'
	wait_line station '"args":[]'
	assert_eq "$(jq -c 'del(.at, .conn, .user, .ref) |
		select(.type != "error" and .type != "up")' station.out | sort)" \
		"$(sort <<-'END'
	{"type":"message","channel":"é","event":"#subscribe","data":null}
	{"type":"message","event":"question","data":1}
	{"type":"answer","data":3}
	{"type":"message","event":"answered","data":{"answer":{"x":1}}}
	{"type":"message","event":"question","data":2}
	{"type":"message","event":"answered","data":{"error":"no"}}
	{"type":"message","channel":"f","event":"#subscribe","data":null}
	{"type":"answer","args":[]}
	{"type":"message","channel":"f","data":3}
	END
	)"
	assert_eq "$(jq -r 'select(.type == "error").why' station.out)" \
'ref is not one of this connection
event is a string
channel is a string'
	[ "$(jq -r 'select(.type == "up").data.isAuthenticated' \
		station.out)" = false ]
	feed station '{"type":"hangup","conn":"a"}'
	wait_line station '"by":"client"'
	wait_line server disconnect
	stop station
	stop server 143
}

says_question() {
	[ "$(grep -c '"question"' station.out)" -eq "$1" ]
}

@test "a station in SocketCluster 2: invokes both ways, channels" {
	serve clusterserver 20
	station socketcluster
}

@test "a station in SocketCluster 1: invokes both ways, channels" {
	serve clusterserver 14
	station socketcluster1
}
