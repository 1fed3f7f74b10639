# SPDX-License-Identifier: ISC
#
# rk-rouket: usage, settings, and the rows of the original's wire, in front of
# real clients (socket.io-client 2, 3 and 4) and a real laravel-echo-server.
# shellcheck disable=SC2119,SC2120 # serve takes options, or none
#
# asan: long

load lib
load laravel
load rouket

setup_file() { RK_SLOW=$((${RK_SLOW:-1} * 3)) laravel_start; }
teardown_file() { stop_all; }

# The core and its accounts are slow beside other suites.
setup() {
	export RK_SLOW=$((${RK_SLOW:-1} * 3))
	cd "$RK_TEST" || return
	cat >routes <<-'END'
	# what goes to clients
	public example.channel .example_event
	public news  ArticlePublished  headlines
	private orders .shipped
	END
}

teardown() { stop_all; }

# What follows goes to rk-rouket.
serve() {
	start_ready router rk-rouket -p 0 --core "$CORE" --routes routes \
		-s "$RK_TEST/s.sock" "$@"
	wait_lines router 1
	port=$(grep -om 1 '[0-9]*$' router.out)
}

# NAME: one that has its connection to the core, and all of its channels; its
# user is of this test alone.
user() {
	user=$BATS_TEST_NUMBER
	client "$1" 2 websocket "good-$user" "$user"
	wait_line "$1" '["router_up",{}]'
	wait_for core_channel "private-orders.$user" 1
}

# NAME: that process of the router.
part() {
	local route

	route=$(pgrep -P "$(pid_of router)" -x rk-route)
	case $1 in
	rk-listen) pid_of router ;;
	rk-route) echo "$route" ;;
	rk-client) pgrep -P "$route" -x rk-client ;;
	esac
}

@test "usage: --help and --version" {
	run_status 0 rk-rouket --help
	[[ $output == 'usage: rk-rouket '* ]]
	run_status 0 rk-rouket --version
	[[ $output =~ ^rk-rouket\ [0-9.]+$ ]]
}

@test "usage: what is wrong is said, and is 100" {
	run_status 100 rk-rouket -p 0
	[[ $stderr == 'rk-rouket: the core is missing'* ]]
	run_status 100 rk-rouket --core http://localhost:1
	[[ $stderr == 'rk-rouket: a port is missing'* ]]
	run_status 100 rk-rouket -p x --core http://localhost:1
	run_status 100 rk-rouket -p 0 --core localhost:1
	run_status 100 rk-rouket -p 0 --core http://localhost:1 --routes none
	echo 'public only-a-channel' >routes
	run_status 100 rk-rouket -p 0 --core http://localhost:1 --routes routes
	[[ $stderr == 'rk-rouket: routes:1: not KIND CHANNEL EVENT [NAME]' ]]
	run_status 100 rk-rouket --nothing
	run_status 100 rk-rouket operand
}

@test "settings: a .env of the original; false, 0 and nothing are no" {
	cat >.env <<-END
	SERVER_PROTOCOL=http
	SERVER_HOST="${CORE#http://}"
	SERVER_PORT=
	CLIENT_PORT=0
	CLIENT_SECURE=false
	CLIENT_QUEUE=default
	SSL_KEY=/none
	LOG_STATUS=0
	DEV_MODE=true
	END
	start_ready router rk-rouket
	wait_lines router 1
	port=$(grep -om 1 '[0-9]*$' router.out)
	client one 2 websocket good-e e
	wait_for core_channel example.channel 1
	broadcast example.channel example_event '{"a":1}'
	wait_for says one '["example.channel",{"a":1}]'
	sed -i 's/SECURE=.*/SECURE=true/' .env
	run_status 100 rk-rouket
	[[ $stderr == *'SSL_CERT: : cannot be read' ]]
	sed -i 's/PORT=0/PORT=no/; s/SECURE=true/SECURE=""/' .env
	run_status 100 rk-rouket
	[[ $stderr == *'port: no: not a number'* ]]
}

@test "settings: CLIENT_SECURE is TLS, with the original's keys" {
	local tls=$TESTS/fixtures/tls/localhost

	export CLIENT_SECURE=true SSL_CERT=$tls.crt SSL_KEY=$tls.key
	serve
	curl -sf --cacert "$tls.crt" \
		"https://localhost:$port/socket.io/?EIO=4&transport=polling" |
		grep -q '"sid"'
}

arguments() {	# NAME: those of a part
	tr '\0' ' ' </proc/"$(part "$1")"/cmdline
}

