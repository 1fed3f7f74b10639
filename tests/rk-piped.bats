# SPDX-License-Identifier: ISC
#
# rk-piped: usage and settings; with a program as the back end; with a real
# RabbitMQ; three nodes behind a real nginx.  Conversations (tests/clients/
# talk.js) are in tests/fixtures/piped/*.talk.
#
# asan: long

load lib
load rabbitmq
load nginx

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }
teardown() { stop_all; }

ECHO='jq -c --unbuffered "{type: \"result\"} + del(.token) + {token}"'

# NAME OPTION...: a router on a port of its own, in $port.
serve() {
	local name=$1

	shift
	start_ready "$name" rk-piped -p 0 "$@"
	wait_lines "$name" 1
	port=$(grep -om 1 '[0-9]*$' "$RK_TEST/$name.out")
}

piped_node() {
	AMQP_URL=$RABBIT_URL serve "node$1" -n "$1" "${@:2}"
	wait_for metric 'service_rabbitmq{service="pipe"} 1'
}

talk() {
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/talk.js" \
		"ws://localhost:$port" "$TESTS/fixtures/piped/$1.talk"
}

metrics() {
	curl -sf "http://localhost:$port/metrics"
}

metric() {
	metrics | grep -qxF -e "$1"
}

# --- usage and settings ----------------------------------------------------

# A copy of the script whose rk-listen only says how it was called.
stub() {
	mkdir -p "$RK_TEST/stub/bin" "$RK_TEST/stub/lib"
	cp "$ROOT/bin/rk-piped" "$RK_TEST/stub/bin"
	ln -s "$ROOT/lib/shell" "$RK_TEST/stub/lib"
	cat >"$RK_TEST/stub/bin/rk-listen" <<-'END'
		#!/bin/sh
		printf '%s\n' "$@" '' "url $AMQP_URL" \
			"mass ${RABBIT_MASS_EXHANGE_NAME-}" \
			"secrets ${RABBIT_LOGIN-}${RABBIT_PASSWORD-}"
	END
	chmod +x "$RK_TEST/stub/bin/rk-listen"
	cd "$RK_TEST/stub" || return
}

@test "usage: --help and --version" {
	run_status 0 rk-piped --help
	[[ $output == 'usage: rk-piped '* ]]
	run_status 0 rk-piped --version
	[[ $output =~ ^rk-piped\ [0-9.]+$ ]]
}

@test "usage: what is missing or wrong is said, and is 100" {
	run_status 100 rk-piped
	[ "$stderr" = 'rk-piped: --port: a number is missing' ]
	run_status 100 rk-piped --port 8080
	[ "$stderr" = 'rk-piped: --nodeId: a number is missing' ]
	run_status 100 rk-piped --port 8080 --nodeId 0
	run_status 100 rk-piped --port 8080 --nodeId one
	run_status 100 rk-piped --port 80a --nodeId 1
	run_status 100 rk-piped --port 8080 --nodeId 1 --nothing
	run_status 100 rk-piped --port 8080 --nodeId 1 operand
	run_status 100 rk-piped --port 8080 --nodeId 1 --env /nowhere
	[[ $stderr == 'rk-piped: --env: /nowhere: '* ]]
}

