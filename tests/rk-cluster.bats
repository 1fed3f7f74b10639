# SPDX-License-Identifier: ISC
#
# rk-cluster: usage and settings; the API and the rules with a program that
# feeds it; then the rows of the original's wire with a real RabbitMQ and real
# socketcluster-clients 14, 16 and 20; two nodes; kills.
#
# asan: long

load lib
load rabbitmq

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }

# Brokers, kills and clients in node are slow beside other suites.
setup() {
	export RK_SLOW=$((${RK_SLOW:-1} * 3))
	cd "$RK_TEST" || return
	export AMQP_URL=$RABBIT_URL
}
teardown() { stop_all; }

# What each test has at the broker is its own.
own() {
	queue=q$BATS_TEST_NUMBER
	exchange=x$BATS_TEST_NUMBER
}

http_port() {
	grep 'rk-listen: listening on ' "$1.err" | grep -o '[0-9]*$' | tail -n 1
}

# NAME OPTION...: a node on ports of its own, in $port and $http.
serve() {
	local name=$1

	shift
	start_ready "$name" rk-cluster -p 0 --http-port 0 "$@"
	wait_lines "$name" 1
	port=$(grep -om 1 '[0-9]*$' "$name.out")
	wait_for grep -q 'rk-listen: listening on ' "$name.err"
	http=$(http_port "$name")
}

# With the lines of $feed, which the test writes.
serve_fed() {
	mkfifo feed
	exec {feed}<>feed
	serve node --feed 'cat <feed' "$@"
}

serve_amqp() {
	own
	serve "$1" --queue "$queue" --exchange "$exchange" "${@:2}"
	wait_for metric 'rabbitmq 1'
}

metric() {
	curl -sf "http://localhost:$port/metrics" | grep -qxF -e "$1"
}

# METHOD PATH [BODY]: the answer, and its status behind it.
api() {
	curl -s -m 30 -w ' %{http_code}' -X "$1" ${3:+-d "$3"} \
		"http://localhost:$http$2"
}

register() {
	api POST /v1/create-channel-client "{\"clientID\":\"$1\"}"
}

token() {	# [CHANNEL]
	curl -sfG "http://localhost:$port/jwt" \
		${1:+--data-urlencode "channel=$1"}
}

