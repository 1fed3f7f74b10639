# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# laravel.bash: a real laravel-echo-server with a Redis of its own, and
# tests/clients/laravel.js in the role of Laravel.  After `load lib`:
#
#	setup_file() { laravel_start; }
#	teardown_file() { stop_all; }
#
#   laravel_start       all three, in $RK_TEST; exports LARAVEL_DIR and CORE,
#                       the URL of the echo server
#   core_start          the echo server again, after `stop core` or a kill, in
#                       the shell that started it
#   told TEXT...        what it asked Laravel has such a line
#   broadcast CHANNEL EVENT DATA   as Laravel does it, through Redis
#   post_event CHANNEL EVENT DATA  through its HTTP API
#   core_conns N        so many are connected to it; for wait_for
#   core_channel C N    so many are in the channel; for wait_for

# Members of a presence channel that leave at once make it fail in a promise;
# when it was written, that was a warning.
core_start() {
	start core env NODE_OPTIONS=--unhandled-rejections=warn \
		"$TESTS/node_modules/.bin/laravel-echo-server" start \
		--force --dir="$LARAVEL_DIR"
	wait_line core 'Server ready'
}

laravel_start() {
	local port

	need redis-server node
	export LARAVEL_DIR=$RK_TEST
	port=$(free_ports 1)
	export CORE=http://127.0.0.1:$port
	start redis redis-server --port 0 --save '' \
		--unixsocket "$LARAVEL_DIR/redis.sock"
	start laravel node "$TESTS/clients/laravel.js"
	wait_lines laravel 1
	cat >"$LARAVEL_DIR/laravel-echo-server.json" <<-END
	{"authHost": "http://127.0.0.1:$(head -n 1 "$RK_TEST/laravel.out")",
	"authEndpoint": "/broadcasting/auth", "devMode": true,
	"clients": [{"appId": "app", "key": "key"}], "database": "redis",
	"databaseConfig": {"redis": {"path": "$LARAVEL_DIR/redis.sock"}},
	"host": "127.0.0.1", "port": "$port", "protocol": "http",
	"socketio": {}, "subscribers": {"http": true, "redis": true}}
	END
	wait_for test -S "$LARAVEL_DIR/redis.sock"
	core_start
}

told() {
	grep -qxF -e "$*" "$LARAVEL_DIR/laravel.out"
}

broadcast() {
	redis-cli -s "$LARAVEL_DIR/redis.sock" publish "$1" "$(jq -cn \
		--arg event "$2" --argjson data "$3" \
		'{$event, $data, socket: null}')" >/dev/null
}

post_event() {
	curl -sf -o /dev/null -H 'Content-Type: application/json' -d "$(jq -cn \
		--arg channel "$1" --arg name "$2" --argjson data "$3" \
		'{$channel, $name, $data}')" "$CORE/apps/app/events?auth_key=key"
}

core_says() {	# PATH KEY N
	[ "$(curl -s "$CORE/apps/app/$1?auth_key=key" | jq "$2")" = "$3" ]
}

core_conns() {
	core_says status .subscription_count "$1"
}

core_channel() {
	core_says "channels/$1" .subscription_count "$2"
}