@test "settings: a .env file is read, not run; the environment wins" {
	stub
	cat >.env <<-'END'
		# settings
		RABBIT_HOST=broker.example
		RABBIT_LOGIN = bus
		RABBIT_PASSWORD="p@ss/w:rd%# $(touch evil) `touch evil`"
		RABBIT_VHOST=/v
		RABBIT_RECONNECTION_TIME=60
		export RABBIT_RECONNECTION_TIME=60000
		RABBIT_MASS_EXHANGE_NAME='all nodes'
		SERVER_PING=7
		PATH=/nowhere
		IFS=x
	END
	RABBIT_PORT=5671 RABBIT_HEARTBEAT=11 run_status 0 bin/rk-piped -p 80 -n 2
	[ ! -e evil ]
	[[ $output == *$'\n--ping\n7\n'* ]]
	[[ $output != *--trust-proxy* ]]
	[[ $output == *$'\n--piped\n2\n--reconnect\n60\n'* ]]
	[[ $output == *$'\nmass all nodes\n'* ]]
	password=$(printf %s 'p@ss/w:rd%# $(touch evil) `touch evil`' |
		od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
	[[ $output == *"url amqp://%62%75%73:$password@broker.example:5671/%2f%76?heartbeat=11"* ]]
	[[ $output == *$'\nsecrets ' ]]
}

@test "settings: --env, and AMQP_URL as it is" {
	stub
	echo 'SERVER_PING=9' >other
	echo 'SERVER_PING=8' >.env
	AMQP_URL=amqp://x:y@h/z run_status 0 bin/rk-piped -p 80 -n 1 --env other
	[[ $output == *$'\n--ping\n9\n'* ]]
	[[ $output == *$'\nurl amqp://x:y@h/z\n'* ]]
	run_status 0 bin/rk-piped -p 80 -n 1 --trust-proxy 10.0.0.1,unix:
	[[ $output == *$'\n--trust-proxy\n10.0.0.1,unix:\n'* ]]
	SERVER_PING=x run_status 100 bin/rk-piped -p 80 -n 1
	[ "$stderr" = 'rk-piped: SERVER_PING: x: not a number' ]
}

# --- a program as the back end ----------------------------------------------

@test "--backend: calls and results, errors and ping, without a broker" {
	serve piped --backend "$ECHO"
	talk errors
	talk paths
	wait_for metric 'service_rabbitmq{service="pipe"} 1'
}

@test "--backend: it reads the calls, one a line, byte for byte" {
	cat >"$RK_TEST/backend" <<-'END'
		#!/bin/sh
		echo '{"type":"event","token":"T","event":"hello"}'
		echo 'a line for people'
		exec tee calls | sed -u 's/^{/{"type":"result",/'
	END
	cd "$RK_TEST"
	serve piped --backend 'sh ./backend'
	rk-client "ws://localhost:$port/api/T" \
		--send '{"payload":{"z":1.0,"a":1e400},"id":9007199254740993,"method":"m"}' \
		--expect '.type == "result"' >"$RK_TEST/out"
	assert_eq "$(tail -n 1 "$RK_TEST/out")" \
		'{"type":"result","id":9007199254740993,"method":"m","payload":{"z":1.0,"a":1e400}}'
	assert_eq "$(cat calls)" \
		'{"id":9007199254740993,"method":"m","token":"T","payload":{"z":1.0,"a":1e400}}'
	metric 'piped_junk 1'
}

@test "--backend: a back end that dies is started again" {
	serve piped --backend 'read -r call && echo "$call"'
	for id in 1 2; do
		wait_for rk-client "ws://localhost:$port/api/T" --timeout 2s \
			--send "{\"id\":$id,\"method\":\"m\"}" \
			--expect ".id == $id"
	done
}

@test "--compat: pongs and errors go to all of the token" {
	serve piped --backend "$ECHO" --compat
	talk compat
}

@test "--socket: rk-publish puts in events, which the rules make Piped's" {
	serve piped --backend "$ECHO" -s "$RK_TEST/pub.sock"
	start_ready heard rk-client "ws://localhost:$port/api/T" --no-input
	rk-publish -s "$RK_TEST/pub.sock" --user T --event balance-changed \
		'{"balance":345.550}'
	wait_lines heard 1
	assert_eq "$(cat "$RK_TEST/heard.out")" \
		'{"type":"event","event":"balance-changed","payload":{"balance":345.550}}'
	run_status 1 rk-publish -s "$RK_TEST/pub.sock" --user T --event x \
		--binary data
	[[ $stderr == *'JSON or text'* ]]
}

@test "/metrics has the four series of Piped" {
	serve piped --backend "$ECHO"
	wait_for metric 'service_rabbitmq{service="pipe"} 1'
	metric 'service_connections{service="pipe"} 0'
	metric 'service_users{service="pipe"} 0'
	metric 'service_self{service="pipe"} 0'
	start_ready a rk-client "ws://localhost:$port/api/T" --no-input
	start_ready b rk-client "ws://localhost:$port/api/T" --no-input
	start_ready c rk-client "ws://localhost:$port/api/U" --no-input
	wait_for metric 'service_connections{service="pipe"} 3'
	metric 'service_users{service="pipe"} 2'
	metric 'service_self{service="pipe"} 1'
}

@test "SERVER_PING: who answers no ping is closed" {
	SERVER_PING=1 serve piped --backend "$ECHO"
	start dumb node -e '
		const ws = new (require("ws"))(process.argv[1], { autoPong: false })
		ws.on("ping", () => console.log("ping"))
		ws.on("close", code => console.log("closed", code))' \
		"ws://localhost:$port/api/T"
	start_ready alive rk-client "ws://localhost:$port/api/T" --no-input
	wait_line dumb closed
	grep -q ping "$RK_TEST/dumb.out"
	metric 'service_connections{service="pipe"} 1'
}

@test "100 clients, 1000 calls each in one burst: all come back, in order" {
	serve piped --backend "exec sed -u 's/^{/{\"type\":\"result\",/'"
	node "$TESTS/clients/burst.js" "ws://localhost:$port" 100 1000
}

# --- RabbitMQ ----------------------------------------------------------------

@test "the topology is Piped's, and a Piped node may have declared it before" {
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/amqp.js" piped 1
	piped_node 1
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/amqp.js" piped 1
	assert_eq "$(rabbit_ctl list_exchanges name type durable auto_delete \
		internal arguments | grep '^exchange-' | sort)" "$(printf '%s\n' \
		'exchange-in-1	fanout	true	false	false	[]' \
		'exchange-mass	fanout	true	false	false	[]' \
		'exchange-out-1	fanout	true	false	false	[]')"
	assert_eq "$(rabbit_ctl list_queues name durable auto_delete arguments |
		sort)" "$(printf '%s\n' \
		'queue-in-1	true	false	[]' 'queue-out-1	true	false	[]')"
	assert_eq "$(rabbit_ctl list_bindings source_name destination_name \
		destination_kind routing_key | grep '^exchange-' | sort)" \
		"$(printf '%s\n' 'exchange-in-1	queue-in-1	queue	' \
		'exchange-mass	exchange-in-1	exchange	' \
		'exchange-out-1	queue-out-1	queue	')"
}