@test "each option is one of the part that it is for" {
	local tls=$TESTS/fixtures/tls/localhost.crt

	serve --origin http://a.example --max-per-address 5 --max-conns 9 \
		--trust-proxy ::1 --ca "$tls" --insecure -v
	for option in '--origin http://a.example' '--max-per-address 5' \
		'--max-conns 9' '--trust-proxy ::1' '-v'; do
		[[ $(arguments rk-listen) == *" $option "* ]]
	done
	[[ $(arguments rk-route) == *' -v '* ]]
	for option in '--dials 9' "--ca $tls" --insecure -v; do
		[[ $(arguments rk-client) == *" $option "* ]]
	done
}

# VERSION TRANSPORTS: the one route of the original, and a renamed one.
public() {
	serve
	client one "$1" "$2" good-p 7
	wait_for core_channel example.channel 1
	wait_for core_channel news 1
	broadcast example.channel example_event '{"a":1.5,"b":["é",{"c":[]}]}'
	wait_for says one '["example.channel",{"a":1.5,"b":["é",{"c":[]}]}]'
	post_event news 'App\Events\ArticlePublished' '{"id":1}'
	wait_for says one '["headlines",{"id":1}]'
	post_event example.channel other_event '{"x":1}'
	broadcast example.channel example_event '"last"'
	wait_for says one '["example.channel","last"]'
	run ! grep -q '"x"' one.out
}

@test "a public route, socket.io-client 2, polling" { public 2 polling; }
@test "a public route, socket.io-client 2, WebSocket" { public 2 websocket; }
@test "a public route, socket.io-client 2, the upgrade" {
	public 2 polling,websocket
}
@test "a public route, socket.io-client 3" { public 3 polling,websocket; }
@test "a public route, socket.io-client 4" { public 4 polling,websocket; }

@test "one connection to the core for each client, with its token" {
	serve
	user one
	told "Bearer good-$user private-orders.$user 200"
	core_conns 1
}

@test "a private route: the channel and the event have the user's id" {
	serve
	user one
	broadcast "private-orders.$user" shipped '{"id":1}'
	wait_for says one "[\"orders.$user\",{\"id\":1}]"
}

@test "what is private goes to its user, and nobody else" {
	serve
	user one
	client two 4 websocket good-other other
	wait_for core_channel private-orders.other 1
	broadcast private-orders.other shipped '{"id":2}'
	wait_for says two '["orders.other",{"id":2}]'
	broadcast "private-orders.$user" shipped '{"id":3}'
	wait_for says one "[\"orders.$user\",{\"id\":3}]"
	run ! grep -q '"id":2' one.out
	run ! grep -q '"id":3' two.out
}

@test "a user id is a number or a string" {
	serve
	client one 4 websocket
	feed one '["set_connection",{"token":"good-42","user":42}]'
	wait_for core_channel private-orders.42 1
	broadcast private-orders.42 shipped '{}'
	wait_for says one '["orders.42",{}]'
	client two 4 websocket
	feed two '["set_connection",{"token":"good-a b","user":"a b"}]'
	wait_for told 'Bearer good-a b private-orders.a b 200'
}

# Member NAME of the presence channel; an event of its own is "typing".
member() {
	client "$1" "$2" "$3" "good-$4" "$4"
	wait_line "$1" '["presence:subscribed","presence-room"'
}

@test "presence: who is there, who comes, who leaves, what is said" {
	printf '%s\n' 'presence room .chat' \
		'presence room .client-typing typing' >>routes
	serve
	member one 2 websocket 1
	member two 3 polling two
	wait_line one '["presence:joining","presence-room",{"user_id":"two"'
	broadcast presence-room chat '{"text":"hi"}'
	wait_for says one '["room",{"text":"hi"}]'
	wait_for says two '["room",{"text":"hi"}]'
	member again 4 websocket two
	feed two '["client event",{"channel":"presence-room","event":"client-typing","data":{"n":1.5}}]' \
		'["client event",{"channel":"presence-none","event":"client-typing","data":{"none":1}}]' \
		'["client event",1]'
	wait_for says one '["typing",{"n":1.5}]'
	wait_for says again '["typing",{"n":1.5}]'
	wait_for says two '["router_error",{"code":"bad_request"}]'
	feed_end again
	wait_for core_conns 2
	feed_end two
	wait_line one '["presence:leaving","presence-room",{"user_id":"two"'
	assert_eq "$(grep -c presence:joining one.out)" 1
	assert_eq "$(grep -c presence:leaving one.out)" 1
	run ! grep -q '"none"' one.out
	run ! grep -q typing two.out
}

