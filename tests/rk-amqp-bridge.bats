#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-amqp-bridge: its options, its topology, what it publishes and consumes,
# with a real RabbitMQ.
# shellcheck disable=SC2154 # stderr is set by run_status
#
# asan: long

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

# The bridge with a router as its co-process, whose frames are in "routed".
routed() {
	start_ready bridge rk-amqp-bridge --reconnect 500ms -s b.sock "$@" \
		-- node "$TESTS/clients/router.js" "$RK_TEST/routed"
}

deliveries() {
	jq -c "select(.type == \"delivery\") | ${1:-.data}" "$RK_TEST/routed"
}

delivered() {
	[ "$(deliveries | wc -l)" -ge "$1" ]
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
	run_status 100 rk-amqp-bridge --url amqp://localhost --ca /dev/null
	[[ $stderr == *'--ca, --cert and --key are for amqps://'* ]]
	run_status 100 rk-amqp-bridge --url amqps://localhost --cert /dev/null
	[[ $stderr == *'a certificate and a key go together'* ]]
	run_status 100 rk-amqp-bridge --url amqps://localhost --ca /dev/null
	[[ $stderr == *'/dev/null: holds no certificate in PEM'* ]]
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
		--url "amqp://127.0.0.1:$port?connection_timeout=2000"
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
	wait_for wrote_n 'done' 6
	assert_eq "$(wrote 'done' | jq -c .ref | sort)" \
		"$(printf '%s\n' 1 2 3 4 6 '{"n":5}')"
	assert_eq "$(bindings "^x$q" | cut -f 5)" 'a.*'
	feed bridge "{\"type\":\"publish\",\"exchange\":\"x$q\",\"key\":\"a.b\",\"data\":17}"
	wait_for wrote_n delivery 1
}

@test "what is declared is there for what comes behind it" {
	up
	for i in {1..50}; do
		printf '%s\n' \
			"{\"type\":\"declare\",\"queue\":\"$q-$i\"}" \
			"{\"type\":\"publish\",\"exchange\":\"\",\"key\":\"$q-$i\",\"data\":$i,\"ref\":$i}" \
			"{\"type\":\"consume\",\"queue\":\"$q-$i\"}"
	done >frames
	feed bridge "$(<frames)"
	wait_for wrote_n delivery 50
	wait_for wrote_n 'done' 50
	[ "$(wrote returned | wc -l)" -eq 0 ]
	[ "$(wrote error | wc -l)" -eq 0 ]
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
	wait_for wrote_n 'done' 1
	assert_eq "$(wrote error | jq -c '[.ref, .code]' | sort)" \
		"$(printf '%s\n' '[1,406]' '[2,404]' '[3,404]' '[4,503]')"
	[ "$(wrote 'done' | jq .ref)" = 5 ]
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

# --- publishing ------------------------------------------------------------

# Frames go in as a source's, so that 0 says that the broker confirmed them.
put() {
	printf '%s\n' "$@" | rk-publish -s b.sock --frames
}

@test "a publish is settled when the broker confirmed it" {
	up -s b.sock --queue "$q" --publish ":$q"
	put '{"type":"publish","data":{"id":1}}'
	run_status 0 peer get "$q"
	assert_json_eq "$(jq -c .properties <<<"$output" |
		sed 's/"[a-z0-9]\{13\}-1"/"BOOT-1"/')" '{
		"contentType":"application/json","deliveryMode":2,
		"messageId":"BOOT-1"}'
	[ "$(jq -r .body <<<"$output" | base64 -d)" = '{"id":1}' ]
}

@test "payloads leave byte for byte" {
	up -s b.sock --queue "$q" --publish ":$q"
	cat >frames <<-'END'
	{"type":"publish","data":{"b":1.0,"a":9007199254740993,"a":-0,"e":1e400}}
	{"type":"publish","data": [ 1 , 2 ]}
	{"type":"publish","data":null}
	{"type":"publish","text":"line\nnext \u00e9 \ud83d\ude00 \u0000"}
	{"type":"publish","text":""}
	{"type":"publish","base64":"AAH//gA="}
	END
	rk-publish -s b.sock --frames <frames
	run_status 0 peer get "$q" 6
	assert_eq "$(jq -r .body <<<"$output")" "$(printf '%s\n' \
		"$(printf '{"b":1.0,"a":9007199254740993,"a":-0,"e":1e400}' |
			base64 -w0)" \
		"$(printf '[ 1 , 2 ]' | base64 -w0)" \
		"$(printf null | base64 -w0)" \
		"$(printf 'line\nnext \u00e9 \U1f600 \0' | base64 -w0)" \
		'' 'AAH//gA=')"
	assert_eq "$(jq -r .properties.contentType <<<"$output")" \
		"$(printf '%s\n' application/json application/json \
		application/json null null null)"
}