@test "calls reach the queue, with what they have and nothing else" {
	piped_node 1
	talk calls
}

@test "results and events reach all of the token; junk is nobody's" {
	piped_node 1
	talk results
	wait_for rabbit_queue_is queue-in-1 messages 0
	metric 'piped_junk 10'
}

@test "what a payload holds is not touched on the way, either way" {
	piped_node 1
	talk fidelity
}

@test "names of the broker are settings" {
	RABBIT_PREFIX_QUEUE_OUT=calls- RABBIT_MASS_EXHANGE_NAME=all piped_node 7
	rabbit_ctl list_queues name | grep -qx calls-7
	rabbit_ctl list_bindings source_name destination_name |
		grep -qx 'all	exchange-in-7'
}

@test "a second node of the same number does not take its results" {
	piped_node 1
	first=$port
	AMQP_URL=$RABBIT_URL serve second -n 1
	rk-client "ws://localhost:$first/api/T" --send '{"method":"ping"}' \
		--expect .event
	metric 'service_rabbitmq{service="pipe"} 0'
}

# FROM TO: that many calls of the client `caller`.
calls() {
	local lines

	mapfile -t lines < <(seq -f '{"id":%.0f,"method":"m"}' "$1" "$2")
	feed caller "${lines[@]}"
}