# NAME VERSION [LINE...]: a client that is connected, and says these.
client() {
	start "$1" node "$TESTS/clients/cluster.js" "$2" "$port"
	wait_line "$1" connect
	[ $# -eq 2 ] || feed "$1" "${@:3}"
}

# NAME VERSION CHANNEL: it has a token for its channel, and is there.
listener() {
	client "$1" "$2" "token $(token "$3")"
	wait_line "$1" 'token ok'
	feed "$1" "subscribe $3"
	wait_line "$1" "subscribed $3"
}

# JSON...: messages into the queue, by a program that knows no frames.
push() {
	printf '%s\n' "$@" | jq -Rc '{body: @base64}' |
		node "$TESTS/clients/amqp.js" put '' "$queue"
}

says() {	# NAME LINE N: so many times
	[ "$(grep -cxF -e "$2" "$1.out")" -eq "$3" ]
}

# --- usage and settings ----------------------------------------------------

# A copy of the script whose programs only say how they were called.
stub() {
	mkdir -p stub/bin stub/lib
	cp "$ROOT/bin/rk-cluster" stub/bin
	ln -s "$ROOT"/lib/{rules,service,shell} stub/lib
	cat >stub/bin/rk-listen <<-'END'
		#!/bin/sh
		while [ "${1---}" != -- ]; do
			echo "$1"
			shift
		done
		[ $# -gt 0 ] || exec printf '\nurl %s' "$AMQP_URL"
		shift
		exec "$@"
	END
	chmod +x stub/bin/rk-listen
	ln -s rk-listen stub/bin/rk-route
	ln -s rk-listen stub/bin/rk-amqp-bridge
	cd stub || return
}

@test "usage: --help and --version" {
	run_status 0 rk-cluster --help
	[[ $output == 'usage: rk-cluster '* ]]
	run_status 0 rk-cluster --version
	[[ $output =~ ^rk-cluster\ [0-9.]+$ ]]
}

@test "usage: what is wrong is said, and is 100" {
	run_status 100 rk-cluster operand
	run_status 100 rk-cluster --nothing
	run_status 100 rk-cluster --feed cat --queue q
	run_status 100 rk-cluster --feed cat --dead-letter
	run_status 100 rk-cluster --service s6
	run_status 100 rk-cluster --service upstart services
	run_status 100 rk-cluster --service s6 services --socket sock
	[ ! -e services ]
	run_status 100 rk-cluster --env /nowhere
	[[ $stderr == 'rk-cluster: --env: /nowhere: '* ]]
	run_status 100 rk-cluster --secret /nowhere
	run_status 100 rk-cluster --jwt-key /nowhere
	run_status 100 rk-cluster --feed cat --sc-protocol 3
	run_status 100 rk-cluster --feed cat --channel-limit 0
}

@test "settings: the original's names, from the environment and a .env" {
	stub
	cat >.env <<-'END'
		SOCKET_SERVER_PORT=8001
		SOCKETCLUSTER_SOCKET_CHANNEL_LIMIT=17
		SOCKETCLUSTER_LOG_LEVEL=3
		AMQP_URL=amqp://u:$(touch evil)@broker
	END
	unset AMQP_URL
	run_status 0 bin/rk-cluster --queue q --db r.db
	[ ! -e evil ]
	[[ $output == $'-p\n8001\n-v\n'* ]]
	[[ $output == *$'\n--channel-limit\n17\n'* ]]
	[[ $output == *$'\nurl amqp://u:$(touch evil)@broker' ]]
	[[ $output == *$'\n--consume\nq\n'* ]]
	SOCKETCLUSTER_PORT=8002 run_status 0 bin/rk-cluster --queue q
	[[ $output == $'-p\n8002\n'* ]]
	AMQP_URL=amqp://e run_status 0 bin/rk-cluster -p 1 --channel-limit 5 \
		--amqp amqp://o --queue q:passive --exchange x --origin https://o \
		--trust-proxy 10.0.0.1 -s sock --sc-protocol 1
	[[ $output == $'-p\n1\n-v\n-s\nsock\n--trust-proxy\n10.0.0.1\n'* ]]
	[[ $output == *$'\n--sc-protocol\n1\n'* ]]
	[[ $output == *$'\n--channel-limit\n5\n'* ]]
	[[ $output == *$'\n--origin\nhttps://o\n'* ]]
	[[ $output == *$'\n--exchange\nx:topic\n--exchange\nx.out:topic\n'* ]]
	[[ $output == *$'\n--queue\nq:passive\n--consume\nq\n'* ]]
	[[ $output == *$'\nurl amqp://o' ]]
	[[ $output == *$'\n--consume\nx.'"$(uname -n)"$'-1\n--exclusive=x.'* ]]
	run_status 0 bin/rk-cluster --node n1
	[[ $output == *$'\n--exclusive=cluster.n1\n'* ]]
	run_status 0 bin/rk-cluster -p localhost:0
	[[ $output =~ --exclusive=cluster.[0-9a-f]{16}$'\n' ]]
	SOCKETCLUSTER_OPTIONS={} run_status 0 bin/rk-cluster
	[[ $stderr == *'SOCKETCLUSTER_OPTIONS is not read'* ]]
	run_status 1 grep -q -- --consume.q <<<"$output"
}

@test "a key is made once, and is for its owner alone" {
	stub
	run_status 0 bin/rk-cluster
	assert_eq "$(stat -c '%a %s' cluster.db.key)" '600 64'
	cp cluster.db.key before
	run_status 0 bin/rk-cluster
	cmp before cluster.db.key
	[[ $output == *$'\n--jwt-key\n'"$PWD"$'/cluster.db.key\n'* ]]
}

# --- the API -----------------------------------------------------------------

@test "the API: every answer, byte for byte" {
	local pass=hunter2hunter2

	serve_fed --test
	assert_eq "$(api GET /)" '{"status":"ok"} 200'
	assert_eq "$(api GET /v1/create-rabbit-ch)" \
		'{"status":"listening","queue":null,"created":true} 200'
	assert_eq "$(api GET /v1/create-rabbit-ch)" \
		'{"status":"listening","queue":null,"created":false} 200'
	assert_eq "$(register c1)" '{"channel":"c1","created":true} 201'
	assert_eq "$(register c1)" '{"channel":"c1","created":false} 200'
	assert_eq "$(api POST /v1/create-channel-client \
		'{"name":"Ann","email":"ann@example.com","password":"'$pass'"}')" \
		'{"channel":"ann@example.com","created":true} 201'
	assert_eq "$(api POST /v1/create-channel-client '{"client_id":7}')" \
		'{"channel":"7","created":true} 201'
	assert_eq "$(api POST /v1/create-channel-client \
		'{"id":"key","email":"a@b","password":"'$pass'"}')" \
		'{"channel":"key","created":true} 201'
	for body in '' x '[]' '{}' '{"name":"Ann","email":"a@b"}' \
		'{"clientID":""}' '{"clientID":{}}' "{\"password\":\"$pass\"}" \
		'{"clientID":"a\nb"}' '{"clientID":"\uffff"}' \
		"{\"clientID\":\"$(printf %0256d 0)\"}"; do
		run api POST /v1/create-channel-client "$body"
		[[ $output == '{"error":"'*'"} 400' ]]
		[[ $output != *hunter* ]]
	done
	[[ $(api GET /v1/create-channel-client) == '{"error":"'*'"} 404' ]]
	assert_eq "$(api GET /v1/publish-data-over-ch)" '{"published":4} 200'
	assert_eq "$(curl -s "http://localhost:$port/health-check")" OK
	# the password is nowhere
	stop node
	run_status 1 grep -r hunter2 .
	grep -qF ann@example.com cluster.db
}

@test "the API: publish-data-over-ch reaches every client, page by page" {
	local i

	serve_fed --test --compat
	for i in $(seq 30); do
		register "client-$i" >/dev/null
	done
	client a 20 'subscribe client-1' 'subscribe client-30'
	wait_line a 'subscribed client-30'
	wait_line a 'subscribed client-1'
	assert_eq "$(api GET /v1/publish-data-over-ch)" '{"published":30} 200'
	wait_line a 'client-1 {"clientID":"client-1","test":true}'
	wait_line a 'client-30 {"clientID":"client-30","test":true}'
	stop node
	serve node --feed 'tail -f /dev/null'
	[[ $(api GET /v1/publish-data-over-ch) == '{"error":"'*'"} 403' ]]
}

@test "the API: from elsewhere only with the secret; /jwt likewise" {
	local url

	echo "the shared secret" >secret
	serve_fed --secret secret --trust-proxy 127.0.0.1,::1
	for url in "$http/v1/create-rabbit-ch" "$port/jwt"; do
		assert_eq "$(curl -so /dev/null -w '%{http_code}' \
			"http://localhost:$url")" 200
		assert_eq "$(curl -so /dev/null -w '%{http_code}' -H \
			'X-Forwarded-For: 192.0.2.1' "http://localhost:$url")" 401
		assert_eq "$(curl -so /dev/null -w '%{http_code}' -H \
			'X-Forwarded-For: 192.0.2.1' -H 'Authorization: Bearer the' \
			"http://localhost:$url")" 401
		assert_eq "$(curl -so /dev/null -w '%{http_code}' -H \
			'X-Forwarded-For: 192.0.2.1' -H \
			'Authorization: Bearer the shared secret' \
			"http://localhost:$url")" 200
	done
	assert_eq "$(curl -s -H 'X-Forwarded-For: 192.0.2.1' \
		"http://localhost:$http/")" '{"status":"ok"}'
	run_status 1 grep -q 'shared secret' "/proc/$(pid_of node)/cmdline"
}

# --- what clients may ----------------------------------------------------------

@test "tokens: who may subscribe, and who may publish" {
	serve_fed
	client a 20 'subscribe c1' 'publish c1 {"n":1}'
	wait_line a 'refused c1 SilentMiddlewareBlockedError'
	wait_line a 'failed c1 SilentMiddlewareBlockedError'
	feed a "token $(token c1)"
	wait_line a 'token ok'
	feed a 'subscribe c1' 'subscribe c2' 'publish c1 2'
	wait_line a 'subscribed c1'
	wait_line a 'refused c2 SilentMiddlewareBlockedError'
	wait_for says a 'failed c1 SilentMiddlewareBlockedError' 2
	client b 20 "token $(token)" 'subscribe c1'
	wait_line b 'subscribed c1'
	feed b 'publish c1 {"n":3}'
	wait_line b 'published c1'
	wait_line a 'c1 {"n":3}'
	wait_line b 'c1 {"n":3}'
	says a 'c1 {"n":1}' 0
	metric 'cluster_blocked{action="publishIn"} 2'
}

@test "tokens: a channel is left when the token is another, or over" {
	serve_fed --jwt-key "$TESTS/fixtures/token/secret"
	jwt() {
		node -e 'console.log(require("jsonwebtoken").sign(
			JSON.parse(process.argv[2]), require("fs").readFileSync(
			process.argv[1], "utf8").trim()))' \
			"$TESTS/fixtures/token/secret" "$1"
	}
	client a 20 "token $(jwt '{"channels":["c1","c2"]}')"
	wait_line a 'token ok'
	feed a 'subscribe c1' 'subscribe c2'
	wait_line a 'subscribed c1'
	wait_line a 'subscribed c2'
	feed a "token $(jwt '{"channels":"c2"}')"
	wait_line a 'kicked c1'
	says a 'kicked c2' 0
	echo '{"clientID":"c2"}' >&"$feed"
}

