# SPDX-License-Identifier: ISC
#
# SocketCluster: real clients against rk-listen and the small application of
# tests/fixtures/socketcluster/app.jq; then what no library would send.

load lib

setup() { cd "$RK_TEST" || return; }
teardown() { stop_all; }

APP=$TESTS/fixtures/socketcluster/app.jq
KEY=$TESTS/fixtures/token/secret

# listen PROTOCOL [OPTION...]: with the application; $port is set.
listen() {
	local protocol=$1

	shift
	start_ready app rk-listen -p 0 --port-file "$RK_TEST/app.port" \
		--socketcluster --sc-protocol "$protocol" "$@" -- rk-route "$APP"
	port=$(cat "$RK_TEST/app.port")
}

# client VERSION [CHECK...]
client() {
	run_status 0 timeout -k 5 $((100 * RK_SLOW)) \
		node "$TESTS/clients/socketcluster.js" "$1" "$port" "${@:2}"
}

wire() {
	run_status 0 timeout -k 5 $((100 * RK_SLOW)) \
		node "$TESTS/clients/clusterwire.js" "$1" "$port" "${@:2}"
}

@test "wrong options" {
	run_status 100 rk-listen -p 0 --socketcluster --sc-protocol 3
	run_status 100 rk-listen -p 0 --socketcluster='/{user}'
	run_status 100 rk-listen -p 0 --socketcluster --channel-limit 0
	run_status 100 rk-listen -p 0 --socketcluster --channel-limit 1025
	run_status 100 rk-listen -p 0 --socketcluster --jwt-key "$RK_TEST/none"
	echo short >"$RK_TEST/short"
	run_status 100 rk-listen -p 0 --socketcluster \
		--jwt-key "$RK_TEST/short"
}

@test "socketcluster-client 20" {
	listen 2 --ask --jwt-key "$KEY" --ping-interval 400ms \
		--ping-timeout "$((5 * RK_SLOW))s"
	client 20
}

@test "socketcluster-client 16" {
	listen 2 --ask --jwt-key "$KEY" --ping-interval 400ms \
		--ping-timeout "$((5 * RK_SLOW))s"
	client 16
}

@test "socketcluster-client 14" {
	listen 1 --ask --jwt-key "$KEY" --ping-interval 400ms \
		--ping-timeout "$((5 * RK_SLOW))s"
	client 14
}

@test "frames that no library sends, protocol 2" {
	listen 2 --channel-limit 3
	wire 2
}

@test "frames that no library sends, protocol 1" {
	listen 1 --channel-limit 3
	wire 1
}

silence() {
	listen "$1" --connect-timeout $((3 * RK_SLOW))s --ping-interval 100ms \
		--ping-timeout $((3 * RK_SLOW))s
	wire "$1" silence
}

@test "who says nothing: 4005, 4001; protocol 2" { silence 2; }
@test "who says nothing: 4005, 4001; protocol 1" { silence 1; }

# VERSION PROTOCOL: it stands still until it is closed, and comes back at once.
stands_still() {
	listen "$2" --ping-interval 100ms --ping-timeout "$((2 * RK_SLOW))s"
	start a node "$TESTS/clients/cluster.js" "$1" "$port" \
		'{"pingTimeoutDisabled":true}'
	wait_line a connect
	kill -STOP "$(pid_of a)"
	wait_for timed_out
	kill -CONT "$(pid_of a)"
	wait_line a 'disconnect 4001'
	wait_for eval '[ "$(grep -cx connect a.out)" -ge 2 ]'
}

timed_out() {
	curl -s "http://127.0.0.1:$port/metrics" |
		grep -qx 'rk_listen_cluster_timeouts_total [1-9]'
}

@test "a client that does not pong: socketcluster-client 20" {
	stands_still 20 2
}

@test "a client that does not pong: socketcluster-client 16" {
	stands_still 16 2
}

@test "a client that does not pong: socketcluster-client 14" {
	stands_still 14 1
}

@test "what a rule refuses is answered, and the client stays" {
	start_ready app rk-listen -p 0 --port-file "$RK_TEST/app.port" \
		--socketcluster -- rk-route -e 'if .event == "no" then refuse("why")
			elif .type == "subscribe" then refuse("why")
			elif .event == "yes" then {type: "reply", conn, ref, data: 1}
			else empty end'
	start c node "$TESTS/clients/ws.js" \
		"ws://127.0.0.1:$(cat "$RK_TEST/app.port")/socketcluster/"
	wait_line c open
	feed c 'text {"event":"#handshake","data":{},"cid":1}'
	wait_line c '"rid":1'
	feed c 'text {"event":"no","data":1,"cid":2}' \
		'text {"event":"#subscribe","data":{"channel":"x"},"cid":3}' \
		'text {"event":"yes","data":1,"cid":4}'
	wait_line c '"rid":2,"error":{'
	wait_line c '"rid":3,"error":{'
	wait_line c '"rid":4,"data":1'
	assert_eq "$(grep -c '"message":"refused"' "$RK_TEST/c.out")" 2
}

@test "tokens, protocol 2" {
	listen 2 --jwt-key "$KEY"
	wire 2 "$TESTS/fixtures/token"
}

@test "tokens, protocol 1" {
	listen 1 --jwt-key "$KEY"
	wire 1 "$TESTS/fixtures/token"
}

@test "the Python client, byte for byte" {
	start_ready app rk-listen -p 0 --port-file app.port --with claims \
		--http /jwt --socketcluster --jwt-key "$KEY" \
		--ping-interval 400ms \
		-- rk-route --arg feed yes "$ROOT/lib/rules/cluster.jq"
	port=$(cat app.port)
	run_status 0 node "$TESTS/clients/pythonsc.js" "$port" \
		"$(curl -sf "http://127.0.0.1:$port/jwt")"
}

@test "100,000 subscribes, and a batch of 10,000: answered, and bounded" {
	local before after

	listen 2
	before=$(rss)
	run_status 0 node "$TESTS/clients/flood.js" "$port"
	after=$(rss)
	# what one client may make us hold, many times over
	[ $((after - before)) -lt $((100 * 1024 * RK_SLOW)) ]
	run_status 0 node "$TESTS/clients/flood.js" "$port"
}

rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of app)/status"
}

@test "clients of all dialects in one channel hear all, in one order" {
	start_ready app rk-listen -p 0 --port-file app.port --ws /raw \
		--socketio --socketcluster -- rk-route -e '
		def say: {type: "send", channel: "room", event: "said"} + payload;
		if .type == "open" and .proto != "socketcluster" then
			{type: "join", conn, channel: "room"},
			{type: "send", conn, event: "in", data: "in"}
		elif .type == "subscribe" then {type: "join", conn, channel}
		elif .type == "message" or .type == "post" then say
		else empty end'
	run_status 0 node "$TESTS/clients/dialects.js" "$(cat app.port)" 200
	[ "$output" = ok ]
}