# Takes what is in queue-out-1: the ids of calls, each message once, though it
# may come again (under its name) when a crash left it unconfirmed.
take_calls() {
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/amqp.js" get queue-out-1 \
		"$(rabbit_queue queue-out-1 messages)" >>"$RK_TEST/queue" ||
		return
	jq -r '"\(.properties.messageId) \(.body | @base64d | fromjson.id)"' \
		"$RK_TEST/queue" | awk '!seen[$1]++ { print $2 }' >"$RK_TEST/ids"
}

taken() {
	take_calls && has_lines "$RK_TEST/ids" "$1"
}

@test "5000 calls, the broker crashes in between: none is lost, all in order" {
	piped_node 1
	start caller rk-client "ws://localhost:$port/api/T"
	calls 1 2500
	rabbit_kill
	calls 2501 5000
	wait_for metric 'service_rabbitmq{service="pipe"} 0'
	rabbit_start
	wait_for metric 'service_rabbitmq{service="pipe"} 1'
	wait_for -t 90 taken 5000
	seq 5000 | diff - "$RK_TEST/ids"
	stop node1
}

@test "no broker at first: calls wait for it" {
	rabbit_stop
	AMQP_URL=$RABBIT_URL serve node1 -n 1
	metric 'service_rabbitmq{service="pipe"} 0'
	start call rk-client "ws://localhost:$port/api/T" --timeout 10m \
		--send '{"id":1,"method":"m"}' --expect '.type == "result"'
	rabbit_start
	AMQP_URL=$RABBIT_URL start backend node "$TESTS/clients/amqp.js" \
		serve queue-out-1 exchange-in-1
	wait_for gone "$(pid_of call)"
	ended call
	metric 'service_rabbitmq{service="pipe"} 1'
}

# --- nodes behind nginx --------------------------------------------------------

# The seed's configuration, without its certificate.
before_nodes() {	# PORT...
	nginx_start <<-END
		    upstream piped-nodes {
		        server localhost:$1;
		        server localhost:$2;
		        server localhost:$3;
		    }
		    server {
		        listen unix:$NGINX_SOCK;
		        server_name api.you-project.com;
		        location / {
		            proxy_pass http://piped-nodes;
		            proxy_http_version 1.1;
		            proxy_set_header Upgrade \$http_upgrade;
		            proxy_set_header Connection 'upgrade';
		            proxy_set_header Host \$host;
		            proxy_cache_bypass \$http_upgrade;
		            proxy_set_header X-Forwarded-For 192.0.2.1;
		        }
		    }
	END
}

@test "three nodes behind nginx: events reach every node, a result the one that asked" {
	local ports=() n

	for n in 1 2 3; do
		piped_node "$n" --trust-proxy 127.0.0.1,::1
		ports+=("$port")
	done
	before_nodes "${ports[@]}"
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/talk.js" \
		"ws+unix://$NGINX_SOCK:" "$TESTS/fixtures/piped/nodes.talk"
}

# --- the demonstration ---------------------------------------------------------

@test "--demo: a call, an event, what went where; then it serves on" {
	start demo rk-piped --demo -p 0
	wait_line demo 'curl http://localhost:'
	grep -qF '{"type":"result","id":1,"method":"hello","payload":{"a":1}}' \
		"$RK_TEST/demo.out"
	grep -qF '{"type":"publish","data":{"id":1,"method":"hello","token":"alice"' \
		"$RK_TEST/demo.out"
	grep -qF '{"type":"event","event":"balance-changed","payload":{"balance":345.55}}' \
		"$RK_TEST/demo.out"
	port=$(grep -om 1 'localhost:[0-9]*' "$RK_TEST/demo.out" | cut -d : -f 2)
	rk-client "ws://localhost:$port/api/bob" --send '{"id":2,"method":"m"}' \
		--expect '.id == 2'
	stop demo
}
