# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run and instr
#
# ground.bash: what run and instr stand on: places, processes in the
# background, waiting, frames to feed, a broker, certificates.
#
#	BUILD	the C programs, npm packages and results; RK our programs
#	PEERS	a copy of the peers in JavaScript, beside those packages, for
#		node looks there first
#	DIR	a directory of the measurement's own, from fresh to clean
#	STARTED	the processes that clean ends

BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$BENCH/../.." && pwd)
BUILD=$ROOT/build/bench
MODULES=$BUILD/node_modules
PEERS=$BUILD/peers
RK=${RK_BIN:-$ROOT/bin}
DIR=$BUILD/run.$$
STARTED=()
exec {NEVER}<> <(:)	# a pipe that nobody writes to

fresh() {
	rm -rf "$DIR"
	mkdir -p "$DIR"
}

pause() {	# for nothing says when
	read -rt 0.05 -u "$NEVER" || :
}

clean() {
	local pid end

	[ ${#STARTED[@]} -eq 0 ] || kill "${STARTED[@]}" 2>/dev/null
	for pid in "${STARTED[@]}"; do
		end=$((SECONDS + 10))
		while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do
			pause
		done
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	STARTED=()
	rm -rf "$DIR"
}

# until_ok SECONDS COMMAND...
until_ok() {
	local end=$((SECONDS + $1))

	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		pause
	done
}

answers() {
	(exec 4<>"/dev/tcp/127.0.0.1/$1")
}

wait_port() {	# PORT [SECONDS]
	until_ok "${2:-20}" answers "$1"
}

wait_path() {	# PATH [SECONDS]
	until_ok "${2:-20}" [ -e "$1" ]
}

# Calls of Piped's clients as rk-listen says them, so long.
calls() {	# COUNT BYTES
	awk -v n="$1" -v size="$2" 'BEGIN {
		while (length(pad) < size - 190) pad = pad "x"
		for (i = 0; i < n; i++)
			printf "{\"type\":\"message\",\"conn\":" \
			    "\"abcdefghijklm.%d\",\"n\":%d,\"user\":" \
			    "\"123e4567-e89b-12d3-a456-%012d\",\"data\":" \
			    "{\"id\":%d,\"method\":\"get-article\"," \
			    "\"payload\":{\"id\":%d,\"pad\":\"%s\"}}}\n",
			    i % 1000, i % 1000, i % 1000, i, i, pad
	}'
}

# Persistent messages of 200 bytes.
bodies() {	# COUNT
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"type\":\"publish\",\"properties\":" \
		    "{\"delivery_mode\":2},\"data\":{\"type\":\"event\"," \
		    "\"event\":\"balance-changed\",\"n\":%d,\"pad\":\"%0120d\"" \
		    "}}\n", i, 0 }'
}

# A broker of our own, once, and the name of a queue that nobody had, for
# BRIDGE to declare; broker_end for the end of all.
broker() {
	[ -n "${RABBIT_URL-}" ] || broker_start || return
	QUEUE=bench.$BASHPID.$RANDOM
	BRIDGE=("$RK/rk-amqp-bridge" --url "$RABBIT_URL" --queue "$QUEUE")
}

broker_start() {
	export RABBIT_DIR=$BUILD/rabbit RK_TEST=$BUILD/rabbit
	export RK_SLOW=${RK_SLOW:-4}	# its limits: others may run
	bats_require_minimum_version() { :; }
	# shellcheck source=tests/lib.bash
	. "$ROOT/tests/lib.bash"
	# shellcheck source=tests/rabbitmq.bash
	. "$ROOT/tests/rabbitmq.bash"
	mkdir -p "$RABBIT_DIR"
	rabbit_start >"$RABBIT_DIR/said" 2>&1 && return
	cat "$RABBIT_DIR/said" >&2
	return 1
}

broker_end() {
	[ -z "${RABBIT_URL-}" ] || rabbit_stop 2>/dev/null
	rm -rf "$BUILD/rabbit"
}

# A certificate for 127.0.0.1, in $TLS.pem and $TLS.key.
TLS=$BUILD/tls
certificate() {
	[ -e "$TLS.pem" ] || openssl req -x509 -newkey ec -nodes -days 30 \
		-pkeyopt ec_paramgen_curve:P-256 -subj /CN=127.0.0.1 \
		-keyout "$TLS.key" -out "$TLS.pem" 2>/dev/null
}
