#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# TLS: the listener under it, with clients of others.
# shellcheck disable=SC2034,SC2154 # url is for listen; stderr, output from lib

load lib
load listen
load tls

setup_file() {
	certificates
}

setup() {
	cd "$RK_TEST" || return
	export NODE_EXTRA_CA_CERTS=$TLS/ca.pem
}

teardown() {
	stop_all
}

# A listener "l" under TLS, on a port of its own, on plain pipes.
listen() {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port \
		--cert "$TLS/good.pem" --key "$TLS/good.key" "$@"
	port=$(<port)
	url=wss://127.0.0.1:$port
}

get() {	# PATH OPTION...
	curl -s --cacert "$TLS/ca.pem" "https://localhost:$port$1" "${@:2}"
}

metric() {	# NAME WANT
	[ "$(get /metrics | sed -n "s/^rk_listen_$1 //p")" = "$2" ]
}

shake() {	# OPTION...: shakes hands and leaves; says what it got
	openssl s_client -connect "127.0.0.1:$port" -CAfile "$TLS/ca.pem" \
		-brief "$@" </dev/null 2>&1
}

# --- usage -----------------------------------------------------------------

@test "files that are no good end it with 100, and it says which" {
	run_status 100 rk-listen -p 0 --cert "$TLS/good.pem"
	[[ $stderr == *'--cert and --key go together'* ]]
	run_status 100 rk-listen -p 0 --cert nowhere --key "$TLS/good.key"
	assert_eq "$stderr" 'rk-listen: nowhere: No such file or directory'
	run_status 100 rk-listen -p 0 --cert "$TLS/good.pem" --key nowhere
	assert_eq "$stderr" 'rk-listen: nowhere: No such file or directory'
	run_status 100 rk-listen -p 0 --cert "$TLS/good.key" \
		--key "$TLS/good.key"
	[[ $stderr == *'/good.key: holds no certificate in PEM' ]]
	run_status 100 rk-listen -p 0 --cert "$TLS/good.pem" \
		--key "$TLS/good.pem"
	[[ $stderr == *'/good.pem: holds no key in PEM that needs no password' ]]
	run_status 100 rk-listen -p 0 --cert "$TLS/good.pem" \
		--key "$TLS/again.key"
	[[ $stderr == *'/again.key: is not the key of the certificate' ]]
}

@test "a key under a password: nobody is asked for it" {
	openssl pkey -in "$TLS/good.key" -aes128 -passout pass:secret \
		-out locked.key
	run_status 100 rk-listen -p 0 --cert "$TLS/good.pem" --key locked.key
	[[ $stderr == *'locked.key: holds no key'*'needs no password' ]]
}

# --- the plain case --------------------------------------------------------

@test "WebSockets and requests of Node, curl and rk-client" {
	listen --ws '/api/{user}' --http /q
	client a /api/alice
	feed a 'text {"n":1.0}' "big 300000" 'close 4001 bye'
	ended a
	wait_line l '"data":{"n":1.0}'
	wait_line l '"type":"close"'
	grep -q '"type":"open".*"remote":"127.0.0.1"' l.out
	[ "$(grep -o '"text":"x*"' l.out | wc -c)" -eq 300010 ]
	start q curl -s --cacert "$TLS/ca.pem" -d '{"b":2}' \
		"https://localhost:$port/q?x=1"
	wait_line l '"type":"request"'
	grep -q '"remote":"127.0.0.1".*"data":{"b":2}' l.out
	feed l "{\"type\":\"respond\",\"conn\":$(sed -n \
		's/.*"request","conn":\("[^"]*"\).*/\1/p' l.out),\"data\":[3]}"
	ended q
	assert_eq "$(<q.out)" '[3]'
	start b rk-client --ca "$TLS/ca.pem" "wss://localhost:$port/api/bob"
	wait_line l '"user":"bob"'
	feed l '{"type":"send","user":"bob","data":{"id":9007199254740993}}'
	wait_line b '{"id":9007199254740993}'
	stop b
}

@test "rk-client takes no certificate of a stranger, another name, or expired" {
	listen
	run_status 111 rk-client --ca "$TLS/other-ca.pem" "wss://localhost:$port/"
	[[ $stderr == *'a certificate that is not trusted'* ]]
	wait_for metric tls_alert_total 1
	run_status 111 rk-client --ca "$TLS/ca.pem" "wss://ip6-localhost:$port/"
	stop l
	listen --cert "$TLS/expired.pem" --key "$TLS/expired.key"
	run_status 111 rk-client --ca "$TLS/ca.pem" "wss://localhost:$port/"
}

@test "a Unix socket beside it is plain" {
	listen --unix s.sock --ws /
	run_status 0 curl -s --unix-socket s.sock http://h/healthz
	assert_eq "$output" ok
	start u rk-client ws+unix:s.sock:/ --no-input
	wait_line l '"remote":"unix"'
}

@test "files: large ones, only their head, and what is not there" {
	mkdir www
	head -c 3000000 /dev/urandom >www/big
	listen --docroot www
	get /big | cmp - www/big
	get /big --http1.1 --tlsv1.2 --tls-max 1.2 | cmp - www/big
	assert_eq "$(get /big -I | tr -d '\r' | grep Content-Length)" \
		'Content-Length: 3000000'
	assert_eq "$(get /none -o /dev/null -w '%{http_code}')" 404
	get /big --limit-rate 1m | cmp - www/big
	wait_for metric leaving 0
}

@test "versions 1.2 and 1.3, http/1.1, no renegotiation, no compression" {
	listen
	shake -tls1_3 | grep -q 'Protocol version: TLSv1.3'
	shake -tls1_2 | grep -q 'Protocol version: TLSv1.2'
	[[ $(shake -tls1_2 -cipher AES128-SHA) == *'handshake failure'* ]]
	openssl s_client -connect "127.0.0.1:$port" -alpn h2,http/1.1 \
		</dev/null 2>&1 | tee said | grep -q 'ALPN protocol: http/1.1'
	grep -q 'Compression: NONE' said
	run bash -c "{ echo R; cat /dev/zero; } | timeout 20 \
		openssl s_client -tls1_2 -connect 127.0.0.1:$port 2>&1"
	[[ $output == *'no renegotiation'* ]]
}

@test "sessions are resumed by tickets, in both versions" {
	listen
	for v in tls1_2 tls1_3; do
		printf 'GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n' |
			openssl s_client -$v -ign_eof -sess_out $v \
			-connect "127.0.0.1:$port" >first 2>&1
		openssl s_client -$v -sess_in $v -connect "127.0.0.1:$port" \
			</dev/null 2>&1 | grep -q '^Reused'
	done
}

@test "every cipher of TLS 1.3" {
	mkdir -p www
	head -c 3000000 /dev/urandom >www/big
	listen --docroot www
	for c in AES_128_GCM_SHA256 AES_256_GCM_SHA384 \
		CHACHA20_POLY1305_SHA256; do
		get /big --tls13-ciphers "TLS_$c" -v 2>said | cmp - www/big
		grep -q "TLSv1.3 / TLS_$c" said
	done
}

@test "a client that asks for new keys, before a long answer" {
	mkdir -p www
	head -c 3000000 /dev/urandom >www/big
	listen --docroot www
	start c openssl s_client -connect "127.0.0.1:$port" -tls1_3 \
		-brief -msg -msgfile heard
	feed c K	# and nothing else in the same read
	wait_for grep -q '^KEYUPDATE' c.err
	feed c $'GET /big HTTP/1.1\r' $'Host: h\r' $'\r'
	ended c
	grep -q '<<< TLS 1.3, Handshake.*KeyUpdate' heard
	tail -c 3000000 c.out | cmp - www/big
}

# --- strangers --------------------------------------------------------------

@test "plain HTTP is told so; a TLS client of a plain port is refused" {
	listen
	assert_eq "$(curl -s -w '%{http_code}' "http://127.0.0.1:$port/")" \
		$'This port speaks TLS only\n400'
	wait_for metric tls_http_total 1
	start_ready p rk-listen -p 127.0.0.1:0 --port-file plain
	run_status 35 curl -s "https://127.0.0.1:$(<plain)/"
	curl -s "http://127.0.0.1:$(<plain)/metrics" |
		grep -qx 'rk_listen_rejected_total 1'
}

@test "each handshake that fails is counted for what it failed for" {
	listen -v
	[[ $(shake -tls1_1 -cipher ALL:@SECLEVEL=0) == *'protocol version'* ]]
	wait_for metric tls_version_total 1
	[[ $(shake -alpn h2) == *'no application protocol'* ]]
	wait_for metric tls_version_total 2
	exec {raw}<>"/dev/tcp/127.0.0.1/$port"
	printf 'SSH-2.0-x\r\n' >&"$raw"
	wait_for metric tls_plain_total 1
	exec {raw}>&- {raw}<>"/dev/tcp/127.0.0.1/$port"
	printf '\x16\x03\x01' >&"$raw"
	exec {raw}>&-
	wait_for metric tls_left_total 1
	run_status 60 curl -s --cacert "$TLS/other-ca.pem" \
		"https://localhost:$port/"
	wait_for metric tls_alert_total 1
	grep -q '127.0.0.1: TLS: what came is no TLS$' l.err
	wait_for metric sockets 1
}

@test "1,000 handshakes that never end are over in time; others come in" {
	listen
	start silent node -e '
		const net = require("net")
		let open = 0, gone = 0
		for (let i = 0; i < 1000; i++) {
			const s = net.connect(+process.argv[1], "127.0.0.1", () => {
				if (i % 2)
					s.write("\x16\x03\x01\x02\x00\x01")
				if (++open === 1000)
					console.log("open")
			})
			s.on("error", () => {})
			s.on("close", () => ++gone === 1000 && console.log("gone"))
		}' "$port"
	wait_line silent open
	assert_eq "$(get /healthz)" ok
	wait_for grep -q gone silent.out
	wait_for metric tls_late_total 1000
	wait_for metric sockets 1
}

# --- what goes through ------------------------------------------------------

@test "frames stay whole when a slow reader pings while it is sent to" {
	listen --max-out 64m --ping 10	# while it is deaf it gives no pong
	ping_while_deaf 200
	metric protocol_errors_total 0
}

@test "--slow=close: 1013; what could not be written is told" {
	listen --max-out 1m
	client a /
	client b /
	deafen a
	for round in {1..30}; do	# no faster than b reads
		flood 10
		wait_for gives $((10 * round)) grep -c big b.out
	done
	wait_line l '"type":"drop"'
	wait_line l '"code":1013,"reason":"too slow","by":"server"'
	feed a resume
	ended a
}

@test "1,000 clients get 500 messages each in order" {
	listen --head-time 90	# for Node, which shakes 1,000 hands at once
	WS_TLS=1 start crowd node "$TESTS/clients/crowd.js" "$port" / 1000 500
	wait_for -t 120 grep -q open crowd.out
	for ((i = 0; i < 500; i++)); do
		echo '{"type":"send","all":true,"text":"'$i'"}'
	done >&"${stdin_of[l]}"
	wait_for -t 60 grep -q 'done' crowd.out
	ended crowd
}

@test "clients and a router out of their minds" {
	local seed=${RK_SEED:-$RANDOM}

	echo "# RK_SEED=$seed" >&3
	listen --ws '/{user}' --ws '/ask/{user}' --ask --http /q --deadline 1 \
		--ping 1 --max-out 64k -m 20000
	WS_TLS=1 run_status 0 node "$TESTS/clients/chaos.js" "$port" l "$seed" \
		$((RK_LONG ? 60 : 5))
	say "$output"
	stop l
}

@test "the router holds all: the client is not read, and nothing is lost" {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port \
		--cert "$TLS/good.pem" --key "$TLS/good.key" -- \
		node "$TESTS/clients/router.js" r.log 262144
	port=$(<port) url=wss://127.0.0.1:$port
	client a /
	text=$(printf %015000d 0)
	for ((i = 0; i < 300; i++)); do
		feed a "text {\"hold\":$i,\"x\":\"$text\"}"
	done
	wait_for grep -q '"hold":0,' r.log
	[ "$(grep -c '"hold"' r.log)" -lt 20 ]
	wait_for all_came
	grep -o '"hold":[0-9]*' r.log | sed 's/.*://' >got
	seq 0 299 | diff - got
}

all_came() {	# while the router lets go of what it holds
	kill -USR1 "$(pgrep -P "$(pid_of l)")"
	[ "$(grep -c '"hold"' r.log)" -eq 300 ]
}

# --- HUP --------------------------------------------------------------------

served() {	# which key is certified by what it serves
	openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null |
		openssl x509 -noout -pubkey
}

@test "HUP: another certificate for who comes, nobody is disconnected" {
	cp "$TLS/good.pem" c.pem
	cp "$TLS/good.key" c.key
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port \
		--cert c.pem --key c.key
	port=$(<port) url=wss://127.0.0.1:$port
	client a /
	assert_eq "$(served)" "$(openssl pkey -in "$TLS/good.key" -pubout)"
	cp "$TLS/again.pem" c.pem
	kill -HUP "$(pid_of l)"
	wait_for grep -q 'c.key: is not the key of the certificate; the old' \
		l.err
	assert_eq "$(served)" "$(openssl pkey -in "$TLS/good.key" -pubout)"
	metric tls_bad_files_total 1
	cp "$TLS/again.key" c.key
	kill -HUP "$(pid_of l)"
	wait_for gives "$(openssl pkey -in "$TLS/again.key" -pubout)" served
	feed a 'text still'
	wait_line l '"text":"still"'
	feed l '{"type":"send","all":true,"text":"here"}'
	wait_line a 'text here'
}

# --- the end ----------------------------------------------------------------

@test "TERM: everybody is closed with 1001, what is queued arrives, exit 0" {
	listen --ws / --http /q
	client a /
	client b /
	start q curl -si --cacert "$TLS/ca.pem" "https://localhost:$port/q"
	wait_line l request
	feed l '{"type":"send","all":true,"text":"'"$(printf %0900000d 0)"'"}'
	wait_for metric commands_total 1
	stop l
	ended a
	ended b
	ended q
	assert_eq "$(<a.out)" $'open\nbig 900000\nclose 1001 going away'
	assert_eq "$(<b.out)" $'open\nbig 900000\nclose 1001 going away'
	grep -q '^HTTP/1.1 503' q.out
}