@test "--compat: anybody may all" {
	serve_fed --compat
	grep -q 'warning: --compat' node.err
	client a 20 'subscribe c1'
	wait_line a 'subscribed c1'
	client b 16 'publish c1 "hello"'
	wait_line b 'published c1'
	wait_line a 'c1 "hello"'
}

# --- a program that feeds it -----------------------------------------------------

@test "--feed: a line is a message for its client, if he is registered" {
	serve_fed
	assert_eq "$(register c1)" '{"channel":"c1","created":true} 201'
	listener a 20 c1
	echo '{"clientID":"c1","n":9007199254740993,"x":1.0}' >&"$feed"
	wait_line a 'c1 {"clientID":"c1"'
	printf '%s\n' '{"clientID":"who"}' 'x' '[]' '{"id":"c1","n":2}' >&"$feed"
	wait_line a 'c1 {"id":"c1","n":2}'
	metric 'cluster_absent 1'
	metric 'cluster_unaddressed 2'
	assert_eq "$(grep -c '^c1 ' a.out)" 2
}

@test "--feed: the end comes soon, though the program never looks" {
	serve node --feed 'tail -f /dev/null & wait'
	stop node
	nothing_left
}

# --- RabbitMQ ----------------------------------------------------------------

# VERSION PROTOCOL: the rows of the original with that client.
rows() {
	serve_amqp node --sc-protocol "$2"
	register c1 >/dev/null
	listener a "$1" c1
	push '{"clientID":"c1","big":12345678901234567890,"s":"é"}' \
		'{"clientID":"nobody"}' '{"client_id":"c1","n":2}'
	wait_line a 'c1 {"client_id":"c1","n":2}'
	assert_eq "$(grep -c '^c1 ' a.out)" 2
	wait_for metric 'cluster_absent 1'
	wait_for rabbit_queue_is "$queue" messages 0
	# who publishes hears it, too
	client b "$1" "token $(token)"
	wait_line b 'token ok'
	feed b 'subscribe c1'
	wait_line b 'subscribed c1'
	feed b 'publish c1 "all"'
	wait_line b 'published c1'
	wait_line a 'c1 "all"'
	wait_line b 'c1 "all"'
	# without a token nobody publishes, and stays connected
	client d "$1" 'publish c1 "no"'
	wait_line d 'failed c1'
	feed d "token $(token)"
	wait_line d 'token ok'
	says a 'c1 "no"' 0
	run_status 1 grep -q '^disconnect' a.out
}

