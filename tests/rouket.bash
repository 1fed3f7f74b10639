# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # port
#
# rouket.bash: real clients of rk-rouket at $port, for suites that say `load
# rouket` behind `load laravel` and run in $RK_TEST.

# NAME VERSION TRANSPORTS [TOKEN USER]
client() {
	start "$1" node "$TESTS/clients/rouket.js" "$2" \
		"http://127.0.0.1:$port" "${@:3}"
	wait_line "$1" connect
}

says() {	# NAME LINE: exactly that
	grep -qxF -e "$2" "$1.out"
}

# ---- two users, each with a private channel of orders

two_users() {
	client one 2 websocket good-y y
	client two 4 polling good-z z
	whole
}

# Each has its connection to the core, and is subscribed.
whole() {
	wait_for core_conns 2
	wait_for core_channel example.channel 2
	wait_for core_channel private-orders.y 1
	wait_for core_channel private-orders.z 1
}

heard() {	# TEXT: each hears what is its own
	broadcast private-orders.y shipped "\"$1\""
	broadcast private-orders.z shipped "\"$1\""
	wait_for says one "[\"orders.y\",\"$1\"]"
	wait_for says two "[\"orders.z\",\"$1\"]"
}

# TEXT COMMAND...: what it breaks is told to each in such a line, and restored.
breaks() {
	local one two text

	one=$(wc -l <one.out) two=$(wc -l <two.out)
	"${@:2}"
	for text in "$1" router_up; do
		wait_for since one "$one" "$text"
		wait_for since two "$two" "$text"
	done
	whole
}

restored() {
	breaks '"upstream_down"' "$@"
}

since() {	# NAME LINES TEXT: it is there, behind so many lines
	tail -n "+$(($2 + 1))" "$1.out" | grep -qF -e "$3"
}

# Nobody was sent away, nothing came twice.
unharmed() {
	assert_eq "$(grep -cx connect one.out two.out)" $'one.out:1\ntwo.out:1'
	assert_eq "$(grep orders one.out two.out | sort | uniq -d)" ''
}
