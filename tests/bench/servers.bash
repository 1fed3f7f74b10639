# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
#
# servers.bash: the peers that are servers of their own, as systems.bash says.

# --- NATS -------------------------------------------------------------------

nats() {
	cat >"$DIR/conf" <<-E
	listen: 127.0.0.1:$MORE
	websocket { listen: "127.0.0.1:$PORT", ${SECURED:-no_tls: true} }
	max_connections: 100000
	ping_interval: "1h"
	E
	bg nats nats-server -c "$DIR/conf"
	wait_port "$PORT" && wait_port "$MORE"
	LOAD=(-u "$WS:$PORT/" -d nats --publisher "tcp:127.0.0.1:$MORE"
		--publisher-dialect nats "$@")
}
fan_nats() { nats -c news; }
fan_nats_tls() {
	certificate
	SECURED="tls { cert_file: \"$TLS.pem\", key_file: \"$TLS.key\" }" \
		nats -c news -u "wss:${WS#ws:}:$PORT/"
}
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