@test "payloads arrive byte for byte" {
	printf '%s\n' '{"b":1.0,"a":9007199254740993,"a":-0,"e":1e400}' \
		'[ 1 , 2 ]' null '"x' '' >bodies
	up --queue "$q" --consume "$q"
	{
		while IFS= read -r body; do
			printf '{"body":"%s"}\n' "$(printf %s "$body" | base64 -w0)"
		done <bodies
		printf '{"body":"%s"}\n' "$(printf 'a\0b\r\n\xc3\xa9' | base64)" \
			"$(printf '\xff\xfe' | base64)"
	} | peer put '' "$q"
	wait_for wrote_n delivery 7
	assert_eq "$(grep delivery bridge.out |
		sed 's/.*"key":"[^"]*",\("properties":{[^}]*},\)*//')" "$(cat <<-'END'
		"data":{"b":1.0,"a":9007199254740993,"a":-0,"e":1e400}}
		"data":[ 1 , 2 ]}
		"data":null}
		"text":"\"x"}
		"text":""}
		"text":"a\u0000b\r\né"}
		"base64":"//4="}
		END
	)"
}

@test "each delivery has its own exchange, key and queue" {
	up --exchange "x$q:fanout" --queue "$q" --queue "o$q" \
		--bind "x$q::$q" --consume "$q" --consume "o$q"
	jq -c . >want <<-END
		["x$q", "a", "$q"] ["x$q", "a", "$q"] ["x$q", "\"", "$q"]
		["", "$q", "$q"] ["x$q", "é", "$q"] ["", "o$q", "o$q"]
		["x$q", "a", "$q"]
	END
	feed bridge "$(jq -c '{type: "publish", exchange: .[0], key: .[1],
		data: 0}' want)"
	wait_for wrote_n delivery 7
	assert_eq "$(wrote delivery | jq -c '[.exchange, .key, .queue]' | sort)" \
		"$(sort want)"
}

@test "a payload at the bound goes through, one byte more does not" {
	up -s b.sock --max 100000 --queue "$q" --publish ":$q"
	body() {
		head -c "$1" /dev/zero | tr '\0' x
	}
	put "{\"type\":\"publish\",\"text\":\"$(body 99998)\"}"
	run_status 1 put "{\"type\":\"publish\",\"text\":\"$(body 100001)\"}"
	[[ $stderr == *'too large'* ]]
	run_status 0 peer get "$q"
	[ "$(jq -r .body <<<"$output" | base64 -d | wc -c)" -eq 99998 ]
}

@test "1 MiB goes out and comes in" {
	routed --queue "$q" --publish ":$q"
	{
		printf '{"type":"publish","data":"'
		head -c 1048574 /dev/zero | tr '\0' x
		printf '"}\n'
	} | rk-publish -s b.sock --frames
	put "{\"type\":\"consume\",\"queue\":\"$q\"}"
	wait_for delivered 1
	[ "$(jq -j 'select(.type == "delivery") | .data' routed | wc -c)" \
		-eq 1048574 ]
}

@test "properties and headers, both ways" {
	local properties='{"content_type":"a/b","content_encoding":"c",'\
'"delivery_mode":1,"priority":9,"correlation_id":"d","reply_to":"e",'\
'"expiration":"60000","message_id":"f","timestamp":1700000000,"type":"g",'\
'"user_id":"guest","app_id":"h","cluster_id":"i"}'
	local headers='{"s":"text é","i":-5,"l":9007199254740993,"d":1.5,'\
'"one":1.0,"t":true,"f":false,"n":null,"o":{"a":{"b":[]}},'\
'"a":[1,"x",{"y":2}],"b":{"$base64":"AAH/"},'\
'"time":{"$timestamp":1700000000},"dec":{"$decimal":"12.50"}}'

	routed --queue "$q" --publish ":$q"
	put "{\"type\":\"publish\",\"properties\":$properties,\"headers\":$headers,\"data\":1}"
	put "{\"type\":\"consume\",\"queue\":\"$q\"}"
	wait_for delivered 1
	assert_eq "$(grep delivery routed |
		sed 's/.*"headers":\(.*\),"prop.*/\1/')" "$headers"
	assert_eq "$(grep delivery routed |
		sed 's/.*"properties":\(.*\),"data.*/\1/')" "$properties"
}

