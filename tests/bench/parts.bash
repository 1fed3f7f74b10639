# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
#
# parts.bash: what is measured without the load generator, each against what one
# would use in its place.  part_CASE does a case for all systems.
#
#	route200 route4k	calls through Piped's rules, from a file
#	hop			a frame through the rule `.`: plain, tracked, lone
#	amqp			publish and consume with RabbitMQ, persistent
#	start			milliseconds until ready, and memory then
#	rouket cluster		rk-rouket and rk-cluster; scripts of their own

PARTS='route200 route4k hop amqp start rouket cluster'
FRAMES=300000
MESSAGES=100000

# CPU microseconds of a command and its children for each of COUNT, less what
# the same takes with no input.  cpu COUNT INPUT COMMAND...
cpu() {
	local count=$1 input=$2 with without TIMEFORMAT='%U %S'

	shift 2
	without=$( { time "$@" </dev/null >/dev/null 2>>"$DIR/log"; } 2>&1)
	with=$( { time "$@" <"$input" >/dev/null 2>>"$DIR/log"; } 2>&1)
	awk -v n="$count" '{ printf "%.3f", ($1 + $2 - $3 - $4) * 1e6 / n }' \
		<<<"$with $without"
}

note_us() {	# CASE SYSTEM US
	note "$1" "$2" "{\"us\":${3:-null}}"
}

# The same rules, with what rk-route defines besides jq's own.
route() {	# CASE COUNT BYTES
	local n=$(($2 / LESS)) rules

	rules=$(cat "$BENCH/prelude.jq" "$ROOT/lib/rules/piped.jq")
	calls "$n" "$3" >"$DIR/calls"
	note_us "$1" rk "$(cpu "$n" "$DIR/calls" "$RK/rk-route" \
		"$ROOT/lib/rules/piped.jq")"
	note_us "$1" jq "$(cpu "$n" "$DIR/calls" jq -c "$rules")"
	note_us "$1" gojq "$(cpu "$n" "$DIR/calls" gojq -c "$rules")"
}
part_route200() { route "$1" $FRAMES 200; }
part_route4k() { route "$1" $((FRAMES / 5)) 4096; }

# A tracked hop is what a chain of three takes more than a chain of two.
part_hop() {
	local n=$((FRAMES / LESS)) r=$RK/rk-route two three

	calls "$n" 200 >"$DIR/calls"
	note_us hop-plain rk "$(cpu "$n" "$DIR/calls" "$r" -e .)"
	two=$(cpu "$n" "$DIR/calls" "$r" -e . -- "$r" -e empty)
	three=$(cpu "$n" "$DIR/calls" "$r" -e . -- "$r" -e . -- \
		"$r" -e empty)
	note_us hop-tracked rk "$(awk "BEGIN { print $three - $two }")"
	note hop-lone rk "$("$BUILD/hop" $((20000 / LESS)) "$r" -e .)"
	note hop-lone cat "$("$BUILD/hop" $((20000 / LESS)) cat)"
}

# --- RabbitMQ ---------------------------------------------------------------

amqplib() {	# publish|consume COUNT
	node "$PEERS/amqp.js" "$1" "$RABBIT_URL" "$QUEUE" "$2"
}

part_amqp() {
	local n=$MESSAGES

	broker || return
	bodies "$n" >"$DIR/frames"
	jq -c .data "$DIR/frames" >"$DIR/bodies"
	note_us publish rk "$(cpu "$n" "$DIR/frames" "${BRIDGE[@]}" \
		--publish ":$QUEUE")"
	note_us publish amqp-publish "$(cpu "$n" "$DIR/bodies" \
		amqp-publish -u "$RABBIT_URL" -p -r "$QUEUE" -l)"
	note_us publish amqplib "$(amqplib publish "$n")"
	note_us consume rk "$(consume_rk "$n")"
	note_us consume amqplib "$(amqplib consume "$n")"
}

# Nanoseconds that a process has run.
ran() {
	cut -d ' ' -f 1 "/proc/$1/schedstat"
}

# It goes on until told to stop, so its own clock is read when all came.
consume_rk() {	# COUNT
	local pid ns

	"${BRIDGE[@]}" --consume "$QUEUE" <&"$NEVER" 2>>"$DIR/log" \
		> >(head -n "$1" >"$DIR/got"; echo >"$DIR/all"
			cat >/dev/null) &
	pid=$!
	wait_path "$DIR/all" 120
	ns=$(ran $pid)
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	awk -v ns="$ns" -v n="$1" 'BEGIN { printf "%.3f", ns / 1e3 / n }'
}

# --- the start ----------------------------------------------------------------

begin() {	# SYSTEM COMMAND...
	note start "$1" "$("$BUILD/ready" "${@:2}" 2>>"$DIR/log" ||
		echo '{"error":"not ready"}')"
}

part_start() {
	local listen=("$RK/rk-listen" -D 9 -p 127.0.0.1:0 -s "$DIR/s" --ws /)

	certificate
	broker
	begin rk-listen "${listen[@]}"
	begin rk-listen-tls "${listen[@]}" --cert "$TLS.pem" --key "$TLS.key"
	begin rk-route "$RK/rk-route" -D 9 "$ROOT/lib/rules/piped.jq"
	begin rk-amqp-bridge "${BRIDGE[@]}" -D 9 --consume "$QUEUE"
	begin rk-publish "$RK/rk-publish" -D 9 --all --lines
	begin rk-client "$RK/rk-client" -D 9 --frames
	begin rk-store "$RK/rk-store" -D 9 "$DIR/store"
	begin rk-jobs "$RK/rk-jobs" -D 9 "$DIR/jobs"
	begin rk-log "$RK/rk-log" -D 9 "$DIR/kept"
}

# --- assembled routers, which have loads of their own -----------------------

note_lines() {
	local line

	while read -r line; do
		note "$(jq -r .case <<<"$line")" "$(jq -r .system <<<"$line")" \
			"$line"
	done
}

part_rouket() {
	M=$((200 / LESS)) CARRY=$BUILD/carry "$BENCH/rouket" | note_lines
}

part_cluster() {
	M=$((20000 / LESS)) "$BENCH/cluster" | note_lines
}
