# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
#
# systems.bash: what is measured side by side: ours, the floor, and peers in
# JavaScript; those that are servers of their own are in servers.bash.  For a
# system NAME, fan_NAME, unicast_NAME, echo_NAME and others by the KIND of a case
# start it, with bg(), and set LOAD, the load's options.  A system without one
# cannot do it.
#
# What all know besides ground.bash: PORT is the WebSockets', LINES the
# publisher's, MORE the first of a few others.  The token comes last in the path
# or the query.

WS=ws://127.0.0.1
SOCKETIO='/socket.io/?EIO=4&transport=websocket&token=tok%d'
SOCKETCLUSTER='/socketcluster/?token=tok%d'

# bg NAME COMMAND...: NAME's CPU is summed, but for "backend".
bg() {
	local name=$1 how=--pid

	shift
	[ "$name" != backend ] || how=--aux
	"$@" >>"$DIR/log" 2>&1 3>&- &
	LAST=$!
	STARTED+=("$LAST")
	WATCHED+=("$how" "$name=$LAST")
}

has_child() {
	pgrep -P "$1" >/dev/null
}

child_of() {
	until_ok 20 has_child "$1" && pgrep -P "$1" | head -n 1
}

# The only child of the last one started.
child_is_backend() {
	WATCHED+=(--aux "backend=$(child_of "$LAST")")
}

# --- ours -------------------------------------------------------------------

rk_listen() {
	bg rk-listen "$RK/rk-listen" -p "$PORT" -s "$DIR/listen" \
		--ws '/{user}' "$@"
	wait_port "$PORT" && wait_path "$DIR/listen"
}

rk_publish_to() {
	LOAD=(-u "$WS:$PORT/tok%d" --publisher "unix:$1" --wrap "$2")
}

fan_rk() {
	rk_listen
	rk_publish_to "$DIR/listen" '{"type":"send","all":true,"data":%s}\n'
}

# The same by other dialects, and under TLS.
fan_rk_socketio() {
	rk_listen --socketio
	rk_publish_to "$DIR/listen" \
		'{"type":"send","all":true,"event":"event","data":%s}\n'
	LOAD+=(-u "$WS:$PORT$SOCKETIO" -d socketio4)
}

fan_rk_socketcluster() {
	rk_listen --socketcluster -- "$RK/rk-route" -e 'if
		.type == "subscribe" then {type: "join", conn, channel}
		else empty end'
	rk_publish_to "$DIR/listen" \
		'{"type":"send","channel":"news","data":%s}\n'
	LOAD+=(-u "$WS:$PORT$SOCKETCLUSTER" -d socketcluster -c news)
}

fan_rk_tls() {
	certificate
	rk_listen --cert "$TLS.pem" --key "$TLS.key"
	rk_publish_to "$DIR/listen" '{"type":"send","all":true,"data":%s}\n'
	LOAD+=(-u "wss:${WS#ws:}:$PORT/tok%d")
}

# A router that takes the events, its CPU apart.
accept_rk() {
	rk_listen "$@" -- "$RK/rk-route" -e empty
	LOAD=(-u "$WS:$PORT/tok%d")
	child_is_backend
}

accept_rk_socketio() {
	accept_rk --socketio
	LOAD=(-u "$WS:$PORT$SOCKETIO" -d socketio4)
}

# Each in so many channels; a message goes to one of them.
channels_rk() {	# COUNT
	rk_listen -- "$RK/rk-route" --argjson n "$1" -e 'if .type == "open"
		then range($n) as $i | {type: "join", conn, channel: "c\($i)"}
		else empty end'
	rk_publish_to "$DIR/listen" \
		'{"type":"send","channel":"c0","data":%s}\n'
}
one_channel_rk() { channels_rk 1; }
many_channels_rk() { channels_rk 1000; }

# Beside so many other users.
users_rk() {	# COUNT
	rk_listen --socketio --ns '*' --max-conns 200000 -- "$RK/rk-route" \
		-e 'if .type == "open" and has("ns")
		then {type: "identify", conn, user: "crowd\(.n)"}
		else empty end'
	rk_publish_to "$DIR/listen" \
		'{"type":"send","user":"tok%d","data":%s}\n'
	[ "$1" -gt 0 ] || return 0
	node "$PEERS/crowd.js" "$PORT" "$1" "$DIR/crowd" \
		>>"$DIR/log" 2>&1 &
	STARTED+=($!)
	wait_path "$DIR/crowd" 60
}
few_users_rk() { users_rk 0; }
many_users_rk() { users_rk 100000; }

