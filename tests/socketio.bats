# SPDX-License-Identifier: ISC
#
# Socket.IO: real clients against rk-listen and the small application of
# tests/fixtures/socketio/app.jq; then what only a broken client does.
#
# asan: long
# slow: a hundred thousand sessions, with RK_LONG

load lib

teardown() { stop_all; }

APP=$TESTS/fixtures/socketio/app.jq

# listen NAME [OPTION...]: with the application; $port and $url are set.
listen() {
	local name=$1

	shift
	start_ready "$name" rk-listen -p 0 --port-file "$RK_TEST/$name.port" \
		"$@" -- rk-route "$APP"
	port=$(cat "$RK_TEST/$name.port")
	url=http://127.0.0.1:$port
}

app() {
	listen app --socketio --ns /,/admin --ask --ping-interval 400ms \
		--ping-timeout "$((5 * RK_SLOW))s"
}

# client VERSION TRANSPORTS [CHECK...]
client() {
	run_status 0 timeout -k 5 $((100 * RK_SLOW)) \
		node "$TESTS/clients/socketio.js" "$1" "$2" "$url" "${@:3}"
}

@test "socket.io-client 4.8, polling" {
	app
	client 4 polling
}

@test "socket.io-client 4.8, WebSocket" {
	app
	client 4 websocket
}

@test "socket.io-client 4.8, polling, then WebSocket" {
	app
	client 4 polling,websocket
}

@test "socket.io-client 3.1, polling" {
	app
	client 3 polling
}

@test "socket.io-client 3.1, WebSocket" {
	app
	client 3 websocket
}

@test "socket.io-client 3.1, polling, then WebSocket" {
	app
	client 3 polling,websocket
}

@test "socket.io-client 2.5, polling" {
	app
	client 2 polling
}

@test "socket.io-client 2.5, WebSocket" {
	app
	client 2 websocket
}

@test "socket.io-client 2.5, polling, then WebSocket" {
	app
	client 2 polling,websocket
}

# --- what a client should not do ------------------------------------------------

# hostile VERSION: rows "WANTED MESSAGE..." on stdin, by WebSocket and by
# polling.
hostile() {
	local rows how

	rows=$(cat)
	for how in '' polling; do
		assert_eq "$(cut -d ' ' -f 2- <<<"$rows" |
			timeout -k 5 $((60 * RK_SLOW)) \
			node "$TESTS/clients/hostile.js" "$url" "$1" $how)" "$rows"
	done
}