@test "headers of another client are understood" {
	up --queue "$q" --consume "$q"
	peer put '' "$q" <<-'END'
	{"body":"","options":{"headers":{"i":5,"big":5000000000,"d":0.5,"o":{"k":[true,null]},"t":{"!":"timestamp","value":17},"by":{"!":"byte","value":-3},"s":{"!":"short","value":-300},"f":{"!":"float","value":0.25}},"contentType":"x","userId":"guest"}}
	END
	wait_for wrote_n delivery 1
	assert_json_eq "$(wrote delivery | jq .headers)" '{"i":5,
		"big":5000000000,"d":0.5,"o":{"k":[true,null]},
		"t":{"$timestamp":17},"by":-3,"s":-300,"f":0.25}'
	assert_json_eq "$(wrote delivery | jq .properties)" \
		'{"content_type":"x","user_id":"guest"}'
}

@test "the frame's exchange and key win over --publish" {
	up -s b.sock --queue "$q" --queue "b$q" --exchange "x$q" \
		--bind "x$q:k:$q" --bind "x$q::b$q" --publish "x$q:k"
	put '{"type":"publish","data":1}' \
		"{\"type\":\"publish\",\"exchange\":\"x$q\",\"data\":2}" \
		'{"type":"publish","key":"","data":3}'
	wait_for rabbit_queue_is "$q" messages 1
	wait_for rabbit_queue_is "b$q" messages 2
}

@test "what finds no queue is returned, refused or dropped" {
	up -s b.sock --exchange "x$q"
	put "{\"type\":\"publish\",\"exchange\":\"x$q\",\"key\":\"k\",\"text\":\"hm\",\"headers\":{\"h\":1},\"ref\":[7]}"
	run_status 1 put "{\"type\":\"publish\",\"exchange\":\"x$q\",\"data\":1,\"policy\":\"refuse\"}"
	[[ $stderr == *'no queue for it'* ]]
	put "{\"type\":\"publish\",\"exchange\":\"x$q\",\"data\":1,\"policy\":\"drop\"}"
	stop bridge
	start_ready bridge rk-amqp-bridge -s b.sock --unroutable drop
	put "{\"type\":\"publish\",\"exchange\":\"x$q\",\"data\":1}"
}

@test "a returned message comes to who published it" {
	up --exchange "x$q"
	feed bridge "{\"type\":\"publish\",\"exchange\":\"x$q\",\"key\":\"k\",\"text\":\"hm\",\"headers\":{\"h\":1},\"properties\":{\"message_id\":\"me\"},\"ref\":[7]}"
	wait_for wrote_n 'done' 1
	assert_json_eq "$(wrote returned)" "{\"type\":\"returned\",\"ref\":[7],
		\"why\":\"312 NO_ROUTE\",\"exchange\":\"x$q\",\"key\":\"k\",
		\"headers\":{\"h\":1},\"properties\":{\"message_id\":\"me\",
		\"delivery_mode\":2},\"text\":\"hm\"}"
}

# The numbers that all messages of a queue hold, in order, each message_id
# once.
taken_ids() {
	peer get "$1" "$(rabbit_queue "$1" messages)" >got
	jq -rs 'unique_by(.properties.messageId)[].body | @base64d' got |
		sort -n
}

@test "an exchange that is not there refuses its own messages only" {
	up -s b.sock --queue "$q"
	for i in {1..300}; do
		printf '{"type":"publish","exchange":"","key":"%s","data":%d}\n' \
			"$q" "$i"
		[ $((i % 100)) -ne 50 ] ||
			echo '{"type":"publish","exchange":"nowhere","data":0}'
	done >frames
	run_status 1 rk-publish -s b.sock --frames <frames
	[ "$(grep -c "refused: 404 NOT_FOUND - no exchange 'nowhere'" \
		<<<"$stderr")" -eq 3 ]
	# those before it may have come twice, with the same message_id
	assert_eq "$(taken_ids "$q")" "$(seq 300)"
}

