#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr is set by run_status

load lib
load rabbitmq

setup_file() {
	rabbit_start
}

teardown_file() {
	rabbit_stop
}

setup() {
	export AMQP_URL=$RABBIT_URL
	# a name of its own for each test's queue
	q=q$BATS_TEST_NUMBER
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

peer() {
	node "$TESTS/clients/amqp.js" "$@"
}

# The bridge in the background, ready; up [NAME] [ARG ...]
up() {
	start_ready bridge rk-amqp-bridge --reconnect 500ms "$@"
}

# Frames of a type that the bridge wrote.
wrote() {
	jq -c "select(.type == \"$1\")" "$RK_TEST/bridge.out"
}

wrote_n() {
	[ "$(wrote "$1" | wc -l)" -ge "$2" ]
}

said() {
	grep -qF -e "$1" "$RK_TEST/bridge.err"
}

# --- usage -----------------------------------------------------------------

@test "--help lists the options, --version says which" {
	run_status 0 rk-amqp-bridge --help
	[[ $output == 'usage: rk-amqp-bridge '*--piped=N* ]]
	run_status 0 rk-amqp-bridge --version
	[[ $output == 'rk-amqp-bridge '[0-9]* ]]
}

@test "wrong options and values are refused" {
	run_status 100 rk-amqp-bridge --no-such-option
	run_status 100 rk-amqp-bridge operand
	run_status 100 rk-amqp-bridge --prefetch 0
	run_status 100 rk-amqp-bridge --prefetch 65536
	run_status 100 rk-amqp-bridge --piped 0
	run_status 100 rk-amqp-bridge --piped 1 --piped 2
	run_status 100 rk-amqp-bridge --consume ''
	run_status 100 rk-amqp-bridge --consume q --consume q
	run_status 100 rk-amqp-bridge --unroutable maybe
	run_status 100 rk-amqp-bridge --queue q:permanent
	run_status 100 rk-amqp-bridge --queue 'q::[1'
	run_status 100 rk-amqp-bridge --queue 'q::[1]'
	run_status 100 rk-amqp-bridge --queue ''
	run_status 100 rk-amqp-bridge --exchange :fanout
	run_status 100 rk-amqp-bridge --bind x:y
	run_status 100 rk-amqp-bridge --reconnect soon
}

@test "a URL is checked, and its password is nowhere to be seen" {
	run_status 100 rk-amqp-bridge --url http://localhost
	run_status 100 rk-amqp-bridge --url amqps://localhost
	[[ $stderr == *'amqps: not supported yet'* ]]
	run_status 100 rk-amqp-bridge --url 'amqp://u:secret@host:port'
	[[ $stderr != *secret* ]]
	run_status 111 rk-amqp-bridge --once --consume q \
		--url "amqp://guest:secret@127.0.0.1:$RABBIT_PORT"
	[[ $stderr == *'everybody can see a password'* ]]
	[[ $stderr == *'403 ACCESS_REFUSED'* ]]
	[[ $stderr != *secret* ]]
	AMQP_URL=nonsense run_status 100 rk-amqp-bridge
	[[ $stderr == 'rk-amqp-bridge: AMQP_URL: '* ]]
}

@test "--once ends with 111 when there is no broker" {
	local port

	port=$(free_ports 1)
	run_status 111 rk-amqp-bridge --once --consume q \
		--url "amqp://127.0.0.1:$port"
	[[ $stderr == *"amqp://127.0.0.1:$port/: Connection refused"* ]]
	run_status 111 rk-amqp-bridge --once --consume q \
		--url amqp://no-such-host.invalid
	[[ $stderr == *'no-such-host.invalid: '* ]]
	run_status 111 rk-amqp-bridge --once --consume q \
		--url "$RABBIT_URL/nowhere"
	[[ $stderr == *'530 NOT_ALLOWED - vhost nowhere not found'* ]]
}

@test "who is no broker, or says nothing, is given up in time" {
	local port

	start other socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork \
		SYSTEM:'read -r line; echo HTTP/1.0 400 Bad request'
	wait_for grep -q 'listening on' other.err
	port=$(sed -n 's/.*listening on.*:\([0-9]*\)$/\1/p' other.err)
	run_status 111 rk-amqp-bridge --once --consume q \
		--url "amqp://127.0.0.1:$port?connection_timeout=300"
	[[ $stderr == *'no answer in time: the greeting'* ]]
}

# --- topology --------------------------------------------------------------

exchanges() {
	rabbit_ctl list_exchanges name type durable auto_delete internal \
		arguments | grep "$1" | sort
}

queues() {
	rabbit_ctl list_queues name durable auto_delete exclusive arguments |
		grep "$1" | sort
}

bindings() {
	rabbit_ctl list_bindings source_name source_kind destination_name \
		destination_kind routing_key arguments | grep "$1" | sort
}

@test "--piped declares what a Piped node does, and nothing else" {
	local tab=$'\t'

	up --piped 7
	assert_eq "$(exchanges '^exchange-')" "$(printf '%s\n' \
		"exchange-in-7${tab}fanout${tab}true${tab}false${tab}false${tab}[]" \
		"exchange-mass${tab}fanout${tab}true${tab}false${tab}false${tab}[]" \
		"exchange-out-7${tab}fanout${tab}true${tab}false${tab}false${tab}[]")"
	assert_eq "$(queues '^queue-.*-7')" "$(printf '%s\n' \
		"queue-in-7${tab}true${tab}false${tab}false${tab}[]" \
		"queue-out-7${tab}true${tab}false${tab}false${tab}[]")"
	assert_eq "$(bindings '^exchange-.*-7')" "$(printf '%s\n' \
"exchange-in-7${tab}exchange${tab}queue-in-7${tab}queue${tab}${tab}[]" \
"exchange-mass${tab}exchange${tab}exchange-in-7${tab}exchange${tab}${tab}[]" \
"exchange-out-7${tab}exchange${tab}queue-out-7${tab}queue${tab}${tab}[]")"
	peer piped 7
}

@test "--piped comes to a broker where a Piped node was first" {
	peer piped 8
	up --piped 8
	peer fill exchange-mass '' 1
	wait_for wrote_n delivery 1
	assert_json_eq "$(wrote delivery | jq .data)" '{"i":1}'
}

@test "--piped takes its names from the environment" {
	RABBIT_PREFIX_EXCHANGE_IN=xi- RABBIT_PREFIX_EXCHANGE_OUT=xo- \
	RABBIT_PREFIX_QUEUE_IN=qi- RABBIT_PREFIX_QUEUE_OUT=qo- \
	RABBIT_MASS_EXHANGE_NAME=all up --piped 3
	feed bridge '{"type":"publish","data":"out"}'
	wait_for rabbit_queue_is qo-3 messages 1
	peer fill all '' 1
	wait_for wrote_n delivery 1
	[ "$(wrote delivery | jq -r .queue)" = qi-3 ]
	[ "$(exchanges '^x[io]-3' | wc -l)" -eq 2 ]
}

@test "a second node of the same number takes nothing, and takes over" {
	up --piped 9
	start second rk-amqp-bridge --piped 9 --reconnect 500ms
	wait_for grep -q "queue-in-9: 403 ACCESS_REFUSED.*exclusive" second.err
	peer fill exchange-in-9 '' 50
	wait_for wrote_n delivery 50
	run_status 111 rk-amqp-bridge --piped 9 --once
	stop bridge
	wait_line second '"state":"up"'
	[ "$(grep -c '"delivery"' second.out)" -eq 0 ]
}

@test "a Piped node that is there keeps its queue" {
	peer piped 10
	start node node "$TESTS/clients/amqp.js" hold queue-in-10
	wait_line node consuming
	start bridge rk-amqp-bridge --piped 10 --reconnect 500ms
	wait_for said '403 ACCESS_REFUSED'
	peer fill exchange-in-10 '' 20
	wait_lines node 21
}

@test "options declare exchanges, queues and bindings" {
	local tab=$'\t'

	up --exchange "x$q" --exchange "t$q:topic:transient,internal" \
		--queue "$q:transient,auto-delete" \
		--queue "d$q::{\"x-message-ttl\":60000}" \
		--bind "x$q:a:b:$q" --bind-exchange "x$q::t$q"
	assert_eq "$(exchanges "$q\s")" "$(printf '%s\n' \
		"t$q${tab}topic${tab}false${tab}false${tab}true${tab}[]" \
		"x$q${tab}direct${tab}true${tab}false${tab}false${tab}[]")"
	assert_eq "$(queues "$q\s" | sed 's/\[.*x-.*60000.*/ttl/')" \
		"$(printf '%s\n' "d$q${tab}true${tab}false${tab}false${tab}ttl" \
		"$q${tab}false${tab}true${tab}false${tab}[]")"
	assert_eq "$(bindings "^x$q" | cut -f 3,5)" "$(printf '%s\n' \
		"$q${tab}a:b" "t$q$tab")"
}

@test "frames declare, bind, unbind and consume, each with its answer" {
	up
	feed bridge \
		"{\"type\":\"declare\",\"exchange\":\"x$q\",\"options\":{\"type\":\"topic\"},\"ref\":1}" \
		"{\"type\":\"declare\",\"queue\":\"$q\",\"options\":{\"durable\":false},\"arguments\":{\"x-max-length\":9},\"ref\":2}" \
		"{\"type\":\"bind\",\"exchange\":\"x$q\",\"queue\":\"$q\",\"key\":\"a.*\",\"ref\":3}" \
		"{\"type\":\"bind\",\"exchange\":\"x$q\",\"queue\":\"$q\",\"key\":\"b\",\"ref\":4}" \
		"{\"type\":\"consume\",\"queue\":\"$q\",\"options\":{\"prefetch\":5},\"ref\":{\"n\":5}}" \
		"{\"type\":\"unbind\",\"exchange\":\"x$q\",\"queue\":\"$q\",\"key\":\"b\",\"ref\":6}"
	wait_for wrote_n done 6
	assert_eq "$(wrote done | jq -c .ref | sort)" \
		"$(printf '%s\n' 1 2 3 4 6 '{"n":5}')"
	assert_eq "$(bindings "^x$q" | cut -f 5)" 'a.*'
	feed bridge "{\"type\":\"publish\",\"exchange\":\"x$q\",\"key\":\"a.b\",\"data\":17}"
	wait_for wrote_n delivery 1
}

@test "what the broker refuses is answered, and the rest goes on" {
	up --queue "$q"
	feed bridge \
		"{\"type\":\"declare\",\"queue\":\"$q\",\"options\":{\"durable\":false},\"ref\":1}" \
		'{"type":"bind","exchange":"nowhere","queue":"nothing","ref":2}' \
		'{"type":"consume","queue":"nothing","ref":3}' \
		"{\"type\":\"declare\",\"exchange\":\"x$q\",\"options\":{\"type\":\"nonsense\"},\"ref\":4}" \
		"{\"type\":\"declare\",\"exchange\":\"y$q\",\"ref\":5}"
	wait_for wrote_n error 4
	wait_for wrote_n done 1
	assert_eq "$(wrote error | jq -c '[.ref, .code]' | sort)" \
		"$(printf '%s\n' '[1,406]' '[2,404]' '[3,404]' '[4,503]')"
	[ "$(wrote done | jq .ref)" = 5 ]
}

@test "malformed commands are answered with a reason" {
	up
	feed bridge '{"type":"declare","ref":1}' \
		'{"type":"declare","exchange":"a","queue":"b","ref":2}' \
		'{"type":"bind","exchange":"a","ref":3}' \
		'{"type":"consume","queue":"a\u0000b","ref":4}' \
		'{"type":"consume","queue":"a","options":{"prefetch":0},"ref":5}' \
		'{"type":"declare","queue":"a","arguments":{"x":1e999},"ref":6}' \
		'{"type":"publish","data":1,"ref":7}' \
		'{"type":"publish","exchange":"","ref":8}' \
		'{"type":"publish","exchange":"","data":1,"text":"","ref":9}' \
		'{"type":"publish","exchange":"","base64":"?","ref":10}' \
		'{"type":"publish","exchange":"","data":1,"headers":[],"ref":11}' \
		'{"type":"publish","exchange":"","data":1,"properties":{"x":1},"ref":12}' \
		'{"type":"publish","exchange":"","data":1,"properties":{"priority":256},"ref":13}' \
		'{"type":"publish","exchange":"","data":1,"policy":"maybe","ref":14}' \
		'{"type":"no-such-thing"}' 'no frame'
	wait_for wrote_n error 16
	[ "$(wrote error | jq -c 'select(.ref) | .ref' | wc -l)" -eq 14 ]
	stop bridge
}

@test "what clashes is tried again until it stands" {
	up --queue "$q"
	start other rk-amqp-bridge --queue "$q:transient" --consume "$q" \
		--reconnect 500ms
	wait_for grep -q "$q: 406 PRECONDITION_FAILED" other.err
	rabbit_ctl delete_queue "$q"
	wait_line other '"state":"up"'
}
