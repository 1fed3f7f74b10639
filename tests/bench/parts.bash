# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# parts.bash: what is measured without WebSockets, each against what one would
# use in its place.  part_CASE does a case for all systems.

FRAMES=300000

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

# Clients' calls as rk-listen says them, so long.
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

route() {	# CASE COUNT BYTES
	local rule='if .type == "message" then {type: "publish",
		exchange: "queue-out", data: {id: .data.id,
		method: .data.method, token: .user, payload: .data.payload}}
		else empty end'

	calls "$2" "$3" >"$DIR/calls"
	note_us "$1" rk "$(cpu "$2" "$DIR/calls" "$RK/rk-route" -e "$rule")"
	note_us "$1" jq "$(cpu "$2" "$DIR/calls" jq -c "$rule")"
	note_us "$1" gojq "$(cpu "$2" "$DIR/calls" gojq -c "$rule")"
}
part_route200() { route "$1" $FRAMES 200; }
part_route4k() { route "$1" $((FRAMES / 10)) 4096; }

# A tracked hop is what a chain of three takes more than a chain of two.
part_hop() {
	local r=$RK/rk-route two three

	calls $FRAMES 200 >"$DIR/calls"
	note_us hop-plain rk "$(cpu $FRAMES "$DIR/calls" "$r" -e .)"
	two=$(cpu $FRAMES "$DIR/calls" "$r" -e . -- "$r" -e empty)
	three=$(cpu $FRAMES "$DIR/calls" "$r" -e . -- "$r" -e . -- \
		"$r" -e empty)
	note_us hop-tracked rk "$(awk "BEGIN { print $three - $two }")"
	note hop-lone rk "$("$BUILD/hop" 20000 "$r" -e .)"
	note hop-lone cat "$("$BUILD/hop" 20000 cat)"
}

# --- RabbitMQ ---------------------------------------------------------------

MESSAGES=100000

broker() {
	local TESTS=$ROOT/tests

	export RK_TEST=$DIR
	# shellcheck source=/dev/null
	. "$TESTS/lib.bash"
	# shellcheck source=/dev/null
	. "$TESTS/rabbitmq.bash"
	rabbit_start >>"$DIR/log" 2>&1
	rabbit_ctl eval 'rabbit_amqqueue:declare(rabbit_misc:r(<<"/">>, queue,
		<<"bench">>), true, false, [], none, <<"bench">>).' \
		>>"$DIR/log" 2>&1
}

bodies() {
	awk -v n=$MESSAGES 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"type\":\"publish\",\"key\":\"bench\",\"properties\":" \
		    "{\"delivery_mode\":2},\"data\":{\"type\":\"event\"," \
		    "\"event\":\"balance-changed\",\"n\":%09d,\"pad\":\"%0110d\"" \
		    "}}\n", i, 0 }' | sed 's/"n":0*\([0-9]\)/"n":\1/'
}

part_publish() (
	trap 'rabbit_stop >/dev/null 2>&1' EXIT
	broker
	bodies >"$DIR/frames"
	jq -c .data "$DIR/frames" >"$DIR/bodies"
	note_us publish rk "$(cpu $MESSAGES "$DIR/frames" "$RK/rk-amqp-bridge" \
		--url "$RABBIT_URL" --publish :bench)"
	note_us publish amqp-publish "$(cpu $MESSAGES "$DIR/bodies" \
		amqp-publish -u "$RABBIT_URL" -p -r bench -l)"
	note_us publish amqplib \
		"$(node "$BENCH/peers/amqp.js" publish "$RABBIT_URL" bench \
			$MESSAGES)"
	for system in rk amqplib; do
		[ "$system" = amqplib ] || note_us consume rk "$(consume_rk)"
		[ "$system" = rk ] || note_us consume amqplib \
			"$(node "$BENCH/peers/amqp.js" consume "$RABBIT_URL" \
				bench $MESSAGES)"
	done
)
part_consume() { :; }	# publish does it: it has what is to be consumed

# It goes on until told to stop, so its own clock is read when all came.
consume_rk() {
	local pid ticks

	"$RK/rk-amqp-bridge" --url "$RABBIT_URL" --consume bench \
		2>>"$DIR/log" </dev/zero > >(head -n $MESSAGES >"$DIR/got"
			echo >"$DIR/all") &
	pid=$!
	wait_path "$DIR/all"
	ticks=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat")
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" -v n=$MESSAGES \
		'BEGIN { printf "%.3f", t / hz * 1e6 / n }'
}