@test "a message that the broker refuses is found among many" {
	up -s b.sock --queue "$q"
	for i in {1..100}; do
		printf '{"type":"publish","exchange":"","key":"%s","data":%d}\n' \
			"$q" "$i"
		[ $((i % 50)) -ne 25 ] || printf '{"type":"publish","exchange":"",
			"key":"%s","data":0,"properties":{"expiration":"soon"}}' "$q" |
			tr -d '\n\t'
		[ $((i % 50)) -ne 25 ] || echo
	done >frames
	run_status 1 rk-publish -s b.sock --frames <frames
	[ "$(grep -c 'refused: 406 PRECONDITION_FAILED - invalid expiration' \
		<<<"$stderr")" -eq 2 ]
	put "{\"type\":\"publish\",\"exchange\":\"\",\"key\":\"$q\",\"data\":101}"
	assert_eq "$(taken_ids "$q")" "$(seq 101)"
}

# --- consuming -------------------------------------------------------------

send() {	# JSON ...: to the queue
	printf '%s\n' "$@" | jq -Rc '{body: @base64}' | peer put '' "$q"
}

@test "a delivery is acknowledged when its frame is settled" {
	routed --queue "$q" --consume "$q"
	send 1 '{"hold":1}' 2 3
	wait_for delivered 4
	# one that is held up holds up nobody else
	wait_for rabbit_queue_is "$q" messages 1
	send '{"release":1}'
	wait_for rabbit_queue_is "$q" messages 0
}

@test "a refused delivery is rejected and dead-lettered" {
	routed --queue "dead$q" --consume "$q" \
		--queue "$q::{\"x-dead-letter-exchange\":\"\",\"x-dead-letter-routing-key\":\"dead$q\"}"
	send 1 '{"refuse":"no"}' '{"hold":1}' '{"refuse":"never"}' 2
	wait_for rabbit_queue_is "dead$q" messages 2
	wait_for rabbit_queue_is "$q" messages 1
	send '{"release":1}'
	wait_for rabbit_queue_is "$q" messages 0
	run_status 0 peer get "dead$q" 2
	[ "$(jq -r '.properties.headers["x-death"][0].reason' \
		<<<"$output" | sort -u)" = rejected ]
}

@test "the headers of a dead letter are JSON" {
	routed --queue "$q::{\"x-dead-letter-exchange\":\"\",\"x-dead-letter-routing-key\":\"dead$q\"}" \
		--queue "dead$q" --consume "$q" --consume "dead$q"
	send '{"refuse":"no"}'
	wait_for delivered 2
	deliveries .headers | jq -e '."x-death"[0] |
		.count == 1 and (.time."$timestamp" > 1700000000)' >judged || {
			tail -1 routed; false; }
}

@test "no more than --prefetch are unsettled" {
	routed --queue "$q" --consume "$q" --prefetch 3
	send '{"hold":1}' '{"hold":2}' '{"hold":3}' 4 5
	wait_for delivered 3
	wait_for rabbit_queue_is "$q" messages_unacknowledged 3
	[ "$(rabbit_queue "$q" messages_ready)" -eq 2 ]
	[ "$(deliveries | wc -l)" -eq 3 ]
}

@test "in a plain pipeline what is written is acknowledged, one by one, too" {
	up --queue "$q" --consume "$q" --prefetch 1
	send 1 2 3 4 5 6
	wait_for wrote_n delivery 6
	wait_for rabbit_queue_is "$q" messages 0
}

@test "a message too large is rejected, counted and said" {
	start_ready bridge rk-amqp-bridge --max 1000 --queue "$q" \
		--consume "$q"
	{
		printf '{"body":"%s"}\n' "$(head -c 200000 /dev/zero | base64 -w0)"
		printf '{"body":"%s"}\n' "$(printf 17 | base64)"
	} | peer put '' "$q"
	wait_for wrote_n delivery 1
	assert_json_eq "$(wrote drop)" '{"type":"drop",
		"why":"it is too large","frames":1,"bytes":200000}'
	wait_for rabbit_queue_is "$q" messages 0
	said "$q: a message is rejected: it is too large"
}