@test "odd messages: version 4 hangs up, as its servers do" {
	listen app --socketio --ns /,/admin --ask
	hostile 4 <<-'EOF'
		closed x
		closed 9
		closed empty
		closed 2
		closed 4
		closed 42{bad
		closed 42[]
		closed 42[null]
		closed 42{}
		closed 45
		closed 45["e"]
		closed 49
		closed 42["connect"]
		closed 42["disconnect",1]
		closed 42/none,["e"]
		closed 41 42["e"]
		closed 40"x"
		closed hex:0102
		closed 451-["e",{"_placeholder":true,"num":0}] 42["e"]
		closed 451-["e",{"_placeholder":true,"num":1}] hex:01
		closed 4511-["e"]
		closed 42["e"
		alive 42
		alive 42[1]
		alive 430[1]
		alive 43[1]
		alive 40
		alive 40{"a":1}
		alive 5
		alive 6
		alive 3
		alive 44{"x":1}
		alive 450-["e"]
		alive 451-["e",{"_placeholder":true,"num":0}] hex:
		closed bAQ==
	EOF
}

@test "odd messages: version 3 ignores some of them" {
	listen app --socketio --ns /,/admin --ask
	hostile 3 <<-'EOF'
		closed x
		closed 9
		closed empty
		closed 3
		closed 4
		closed 42{bad
		closed 42[]
		closed 45
		closed hex:0102
		closed hex:
		closed hex:0901
		closed 451-["e",{"_placeholder":true,"num":0}] 42["e"]
		alive 42
		alive 42[1]
		alive 42[null]
		alive 49
		alive 42["connect"]
		alive 42["disconnect",1]
		alive 42/none,["e"]
		alive 2
		alive 2probe
		alive 451-["e",{"_placeholder":true,"num":0}] hex:04
	EOF
}

# --- requests -----------------------------------------------------------------

# ask [CURL-OPTION...] QUERY: prints the status and the body.
ask() {
	curl -sS --max-time $((20 * RK_SLOW)) -H 'Expect:' -w '\n%{http_code}' \
		"${@:1:$#-1}" "$url/socket.io/?${*: -1}" |
		sed -n '$!{H;$!d}; ${G;s/\n\n*/ /g;p}'
}

# figure NAME: what /metrics says.
figure() {
	curl -sS "$url/metrics" | sed -n "s/^rk_listen_$1 //p"
}

figure_is() {
	[ "$(figure "$1")" = "$2" ]
}

# The id of a new session that polls.
session() {
	curl -sS "$url/socket.io/?EIO=$1&transport=polling" |
		grep -oE '"sid":"[^"]*"' | cut -d '"' -f 4
}

@test "errors of requests have their codes" {
	local version

	listen app --socketio --origin https://good.example
	assert_eq "$(ask 'EIO=4')" '400 {"code":0,"message":"Transport unknown"}'
	assert_eq "$(ask 'EIO=4&transport=tele')" \
		'400 {"code":0,"message":"Transport unknown"}'
	assert_eq "$(ask 'EIO=4&transport=polling&sid=none')" \
		'400 {"code":1,"message":"Session ID unknown"}'
	assert_eq "$(ask -X POST 'EIO=4&transport=polling')" \
		'400 {"code":2,"message":"Bad handshake method"}'
	assert_eq "$(ask -X PUT 'EIO=4&transport=polling')" \
		'400 {"code":2,"message":"Bad handshake method"}'
	assert_eq "$(ask 'EIO=4&transport=websocket')" \
		'400 {"code":3,"message":"Bad request"}'
	assert_eq "$(ask 'EIO=3&transport=polling&j=0')" \
		'400 {"code":3,"message":"Bad request"}'
	assert_eq "$(ask -H 'Origin: https://bad.example' \
		'EIO=4&transport=polling')" '403 {"code":4,"message":"Forbidden"}'
	assert_eq "$(ask 'EIO=5&transport=polling')" \
		'400 {"code":5,"message":"Unsupported protocol version"}'
	for version in '' 'EIO=abc&'; do
		assert_eq "$(ask "${version}transport=polling")" \
			'400 {"code":5,"message":"Unsupported protocol version"}'
	done
	run_status 0 curl -sS -o /dev/null -w '%{http_code}' "$url/socket.io/x"
	assert_eq "$output" 404
}

@test "a WebSocket that is refused gets the reason as text" {
	listen app --socketio
	upgrade() {
		curl -sS -w ' %{http_code}' -H 'Connection: Upgrade' \
			-H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
			-H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
			"$url/socket.io/?$1"
	}
	assert_eq "$(upgrade EIO=4)" 'Transport unknown 400'
	assert_eq "$(upgrade 'EIO=4&transport=websocket&sid=x')" \
		'Session ID unknown 400'
	assert_eq "$(upgrade 'EIO=7&transport=websocket')" \
		'Unsupported protocol version 400'
	assert_eq "$(upgrade 'EIO=4&transport=polling')" 'Bad request 400'
}

@test "two requests at once end the session: 400, in version 3 500" {
	local sid version status

	listen app --socketio --connect-timeout 1m
	for version in 4:400 3:500; do
		status=${version#*:} version=${version%:*}
		sid=$(session "$version")
		[ "$version" = 4 ] || ask "EIO=3&transport=polling&sid=$sid"
		ask "EIO=$version&transport=polling&sid=$sid" \
			>"$RK_TEST/first.$version" 3>&- &
		wait_for figure_is engine_waiting 1
		assert_eq "$(ask "EIO=$version&transport=polling&sid=$sid" |
			cut -d ' ' -f 1)" "$status"
		wait_for grep -q '^200 ' "$RK_TEST/first.$version"
		wait_for unknown "$version" "$sid"
	done
	assert_eq "$(cat "$RK_TEST/first.4")" '200 1'
	assert_eq "$(cat "$RK_TEST/first.3")" '200 1:1'
}

unknown() {
	[[ $(ask "EIO=$1&transport=polling&sid=$2") == *'ID unknown'* ]]
}

@test "bodies that are malformed, or too big" {
	local sid version

	listen app --socketio --max-payload 2k
	sid=$(session 4)
	assert_eq "$(ask -d '4x' "EIO=4&transport=polling&sid=$sid")" '200 ok'
	assert_eq "$(ask "EIO=4&transport=polling&sid=$sid")" '200 1'
	sid=$(session 4)
	assert_eq "$(ask -d '' -X POST "EIO=4&transport=polling&sid=$sid")" \
		'400 Bad request'
	unknown 4 "$sid"
	for version in 4:x 4:2 3:99:4x 3:1:3; do
		sid=$(session "${version%%:*}")
		assert_eq "$(ask -d "${version#*:}" \
			"EIO=${version%%:*}&transport=polling&sid=$sid")" \
			'400 Bad request'
		unknown "${version%%:*}" "$sid"
	done
	sid=$(session 4)
	assert_eq "$(head -c 3000 /dev/zero | ask --data-binary @- \
		"EIO=4&transport=polling&sid=$sid" | cut -d ' ' -f 1)" 413
	assert_eq "$(ask -d '40' "EIO=4&transport=polling&sid=$sid")" '200 ok'
	[[ $(ask "EIO=4&transport=polling&sid=$sid") == '200 40{"sid":'* ]]
}

@test "who closes a session that he polls is let go, and it is unknown" {
	local version bye noop sid query

	listen app --socketio
	while read -r version bye noop; do
		sid=$(session "$version")
		query="EIO=$version&transport=polling&sid=$sid"
		[ "$version" = 4 ] || wait_for fetched hello "$query"
		ask "$query" >"$RK_TEST/last" 3>&- &
		wait_for figure_is engine_waiting 1
		assert_eq "$(ask -d "$bye" "$query")" '200 ok'
		wait $!
		assert_eq "$(cat "$RK_TEST/last")" "200 $noop"
		unknown "$version" "$sid"
	done <<-'END'
	4 1 6
	3 1:1 1:6
	END
}

@test "a second WebSocket of a session is closed, and the first stays" {
	local sid

	listen app --socketio
	run_status 0 timeout -k 5 $((60 * RK_SLOW)) node - "$url" <<-'END'
	const WebSocket = require('ws')
	const at = process.argv[2] + '/socket.io/?EIO=4&transport='
	const word = (ws, what) => new Promise((resolve) =>
		ws.once(what, (x) => resolve(String(x))))

	async function main() {
		const open = await (await fetch(at + 'polling')).text()
		const sid = JSON.parse(open.slice(1)).sid
		const dial = () => new WebSocket(`${at}websocket&sid=${sid}`)
		const first = dial()

		await word(first, 'open')
		await word(dial(), 'close')	// while it probes
		first.send('2probe')
		console.log(await word(first, 'message'))
		first.send('5')
		await word(dial(), 'close')	// when it has moved
		first.send('40')
		console.log((await word(first, 'message')).slice(0, 2))
		process.exit(0)
	}

	main()
	END
	assert_eq "$output" "$(printf '3probe\n40')"
}

@test "version 3: bytes in polling bodies, unless b64" {
	local sid hex

	listen app --socketio --ask
	sid=$(session 3)
	until [[ $(ask "EIO=3&transport=polling&sid=$sid") == *hello* ]]; do
		:
	done
	ask -d '42:451-["echo",{"_placeholder":true,"num":0}]' \
		"EIO=3&transport=polling&sid=$sid"
	printf '\x01\x04\xff\x04\x01\x02\xff' |
		ask --data-binary @- -H 'Content-Type: application/octet-stream' \
			"EIO=3&transport=polling&sid=$sid"
	hex=$(curl -sS "$url/socket.io/?EIO=3&transport=polling&sid=$sid" |
		od -An -v -tx1 | tr -d ' \n')
	[[ $hex == 000402ff3435312d* && $hex == *0104ff040102ff ]]
	ask -d '42:451-["echo",{"_placeholder":true,"num":0}]10:b4AQID/w==' \
		"EIO=3&transport=polling&sid=$sid"
	assert_eq "$(ask "b64=1&EIO=3&transport=polling&sid=$sid")" \
		'200 42:451-["back",{"_placeholder":true,"num":0}]10:b4AQID/w=='
	# once it was said, it is for all of the session
	ask -d '42:451-["echo",{"_placeholder":true,"num":0}]10:b4AQID/w==' \
		"EIO=3&transport=polling&sid=$sid"
	assert_eq "$(ask "EIO=3&transport=polling&sid=$sid")" \
		'200 42:451-["back",{"_placeholder":true,"num":0}]10:b4AQID/w=='
}

@test "CORS and cookies are those of each version" {
	local page='Origin: http://page.example'

	listen app --socketio
	heads() {
		curl -sS -D - -o "$RK_TEST/body" "$@" | tr -d '\r' |
			grep -iE '^(access-control|set-cookie|vary|http)'
	}
	assert_eq "$(heads -H "$page" \
		"$url/socket.io/?EIO=4&transport=polling")" \
		"$(printf '%s\n' 'HTTP/1.1 200 OK' \
			'Access-Control-Allow-Origin: *')"
	run heads -H "$page" "$url/socket.io/?EIO=3&transport=polling"
	assert_eq "${output/io=*; Path/io=ID; Path}" \
		"$(printf '%s\n' 'HTTP/1.1 200 OK' \
			'Access-Control-Allow-Credentials: true' \
			'Access-Control-Allow-Origin: http://page.example' \
			'Vary: Origin' \
			'Set-Cookie: io=ID; Path=/; HttpOnly; SameSite=Strict')"
	assert_eq "$(heads -X OPTIONS -H "$page" \
		-H 'Access-Control-Request-Method: POST' \
		-H 'Access-Control-Request-Headers: content-type' \
		"$url/socket.io/?EIO=3&transport=polling")" \
		"$(printf '%s\n' 'HTTP/1.1 204 No Content' \
			'Access-Control-Allow-Credentials: true' \
			'Access-Control-Allow-Origin: http://page.example' \
			'Vary: Origin' \
			'Access-Control-Allow-Methods: GET,POST' \
			'Access-Control-Allow-Headers: content-type')"
}

# --- time -----------------------------------------------------------------------

@test "no answer may be kept" {
	local sid query

	listen app --socketio
	kept() {
		curl -sS -D - -o "$RK_TEST/body" "$@" | tr -d '\r' |
			grep -cx 'Cache-Control: no-store'
	}
	sid=$(session 4)
	query="$url/socket.io/?EIO=4&transport=polling"
	assert_eq "$(kept "$query")" 1
	assert_eq "$(kept -d 40 "$query&sid=$sid")" 1
	assert_eq "$(kept "$query&sid=$sid")" 1
	assert_eq "$(kept "$query&sid=none")" 1
}

@test "who is silent is closed, and told of" {
	listen app --socketio --ping-interval 50ms --ping-timeout 100ms
	session 4
	session 3
	wait_for figure_is engine_timeouts_total 2
	assert_eq "$(figure engine_sessions)" 0		# nobody is waited for
	wait_for figure_is connections 0
}

@test "a session without a namespace is closed" {
	listen app --socketio --connect-timeout 3s
	session 4
	assert_eq "$(figure engine_sessions)" 1
	wait_for figure_is engine_sessions 0
	assert_eq "$(figure engine_timeouts_total)" 0
}

@test "sessions that poll are half of the connections there may be" {
	listen app --socketio --max-conns 8
	for _ in 1 2 3 4; do
		session 4
	done
	assert_eq "$(ask 'EIO=4&transport=polling' | cut -d ' ' -f 1)" 503
}

# TEXT QUERY: what is fetched has it.
fetched() {
	ask "$2" | grep -q "$1"
}

@test "TERM tells who polls, too" {
	local sid

	listen app --socketio
	sid=$(session 4)
	ask -d 40 "EIO=4&transport=polling&sid=$sid"
	wait_for fetched hello "EIO=4&transport=polling&sid=$sid"
	ask "EIO=4&transport=polling&sid=$sid" >"$RK_TEST/last" 3>&- &
	wait_for figure_is engine_waiting 1
	stop app
	wait_for grep -q . "$RK_TEST/last"
	assert_eq "$(cat "$RK_TEST/last")" '200 1'
}

# --- frames ---------------------------------------------------------------------

# router NAME [OPTION...]: rk-listen whose router is this test: `feed NAME` and
# NAME.out; $url is set.
router() {
	local name=$1

	shift
	start "$name" rk-listen -p 0 --port-file "$RK_TEST/$name.port" "$@"
	wait_for [ -s "$RK_TEST/$name.port" ]
	port=$(cat "$RK_TEST/$name.port")
	url=http://127.0.0.1:$port
}

# peer NAME VERSION: a WebSocket by hand; `feed NAME`, NAME.out.
peer() {
	start "$1" node "$TESTS/clients/ws.js" \
		"ws://127.0.0.1:$port/socket.io/?EIO=$2&transport=websocket&a=1"
}

# frame NAME N FILTER: the Nth frame of NAME.out, filtered.
frame() {
	wait_lines "$1" "$2"
	sed -n "$2p" "$RK_TEST/$1.out" | jq -c "$3"
}

@test "packets as frames" {
	router l --socketio --ns '*'
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40{"t":1.0}' 'text 42["a"]' 'text 42["b", 1.0 ]' \
		'text 42/x,["b"]'
	wait_line c 'close 1002'
	assert_eq "$(frame l 1 '[.type, .proto, .ns, .sid == .conn, .query, .path,
		(.headers | has("host"))]')" \
		'["open","socketio","/",true,{"EIO":"4","transport":"websocket","a":"1"},"/socket.io/",true]'
	wait_line l '"auth":{"t":1.0}'
	assert_eq "$(frame l 2 '[.type, .event, .args, has("ref")]')" \
		'["message","a",[],false]'
	wait_line l '"event":"b","data":1.0}'
	assert_eq "$(frame l 4 '[.type, .by, .code, .reason]')" \
		'["close","server",1002,"not in this namespace"]'
}

@test "args and attachments as frames" {
	router l --socketio
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40' 'text 427["a",1.0,"x"]' \
		'text 451-8["b",{"_placeholder":true,"num":0}]' 'binary 0102' \
		'text 451-["c",[{"_placeholder":true,"num":0}]]' 'binary ff'
	wait_lines l 4
	wait_line l '"event":"a","args":[1.0,"x"],"ref":7}'
	wait_line l '"event":"b","base64":"AQI=","ref":8}'
	wait_line l \
		'"event":"c","data":[{"_placeholder":true,"num":0}],"attachments":["/w=="]}'
}

@test "sends, replies and refusals as packets" {
	local conn

	router l --socketio --ask
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	conn=$(frame l 1 .conn)
	feed l "{\"type\":\"send\",\"conn\":$conn,\"data\":0}" \
		"{\"type\":\"accept\",\"conn\":$conn}" \
		"{\"type\":\"send\",\"conn\":$conn,\"data\":1.0}" \
		"{\"type\":\"send\",\"conn\":$conn,\"event\":\"e\",\"text\":\"t\"}" \
		"{\"type\":\"send\",\"conn\":$conn,\"args\":[1, 2]}" \
		"{\"type\":\"send\",\"conn\":$conn,\"base64\":\"AQI=\"}" \
		"{\"type\":\"send\",\"all\":true,\"data\":[{\"_placeholder\":true,\"num\":0}],\"attachments\":[\"/w==\"]}" \
		"{\"type\":\"reply\",\"conn\":$conn,\"ref\":9,\"data\":null}" \
		"{\"type\":\"reply\",\"conn\":$conn,\"ref\":10}" \
		"{\"type\":\"kick\",\"conn\":$conn}"
	wait_line c 'text 41'
	assert_eq "$(sed 1,2d "$RK_TEST/c.out")" "$(printf '%s\n' \
		"text 40{\"sid\":$conn}" 'text 42["message",1.0]' \
		'text 42["e","t"]' 'text 42["message",1, 2]' \
		'text 451-["message",{"_placeholder":true,"num":0}]' \
		'binary 0102' \
		'text 451-["message",[{"_placeholder":true,"num":0}]]' \
		'binary ff' 'text 439[null]' 'text 4310[]' 'text 41')"
	assert_eq "$(frame l 2 '[.type, .by, .code]')" '["close","server",1000]'
}

@test "what a rule refuses or fails on is answered, and the client stays" {
	APP="$RK_TEST/rule.jq"
	cat >"$APP" <<-'END'
	if .type != "message" then empty
	elif .event == "no" then refuse("a reason of ours")
	elif .event == "fail" then {type: "send", data: (.data.a.b | .c)}
	else {type: "reply", conn, ref, data: "yes"} end
	END
	listen app --socketio
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	wait_line c 'text 40{'
	feed c 'text 420["no",1]' 'text 421["fail",{"a":{"b":5}}]' \
		'text 42["no"]' 'text 422["yes"]'
	wait_line c 'text 430['
	wait_line c 'text 431['
	wait_line c 'text 432['
	assert_eq "$(grep '^text 4[23]' "$RK_TEST/c.out" | sort)" \
		"$(printf '%s\n' 'text 430[{"error":"refused"}]' \
		'text 431[{"error":"refused"}]' 'text 432["yes"]')"
	wait_for figure_is events_refused_total 3
}

@test "commands that are malformed are answered, and nothing is sent" {
	local conn

	router l --socketio
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	conn=$(frame l 1 .conn)
	feed l "{\"type\":\"send\",\"conn\":$conn,\"args\":1}" \
		"{\"type\":\"send\",\"conn\":$conn,\"data\":1,\"args\":[]}" \
		"{\"type\":\"send\",\"conn\":$conn,\"event\":1,\"data\":1}" \
		"{\"type\":\"send\",\"conn\":$conn,\"text\":\"x\",\"attachments\":[]}" \
		"{\"type\":\"send\",\"conn\":$conn,\"data\":{\"_placeholder\":true,\"num\":1},\"attachments\":[\"AQ==\"]}" \
		"{\"type\":\"send\",\"conn\":$conn,\"data\":1,\"attachments\":[\"!\"]}" \
		"{\"type\":\"reply\",\"conn\":$conn,\"ref\":\"x\",\"data\":1}"
	wait_lines l 8
	assert_eq "$(sed 1d "$RK_TEST/l.out" | jq -r .type | sort -u)" error
	feed c 'text 42["x"]'
	wait_lines l 9
	assert_eq "$(wc -l <"$RK_TEST/c.out")" 3
}

@test "who asked is answered once: by the client, or late" {
	local conn

	router l --socketio --deadline 300ms
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	conn=$(frame l 1 .conn)
	feed l "{\"type\":\"send\",\"conn\":$conn,\"ref\":2,\"data\":1}"
	assert_eq "$(frame l 2 '[.type, .ref, .error]')" \
		'["answer",2,"no answer in time"]'
	feed c 'text 430["late"]' 'text 42["x"]'
	assert_eq "$(frame l 3 .type)" '"message"'
}

@test "who asked is answered, too, when there is nobody to answer" {
	local conn i

	router l --socketio --deadline 10m
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	conn=$(frame l 1 .conn)
	feed l "{\"type\":\"send\",\"conn\":$conn,\"ref\":{\"n\":1},\"data\":1}"
	wait_line c 'text 420["message",1]'
	feed c 'text 430["yes"]' 'text 430["twice"]' 'text 4399["none"]'
	assert_eq "$(frame l 2 '[.type, .ref, .data, .conn == '"$conn"']')" \
		'["answer",{"n":1},"yes",true]'
	for ((i = 0; i <= 64; i++)); do
		feed l "{\"type\":\"send\",\"conn\":$conn,\"ref\":[$i],\"data\":1}"
	done
	assert_eq "$(frame l 3 '[.ref, .error]')" \
		'[[64],"too many refs are open"]'
	feed c 'close 1000'
	wait_line l '"type":"close"'
	assert_eq "$(sed -n '4,67p' "$RK_TEST/l.out" | jq -r .error | sort -u)" \
		'the connection is gone'
	assert_eq "$(frame l 68 .type)" '"close"'
	feed l "{\"type\":\"send\",\"conn\":$conn,\"ref\":3,\"data\":1}"
	assert_eq "$(frame l 69 '[.type, .ref, .error]')" \
		'["answer",3,"the connection is gone"]'
}

@test "who waits for accept may leave; who is late is refused" {
	router l --socketio --ask --deadline 3s
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	wait_lines l 1
	feed c 'drop'
	assert_eq "$(frame l 2 '[.type, .by]')" '["close","client"]'
	peer d 4
	wait_line d 'text 0{'
	feed d 'text 40'
	wait_line d 'text 44{"message":"Service Unavailable"}'
	assert_eq "$(frame l 4 '[.type, .by]')" '["close","server"]'
	peer e 3
	wait_line e 'text 44"Service Unavailable"'
}

@test "a raw client and one of Socket.IO share a channel" {
	router l --socketio --ws /raw
	peer c 4
	wait_line c 'text 0{'
	feed c 'text 40'
	start r node "$TESTS/clients/ws.js" "ws://127.0.0.1:$port/raw"
	wait_lines l 2
	feed l "$(sed -n 1p "$RK_TEST/l.out" |
		jq -c '{type: "join", conn, channel: "x"}')" \
		"$(sed -n 2p "$RK_TEST/l.out" |
			jq -c '{type: "join", conn, channel: "x"}')" \
		'{"type":"send","channel":"x","event":"e","data":{"a":1.0}}' \
		'{"type":"send","channel":"x","event":"e","args":[1,"b"]}'
	wait_line c 'text 42["e",{"a":1.0}]'
	wait_line c 'text 42["e",1,"b"]'
	wait_line r 'text {"a":1.0}'
	wait_line r 'text [1,"b"]'
}

@test "Engine.IO alone: payloads as they stand" {
	router l --engineio
	start c node "$TESTS/clients/ws.js" \
		"ws://127.0.0.1:$port/engine.io/?EIO=3&transport=websocket"
	wait_line c 'text 0{'
	feed c 'text 4{"a":1.0}' 'text 4x y' 'binary 0401' 'text 2probe'
	wait_line c 'text 3probe'
	assert_eq "$(frame l 1 '[.type, .proto, (.sid | length)]')" \
		'["open","engineio",20]'
	wait_line l '"data":{"a":1.0}}'
	wait_line l '"text":"x y"}'
	wait_line l '"base64":"AQ=="}'
	feed l '{"type":"send","all":true,"data":[1.0]}' \
		'{"type":"send","all":true,"base64":"AgM="}'
	wait_line c 'text 4[1.0]'
	wait_line c 'binary 040203'
	feed l "$(sed -n 1p "$RK_TEST/l.out" |
		jq -c '{type: "kick", conn, code: 4000, reason: "go"}')"
	wait_line c 'close 4000 go'
}

