# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stdin_of is set by lib
#
# rk-client --frames with thousands of connections in one process: dialled,
# subscribed, used, lost all at once, dialled again with what they had
# subscribed, hung up.  RK_LONG has 9,000.
#
# asan: long

load lib
load names

setup() {
	cd "$RK_TEST" || return
	many=$((RK_LONG ? 9000 : 2000))
	ulimit -n 20000
}

teardown() { stop_all; }

# A listener whose clients may be in any channel, and hear what they say.  On a
# Unix socket: while nobody listens on a TCP port, a dial may get it as its own.
listen() {
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port \
		--unix "$RK_TEST/many.sock" -s "$RK_TEST/node.sock" --ws /raw \
		--socketcluster --ping-interval 10m --ping-timeout 20m \
		-- rk-route -e '
		if .type == "subscribe" then {type: "join", conn, channel}
		elif .type == "message" then {type: "send", conn} + payload
		else empty end'
}

# A frame for each connection, from TEXT where & is its number; from FROM TO.
each() {
	seq "${2-1}" "${3-$many}" | sed "s|.*|$1|" >&"${stdin_of[station]}"
}

# In numbers that the queue of who listens can hold.
dial_all() {
	local from to

	for ((from = 1; from <= many; from = to + 1)); do
		to=$((from + 1999 < many ? from + 1999 : many))
		each "$(jq -cn '{type: "dial", conn: "&", user: "&",
			url: "ws+unix:many.sock:/socketcluster/",
			proto: "socketcluster", subscribe: ["c.&"]}')" \
			"$from" "$to"
		wait_for -t 60 says '"type":"up"' "$to"
	done
}

# TEXT N: so many lines of the station have it.
says() {
	[ "$(grep -cF -e "$1" station.out)" -eq "$2" ]
}

stat_is() {	# NAME N, of the last stats
	feed station '{"type":"stats","ref":"'"$1"'"}'
	wait_for grep -q "\"ref\":\"$1\"" station.out
	assert_eq "$(jq "select(.ref == \"$1\").data.$1" station.out)" "$2"
}

up() {	# TIMES: all are, so many times, with their channel
	wait_for -t 120 says '"type":"up"' $((many * $1))
	wait_for -t 60 says '"event":"#subscribe"' $((many * $1))
}

# What is sent to each channel comes to its connection, and to it once.
all_hear() {	# TEXT
	seq "$many" | sed "s|.*|{\"type\":\"send\",\"channel\":\"c.&\",\"data\":\"$1-&\"}|" |
		rk-publish -s node.sock --frames
	wait_for -t 60 says "\"data\":\"$1-" "$many"
	assert_eq "$(grep -F "\"data\":\"$1-" station.out |
		jq -r '[.conn, .user, .channel[2:], .data[4:]] | unique |
		  if length == 1 then .[0] else "odd: \(.)" end' |
		sort -n)" "$(seq "$many")"
}

@test "thousands: up, subscribed, heard; lost, and all again; hung up" {
	listen
	start_ready station rk-client --frames --reconnect=500ms \
		--timeout 60s --ping 0
	dial_all
	up 1
	all_hear one
	each '{"type":"send","conn":"&","data":"me-&"}'
	wait_for -t 60 says '"data":"me-' "$many"
	kill -KILL "$(pid_of node)"
	ended node 137
	wait_for -t 60 says '"type":"down"' "$many"
	listen
	up 2
	all_hear two
	stat_is connections_up "$many"
	stat_is downs_total "$many"
	each '{"type":"hangup","conn":"&"}'
	wait_for -t 60 says '"by":"client"' "$many"
	stat_is connections 0
	wait_for metric connections 0
	assert_eq "$(grep -c '"type":"error"' station.out)" 0
	stop station
}

metric() {
	[ "$(curl -s "http://127.0.0.1:$(cat port)/metrics" |
		sed -n "s/^rk_listen_$1 //p")" = "$2" ]
}

@test "a name that is not resolved keeps nobody else waiting" {
	local raw

	slow_names
	listen
	raw=$(cat port)/raw
	ASAN_OPTIONS=$SLOW_ASAN LD_PRELOAD=$RK_TEST/slow.so start_ready \
		station rk-client --frames --timeout "$((6 * RK_SLOW))s"
	feed station '{"type":"dial","conn":"s","url":"ws://slow.example:1/"}' \
		'{"type":"dial","conn":"t","url":"ws://slow.example:2/"}' \
		'{"type":"dial","conn":"a","url":"ws://127.0.0.1:'"$raw"'"}' \
		'{"type":"dial","conn":"b","url":"ws://localhost:'"$raw"'"}' \
		'{"type":"send","conn":"a","data":1}' \
		'{"type":"send","conn":"b","data":2}'
	wait_for says 'its name is not resolved in time' 2
	assert_eq "$(jq -r '"\(.type) \(.conn)"' station.out | head -n 4 |
		sort)" $'message a\nmessage b\nup a\nup b'
	assert_eq "$(tail -n 2 station.out | jq -c 'del(.at)' | sort)" \
'{"type":"down","conn":"s","error":"its name is not resolved in time"}
{"type":"down","conn":"t","error":"its name is not resolved in time"}'
	stop station
}