@test "socketcluster-client 20" { rows 20 2; }
@test "socketcluster-client 16" { rows 16 2; }
@test "socketcluster-client 14" { rows 14 1; }

@test "a client that was cut off subscribes again, and hears what comes" {
	serve_amqp node -s node.sock
	register c1 >/dev/null
	start_ready tap rk-client unix:node.sock --type open
	listener a 20 c1
	wait_lines tap 1
	jq -c '{type: "kick", conn, code: 4001}' tap.out |
		rk-publish -s node.sock --frames
	wait_line a 'disconnect 4001'
	wait_for again
	push '{"clientID":"c1","n":1}'
	wait_line a 'c1 {"clientID":"c1","n":1}'
}

again() {
	says a connect 2 && says a 'subscribed c1' 2 && bound c1
}

# KEY: a queue is bound to it.
bound() {
	rabbit_ctl list_bindings source_name destination_kind routing_key |
		grep -qxF "$exchange.out	queue	$1"
}

@test "the broker: one consumer, exact bindings while a channel is occupied" {
	serve_amqp node
	wait_for rabbit_queue_is "$queue" consumers 1
	for created in true false false; do
		assert_eq "$(api GET /v1/create-rabbit-ch)" '{"status":"listening",'\
'"queue":"'"$queue"'","created":'"$created"'} 200'
	done
	rabbit_queue_is "$queue" consumers 1
	register 'a.*.#' >/dev/null
	assert_eq "$(rabbit_ctl list_bindings source_name destination_name \
		destination_kind routing_key | grep "^$exchange")" \
		"$exchange	$exchange.out	exchange	a.%2A.%23"
	listener a 20 'a.*.#'
	bound 'a.%2A.%23'
	push '{"clientID":"a.*.#"}' '{"clientID":"a.b.c"}'
	wait_line a 'a.*.# {"clientID":"a.*.#"}'
	wait_for metric 'cluster_absent 1'
	stop a 143
	wait_for run_status 1 bound 'a.%2A.%23'
}

