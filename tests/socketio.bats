# SPDX-License-Identifier: ISC
#
# Socket.IO: real clients against rk-listen and the small application of
# tests/fixtures/socketio/app.jq; then what only a broken client does.

load lib

teardown() { stop_all; }

APP=$TESTS/fixtures/socketio/app.jq

# listen NAME [OPTION...]: with the application; $port and $url are set.
listen() {
	local name=$1

	shift
	start_ready "$name" rk-listen -p 0 --port-file "$RK_TEST/$name.port" \
		"$@" -- rk-route "$APP"
	port=$(cat "$RK_TEST/$name.port")
	url=http://127.0.0.1:$port
}

app() {
	listen app --socketio --ns /,/admin --ask --ping-interval 400ms \
		--ping-timeout "$((2 * RK_SLOW))s"
}

# client VERSION TRANSPORTS [CHECK...]
client() {
	run_status 0 timeout -k 5 $((100 * RK_SLOW)) \
		node "$TESTS/clients/socketio.js" "$1" "$2" "$url" "${@:3}"
}

@test "socket.io-client 4.8, polling" {
	app
	client 4 polling
}

@test "socket.io-client 4.8, WebSocket" {
	app
	client 4 websocket
}

@test "socket.io-client 4.8, polling, then WebSocket" {
	app
	client 4 polling,websocket
}

@test "socket.io-client 3.1, polling" {
	app
	client 3 polling
}

@test "socket.io-client 3.1, WebSocket" {
	app
	client 3 websocket
}

@test "socket.io-client 3.1, polling, then WebSocket" {
	app
	client 3 polling,websocket
}

@test "socket.io-client 2.5, polling" {
	app
	client 2 polling
}

@test "socket.io-client 2.5, WebSocket" {
	app
	client 2 websocket
}

@test "socket.io-client 2.5, polling, then WebSocket" {
	app
	client 2 polling,websocket
}
