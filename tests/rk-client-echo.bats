# SPDX-License-Identifier: ISC
# shellcheck disable=SC2119,SC2120 # hear takes options, or none
#
# rk-client --echo: against a real laravel-echo-server with its Redis, and an
# HTTP server in the role of Laravel.  Each test has channels of its own.
#
# asan: long

load lib
load laravel

setup_file() { RK_SLOW=$((${RK_SLOW:-1} * 3)) laravel_start; }
teardown_file() { stop_all; }

# The core and its accounts are slow beside other suites.
setup() {
	export RK_SLOW=$((${RK_SLOW:-1} * 3))
	cd "$RK_TEST" || return
	n=$BATS_TEST_NUMBER
}

teardown() { stop_all; }

# NAME USER [OPTION...]: a client that goes on.
hear() {
	start_ready "$1" rk-client --echo --bearer "good-$2" --no-input \
		"${@:3}" "$CORE"
}

@test "a public channel: what comes through Redis and HTTP, as it was" {
	hear client 1 --subscribe "news.$n"
	wait_for core_channel "news.$n" 1
	broadcast "news.$n" 'App\Events\Shipped' '{"a":[1,"é"],"b":null}'
	wait_lines client 1
	post_event "news.$n" headline '{"c":"d"}'
	wait_lines client 2
	assert_eq "$(cat client.out)" \
'{"type":"message","channel":"news.'"$n"'","event":"App\\Events\\Shipped","data":{"a":[1,"é"],"b":null}}
{"type":"message","channel":"news.'"$n"'","event":"headline","data":{"c":"d"}}'
	stop client
	wait_for core_channel "news.$n" 0
}

@test "a private channel, and its subscription" {
	echo "good-$n" >token
	start client rk-client --echo --bearer @token --no-input \
		--subscribe "private-orders.$n" --expect '.data == 1' "$CORE"
	wait_for core_channel "private-orders.$n" 1
	wait_for told "Bearer good-$n private-orders.$n 200"
	broadcast "private-orders.$n" shipped 1
	ended client
}

@test "a token that is not good: subscription_error, with its status" {
	run_status 0 rk-client --echo --bearer bad --no-input --count 1 \
		--subscribe "private-orders.$n" "$CORE"
	assert_eq "$output" '{"type":"message","channel":"private-orders.'"$n"\
'","event":"subscription_error","data":403}'
	told "Bearer bad private-orders.$n 403"
}

@test "--auth is the auth of each subscription" {
	run_status 0 rk-client --echo --no-input --count 1 \
		--auth '{"headers":{"Authorization":"Bearer good-ann"}}' \
		--subscribe "presence-room.$n" "$CORE"
	told "Bearer good-ann presence-room.$n 200"
}

@test "presence: who is there, who comes, who leaves" {
	local room=presence-room.$n

	hear ann ann --subscribe "$room"
	wait_line ann '"event":"presence:subscribed"'
	hear bob bob --subscribe "$room"
	wait_line bob '"event":"presence:subscribed"'
	assert_eq "$(jq -c '[.data[].user_id]' bob.out)" '["bob","ann"]'
	wait_line ann '"event":"presence:joining","data":{"user_id":"bob"'
	stop bob
	wait_line ann '"event":"presence:leaving","data":{"user_id":"bob"'
	stop ann
}

@test "whispers reach the others in the channel" {
	local room=presence-whisper.$n

	hear ann ann --subscribe "$room"
	wait_line ann '"presence:subscribed"'
	run_status 0 rk-client --echo --bearer good-bob --subscribe "$room" \
		--expect '.event == "presence:subscribed"' --channel "$room" \
		--emit client-typing --send '{"k": 1.0}' --send text \
		--emit not-a-whisper --send 0 "$CORE"
	wait_line ann '"presence:leaving"'
	assert_eq "$(jq -c 'select(.event | startswith("client-")) |
		[.channel, .event, .data]' ann.out)" \
'["'"$room"'","client-typing",{"k":1}]
["'"$room"'","client-typing","text"]'
	run ! grep -q not-a-whisper ann.out
	run ! grep -q client- <<<"$output"
	stop ann
	run_status 100 rk-client --echo --channel "$room" --send 0 "$CORE"
}

@test "--unsubscribe: the channel is left, and heard no more" {
	hear client 1 --subscribe "a.$n" --subscribe "b.$n" \
		--expect '.data == 1' --unsubscribe "a.$n" --expect '.data == 3'
	wait_for core_channel "a.$n" 1
	wait_for core_channel "b.$n" 1
	broadcast "a.$n" e 1
	wait_for core_channel "a.$n" 0
	broadcast "a.$n" e 2
	broadcast "b.$n" e 3
	ended client
	assert_eq "$(jq .data client.out)" $'1\n3'
}

# A core of its own, which dies.
@test "subscribed again after each reconnect, but not to what was left" {
	RK_SLOW=$((RK_SLOW / 3)) laravel_start
	hear client "$n" --reconnect=300ms --timeout 0 \
		--subscribe "private-orders.$n" --subscribe "x.$n" \
		--expect '.data == 1' --unsubscribe "x.$n" \
		--subscribe "y.$n" --expect '.data == 4'
	wait_for core_channel "x.$n" 1
	wait_for core_channel "private-orders.$n" 1
	broadcast "x.$n" e 1
	for i in 2 3; do
		wait_for core_channel "y.$n" 1
		kill -KILL "$(pid_of core)"
		ended core 137
		core_start
		wait_for core_channel "private-orders.$n" 1
		wait_for core_channel "y.$n" 1
		core_channel "x.$n" 0
		broadcast "private-orders.$n" e "$i"
		wait_line client '"data":'"$i"
	done
	broadcast "y.$n" e 4
	ended client
	assert_eq "$(jq .data client.out)" $'1\n2\n3\n4'
}