# --- bounds ---------------------------------------------------------------------

# packet N BEFORE AFTER: with N letters between.
packet() {
	printf '%s%s%s' "$2" "$(head -c "$1" /dev/zero | tr '\0' x)" "$3"
}

@test "what is too big closes the session, and nothing else" {
	router l --socketio -m 100k --max-payload 2m
	local sid

	for size in 200000 1500000; do
		sid=$(session 4)
		packet "$size" '40{"a":"' '"}' >"$RK_TEST/packet"
		assert_eq "$(ask --data-binary "@$RK_TEST/packet" \
			"EIO=4&transport=polling&sid=$sid")" '200 ok'
		assert_eq "$(ask "EIO=4&transport=polling&sid=$sid")" '200 1'
	done
	sid=$(session 4)
	ask -d 40 "EIO=4&transport=polling&sid=$sid"
	ask "EIO=4&transport=polling&sid=$sid"
	packet 110000 '42["e","' '"]' >"$RK_TEST/packet"
	assert_eq "$(ask --data-binary "@$RK_TEST/packet" \
		"EIO=4&transport=polling&sid=$sid")" '200 ok'
	wait_line l '"reason":"message too big","by":"server"'
	assert_eq "$(jq -r .type "$RK_TEST/l.out" | tr '\n' ' ')" 'open close '
	run_status 0 curl -sS -o /dev/null -w '%{http_code}' \
		-H "X: $(head -c 100000 /dev/zero | tr '\0' x)" \
		"$url/socket.io/?EIO=4&transport=polling"
	assert_eq "$output" 431
}

