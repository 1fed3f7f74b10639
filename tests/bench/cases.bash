# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
#
# cases.bash: what is measured with clients.  measure CASE SYSTEM does it once.
#
#	fan100 fan1k fan10k	a message to all, flat out; so does tls1k
#	one100 one1k one10k	the next one when all have the last; tlsone1k
#	unicast			to one of 1,000, from a link through a router
#	echo1 echo10		1 and 10 requests in flight of 100 clients
#	beside0 beside10k	10 clients ask, beside so many that say nothing
#	users1 users100k	to one of 10, beside so many other users
#	channels1 channels1k	to 100 in a channel, who are in so many
#	piped			a call over RabbitMQ and its result, 100 clients
#	accept			so many clients come
#	idle			bytes of a connection: the slope between two counts

LOADED='fan100 fan1k fan10k one100 one1k one10k tls1k tlsone1k unicast
	echo1 echo10 beside0 beside10k users1 users100k channels1 channels1k
	piped accept idle'

EVENT='{"type":"event","token":"*","event":"tick",'
EVENT+='"payload":{"mark":"%t","pad":"%p"}}'
ONE='{"id":1,"token":"tok%d","method":"event",'
ONE+='"payload":{"mark":"%t","pad":"%p"}}'
SERVERS='rk floor bun nats ws nchan mosquitto pushpin websocketd socketio
	socketcluster'

systems_of() {	# CASE
	case $1 in
	fan1k | one1k | idle) echo "$SERVERS rk_socketio rk_socketcluster" ;;
	# which makes a process for each
	fan10k | one10k) echo "${SERVERS/websocketd/}" ;;
	tls*) echo 'rk rk_tls nats nats_tls' ;;
	beside*) echo 'rk floor bun nats' ;;
	users* | channels*) echo rk ;;
	piped) echo 'rk node' ;;
	accept) echo 'rk floor bun nats ws nchan mosquitto' ;;
	*) echo "$SERVERS" ;;
	esac
}

# Messages that take a system a second or two.
speed() {	# SYSTEM COUNT
	local n=$(($2 / LESS))

	case $1 in
	rk* | floor | bun | nats*) echo "$n" ;;
	pushpin | websocketd) echo $((n / 20)) ;;
	*) echo $((n / 4)) ;;
	esac
}

# load CASE SYSTEM KIND ARGUMENT...
load() {
	local case=$1 system=$2 kind=$3 out=''

	shift 3
	can "${kind}_$system" || return
	fresh
	WATCHED=()
	if "${kind}_$system"; then
		out=$(timeout -k 5 180 "$BUILD/load/load" "$@" "${LOAD[@]}" \
			"${WATCHED[@]}" 2>>"$DIR/log")
	fi
	note "$case" "$system" "${out:-{\"error\":\"no result\"\}}"
	[ -n "$out" ] || tail -n 3 "$DIR/log" >&2
	clean
}

fan() {		# CASE SYSTEM KIND CLIENTS WINDOW DELIVERIES [OPTION...]
	local n=$(($(speed "$2" "$6") / $4 + 1))

	load "$1" "$2" "$3" fanout -n "$4" -w "$5" -m "$n" \
		--warmup $((n / 10 + 5)) -t 60 --settle 500 --message "$EVENT" \
		"${@:7}"
}

unicast() {	# CASE SYSTEM KIND CLIENTS
	local n

	n=$(speed "$2" 200000)
	load "$1" "$2" "$3" unicast -n "$4" -w $(($4 / 2)) -m "$n" \
		--warmup $((n / 10)) -t 60 --settle 500 --message "$ONE"
}

echo_() {	# CASE SYSTEM KIND CLIENTS IN-FLIGHT MESSAGES [OPTION...]
	local n

	n=$(speed "$2" "$6")
	load "$1" "$2" "$3" echo -n "$4" -k "$5" -m "$n" \
		--warmup $((n / 10)) -t 60 --settle 500 --message "$ONE" \
		"${@:7}"
}

held() {	# START CLIENTS: kilobytes of all its processes
	fresh
	WATCHED=()
	"$1" && timeout -k 5 120 "$BUILD/load/load" hold -n "$2" -t 60 \
		--settle 1000 --for 100 "${LOAD[@]}" "${WATCHED[@]}" \
		2>>"$DIR/log" | jq 'select(.open == .clients) | .server.pss_kb'
	clean
}

# A TLS connection needs three descriptors of 20,000.
slope() {	# CASE SYSTEM
	local few=5000 many=18000 start=fan_$2 a b

	can "$start" || return
	! can "accept_$2" || start=accept_$2
	case $2 in
	websocketd | pushpin) return ;;
	rk_tls) few=1000 many=6000 ;;
	esac
	a=$(held "$start" $few)
	b=$(held "$start" $many)
	note "$1" "$2" "$(jq -n --argjson a "${a:-null}" \
		--argjson b "${b:-null}" --argjson n $((many - few)) \
		'if $a and $b then {us: (($b - $a) * 1024 / $n)}
		else {error: "no result"} end')"
}

# The broker is not theirs to start.  Both as often, and warm: in its first ten
# thousand calls Node is busy with its compiler as long as with the calls.
piped() {
	local n=$((20000 / LESS))

	broker && load "$1" "$2" piped echo -n 100 -k 1 -m "$n" \
		--warmup "$n" -t 120 --settle 500 --message "$ONE"
}

measure() {	# CASE SYSTEM
	case $1 in
	fan100) fan "$1" "$2" fan 100 64 2000000 ;;
	fan1k | tls1k) fan "$1" "$2" fan 1000 64 2000000 ;;
	fan10k) fan "$1" "$2" fan 10000 16 2000000 ;;
	one100) fan "$1" "$2" fan 100 1 400000 ;;
	one1k | tlsone1k) fan "$1" "$2" fan 1000 1 400000 ;;
	one10k) fan "$1" "$2" fan 10000 1 400000 ;;
	channels1) fan "$1" "$2" one_channel 100 64 2000000 ;;
	# which takes the router a while
	channels1k) fan "$1" "$2" many_channels 100 64 2000000 --settle 5000 ;;
	unicast) unicast "$1" "$2" unicast 1000 ;;
	users1) unicast "$1" "$2" few_users 10 ;;
	users100k) unicast "$1" "$2" many_users 10 ;;
	echo1) echo_ "$1" "$2" echo 100 1 200000 ;;
	echo10) echo_ "$1" "$2" echo 100 10 200000 ;;
	# so that their coming is over
	beside0) echo_ "$1" "$2" echo 10 1 100000 --settle 3000 ;;
	beside10k) echo_ "$1" "$2" echo 10 1 100000 --settle 3000 \
		--idle 10000 ;;
	piped) piped "$1" "$2" ;;
	accept) load "$1" "$2" accept hold -n $((18000 / LESS)) -t 60 \
		--settle 500 --for 100 ;;
	idle) slope "$1" "$2" ;;
	*) echo "$1: no such case" >&2; exit 100 ;;
	esac
}

# Of all but ours, who takes events, what fan-out starts takes clients.
for system in floor bun nats ws nchan mosquitto; do
	eval "accept_$system() { fan_$system; }"
done