@test "what rules make of a delivery carries their identity" {
	routed --queue "$q" --consume "$q" --queue "to$q"
	send "{\"say\":[{\"type\":\"publish\",\"exchange\":\"\",\"key\":\"to$q\",\"data\":1}]}"
	wait_for rabbit_queue_is "to$q" messages 1
	run_status 0 peer get "to$q"
	seq=$(jq 'select(.type == "delivery") | .seq' routed)
	[ "$(jq -r .properties.messageId <<<"$output")" = \
		"theroutersown-$seq-1" ]
}

@test "20,000 messages: none lost, in order, in little memory" {
	routed --queue "$q" --consume "$q"
	seq 20000 | sed "s/.*/{\"type\":\"publish\",\"exchange\":\"\",\"key\":\"$q\",\"data\":&}/" |
		rk-publish -s b.sock --frames
	wait_for delivered 20000
	assert_eq "$(deliveries | cksum)" "$(seq 20000 | cksum)"
	wait_for rabbit_queue_is "$q" messages 0
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$(pid_of bridge)/status")" \
		-lt $((40000 * RK_SLOW)) ]
}

# --- breaks ----------------------------------------------------------------

@test "connections that break come back, nothing is lost" {
	up -s b.sock --queue "$q" --publish ":$q"
	seq 3000 | sed 's/.*/{"type":"publish","data":&}/' |
		while IFS= read -r line; do
			printf '%s\n' "$line"
			case $line in
			*1000\} | *2000\}) rabbit_break >/dev/null ;;
			esac
		done | rk-publish -s b.sock --frames
	said '320 CONNECTION_FORCED - a test'
	assert_eq "$(taken_ids "$q")" "$(seq 3000)"
	# in order, when repeats are left out
	jq -r '.body | @base64d' got | awk '!seen[$0]++' >firsts
	assert_eq "$(cksum <firsts)" "$(seq 3000 | cksum)"
}

@test "the rules are told how the broker is" {
	up --queue "$q" --consume "$q"
	wait_for wrote_n link 1
	rabbit_break
	wait_for wrote_n link 3
	assert_eq "$(wrote link | head -3)" "$(printf '%s\n' \
		'{"type":"link","name":"broker","state":"up"}' \
		'{"type":"link","name":"broker","state":"down"}' \
		'{"type":"link","name":"broker","state":"up"}')"
}

@test "a broker that is killed: what waits is bounded, nothing is lost" {
	up --window 64k --queue "$q" --publish ":$q"
	feed bridge '{"type":"publish","data":0}'
	wait_for rabbit_queue_is "$q" messages 1
	rabbit_kill
	wait_for wrote_n link 2
	seq 3000 | sed "s/.*/{\"type\":\"publish\",\"data\":&}/" \
		>&"${stdin_of[bridge]}" 3>&- &
	local feeder=$!
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$(pid_of bridge)/status")" \
		-lt $((20000 * RK_SLOW)) ]
	rabbit_start
	wait "$feeder"
	wait_for rabbit_queue_is "$q" messages 3001
	assert_eq "$(taken_ids "$q" | cksum)" "$(seq 0 3000 | cksum)"
}

@test "what was not settled comes again" {
	routed --queue "$q" --consume "$q"
	send '{"hold":1}' 2
	wait_for delivered 2
	wait_for rabbit_queue_is "$q" messages 1
	rabbit_break
	wait_for delivered 3
	assert_json_eq "$(deliveries 'select(.redelivered) | .data')" \
		'{"hold":1}'
	# the first delivery's tag means nothing any more
	send '{"first":1}'
	wait_for delivered 4
	wait_for rabbit_queue_is "$q" messages 1
	send '{"release":1}'
	wait_for rabbit_queue_is "$q" messages 0
}

@test "a queue that is deleted is declared and consumed again" {
	up --piped 21
	rabbit_ctl delete_queue queue-in-21 >/dev/null
	wait_for said 'queue-in-21: 404 cancelled by the broker'
	wait_for rabbit_queue_is queue-in-21 consumers 1
	peer fill exchange-mass '' 3
	wait_for wrote_n delivery 3
}

