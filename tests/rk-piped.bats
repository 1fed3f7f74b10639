# SPDX-License-Identifier: ISC
#
# rk-piped: usage and settings; with a program as the back end; with a real
# RabbitMQ; three nodes behind a real nginx.  Conversations (tests/clients/
# talk.js) are in tests/fixtures/piped/*.talk.

load lib
load rabbitmq

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

node() {
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
	RABBIT_HEARTBEAT=11 run_status 0 bin/rk-piped -p 80 -n 2
	[ ! -e evil ]
	[[ $output == *$'\n--ping\n7\n'* ]]
	[[ $output == *$'\n--piped\n2\n--reconnect\n60\n'* ]]
	[[ $output == *$'\nmass all nodes\n'* ]]
	password=$(printf %s 'p@ss/w:rd%# $(touch evil) `touch evil`' |
		od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
	[[ $output == *"url amqp://%62%75%73:$password@broker.example:5672/%2f%76?heartbeat=11"* ]]
	[[ $output == *$'\nsecrets ' ]]
}

@test "settings: --env, and AMQP_URL as it is" {
	stub
	echo 'SERVER_PING=9' >other
	echo 'SERVER_PING=8' >.env
	AMQP_URL=amqp://x:y@h/z run_status 0 bin/rk-piped -p 80 -n 1 --env other
	[[ $output == *$'\n--ping\n9\n'* ]]
	[[ $output == *$'\nurl amqp://x:y@h/z\n'* ]]
	SERVER_PING=x run_status 100 bin/rk-piped -p 80 -n 1
	[ "$stderr" = 'rk-piped: SERVER_PING: x: not a number' ]
}

# --- a program as the back end ----------------------------------------------

@test "--backend: calls and results, errors and ping, without a broker" {
	serve piped --backend "$ECHO"
	talk errors
	talk paths
	metric 'service_rabbitmq{service="pipe"} 1'
}

@test "--backend: a line in is a call, a line out is a result or an event" {
	serve piped --backend 'tee calls | sed -u s/^/{\"token\":\"T\",\"got\":/\;s/$/}/'
}

@test "--compat: pongs and errors go to all of the token" {
	serve piped --backend "$ECHO" --compat
	talk compat
}