@test "--max-payload: a message of so much arrives, a larger one is 1009" {
	router l --engineio --max-payload 64
	start c node "$TESTS/clients/ws.js" \
		"ws://127.0.0.1:$port/engine.io/?EIO=4&transport=websocket"
	wait_line c 'text 0{'
	feed c "text $(packet 61 4a b)" "text $(packet 62 4a b)"
	wait_line l "\"text\":\"$(packet 61 a b)\""
	wait_line c 'close 1009'
	grep -qx 'close 1009 *' "$RK_TEST/c.out"
}

@test "a body waits while the router does, and nothing is lost" {
	local sid route i

	listen app --socketio
	sid=$(session 4)
	ask -d 40 "EIO=4&transport=polling&sid=$sid"
	wait_for figure_is connections 1
	route=$(pgrep -P "$(pid_of app)")
	kill -STOP "$route"
	for i in $(seq 4000); do
		printf '42["echo",%d,"%0100d"]\x1e' "$i" 0
	done >"$RK_TEST/body"
	printf '42["echo","last"]' >>"$RK_TEST/body"
	ask --data-binary "@$RK_TEST/body" \
		"EIO=4&transport=polling&sid=$sid" >"$RK_TEST/post" 3>&- &
	wait_for figure_is engine_posting 1
	[ ! -s "$RK_TEST/post" ]
	kill -CONT "$route"
	wait_for grep -q '200 ok' "$RK_TEST/post"
	until grep -q last "$RK_TEST/got"; do
		ask "EIO=4&transport=polling&sid=$sid" >>"$RK_TEST/got"
	done
	assert_eq "$(grep -o '"back",[0-9]*' "$RK_TEST/got" | cut -d , -f 2)" \
		"$(seq 4000)"
}