@test "what frames declared is declared again" {
	up
	feed bridge \
		"{\"type\":\"declare\",\"queue\":\"$q\",\"options\":{\"exclusive\":true}}" \
		"{\"type\":\"bind\",\"exchange\":\"amq.topic\",\"queue\":\"$q\",\"key\":\"a.#\"}" \
		"{\"type\":\"bind\",\"exchange\":\"amq.topic\",\"queue\":\"$q\",\"key\":\"b\"}" \
		"{\"type\":\"unbind\",\"exchange\":\"amq.topic\",\"queue\":\"$q\",\"key\":\"b\"}" \
		"{\"type\":\"consume\",\"queue\":\"$q\",\"ref\":1}"
	wait_for wrote_n 'done' 1
	rabbit_break
	wait_for wrote_n link 3
	peer fill amq.topic a.b 1
	wait_for wrote_n delivery 1
	assert_eq "$(bindings '^amq.topic' | cut -f 5)" 'a.#'
}

# TYPE FIRST STEP LAST: of these keys
each_key() {
	seq -f '%.0f' "$2" "$3" "$4" | sed "s/.*/{\"type\":\"$1\",\"exchange\":\"amq.topic\",\"queue\":\"$q\",\"key\":\"k&\",\"ref\":&}/"
}

@test "of many bindings, bound twice and some unbound, the rest is bound again" {
	up
	{
		echo "{\"type\":\"declare\",\"queue\":\"$q\",\"options\":{\"exclusive\":true}}"
		each_key bind 1 1 200
		each_key bind 1 1 200
		each_key unbind 1 2 199
		each_key unbind 1 2 199
		each_key bind 1 20 181
	} >frames
	feed bridge "$(<frames)"
	wait_for wrote_n 'done' 610
	rabbit_break
	wait_for wrote_n link 3
	assert_eq "$(bindings '^amq.topic' | cut -f 5 | grep -o '[0-9]*' |
		sort -n)" "$({ seq 2 2 200; seq 1 20 181; } | sort -n)"
	assert_eq "$(wrote error)" ''
}

@test "a broker that takes no messages goes on delivering" {
	routed --queue "$q" --consume "$q" --queue "to$q" --publish ":to$q"
	send 1 2 3
	wait_for delivered 3
	rabbit_ctl eval 'rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).' >/dev/null
	start put rk-publish -s b.sock --type publish '"waits"'
	wait_for said 'takes no messages: low on memory'
	send '{"say":[]}' 3>&- &
	rabbit_ctl eval 'rabbit_alarm:clear_alarm({resource_limit, memory, node()}).' >/dev/null
	wait_for said 'takes messages again'
	ended put
	wait_for rabbit_queue_is "to$q" messages 1
	wait $!
}

@test "a broker that is silent is left, and found again" {
	export AMQP_URL="$RABBIT_URL?heartbeat=1&connection_timeout=500"
	up -s b.sock --queue "$q" --publish ":$q"
	rabbit_freeze
	wait_for said 'silent for two heartbeats of 1 s'
	start put rk-publish -s b.sock --type publish 1
	rabbit_thaw
	ended put
	wait_for rabbit_queue_is "$q" messages 1
}

router_said() {
	grep -qF -e "$1" "$RK_TEST/route.err"
}

# It used no time since it was asked last.
idle() {
	local now

	now=$(cut -d ' ' -f 14,15 "/proc/$1/stat")
	[ "$now" = "${ticks-}" ] && return
	ticks=$now
	return 1
}

@test "a router that is killed: what is not published yet is its sender's again" {
	start_ready route rk-route --window 16m -e 'select(.type != "link")' \
		-- rk-amqp-bridge --window 16m --queue "$q" --publish ":$q"
	feed route '{"type":"publish","data":0}'
	wait_for rabbit_queue_is "$q" messages 1
	rabbit_freeze
	yes "{\"type\":\"publish\",\"data\":\"$(printf %04000d 0)\"}" |
		head -n 3500 >&"${stdin_of[route]}"
	bridge=$(pgrep -P "$(pid_of route)")
	wait_for idle "$(pid_of route)"
	wait_for idle "$bridge"
	kill -KILL "$(pid_of route)"
	wait_for router_said "messages are its sender's again"
	rabbit_thaw
	ended route 137
	wait_for gone "$bridge"
	[ "$(rabbit_queue "$q" messages)" -lt 3501 ]
}

# Bytes that the broker has from its clients.
heard() {
	rabbit_ctl list_connections recv_oct | awk '{ n += $1 } END { print n }'
}

beats() {
	[ "$(heard)" -ge "$1" ]
}