@test "nobody's messages are acknowledged, or dead letters" {
	own
	serve node --queue "$queue" --exchange "$exchange" --dead-letter
	rabbit_ctl set_policy dead "^$queue\$" \
		'{"dead-letter-exchange":"","dead-letter-routing-key":"dead"}'
	echo '{"type":"declare","queue":"dead"}' |
		rk-amqp-bridge --once >/dev/null
	register c1 >/dev/null
	listener a 20 c1
	push 'x' '{"clientID":"who"}' '{"clientID":"c1"}' '{"clientID":"c2"}'
	wait_line a 'c1 {"clientID":"c1"}'
	wait_for rabbit_queue_is dead messages 3
	wait_for rabbit_queue_is "$queue" messages 0
}

@test "two nodes: a message comes once, wherever its client is" {
	serve_amqp one
	listener a 20 c1 && register c1 >/dev/null
	serve two --queue "$queue" --exchange "$exchange" --db two.db
	wait_for metric 'rabbitmq 1'
	listener b 16 c2 && register c2 >/dev/null
	listener c 20 c1
	wait_for rabbit_queue_is "$queue" consumers 2
	for n in $(seq 50); do
		printf '{"clientID":"c%d","n":%d}\n' $((n % 2 + 1)) "$n"
	done >messages
	mapfile -t lines <messages
	push "${lines[@]}" '{"clientID":"c3"}'
	wait_for heard a c1 25
	wait_for heard b c2 25
	wait_for heard c c1 25
	# what is published at one node is heard at the other, once
	feed b "token $(token)"
	wait_for says b 'token ok' 2
	feed b 'publish c1 "last"'
	wait_line a 'c1 "last"'
	wait_line c 'c1 "last"'
	sort -u a.out | diff <(sort a.out) -
	sort -u c.out | diff <(sort c.out) -
	heard a c1 26 && heard b c2 25 && heard c c1 26
}

heard() {	# NAME CHANNEL N: so many
	[ "$(grep -c "^$2 " "$1.out")" = "$3" ]
}

# The processes below a node: those whose program and options begin like this.
stage() {
	left_over | while read -r pid; do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "^[^ ]*$1" && echo "$pid"
	done
}

# Every message once by its number; doubles may be.
all_heard() {
	[ "$(grep -o '"n":[0-9]*' a.out | sort -u | wc -l)" = "$1" ]
}

@test "kill -9 of each stage: every message arrives" {
	local i n pattern pushing lines

	serve_amqp node
	register c1 >/dev/null
	listener a 20 c1
	i=0
	for pattern in rk-amqp-bridge rk-store rk-route \
		'rk-listen -p 127.0.0.1:0 --name http'; do
		for n in $(seq $((i * 100 + 1)) $((i * 100 + 100))); do
			echo "{\"clientID\":\"c1\",\"n\":$n}"
		done >messages
		mapfile -t lines <messages
		push "${lines[@]}" &
		pushing=$!
		wait_for all_heard_some $((i * 100 + 10))
		stage "$pattern" | xargs kill -KILL
		wait "$pushing"
		i=$((i + 1))
		wait_for -t 60 all_heard $((i * 100))
	done
	run_status 1 grep -q '^disconnect' a.out
	wait_for registered_still
}

# At a port that is another after its listener's death.
registered_still() {
	http=$(http_port node) &&
		[ "$(register c1)" = '{"channel":"c1","created":false} 200' ]
}

all_heard_some() {
	[ "$(grep -o '"n":[0-9]*' a.out | sort -u | wc -l)" -ge "$1" ]
}