unicast_rk() {
	rk_listen
	bg rk-route "$RK/rk-route" --link "down=$DIR/listen" \
		--serve "in=$DIR/in" -e 'if .from == "in"
		then {type: "send", via: "down", user: .user} + payload
		else empty end'
	wait_path "$DIR/in"
	rk_publish_to "$DIR/in" '{"type":"event","user":"tok%d","data":%s}\n'
}

echo_rk() {
	rk_listen -- "$RK/rk-route" "$BENCH/echo.jq" --bare -- cat
	LOAD=(-u "$WS:$PORT/tok%d")
	WATCHED+=(--aux "backend=$(child_of "$(child_of "$LAST")")")
}

# The broker and what answers the calls are apart, for both.
piped_backend() {
	AMQP_URL=$RABBIT_URL bg backend node "$PEERS/client.js" \
		serve queue-out-1 exchange-in-1
	LOAD=(-u "$WS:$PORT/api/tok%d")
	until_ok 20 grep -q serving "$DIR/log"
}

piped_rk() {
	AMQP_URL=$RABBIT_URL bg rk-piped "$RK/rk-piped" -p "$PORT" -n 1
	wait_port "$PORT" && until_ok 20 rk_has_broker && piped_backend
}

rk_has_broker() {
	local line

	exec 4<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' >&4
	while read -rt 5 line <&4; do
		[[ $line != 'service_rabbitmq{service="pipe"} 1'* ]] || break
	done
	exec 4>&-
	[[ $line == 'service_rabbitmq{service="pipe"} 1'* ]]
}

piped_node() {
	bg node node "$PEERS/piped.js" "$PORT" "$RABBIT_URL"
	wait_port "$PORT" && piped_backend
}

# --- the floor --------------------------------------------------------------

fan_floor() {
	bg floor "$BUILD/floor" -p "$PORT" -l "$LINES"
	wait_port "$PORT"
	LOAD=(-u "$WS:$PORT/tok%d" --publisher "tcp:127.0.0.1:$LINES")
}

unicast_floor() {
	bg floor "$BUILD/floor" -p "$PORT" -l "$LINES" -u
	wait_port "$PORT"
	LOAD=(-u "$WS:$PORT/tok%d" --publisher "tcp:127.0.0.1:$LINES")
}

echo_floor() {
	bg floor "$BUILD/floor" -p "$PORT" -l "$LINES" -b cat
	wait_port "$PORT"
	child_is_backend
	LOAD=(-u "$WS:$PORT/tok%d")
}

# --- JavaScript -------------------------------------------------------------

# script NAME PROGRAM FILE QUERY [OPTION...]
script() {
	bg "$1" "$2" "$PEERS/$3" "$PORT" "$LINES" cat
	wait_port "$PORT" && wait_port "$LINES"
	child_is_backend
	LOAD=(-u "$WS:$PORT$4" --publisher "tcp:127.0.0.1:$LINES" "${@:5}")
}

fan_ws() {
	script ws node ws.js /tok%d
}
unicast_ws() { fan_ws; }
echo_ws() { fan_ws; }

fan_bun() {
	script bun "$MODULES/.bin/bun" bun.js /tok%d
}
unicast_bun() { fan_bun; }
echo_bun() { fan_bun; }

fan_socketio() {
	script socketio node socketio.js "$SOCKETIO" -d socketio4
}
unicast_socketio() { fan_socketio; }
echo_socketio() { fan_socketio; }

socketcluster() {
	script socketcluster node socketcluster.js \
		"$SOCKETCLUSTER" -d socketcluster "$@"
}
fan_socketcluster() { socketcluster -c news; }
unicast_socketcluster() { socketcluster -c tok%d; }
echo_socketcluster() {
	socketcluster -c tok%d --wrap '{"event":"msg","data":%s}'
}

