# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
#
# listen.bash: a listener and its clients, for suites that say `load listen`
# behind `load lib` and run in $RK_TEST.

# A listener "l" on a port of its own, on plain pipes.
listen() {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port "$@"
	port=$(<port)
	url=ws://127.0.0.1:$port
}

# NAME PATH [PROTOCOL]: a client that is open; tests/clients/ws.js.
client() {
	start "$1" node "$TESTS/clients/ws.js" "$url$2" "${3-}"
	wait_line "$1" open
}

# It reads no more when this returns.
deafen() {
	feed "$1" pause 'text deaf'
	wait_line l '"text":"deaf"'
}

from=60000

flood() {	# N [KEYS]: texts to all, of $from bytes, one more, ...
	local i

	for ((i = 0; i < $1; i++)); do
		printf '{"type":"send","all":true%s,"text":"%0*d"}\n' \
			"${2-}" $((from + i)) 0
	done >&"${stdin_of[l]}"
}

# N: pings of a client that does not read meanwhile; all that was sent arrives.
ping_while_deaf() {
	local i

	client a /
	deafen a
	flood 200
	for ((i = 0; i < $1; i++)); do feed a ping; done
	feed a resume
	wait_for gives 200 grep -c 'big 60' a.out
	wait_line a pong
	feed a 'text still'
	wait_line l '"text":"still"'
}

# The id of connection N.
conn() {
	sed -n '/"conn":/{s/.*"conn":"\([a-z0-9]*\)\..*/\1/p;q}' l.out |
		sed "s/\$/.$1/"
}

# What the listener said: boot, times and addresses made equal.
said() {
	sed -e 's/"conn":"[a-z0-9]*\./"conn":"B./g' \
		-e 's/"at":[0-9]*/"at":0/' -e 's/,"headers":{[^}]*}//' "${1-l.out}"
}

frames() {	# TYPE...: only these
	said | grep -E "^\{\"type\":\"($(IFS='|'; echo "$*"))\""
}

# Bytes as they are on a connection of their own, and all that comes back.
raw() {
	exec {raw}<>"/dev/tcp/127.0.0.1/$port"
	printf %b "$1" >&"$raw"
	timeout $((8 * RK_SLOW)) cat <&"$raw" | tr -d '\r'
	exec {raw}>&-
}

status_of() {
	raw "$1" | head -n 1 | cut -d ' ' -f 2
}

# N COMMAND...: it prints N.
gives() {
	local want=$1

	shift
	[ "$("$@")" = "$want" ]
}

count() {	# TYPE: frames of it
	frames "$1" | wc -l
}

metric() {	# NAME WANT
	[ "$(curl -s "http://127.0.0.1:$port/metrics" |
		sed -n "s/^rk_listen_$1 //p")" = "$2" ]
}

rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of l)/status"
}

sanitized() {	# it has memory of its own, which is not flat
	[[ $RK_BIN == */asan/* ]]
}

UPGRADE='Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
KEY='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
V13='Sec-WebSocket-Version: 13\r\n'