sanitized() {			# it has memory of its own, which is not flat
	[[ $RK_BIN == *asan/* ]]
}

rss() {				# kilobytes of it
	awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of app)/status"
}

# grown KILOBYTES: it has no more than these, and some.
grown() {
	sanitized || [ "$(rss)" -lt $(($1 + 4000)) ]
}

churn() {
	timeout -k 5 $((600 * RK_SLOW)) node "$TESTS/clients/churn.js" "$url" "$1"
	wait_for figure_is engine_sessions 0
	wait_for figure_is connections 0
	assert_eq "$(figure unfinished_bytes)" 0
}

@test "sessions that come and go in every way leave nothing behind" {
	local before n=$((RK_LONG ? 100000 : 500))

	listen app --socketio --ask --max-per-address 0 --max-conns 2000 \
		--ping-interval 300ms --ping-timeout 300ms \
		--connect-timeout 1s
	churn $((n / 5))
	before=$(rss)
	churn "$n"
	grown "$before"
}

# half WHAT N
half() {
	timeout -k 5 $((300 * RK_SLOW)) node "$TESTS/clients/half.js" "$url" "$@"
}

@test "half-open sessions in a crowd are held, and bounded" {
	local n=$((RK_LONG ? 10000 : 400)) before taken

	listen app --socketio --ns /,/admin --ask --max-conns "$((2 * n))" \
		--max-per-address 0 --ping-interval 5m --connect-timeout 5m
	before=$(rss)
	half sessions "$((n + 10))" >"$RK_TEST/sessions"
	taken=$(sed -n 's/^200 //p' "$RK_TEST/sessions")
	[ "$taken" -gt $((n / 2)) ]	# descriptors may be fewer
	assert_eq "$(<"$RK_TEST/sessions")" "200 $taken
503 $((n + 10 - taken))"
	figure_is engine_sessions "$taken"
	grown $((before + taken * 4))
	client 4 websocket order acks
	stop app
}

@test "heads and handshakes of 1 MiB, many at once, are bounded" {
	local before

	listen app --socketio --ns /,/admin --ask --max-payload 2m \
		--max-unfinished 8m
	before=$(rss)
	half heads 30 >"$RK_TEST/heads"
	run ! grep -vE '^(0|431) ' "$RK_TEST/heads"
	grown "$before"
	for _ in 1 2 3; do
		half joins 30 >>"$RK_TEST/joins"
	done
	run ! grep -vE '^(0|200|400|503) ' "$RK_TEST/joins"
	wait_for figure_is unfinished_bytes 0
	grown $((before + 32768))
	client 4 websocket order
	stop app
}

# --- a browser --------------------------------------------------------------------

@test "pages of another origin in Chromium, clients 2, 3 and 4" {
	local version page

	need chromium
	mkdir "$RK_TEST/page"
	echo '<title>page</title>' >"$RK_TEST/page/index.html"
	for version in 2 3 4; do
		cp "$TESTS/node_modules/socket.io-client-$version/dist/socket.io.js" \
			"$RK_TEST/page/client-$version.js"
	done
	router page --docroot "$RK_TEST/page"
	page=http://localhost:$port/
	app
	for version in 2 3 4; do
		run_status 0 timeout -k 5 $((100 * RK_SLOW)) \
			node "$TESTS/clients/page.js" "$page" "$url" "$version"
	done
}