# What is for the client is more than sockets hold.
@test "TERM: a broker and a client that say nothing do not keep it" {
	local pid

	serve_amqp node --compat
	register c1 >/dev/null
	client a 20 'subscribe c1'
	wait_line a 'subscribed c1'
	kill -STOP "$(pid_of a)"
	node -e 'const pad = "x".repeat(100000)
		for (let i = 0; i < 100; i++)
			console.log(JSON.stringify({ clientID: "c1", pad }))' |
		jq -Rc '{body: @base64}' |
		node "$TESTS/clients/amqp.js" put '' "$queue"
	wait_for rabbit_queue_is "$queue" messages 0
	rabbit_freeze
	pid=$(pid_of node)
	kill -TERM "$pid"
	# by its own clock: it took 16 when each step had a limit of its own
	RK_SLOW=$((RK_SLOW / 3)) wait_for -t 14 gone "$pid"
	rabbit_thaw
	kill -CONT "$(pid_of a)"
	ended node
}

# PID: it, and all that it started.
tree() {
	local child

	echo "$1"
	for child in $(pgrep -P "$1"); do
		tree "$child"
	done
}

die_at_once() {	# NODE: all of it
	local pids

	mapfile -t pids < <(tree "$(pid_of "$1")")
	kill -KILL "${pids[@]}"
	wait_for gone "$(pid_of "$1")"
	rm "$1.pid"
}

# NODE N: N messages that it has from the broker, and its client has not.
caught() {
	kill -STOP "$(pid_of "$1")"
	push "${lines[@]:0:$2}"
	wait_for rabbit_queue_is "$exchange.$1" messages "$2"
	die_at_once "$1"
	wait_for rabbit_queue_is "$exchange.$1" messages_ready "$2"
}

three() {
	lines=('{"clientID":"c1","n":1}' '{"clientID":"c1","n":2}' \
		'{"clientID":"c1","n":3}')
}

@test "kill -9 of a node: the client comes back to it, and hears what waited" {
	three
	serve_amqp node --node node
	register c1 >/dev/null
	listener a 20 c1
	caught node 3
	serve node --queue "$queue" --exchange "$exchange" --node node
	wait_for metric 'cluster_left 3'
	wait_for run_status 1 bound c1
	listener b 20 c1
	wait_for heard b c1 3
	sort -u b.out | diff <(sort b.out) -
	wait_for rabbit_queue_is "$exchange.again" messages 0
	rabbit_queue_is "$exchange.away" messages 0
	metric 'cluster_left 3'
	run_status 1 metric 'cluster_absent 1'
}

@test "kill -9 of a node: the client comes to another one, and hears it there" {
	three
	serve_amqp two --node two
	register c1 >/dev/null
	serve one --exchange "$exchange" --node one --db one.db
	wait_for metric 'rabbitmq 1'
	listener a 20 c1
	caught one 2
	port=$(grep -om 1 '[0-9]*$' two.out)
	listener b 20 c1
	push "${lines[2]}"
	wait_line b 'c1 {"clientID":"c1","n":3}'
	serve one --exchange "$exchange" --node one --db one.db
	wait_line b 'c1 {"clientID":"c1","n":1}'
	wait_line b 'c1 {"clientID":"c1","n":2}'
	wait_for metric 'cluster_left 3'
	wait_for rabbit_queue_is "$exchange.one" messages 0
	says b 'c1 {"clientID":"c1","n":1}' 1
	says b 'c1 {"clientID":"c1","n":2}' 1
}

@test "a node of a name that is there waits, and says so" {
	serve_amqp one --node same
	start two rk-cluster -p 0 --http-port 0 --exchange "$exchange" \
		--node same --db two.db
	wait_for grep -q "$exchange.same: 403 ACCESS_REFUSED" two.err
	die_at_once one
	wait_lines two 1
	port=$(grep -om 1 '[0-9]*$' two.out)
	wait_for metric 'rabbitmq 1'
}

@test "registrations outlive the death of everything, the broker's too" {
	serve_amqp node
	register c1 >/dev/null
	die_at_once node
	serve node --queue "$queue" --exchange "$exchange"
	wait_for metric 'rabbitmq 1'
	assert_eq "$(register c1)" '{"channel":"c1","created":false} 200'
	listener a 20 c1
	push '{"clientID":"c1"}'
	wait_line a 'c1 {"clientID":"c1"}'
}

@test "a broker that forgot all is told again who is registered and here" {
	serve_amqp node
	register c1 >/dev/null
	listener a 20 c1
	rabbit_ctl stop_app
	rabbit_ctl reset
	rabbit_ctl start_app
	wait_for -t 60 metric 'rabbitmq 1'
	wait_for -t 60 bound c1
	push '{"clientID":"c1","n":1}'
	wait_line a 'c1 {"clientID":"c1","n":1}'
}