@test "a client that leaves takes its connection with it" {
	serve
	client one 4 polling,websocket good-l l
	client two 2 polling good-m m
	wait_for core_conns 2
	feed_end one
	wait_for core_conns 1
	feed_end two
	wait_for core_conns 0
}

@test "a client that leaves before set_connection, or is killed" {
	serve
	client one 2 websocket
	feed_end one
	ended one
	client two 4 websocket good-k k
	wait_for core_conns 1
	kill -KILL "$(pid_of two)"
	wait_for core_conns 0
	user three
}

@test "a set_connection that is none is answered with router_error" {
	serve
	client one 2 websocket
	feed one '["set_connection"]' '["set_connection",null]' \
		'["set_connection",{}]' '["set_connection",{"token":"t"}]' \
		'["set_connection",{"user":1}]' \
		'["set_connection",{"token":[],"user":1}]' \
		'["set_connection",{"token":"a\r\nb: c","user":1}]' \
		'["set_connection",{"token":"t","user":{"a":1}}]' \
		'["set_connection",[{"token":"t"}],2]' '["other",1]'
	wait_lines one 10
	assert_eq "$(sort one.out | uniq -c | tr -s ' ')" \
		' 9 ["router_error",{"code":"bad_request"}]
 1 connect'
	core_conns 0
	feed one '["set_connection",{"token":"good-r","user":"r"}]'
	wait_for core_channel private-orders.r 1
}

@test "a second set_connection replaces the first" {
	serve
	user one
	feed one '["set_connection",{"token":"good-s","user":"s"}]'
	wait_for core_channel private-orders.s 1
	wait_for core_channel "private-orders.$user" 0
	wait_for core_conns 1
	for i in {1..20}; do
		feed one '["set_connection",{"token":"good-s","user":"s"}]'
	done
	feed one '["set_connection",{"token":"good-t","user":"t"}]'
	wait_for core_channel private-orders.t 1
	wait_for core_channel private-orders.s 0
	wait_for core_conns 1
	broadcast private-orders.s shipped '{"id":0}'
	broadcast private-orders.t shipped '{"id":1}'
	broadcast private-orders.t shipped '"last"'
	wait_for says one '["orders.t","last"]'
	assert_eq "$(grep -c '"id":1' one.out)" 1
	run ! grep -q '"id":0' one.out
	run ! grep -q upstream_down one.out
}

@test "a bad token is told to the client" {
	echo 'presence room .chat' >>routes
	serve
	client one 4 websocket bad 7
	for channel in private-orders.7 presence-room; do
		wait_for says one "[\"router_error\",{\"code\":\"subscription_error\",\"channel\":\"$channel\",\"status\":403}]"
	done
	broadcast private-orders.7 shipped '{"secret":1}'
	wait_for core_channel example.channel 1
	broadcast example.channel example_event '{"a":1}'
	wait_for says one '["example.channel",{"a":1}]'
	run ! grep -q secret one.out
}

# ---- what dies, and comes back

@test "no core at all: the client stays, is told once, and gets it later" {
	laravel_start
	stop core 143 || :
	serve
	client one 4 websocket good-n n
	wait_line one '"upstream_down"'
	core_start
	wait_for core_channel private-orders.n 1
	broadcast private-orders.n shipped '{"id":1}'
	wait_for says one '["orders.n",{"id":1}]'
	assert_eq "$(grep -c upstream_down one.out)" 1
}

another() {	# NAME PID
	local pid

	pid=$(part "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]
}

killed() {	# NAME: and another one is there
	local pid

	wait_for another "$1" 0
	pid=$(part "$1")
	kill -KILL "$pid"
	wait_for another "$1" "$pid"
}

@test "kill -9 of rk-client, of rk-route: told, and dialled again" {
	serve
	two_users
	restored killed rk-client
	heard first
	restored killed rk-route
	heard last
	unharmed
}

core_dies() {
	local lines

	lines=$(wc -l <one.out)
	kill -KILL "$(pid_of core)"
	wait_for since one "$lines" '"upstream_down"'
	killed rk-client
	killed rk-route
	core_start
}

@test "the core dies and comes back, and so do rk-client and rk-route" {
	local i

	laravel_start
	serve
	two_users
	for ((i = ${RK_LONG:+20}; i >= 0; i--)); do
		restored core_dies
		heard "after $i"
	done
	unharmed
}
