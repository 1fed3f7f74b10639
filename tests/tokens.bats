# SPDX-License-Identifier: ISC
#
# Tokens at the door (--jwt-key): a raw WebSocket, Socket.IO by both
# transports, plain HTTP; what the rules hear of them, and what they sign.
# SocketCluster brings its tokens in packets: socketcluster.bats.

load lib

setup() {
	cd "$RK_TEST" || return
	key=$TESTS/fixtures/token/secret
	good=$(cat "$TESTS/fixtures/token/hs256.jwt")
	claims='{"sub":"bob","n":1.0}'
}
teardown() { stop_all; }

# OPTION...: a listener that says to everybody what his claims are.
serve() {
	start_ready app rk-listen -p 0 --port-file port "$@" --ws /raw \
		--socketio --http /who --http /sign -- rk-route -e '
		def claims: {data: [.claims]};
		if .type == "open" then {type: "send", conn, event: "claims"} + claims
		elif .type == "message" then
			{type: "send", conn, event: "claims"} + claims
		elif .path == "/sign" then
			{type: "respond", conn, claims: {sub: "bob", exp: (.query.exp | tonumber)}}
		elif .type == "request" then {type: "respond", conn} + claims
		else empty end'
	port=$(cat port)
}

status_of() {	# PATH [CURL OPTION...]
	curl -s -m 30 -o body -w '%{http_code}' "${@:2}" \
		"http://127.0.0.1:$port$1"
}

# PATH [HEADER]: what a raw WebSocket hears first; or the status.
raw() {
	node -e '
		const [url, authorization] = process.argv.slice(1)
		const ws = new (require("ws"))(url, { headers:
			authorization ? { authorization } : {} })
		const end = (x) => { console.log(String(x)); process.exit(0) }
		ws.on("message", end)
		ws.on("unexpected-response", (_, r) => end(r.statusCode))' \
		"ws://127.0.0.1:$port$1" "${2-}"
}

# TRANSPORT QUERY [HEADER]: the same of a Socket.IO client.
socketio() {
	node -e '
		const [url, transport, query, authorization] = process.argv.slice(1)
		const socket = require("socket.io-client-4")(url, {
			transports: [transport], reconnection: false,
			query: Object.fromEntries(new URLSearchParams(query)),
			extraHeaders: authorization ? { authorization } : {} })
		const end = (x) => { console.log(JSON.stringify(x)); process.exit(0) }
		socket.on("claims", end)
		socket.on("connect_error", () => end("refused"))' \
		"http://127.0.0.1:$port" "$@"
}

@test "HTTP: a good token's claims, a bad one's 401, none" {
	serve --jwt-key "$key" --with claims
	assert_eq "$(status_of /who -H "Authorization: Bearer $good")" 200
	assert_eq "$(cat body)" "[$claims]"
	assert_eq "$(status_of "/who?a=1&token=$good&b")" 200
	assert_eq "$(cat body)" "[$claims]"
	assert_eq "$(status_of /who)" 200
	assert_eq "$(cat body)" '[{}]'
	assert_eq "$(status_of /who -H 'Authorization: Basic eDp5')" 200
	for bad in none none-signed hs512 rs256 expired confused; do
		bad=$(cat "$TESTS/fixtures/token/$bad.jwt")
		assert_eq "$(status_of /who -H "Authorization: Bearer $bad")" 401
		assert_eq "$(status_of "/who?token=$bad")" 401
	done
	for bad in '' x a.b.c "$good$good"; do
		assert_eq "$(status_of "/who?token=$bad")" 401
	done
	curl -s "http://127.0.0.1:$port/metrics" |
		grep -qx 'rk_listen_tokens_refused_total 16'
}

@test "raw WebSockets: by the query and by the header" {
	serve --jwt-key "$key" --with claims
	assert_eq "$(raw "/raw?token=$good")" "[$claims]"
	assert_eq "$(raw /raw "Bearer $good")" "[$claims]"
	assert_eq "$(raw /raw "bearer $good")" "[$claims]"
	assert_eq "$(raw /raw)" '[{}]'
	assert_eq "$(raw "/raw?token=${good}x")" 401
	assert_eq "$(raw /raw 'Bearer x')" 401
}

@test "Socket.IO: by the query and by the header, both transports" {
	serve --jwt-key "$key" --with claims
	for transport in polling websocket; do
		assert_eq "$(socketio $transport "token=$good")" '[{"sub":"bob","n":1}]'
		assert_eq "$(socketio $transport '' "Bearer $good")" \
			'[{"sub":"bob","n":1}]'
		assert_eq "$(socketio $transport '')" '[{}]'
		assert_eq "$(socketio $transport token=x)" '"refused"'
	done
}

@test "without a key tokens mean nothing" {
	serve --with claims
	assert_eq "$(status_of /who -H 'Authorization: Bearer x')" 200
	assert_eq "$(cat body)" '[{}]'
	assert_eq "$(raw '/raw?token=x')" '[{}]'
	assert_eq "$(status_of '/sign?exp=1')" 500
}

@test "respond signs, and claims end with their token" {
	serve --jwt-key "$key" --with claims
	assert_eq "$(status_of '/sign?exp=1')" 200
	assert_eq "$(status_of "/who?token=$(cat body)")" 401
	# it is there at first, and then not, though its connection is
	assert_eq "$(status_of "/sign?exp=$(($(date +%s) + 5 + 3 * RK_SLOW))")" 200
	start ws rk-client "ws://127.0.0.1:$port/raw?token=$(cat body)"
	wait_line ws '[{"exp":'
	until_none() {
		feed ws x
		grep -qxF '[{}]' ws.out
	}
	wait_for until_none
}
