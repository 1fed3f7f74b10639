#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr is set by run_status
#
# Passwords and tokens are where they have to be, and nowhere else.
#
#  - The rule: no 5 characters of a secret, one after the other, in any byte
#    that a program writes to standard error, in any error text, in `stats`, in
#    /metrics, nor in the arguments of a process (ps).
#  - In frames they are in user, path, query and headers, at any depth, and in
#    payloads, which are opaque; so these are left out of frames before we look.
#  - What a person types as an argument of rk-client and rk-publish is seen in
#    ps, as their pages say; so of these two (and of our own peers) arguments
#    are not looked at.  The environment is where secrets belong.
#
# asan: long

load lib
load rabbitmq

PASSWORD=wHn5TqvR8sXjGc
TOKEN=Kq7ZpLm2Wd9YbU
BEARER=eJx4VfNt3QhZaM

setup_file() {
	rabbit_start
	wait_for rabbit_connections 0
	rabbit_ctl add_user known "$PASSWORD"
	rabbit_ctl set_permissions known '.*' '.*' '.*'
}

teardown_file() {
	rabbit_stop
}

setup() {
	cd "$RK_TEST" || return
	five_of_each >pieces
	start argv node "$TESTS/clients/argv.js" "$RK_TEST/argv"
	wait_line argv looking
}

teardown() {
	stop_all
}

