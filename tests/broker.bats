#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr is set by run_status
#
# What a broker and the network before it may do, and what of it the bridge
# survives or reports: the table FAULTS of rk-amqp-bridge(1).  A fault meets
# all three at once: a consumer, a publisher that is told what was accepted,
# and declarations.
#
# asan: long

load lib
load names
load rabbitmq

setup_file() {
	rabbit_start
}

teardown_file() {
	rabbit_stop
}

setup() {
	export AMQP_URL=$RABBIT_URL
	# a name of its own for each test's queues: $q is consumed, $t is
	# where publish frames go
	q=q$BATS_TEST_NUMBER t=to$BATS_TEST_NUMBER
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

peer() {
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/amqp.js" "$@"
}

said() {
	grep -qF -e "$1" "$RK_TEST/bridge.err"
}

# The network in between: $AMQP_URL goes through it from here on.
relay() {
	start relay node "$TESTS/clients/relay.js" "$@"
	wait_lines relay 1
	AMQP_URL=amqp://127.0.0.1:$(head -n 1 relay.out)
}

# What happens in the network, when it has happened.
network() {
	local lines

	lines=$(wc -l <relay.out)
	feed relay "$1"
	wait_lines relay $((lines + 1))
}

# The bridge between both queues, with a router that writes to "routed".
up() {
	start_ready bridge rk-amqp-bridge --reconnect 500ms -s b.sock \
		--queue "$q" --consume "$q" \
		--queue "$t" --exchange "x$t:fanout" --bind "x$t::$t" \
		--publish "x$t" "$@" \
		-- node "$TESTS/clients/router.js" "$RK_TEST/routed"
}

# --- what goes through ------------------------------------------------------

send() {	# JSON ...: into the queue that is consumed
	printf '%s\n' "$@" | jq -Rc '{body: @base64}' | peer put '' "$q"
}

publish() {	# FROM TO: numbers, by the publisher "put"
	local i

	for ((i = $1; i <= $2; i++)); do
		feed put "{\"type\":\"publish\",\"data\":$i}"
	done
}

delivered() {
	jq -r 'select(.type == "delivery" and (.data | type) == "number") |
		.data' routed
}

delivered_all() {
	[ "$(delivered | sort -nu | wc -l)" -eq "$1" ]
}

times_delivered() {
	[ "$(jq -s 'map(select(.type == "delivery")) | length' routed)" -eq "$1" ]
}

release() {	# what the router holds
	kill -USR1 "$(pgrep -P "$(pid_of bridge)")"
}

# How the broker was, from when it was there first.
states() {
	jq -r 'select(.type == "link" and .name == "broker") | .state' \
		routed | uniq | sed '1{/down/d}' | tr '\n' ' '
}

stats() {	# NAME
	rk-publish -s b.sock --type stats >stats.out
	jq ".data.amqp_$1_total" stats.out
}

# That is what became of it, to the last change.
went() {
	[ "$(states)" = "$1 " ]
}

# What was accepted before, during and after a fault: all of it is there, in
# its order but for repeats, and what a frame declares is, too.
survives() {
	start put rk-publish -s b.sock --frames
	send {1..50}
	publish 1 50
	"$@"
	publish 51 100
	feed put "{\"type\":\"declare\",\"queue\":\"new$q\"}"
	feed_end put
	send {51..100}
	wait_for gone "$(pid_of put)"
	ended put
	wait_for delivered_all 100
	delivered | awk '!seen[$0]++' | cmp - <(seq 100)
	peer get "$t" "$(rabbit_queue "$t" messages)" |
		jq -r '.body | @base64d' | awk '!seen[$0]++' | cmp - <(seq 100)
	wait_for rabbit_queue_is "$q" messages 0
	rabbit_queue_is "new$q" messages 0
}

# --- connections -------------------------------------------------------------

restart() {
	rabbit_stop
	wait_for said 'Connection refused'
	rabbit_start
}

@test "the broker is restarted" {
	up
	survives restart
	said ": 320 CONNECTION_FORCED - broker forced connection closure"
	went 'up down up'
	[ "$(stats connects)" -ge 4 ]
	[ "$(stats losses)" -ge 4 ]
}

@test "connections are reset" {
	relay "$RABBIT_PORT"
	up
	survives network reset
	said ': Connection reset by peer'
	went 'up down up'
}

reset_one() {
	network "reset $1"
	wait_for said ': Connection reset by peer'
	wait_for went 'up down up'
}

@test "one of both connections is reset" {
	relay "$RABBIT_PORT"
	up
	survives reset_one 1
}

@test "the other of both connections is reset" {
	relay "$RABBIT_PORT"
	up
	survives reset_one 2
}

close_each() {
	local pid went=up

	wait_for rabbit_connections 2
	for pid in $(rabbit_ctl list_connections pid); do
		rabbit_ctl close_connection "$pid" 'a reason'
		went+=" down up"
		wait_for went "$went"
	done
}

@test "an operator closes connections, one after the other" {
	up
	survives close_each
	[ "$(grep -c ': 320 CONNECTION_FORCED - a reason' bridge.err)" -eq 2 ]
}

stall() {
	network stall
	wait_for said 'silent for two heartbeats of 1 s'
	# who accepts and says nothing is no broker either
	wait_for said 'no answer in time: the greeting'
	network go
}

@test "the network is silent both ways, and nothing is closed" {
	relay "$RABBIT_PORT"
	AMQP_URL+="?heartbeat=1&connection_timeout=500"
	up
	survives stall
	went 'up down up'
}

# --- what the broker takes away ---------------------------------------------

delete_queue() {
	wait_for rabbit_queue_is "$q" messages 1
	rabbit_ctl delete_queue "$q" >/dev/null
	wait_for said "$q: 404 cancelled by the broker"
	wait_for rabbit_queue_is "$q" consumers 1
}

@test "a queue of ours is deleted" {
	up
	send '{"hold":1}'
	survives delete_queue
	# it was of the old queue: nobody complains
	send '{"release":1}'
	wait_for rabbit_queue_is "$q" messages 0
	[ "$(stats stops)" -eq 1 ]
	[ "$(stats losses)" -eq 0 ]
}

# That of the publish frames, with its binding.
delete_exchange() {
	wait_for rabbit_queue_is "$t" messages 50
	rabbit_ctl eval "rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>,
		exchange, <<\"x$t\">>), false, <<\"test\">>)." >/dev/null
}

@test "an exchange of ours is deleted" {
	up
	survives delete_exchange
	said "x$t: 404 deleted"
	went 'up down up'
	[ "$(stats refused)" -eq 0 ]
	[ "$(stats losses)" -eq 0 ]
}

@test "a peer that accepts and never speaks is asked again" {
	local said='no answer in time: the greeting'

	relay
	AMQP_URL+="?connection_timeout=200"
	start bridge rk-amqp-bridge --reconnect 300ms --consume "$q"
	wait_for eval '[ "$(grep -c "'"$said"'" bridge.err)" -ge 3 ]'
	stop bridge
}

# --- what the broker says no to ----------------------------------------------

# In the background, with a router, whatever the broker says.
try() {
	start bridge rk-amqp-bridge --reconnect 300ms -s b.sock \
		--queue "$q" --consume "$q" --queue "$t" --publish ":$t" "$@" \
		-- node "$TESTS/clients/router.js" "$RK_TEST/routed"
}

said_times() {	# N TEXT
	[ "$(grep -cF -e "$2" bridge.err)" -ge "$1" ]
}

@test "a wrong password is reported, and tried until it is right" {
	rabbit_ctl add_user known first-password >/dev/null
	rabbit_ctl set_permissions known '.*' '.*' '.*' >/dev/null
	AMQP_URL=amqp://known:second-password@127.0.0.1:$RABBIT_PORT
	try -v -v
	wait_for said_times 3 "amqp://127.0.0.1:$RABBIT_PORT/: 403 ACCESS_REFUSED"
	# what waits meanwhile is told nothing else
	start put rk-publish -s b.sock --type publish 1
	rabbit_ctl change_password known second-password >/dev/null
	ended put
	wait_for went up
	run ! grep -q password bridge.err routed
	rabbit_ctl delete_user known >/dev/null
	wait_for went 'up down'
}

@test "a vhost that is not there yet, and one that is deleted" {
	AMQP_URL=$RABBIT_URL/new
	try
	wait_for said_times 3 'new: 530 NOT_ALLOWED - vhost new not found'
	rabbit_ctl add_vhost new >/dev/null
	rabbit_ctl set_permissions -p new guest '.*' '.*' '.*' >/dev/null
	wait_for went up
	rabbit_ctl delete_vhost new >/dev/null
	wait_for went 'up down'
	said "new: 320 CONNECTION_FORCED - vhost 'new' is deleted"
	stop bridge
}

allow() {	# CONFIGURE WRITE READ
	rabbit_ctl set_permissions limited "$@" >/dev/null
}

@test "rights that are taken away cost what needs them, and no more" {
	rabbit_ctl add_user limited secret >/dev/null
	allow '.*' '.*' '.*'
	AMQP_URL=amqp://limited:secret@127.0.0.1:$RABBIT_PORT up
	allow 'no' 'no' '.*'
	run_status 1 rk-publish -s b.sock --type publish 1
	[[ $stderr == *"refused: 403 ACCESS_REFUSED - access to exchange"* ]]
	run_status 1 rk-publish -s b.sock --frames \
		<<<'{"type":"declare","queue":"other"}'
	[[ $stderr == *"refused: 403 ACCESS_REFUSED - access to queue 'other'"* ]]
	allow '.*' '.*' '.*'
	send 1
	wait_for delivered_all 1
	rk-publish -s b.sock --type publish 1
	went up
}

# Settings of the broker that count from the next connection or channel on.
broker_has() {
	rabbit_ctl eval "$(printf 'application:set_env(rabbit, %s), ' \
		"${@/=/, }")ok." >/dev/null
}

timed_out() {
	[ "$(cat "$RABBIT_DIR"/log/*.log |
		grep -c 'operation none caused .*timed out')" -ge "$1" ]
}

@test "a delivery that nobody settles in time comes again" {
	broker_has consumer_timeout=500 channel_tick_interval=500
	up
	broker_has consumer_timeout=1800000
	send '{"hold":1}' 2
	wait_for times_delivered 2
	# it says so twice to who does not answer at once
	kill -STOP "$(pid_of bridge)"
	wait_for timed_out 2
	kill -CONT "$(pid_of bridge)"
	wait_for said "$q: 406 PRECONDITION_FAILED - delivery acknowledgement"
	# but once, as the new channel has the longer time
	wait_for times_delivered 3
	broker_has channel_tick_interval=60000
	send '{"release":1}'
	wait_for rabbit_queue_is "$q" messages 0
	[ "$(stats stops)" -eq 1 ]
	[ "$(stats losses)" -eq 0 ]
	went 'up down up'
}

@test "frames and channels as few as the broker likes" {
	broker_has frame_max=4096 channel_max=2
	up
	head -c 100000 /dev/zero | tr '\0' x >long
	rk-publish -s b.sock --type publish --text - <long
	wait_for rabbit_queue_is "$t" messages 1
	[ "$(peer get "$t" | jq -r .body | base64 -d | cksum)" = \
		"$(cksum <long)" ]
	run_status 1 rk-publish -s b.sock --frames < <(printf \
		'{"type":"publish","data":1,"headers":{"h":"%s"}}' "$(<long)")
	[[ $stderr == *'refused: headers too large'* ]]
	run_status 1 rk-publish -s b.sock --frames \
		<<<"{\"type\":\"consume\",\"queue\":\"$t\"}"
	[[ $stderr == *'refused: too many consumers'* ]]
	# fewer still: it stays away, and says why
	broker_has channel_max=1
	rabbit_break
	wait_for said 'too few channels for us'
	broker_has frame_max=1024
	wait_for said 'frames too small to work with'
	# none: as many as we like
	broker_has frame_max=0 channel_max=0
	wait_for went 'up down up'
	survives true
	broker_has frame_max=131072 channel_max=2047
}

# --- what only takes time -----------------------------------------------------

memory='{resource_limit, memory, node()}'

past() {
	[ "$SECONDS" -ge "$1" ]
}

# Half a minute of it, or as long as four heartbeats.
short_of_memory() {
	local until=$((SECONDS + ${RK_LONG:+25} + 5))

	rabbit_ctl eval "rabbit_alarm:set_alarm({$memory, []})." >/dev/null
	publish 51 51
	wait_for said 'takes no messages: low on memory'
	# what is held goes, and what stands behind it comes
	release
	wait_for delivered_all 50
	wait_for -t 60 past "$until"
	[ "$(rabbit_queue "$t" messages)" -eq 50 ]
	rabbit_ctl eval "rabbit_alarm:clear_alarm($memory)." >/dev/null
	wait_for said 'takes messages again'
}

@test "a broker short of memory takes nothing, and goes on delivering" {
	AMQP_URL+='?heartbeat=1'
	up --prefetch 1
	send '{"hold":1}'
	survives short_of_memory
	went up
	[ "$(stats blocks)" -eq 1 ]
	[ "$(stats losses)" -eq 0 ]
}

@test "TERM while the broker takes nothing is the end, too" {
	up
	rabbit_ctl eval "rabbit_alarm:set_alarm({$memory, []})." >/dev/null
	start put rk-publish -s b.sock --type publish 1
	wait_for said 'takes no messages: low on memory'
	stop bridge
	rabbit_ctl eval "rabbit_alarm:clear_alarm($memory)." >/dev/null
	ended put 111
}

@test "slow name resolution is given up, and stops nothing else" {
	slow_names
	AMQP_URL="amqp://slow.example:$RABBIT_PORT?connection_timeout=300"
	ASAN_OPTIONS=$SLOW_ASAN LD_PRELOAD=$RK_TEST/slow.so try
	wait_for said_times 3 'no answer in time: name resolution'
	[ "$(stats losses)" -ge 3 ]
	stop bridge
}

# --- what is kept meanwhile ---------------------------------------------------

@test "breaks without end do not pile up deliveries that nobody settles" {
	relay "$RABBIT_PORT"
	up --prefetch 4
	send '{"hold":1}' '{"hold":2}' '{"hold":3}' '{"hold":4}' '{"hold":5}'
	wait_for times_delivered 4
	for i in 1 2 3; do
		network reset
		wait_for said_times "$i" 'Connection reset by peer'
		# it is back: what was put in there is out of the broker's hands
		rk-publish -s b.sock --type publish "$i"
	done
	times_delivered 4
	wait_for rabbit_queue_is "$q" messages_unacknowledged 0
	release
	wait_for times_delivered 8
	release
	wait_for times_delivered 9
	release
	wait_for rabbit_queue_is "$q" messages 0
}