@test "an idle connection is kept by heartbeats" {
	export AMQP_URL="$RABBIT_URL?heartbeat=2"
	local before

	up --queue "$q"
	before=$(heard)
	# eight bytes each, a second apart; a broker gives up after four seconds
	wait_for beats $((before + 8 * 8))
	[ "$(wrote link | wc -l)" -eq 1 ]
}

# --- links and the end -----------------------------------------------------

@test "in a plain pipeline, others' frames are passed on" {
	up
	feed bridge '{"type":"send","user":"T","data":{"a":1.0}}' \
		'{"type":"link","name":"other","state":"up"}'
	wait_line bridge '{"type":"send","user":"T","data":{"a":1.0}}'
	wait_line bridge '{"type":"link","name":"other","state":"up"}'
}

@test "stats says what was counted" {
	routed --queue "$q" --consume "$q"
	send '{"say":[{"type":"stats","ref":7}]}' '{"hold":1}'
	wait_for grep -q '"type":"stats"' routed
	jq -es 'map(select(.type == "stats")) | first | .ref == 7 and
		.stage == "rk-amqp-bridge" and .data.amqp_up == 1 and
		.data.amqp_published_total == 0 and
		.data.amqp_deliveries_total >= 1 and
		.data.amqp_rejected_total == 0 and
		.data.link_frames_out_total.link.router > 0' routed
}

@test "on a tracked link they are refused" {
	up -s b.sock
	run_status 1 rk-publish -s b.sock --user T 1
	[[ $stderr == *'not for this station'* ]]
}

@test "the end of the input is the end, when all is confirmed" {
	for i in 1 2 3; do
		printf '{"type":"publish","data":%d}\n' "$i"
	done >frames
	run_status 0 rk-amqp-bridge --queue "$q" --publish ":$q" <frames
	rabbit_queue_is "$q" messages 3
	run_status 0 rk-amqp-bridge --queue "${q}b" </dev/null
	rabbit_queue_is "${q}b" messages 0
	printf '%s\n' '{"type":"publish","data":1}' '{"type":"publish"}' >frames
	run_status 1 rk-amqp-bridge --publish ":$q" <frames
	rabbit_queue_is "$q" messages 4
	run_status 1 rk-amqp-bridge <<<'no frame'
}

rude() {
	cat "$RABBIT_DIR"/log/*.log |
		awk '/client unexpectedly closed/ { n++ } END { print +n }'
}

@test "TERM says goodbye to the broker" {
	local before

	before=$(rude)
	up --queue "$q" --consume "$q"
	stop bridge
	wait_for rabbit_connections 0
	[ "$(rude)" -eq "$before" ]
}

@test "TERM: what is not settled comes to the next before what is later" {
	routed --queue "$q" --consume "$q" --exclusive
	printf '{"type":"publish","data":{"hold":%d}}\n' 1 2 |
		rk-amqp-bridge --publish ":$q"
	wait_for delivered 2
	kill -TERM "$(pid_of bridge)"
	start next rk-amqp-bridge --reconnect 100ms --consume "$q" --exclusive
	rk-amqp-bridge --publish ":$q" <<<'{"type":"publish","data":{"hold":3}}'
	wait_lines next 4
	assert_eq "$(jq 'select(.type == "delivery") | .data.hold' \
		"$RK_TEST/next.out" | tr '\n' ' ')" '1 2 3 '
	ended bridge
}

@test "--exclusive=QUEUE: of this one alone" {
	up --queue "$q" --consume "$q" --queue "$q.b" --consume "$q.b" \
		--exclusive="$q"
	run_status 111 rk-amqp-bridge --once --consume "$q"
	[[ $stderr == *403* ]]
	rk-amqp-bridge --consume "$q.b" -D 3 3>ready </dev/null &
	wait_for rabbit_queue_is "$q.b" consumers 2
	kill "$!"
	rabbit_queue_is "$q" consumers 1
}

@test "TERM while there is no broker is the end, too" {
	start bridge rk-amqp-bridge --url "amqp://127.0.0.1:$(free_ports 1)" \
		--consume q
	wait_for said 'Connection refused'
	stop bridge
}

@test "a reader that left ends it" {
	peer piped 30
	peer fill exchange-in-30 '' 2000
	rk-amqp-bridge --piped 30 | head -n 3 >few
	[ "${PIPESTATUS[0]}" -eq 0 ]
	wait_for rabbit_connections 0
	[ "$(rabbit_queue queue-in-30 messages)" -gt 0 ]
}