# All that is not to be found, a line each.
five_of_each() {
	local secret i

	for secret in "$PASSWORD" "$TOKEN" "$BEARER"; do
		for ((i = 0; i + 5 <= ${#secret}; i++)); do
			printf '%s\n' "${secret:i:5}"
		done
	done
}

# FILE ...: none of it is in there.
hides() {
	! grep -aFH -f pieces "$@" >found && return
	say 'a secret:' "$(head -n 20 found)"
	return 1
}

# Frames without what may hold a secret.
bare_frames() {
	jq -c 'walk(if type == "object" then
		del(.user, .path, .query, .headers, .data, .text, .base64)
		else . end)' "$@"
}

# What was said so far by whom, in ps, and to those who asked for figures.
nothing_told() {
	grep -av '^[^ ]*\(node\|curl\|rk-client\|rk-publish\) ' argv >typed
	[ -s typed ]
	hides typed ./*.err
}

figures() {
	local n

	curl -s "http://127.0.0.1:$port/metrics" >metrics.err
	n=$(wc -l <metrics.err)
	[ "$n" -gt 10 ]
}

# Whoever looks for a secret himself, does it by file: he is in ps, too.

# NAME PATH: a client that says what it is told, with a secret in a header.
client() {
	WS_HEADERS="{\"Authorization\":\"Bearer $BEARER\"}" start "$1" \
		node "$TESTS/clients/ws.js" "ws://127.0.0.1:$port$2"
}

listening() {
	wait_lines "$1" 1
	port=$(grep -om 1 '[0-9]*$' "$1.out")
}

# --- rk-piped ----------------------------------------------------------------

dotenv() {	# PASSWORD [PORT]
	printf '%s\n' RABBIT_LOGIN=known "RABBIT_PASSWORD=$1" \
		RABBIT_HOST=127.0.0.1 "RABBIT_PORT=${2:-$RABBIT_PORT}" \
		DEBUG=1 >.env
}

one_call() {
	client "$1" "/api/$TOKEN"
	wait_line "$1" open
	feed "$1" 'text {"id":1,"method":"ping"}' "text nonsense $PASSWORD"
	wait_line "$1" pong
}

@test "rk-piped: a call, by the password of .env" {
	unset AMQP_URL
	dotenv "$PASSWORD"
	start_ready piped rk-piped -v -v -p 0 -n 1 -s "$RK_TEST/b.sock"
	listening piped
	one_call a
	feed a 'text {"id":2,"method":"m","payload":"'"$PASSWORD"'"}'
	wait_for rabbit_queue_is queue-out-1 messages 1
	rk-publish -s b.sock --user "$TOKEN" --event e '{"a":1}' 2>put.err
	wait_line a '"event":"e"'
	rabbit_break
	wait_for grep -q '320 CONNECTION_FORCED' piped.err
	wait_for grep -q 'info: amqp:.*: up' piped.err
	figures
	stop piped
	ended a
	nothing_told
}

@test "rk-piped: a wrong password, and nobody there" {
	dotenv "$PASSWORD-wrong"
	start wrong rk-piped -v -p 0 -n 1
	wait_for grep -q '403 ACCESS_REFUSED' wrong.err
	dotenv "$PASSWORD" "$(free_ports 1)"
	start nobody env -u RABBIT_PORT rk-piped -v -p 0 -n 1
	listening nobody
	wait_for grep -q 'Connection refused' nobody.err
	one_call a
	figures
	stop nobody
	stop wrong
	nothing_told
}

@test "rk-piped --service: a secret is in a file that only root reads" {
	local kind

	dotenv "$PASSWORD"
	for kind in s6 runit; do
		rk-piped --service "$kind" -p 0 -n 1 "$kind" 2>$kind.err
		run ! grep -rlFf pieces "$kind"	# it is written as %XX
		AMQP_URL=amqp://known:$PASSWORD@h rk-piped --service "$kind" \
			-p 0 -n 1 "$kind.2" 2>>$kind.err
		assert_eq "$(grep -rlFf pieces "$kind.2")" \
			"$kind.2/bridge/env/AMQP_URL"
		[ "$(stat -c %a "$kind.2/bridge/env/AMQP_URL")" = 600 ]
	done
	nothing_told
}

# --- the broker's URL ----------------------------------------------------------

@test "rk-amqp-bridge: a URL, right, wrong and misspelled" {
	local url

	for url in "amqp://u:$PASSWORD@h:port" "http://u:$PASSWORD@h" \
	    "amqp://u:12/$PASSWORD@h" "amqp://u:12?$PASSWORD@h" \
	    "amqp://u:$PASSWORD%@h" "amqp://h/v?$PASSWORD=1" \
	    "amqp://h/v?heartbeat=$PASSWORD" "$PASSWORD"; do
		AMQP_URL=$url run_status 100 rk-amqp-bridge --consume q
		printf '%s\n' "$stderr" >>urls.err
		run_status 100 rk-amqp-bridge --url "$url"
		printf '%s\n' "$stderr" >>urls.err
	done
	url=amqp://known:$PASSWORD@127.0.0.1
	run_status 100 rk-amqp-bridge --urll="$url"
	printf '%s\n' "$stderr" >>urls.err
	run_status 100 rk-amqp-bridge "$url"
	printf '%s\n' "$stderr" >>urls.err
	AMQP_URL=$url-wrong:$RABBIT_PORT run_status 111 rk-amqp-bridge --once
	hides urls.err
}

in_ps() {
	tr '\0' ' ' <"/proc/$(pid_of "$1")/cmdline"
}

@test "rk-amqp-bridge --url: a password is taken out of the arguments" {
	start_ready bridge rk-amqp-bridge -v -v --url \
		"amqp://known:$PASSWORD@127.0.0.1:$RABBIT_PORT"
	in_ps bridge >ps.err
	grep -qF "://*********" ps.err
	grep -q 'everybody can see a password' bridge.err
	stop bridge
	hides ./*.err
}

# --- clients of rk-listen ------------------------------------------------------

# Commands that name the token, and what is wrong with each.
commands() {
	cat <<-END
	{"type":"nonsense","user":"$TOKEN","ref":1}
	{"type":"send","user":"$TOKEN"}
	{"type":"send","user":"$TOKEN","data":}
	{"type":"publish","user":"$TOKEN","data":1}
	{"type":"kick","user":"$TOKEN","code":17}
	{"type":"error","why":"no","frame":{"user":"$TOKEN"}}
	{"type":"link","name":"x","state":"up","user":"$TOKEN"}
	{"type":"who","user":"$TOKEN","ref":2}
	{"type":"join","user":"$TOKEN","channel":"c"}
	{"type":"stats","ref":3}
	END
}

refusals() {
	local status

	status=$(curl -s -o body.err -w '%{http_code}' "$@")
	[ "$status" -ge 400 ]
	hides body.err
}

# A listener whose router is us.
listener() {
	start_ready l rk-listen -v -v -v -p 127.0.0.1:0 --port-file port \
		--ws '/api/{user}' --with headers,state,claims "$@" \
		--http /q --with headers --deadline 300ms
	port=$(<port)
}

@test "rk-listen: tokens in paths, queries and headers" {
	listener --origin http://good
	client a "/api/$TOKEN?token=$TOKEN"
	wait_line a open
	refusals -H "Authorization: Bearer $BEARER" \
		"http://127.0.0.1:$port/q/$TOKEN?t=$TOKEN"
	refusals -H "Origin: http://$TOKEN" -H 'Upgrade: websocket' \
		-H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' \
		-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
		"http://127.0.0.1:$port/api/$TOKEN"
	refusals "http://127.0.0.1:$port/$TOKEN"
	refusals -X "$TOKEN" "http://127.0.0.1:$port/api/$TOKEN"
	refusals -H "Cookie: $(head -c 30000 /dev/zero | tr '\0' x)$TOKEN" \
		"http://127.0.0.1:$port/api/$TOKEN"
	printf 'GET /api/%s HTTP/1.1\r\nAuthorization %s\r\n\r\n' \
		"$TOKEN" "$BEARER" |
		timeout 5 socat - "TCP:127.0.0.1:$port" >malformed.err || :
	wait_line l '"type":"request"'
	figures
	grep -qFf pieces l.out
	bare_frames l.out >frames.err
	stop l
	nothing_told
}

@test "rk-listen: commands about a user, those that are wrong, too" {
	listener
	client a "/api/$TOKEN"
	wait_line l '"type":"open"'
	commands | while IFS= read -r line; do
		feed l "$line"
	done
	wait_line l '"ref":3'
	figures
	# the line itself comes back to who wrote it: in text
	bare_frames l.out >frames.err
	grep -q '"error"' frames.err
	feed l '{"type":"kick","user":"'"$TOKEN"'","code":4000}'
	ended a
	stop l
	nothing_told
}

@test "rk-listen: a user who does not read is closed, and loses frames" {
	listener --max-out 64k
	client a "/api/$TOKEN"
	wait_line l '"type":"open"'
	feed a pause
	for _ in {1..400}; do
		printf '{"type":"send","user":"%s","data":"%01000d"}\n' "$TOKEN" 0
	done >flood
	until grep -q '"type":"close"' l.out; do
		feed l "$(<flood)"
	done
	wait_line l '"type":"drop"'
	figures
	bare_frames l.out >frames.err
	stop l
	nothing_told
}

# NAME: the client was told of its refusal, or nothing.
refused() {
	wait_for grep -qE '^(status|close)' "$1.out"
}

@test "rk-listen --ask: who is refused, leaves, and is never decided on" {
	start_ready l rk-listen -v -v -v -p 127.0.0.1:0 --port-file port \
		--ws '/api/{user}' --with headers --ask --deadline 1 -- \
		rk-route -v -v -e 'if .type != "open" then empty
			elif .query.do == "reject" then {type: "reject", conn,
				status: 403, reason: "no"}
			elif .query.do == "fail" then .user + 1
			elif .query.do == "refuse" then refuse("no")
			elif .query.do == "wrong" then {type: "reject", conn,
				status: 42, payload: .user}
			else empty end'
	port=$(<port)
	for how in reject fail refuse wrong never; do
		client "$how" "/api/$TOKEN?do=$how&token=$TOKEN"
		refused "$how"
	done
	client gone "/api/$TOKEN?do=leave"
	stop gone 143
	figures
	stop l
	nothing_told
}

# --- rk-store, rk-layer --------------------------------------------------------

@test "rk-store: keys and values, and what is wrong with a frame" {
	printf '%s\n' "{\"type\":\"put\",\"key\":\"$TOKEN\",\"data\":\"$PASSWORD\",\"ref\":1}" \
		"{\"type\":\"put\",\"key\":\"$TOKEN\",\"data\":1,\"if\":\"absent\",\"ref\":2}" \
		"{\"type\":\"put\",\"key\":\"$TOKEN\"}" \
		"{\"type\":\"put\",\"key\":5,\"data\":\"$TOKEN\"}" \
		"{\"type\":\"put\",\"key\":\"k\",\"data\":1,\"if\":\"$TOKEN\"}" \
		"{\"type\":\"get\",\"key\":\"$BEARER\",\"ref\":3}" \
		"{\"type\":\"delete\",\"key\":\"$TOKEN" \
		"{\"type\":\"$TOKEN\"}" '{"type":"stats","ref":4}' >frames
	rk-store -v -v s.db <frames >out 2>store.err || :
	grep -q '"ref":4' out
	bare_frames out | grep '"stats"' >figures.err
	hides ./*.err
}

@test "rk-layer: data of clients and of the server" {
	start_ready y rk-layer -v -p 0
	listening y
	client a "/$TOKEN?t=$TOKEN"
	wait_line a open
	feed a "text {\"connect\":\"client\"}" "text {\"data\":{\"a\":\"$TOKEN\"}}" \
		"text {\"connect\":\"$TOKEN\"}" "text {\"data\":\"$TOKEN\"}" \
		"text nonsense $PASSWORD" 'text {"connect":"server"}'
	wait_line a client_id
	figures
	stop y
	nothing_told
}

# --- rules ---------------------------------------------------------------------

@test "rules that fail over a token do not tell it" {
	# each number in its own way
	cat >rule.jq <<-'END'
	if .type == "message" or .type == "send" then .user as $it |
		if .data == 1 then $it + 1
		elif .data == 2 then $it | tonumber
		elif .data == 3 then 1 | .[$it]
		elif .data == 4 then $it | .[0]
		elif .data == 5 then -{a: [$it]}
		elif .data == 6 then [$it] | implode
		elif .data == 7 then [{a: $it}] * {b: $it}
		elif .data == 8 then $it | strptime("%Y")
		elif .data == 9 then [[$it]] | @csv
		else error({a: $it}) end
	else empty end
	END
	start_ready l rk-listen -v -v -p 127.0.0.1:0 --port-file port \
		--ws '/api/{user}' -- \
		rk-route -v -v --serve pub=pub.sock rule.jq
	port=$(<port)
	client a "/api/$TOKEN"
	wait_line a open
	for i in {1..10}; do
		feed a "text $i"
		printf '{"type":"send","user":"%s","data":%d}\n' "$TOKEN" "$i"
	done >frames
	run_status 1 rk-publish -s pub.sock --frames <frames
	printf '%s\n' "$stderr" >publish.err
	[ "$(grep -c refused publish.err)" -eq 10 ]
	wait_for eval '[ "$(grep -c "refused by the router" l.err)" -eq 10 ]'
	figures
	stop l
	nothing_told
	# as a filter
	rk-route -v -v rule.jq <frames >out 2>filter.err || :
	bare_frames out >>filter.err
	grep -q cannot filter.err
	hides filter.err
}

# --- rk-client, rk-publish -----------------------------------------------------

@test "rk-client: a token in the URL, a password, a header" {
	local none

	none=127.0.0.1:$(free_ports 1)
	echo "Authorization: Bearer $BEARER" >header
	echo "Authorization $BEARER" >bad
	echo "Authorization: $BEARER"$'\a' >worse
	{
		run -111 --separate-stderr rk-client -v -v \
			"ws://known:$PASSWORD@$none/api/$TOKEN?t=$TOKEN#$TOKEN"
		echo "$stderr"
		run -100 --separate-stderr rk-client "http://u:$PASSWORD@h/$TOKEN"
		echo "$stderr"
		run -100 --separate-stderr rk-client --header @bad "ws://$none/"
		echo "$stderr"
		run -100 --separate-stderr rk-client --header @worse "ws://$none/"
		echo "$stderr"
		run -100 --separate-stderr rk-client --heade="A: $BEARER" \
			--no-such="$BEARER" "ws://$none/"
		echo "$stderr"
	} >client.err
	listener --origin http://good
	run -111 --separate-stderr rk-client -v -v --origin http://bad \
		--header @header "ws://known:$PASSWORD@127.0.0.1:$port/api/$TOKEN"
	echo "$stderr" >>client.err
	start c rk-client -v -v --reconnect --header @header \
		"ws://127.0.0.1:$port/api/$TOKEN"
	wait_line l '"Bearer '
	stop l
	wait_for grep -q 'ws://127.*:' c.err
	stop c
	nothing_told
}

@test "rk-publish: a token that is not there, and nobody is" {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port -s node.sock
	run_status 111 rk-publish -v --timeout 100ms -s none.sock \
		--user "$TOKEN" "\"$PASSWORD\""
	printf '%s\n' "$stderr" >>publish.err
	run_status 0 rk-publish -v -s node.sock --type nonsense --user "$TOKEN" \
		"\"$PASSWORD\""
	printf '%s\n' "$stderr" >>publish.err
	run_status 1 rk-publish -v -s node.sock --frames \
		<<<"{\"type\":\"send\",\"user\":\"$TOKEN\",\"data\":$PASSWORD}"
	printf '%s\n' "$stderr" >>publish.err
	run_status 100 rk-publish --usr="$TOKEN" 1
	printf '%s\n' "$stderr" >>publish.err
	run_status 100 rk-publish --lines "$TOKEN"
	printf '%s\n' "$stderr" >>publish.err
	stop l
	hides ./*.err
}

# --- this suite ----------------------------------------------------------------

@test "five characters of a secret are found" {
	echo "xx${TOKEN:3:4}xx" >four.err
	hides four.err
	echo "xx${TOKEN:3:5}xx" >five.err
	run ! hides five.err
	start c bash -c "exec -a 'rk-x $PASSWORD' cat"
	wait_for grep -q rk-x argv
	run ! nothing_told
}
