# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
#
# systems.bash: what is measured side by side.  For a system NAME:
#
#	start_NAME	starts it, with bg(); fan_NAME, unicast_NAME and
#			echo_NAME may start more
#	fan_NAME, unicast_NAME, echo_NAME	set LOAD: the load's options; a
#			system without one cannot do it
#
# What all know: PORT is the WebSockets', LINES the publisher's, MORE the first
# of a few others; DIR is theirs alone and empty at the start; BUILD has the C
# programs, MODULES the npm packages, RK our programs.  The token comes last in
# the path or the query.

WS=ws://127.0.0.1

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

# wait_port PORT [SECONDS]
wait_port() {
	local end=$((SECONDS + ${2:-20}))

	until (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <>"$DIR/never" || :
	done
}

wait_path() {
	local end=$((SECONDS + 10))

	until [ -e "$1" ]; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <>"$DIR/never" || :
	done
}

# The only child of the last one started.
child_is_backend() {
	read -rt 0.3 <>"$DIR/never" || :
	WATCHED+=(--aux "backend=$(pgrep -P "$LAST" | head -n 1)")
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
	WATCHED+=(--aux "backend=$(pgrep -P "$(pgrep -P "$LAST")")")
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
	bg "$1" "$2" "$BENCH/peers/$3" "$PORT" "$LINES" cat
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

SOCKETIO='/socket.io/?EIO=4&transport=websocket&token=tok%d'
fan_socketio() {
	script socketio node socketio.js "$SOCKETIO" -d socketio4
}
unicast_socketio() { fan_socketio; }
echo_socketio() { fan_socketio; }

socketcluster() {
	script socketcluster node socketcluster.js \
		'/socketcluster/?token=tok%d' -d socketcluster "$@"
}
fan_socketcluster() { socketcluster -c news; }
unicast_socketcluster() { socketcluster -c tok%d; }
echo_socketcluster() {
	socketcluster -c tok%d --wrap '{"event":"msg","data":%s}'
}

# --- NATS -------------------------------------------------------------------

nats() {
	cat >"$DIR/conf" <<-E
	listen: 127.0.0.1:$MORE
	websocket { listen: "127.0.0.1:$PORT", no_tls: true }
	max_connections: 100000
	ping_interval: "1h"
	E
	bg nats nats-server -c "$DIR/conf"
	wait_port "$PORT" && wait_port "$MORE"
	LOAD=(-u "$WS:$PORT/" -d nats --publisher "tcp:127.0.0.1:$MORE"
		--publisher-dialect nats "$@")
}
fan_nats() { nats -c news; }
unicast_nats() { nats -c u.%d; }
echo_nats() {
	nats -c inbox.%d --wrap 'PUB req inbox.%d %l\r\n%s\r\n'
	bg backend "$BUILD/backend" nats "$MORE"
}

# --- mosquitto: its WebSockets are libwebsockets', with its own loop ---------

mosquitto_() {
	cat >"$DIR/conf" <<-E
	user root
	allow_anonymous true
	log_type error
	set_tcp_nodelay true
	listener $MORE 127.0.0.1
	listener $PORT 127.0.0.1
	protocol websockets
	E
	bg mosquitto mosquitto -c "$DIR/conf"
	wait_port "$PORT" && wait_port "$MORE"
	LOAD=(-u "$WS:$PORT/" -d mqtt --publisher "tcp:127.0.0.1:$MORE"
		--publisher-dialect mqtt "$@")
}
fan_mosquitto() { mosquitto_ -c news; }
unicast_mosquitto() { mosquitto_ -c u/%d; }
echo_mosquitto() {
	mosquitto_ -c resp/%d --wrap '\x30%R{%2{req}%s}'
	bg backend "$BUILD/backend" mqtt "$MORE"
}

# --- nchan ------------------------------------------------------------------

nchan() {
	cat >"$DIR/conf" <<-E
	load_module modules/ngx_nchan_module.so;
	user root; daemon off; pid $DIR/pid; error_log $DIR/error warn;
	worker_processes 1; worker_rlimit_nofile 20000;
	events { worker_connections 19900; multi_accept on; }
	http {
	  access_log off; keepalive_requests 100000000;
	  keepalive_timeout 3600;
	  client_body_temp_path $DIR/b; proxy_temp_path $DIR/p;
	  fastcgi_temp_path $DIR/f; uwsgi_temp_path $DIR/u;
	  scgi_temp_path $DIR/s; nchan_shared_memory_size 1024M;
	  upstream back { server 127.0.0.1:$((MORE + 1)); keepalive 200; }
	  server {
	    listen 127.0.0.1:$PORT backlog=8192;
	    location ~ ^/sub/(\w+)\$ {
	      nchan_subscriber websocket; nchan_channel_id \$1;
	      nchan_subscriber_first_message newest; }
	    location ~ ^/pub/(\w+)\$ {
	      nchan_publisher http; nchan_channel_id \$1; }
	    location ~ ^/echo/(\w+)\$ {
	      nchan_pubsub websocket; nchan_channel_id e\$1;
	      nchan_subscriber_first_message newest;
	      nchan_publisher_upstream_request /up; }
	    location = /up { internal; proxy_pass http://back;
	      proxy_http_version 1.1; proxy_set_header Connection ""; }
	  }
	}
	E
	bg nginx nginx -e "$DIR/error" -c "$DIR/conf"
	wait_port "$PORT"
}
fan_nchan() {
	nchan
	LOAD=(-u "$WS:$PORT/sub/news" --depth 32
		--publisher "http://127.0.0.1:$PORT/pub/news")
}
unicast_nchan() {
	nchan
	LOAD=(-u "$WS:$PORT/sub/tok%d" --depth 16
		--publisher "http://127.0.0.1:$PORT/pub/tok%d")
}
echo_nchan() {
	nchan
	bg backend "$BUILD/backend" http $((MORE + 1))
	wait_port $((MORE + 1))
	LOAD=(-u "$WS:$PORT/echo/tok%d")
}

# --- websocketd: a process for each connection --------------------------------

echo_websocketd() {
	bg websocketd websocketd --address=127.0.0.1 "--port=$PORT" \
		--loglevel=error cat
	wait_port "$PORT"
	LOAD=(-u "$WS:$PORT/" --at-a-time 16)
}

fan_websocketd() {
	: >"$DIR/bus"
	bg websocketd websocketd --address=127.0.0.1 "--port=$PORT" \
		--loglevel=error tail -n0 -f "$DIR/bus"
	wait_port "$PORT"
	LOAD=(-u "$WS:$PORT/" --at-a-time 16
		--publisher "cmd:exec tee -a $DIR/bus >/dev/null")
}

# --- pushpin ----------------------------------------------------------------

pushpin_() {
	mkdir -p "$DIR/run" "$DIR/logs"
	echo "* 127.0.0.1:$((MORE + 1)),over_http" >"$DIR/routes"
	cat >"$DIR/zurl.conf" <<-E
	[General]
	instance_id=
	in_spec=ipc://$DIR/run/zurl-in
	in_stream_spec=ipc://$DIR/run/zurl-in-stream
	out_spec=ipc://$DIR/run/zurl-out
	in_req_spec=ipc://$DIR/run/zurl-req
	ipc_file_mode=660
	defpolicy=allow
	allow=
	deny=
	max_open_requests=2000
	E
	cat >"$DIR/conf" <<-E
	[global]
	include={libdir}/internal.conf
	rundir=$DIR/run
	ipc_prefix=pp-
	port_offset=0
	stats_connection_ttl=120
	[runner]
	services=condure,pushpin-proxy,pushpin-handler
	http_port=$PORT
	logdir=$DIR/logs
	log_level=1
	client_buffer_size=8192
	client_maxconn=15000
	condure_bin=condure
	zurl_bin=zurl
	[proxy]
	routesfile=$DIR/routes
	zurl_out_specs=ipc://$DIR/run/zurl-in
	zurl_out_stream_specs=ipc://$DIR/run/zurl-in-stream
	zurl_in_specs=ipc://$DIR/run/zurl-out
	sig_iss=pushpin
	sig_key=changeme
	updates_check=off
	[handler]
	push_in_spec=tcp://127.0.0.1:$MORE
	push_in_http_addr=127.0.0.1
	push_in_http_port=$((MORE + 2))
	stats_spec=ipc://$DIR/run/pp-stats
	command_spec=tcp://127.0.0.1:$((MORE + 3))
	message_rate=10000000
	message_hwm=10000000
	message_wait=5000
	connection_subscription_max=20
	subscription_linger=60
	stats_format=tnetstring
	E
	bg backend "$BUILD/backend" grip $((MORE + 1))
	bg zurl zurl --loglevel=1 "--config=$DIR/zurl.conf"
	bg pushpin pushpin "--config=$DIR/conf"
	wait_port "$PORT" && wait_port "$MORE"
	LOAD=(-u "$WS:$PORT/ws/tok%d" --publisher "tcp:127.0.0.1:$MORE"
		--publisher-dialect pushpin "$@")
}
fan_pushpin() { pushpin_ -c news; }
unicast_pushpin() { pushpin_ -c tok%d; }
echo_pushpin() { pushpin_; }
