# SPDX-License-Identifier: ISC
#
# AMQP over TLS: a real RabbitMQ that wants certificates of its clients.
#
# asan: long

load lib
load rabbitmq
load tls

setup_file() {
	certificates
	SECURE=$(free_ports 1)
	export SECURE RABBIT_DIR=$BATS_FILE_TMPDIR/rabbit
	RABBIT_CONF="listeners.ssl.1 = 127.0.0.1:$SECURE
ssl_options.cacertfile = $TLS/ca.pem
ssl_options.certfile = $TLS/good.pem
ssl_options.keyfile = $TLS/good.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true"
	export RABBIT_CONF
	rabbit_start
}

teardown_file() { rabbit_stop; }

setup() {
	cd "$RK_TEST" || return
	export AMQP_URL=amqps://localhost:$SECURE
	WE=(--ca "$TLS/ca.pem" --cert "$TLS/client.pem"
		--key "$TLS/client.key")
}

teardown() { stop_all; }

# A server at $port, whose certificate is NAME's.
pretender() {
	port=$(free_ports 1)
	start "$1" openssl s_server -accept "127.0.0.1:$port" -quiet \
		-cert "$TLS/$1.pem" -key "$TLS/$1.key"
	wait_for port_open "$port"
}

port_open() {
	(exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

@test "published and consumed: small ones, and one of a megabyte" {
	rk-amqp-bridge "${WE[@]}" --queue q --publish :q <<-'E'
	{"type":"publish","data":{"n":1}}
	{"type":"publish","data":{"n":2}}
	E
	head -c 1000000 /dev/zero | tr '\0' x >big
	printf '{"type":"publish","text":"%s"}\n' "$(<big)" |
		rk-amqp-bridge "${WE[@]}" --publish :q
	start consumer rk-amqp-bridge "${WE[@]}" --consume q
	wait_for eval '[ "$(wc -l <consumer.out)" -ge 4 ]'
	[ "$(grep -c '"data":{"n":[12]}' consumer.out)" -eq 2 ]
	grep '"text":"xxx' consumer.out | jq -j .text | cmp - big
	stop consumer
}

@test "10,000 in order, while the broker is restarted" {
	seq 10000 | sed 's/.*/{"type":"publish","data":&}/' >frames
	start publisher rk-amqp-bridge "${WE[@]}" --queue many:durable \
		--publish :many --reconnect 1s
	head -n 5000 frames >&"${stdin_of[publisher]}"
	rabbit_stop
	rabbit_start
	tail -n 5000 frames >&"${stdin_of[publisher]}"
	start reader rk-amqp-bridge "${WE[@]}" --queue many:durable \
		--consume many --prefetch 1000
	wait_for -t 60 eval 'jq -rs "[.[] | .data // empty] | unique | length" \
		reader.out | grep -qx 10000'
	# doubles may follow a break, in order still
	jq 'select(.data).data' reader.out | awk '!seen[$0]++' >first
	seq 10000 | cmp - first
}

@test "who shows no certificate, or is trusted by nobody, is told so" {
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		</dev/null
	[[ $stderr == *'certificate required'* ]]
	run_status 111 rk-amqp-bridge --once --ca "$TLS/other-ca.pem" \
		--consume q </dev/null
	[[ $stderr == *"amqps://localhost:$SECURE/: TLS: "*certificate* ]]
}

@test "a certificate of another name, or an expired one, is not taken" {
	local port

	pretender wrong
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		--url "amqps://localhost:$port" </dev/null
	[[ $stderr == *'TLS: '*'ostname mismatch'* ]]
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		--url "amqps://127.0.0.1:$port" </dev/null
	[[ $stderr == *'TLS: IP address mismatch'* ]]
	pretender expired
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		--url "amqps://localhost:$port" </dev/null
	[[ $stderr == *'TLS: certificate has expired'* ]]
}

@test "a plain port under TLS, and a TLS port without" {
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		--url "amqps://localhost:$RABBIT_PORT" </dev/null
	[[ $stderr == *'TLS: '* ]]
	run_status 111 rk-amqp-bridge --once --consume q \
		--url "amqp://localhost:$SECURE" </dev/null
}

@test "a broker that never shakes hands is given up in time" {
	local port

	port=$(free_ports 1)
	start silent socat -u "TCP-LISTEN:$port,bind=127.0.0.1,fork" PIPE
	wait_for port_open "$port"
	run_status 111 rk-amqp-bridge --once --ca "$TLS/ca.pem" --consume q \
		--url "amqps://127.0.0.1:$port?connection_timeout=300" \
		</dev/null
	[[ $stderr == *'no answer in time: the TLS handshake'* ]]
}

@test "rk-piped: the URL names the files" {
	local url="$AMQP_URL?cacertfile=$TLS/ca.pem"

	url+="&certfile=$TLS/client.pem&keyfile=$TLS/client.key"
	AMQP_URL=$url start_ready piped rk-piped -p 0 -n 1
	wait_lines piped 1
	port=$(grep -om 1 '[0-9]*$' piped.out)
	wait_for eval 'curl -s "http://127.0.0.1:$port/metrics" |
		grep -q "^service_rabbitmq.* 1$"'
	wait_for eval '[ "$(rabbit_queue queue-in-1 consumers)" = 1 ]'
}
