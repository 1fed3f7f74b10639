#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-robots: usage; conversations with npm ws (tests/fixtures/robots/*.talk);
# packages by curl, from the request to the robot and the files.

load lib

setup() {
	cd "$RK_TEST" || return
	export TZ=UTC
}

teardown() {
	stop_all
}

serve() {
	start_ready robots rk-robots -p 0 "$@"
	wait_lines robots 1
	port=$(grep -om 1 '[0-9]*$' robots.out)
}

talk() {
	node "$TESTS/clients/talk.js" "ws://localhost:$port" \
		"$TESTS/fixtures/robots/$1.talk"
}

# NAME ADDRESS [KEY]: a robot, registered, in the dialect of this key.
robot() {
	start_ready "$1" rk-client "ws://localhost:$port/api/robots/connect"
	feed "$1" '{"'"${3-event}"'":"client robot metaData","value":{"robotName":"'"$1"'","robotAddress":"'"$2"'"}}'
	wait_for grep -rqsF "\"robotAddress\":\"$2\"" ServerLogs
}

# PACKAGE ADDRESS DATE TIME [JQ]: the body of a trigger, changed.
body() {
	jq -nc --arg p "$1" --arg a "$2" --arg d "$3" --arg t "$4" '
		{Package: {package_name: $p, path: "x/\($p).std"},
		Robot: {robot_name: "n", robot_address: $a},
		Schedule: {date: $d, time: $t}} | '"${5-.}"
}

# URL [CURL OPTION...]: the answer, and its status behind it.
ask() {
	local path=$1

	shift
	curl -s -m 30 -w ' %{http_code}' "$@" "http://localhost:$port$path"
}

post() {
	ask /pkg -d "$(body "$@")"
}

# PACKAGE ADDRESS: due now.
post_now() {
	post "$1" "$2" "$(date -u +%F)" "$(date -u +%T)"
}

# ID: its status.
status_of() {
	curl -s -m 30 "http://localhost:$port/jobs" |
		jq -r ".[] | select(.id == $1).status"
}

status_is() {
	[ "$(status_of "$1")" = "$2" ]
}

sent='Server sent package to scheduler 200'

# --- usage -----------------------------------------------------------------

@test "usage: --help and --version" {
	run_status 0 rk-robots --help
	[[ $output == 'usage: rk-robots '* ]]
	run_status 0 rk-robots --version
	[[ $output =~ ^rk-robots\ [0-9.]+$ ]]
}

@test "usage: what is wrong is said, and is 100" {
	run_status 100 rk-robots --late=perhaps
	[[ $stderr == 'rk-robots: --late: perhaps: '* ]]
	run_status 100 rk-robots --offline=never
	run_status 100 rk-robots --tries=0
	run_status 100 rk-robots --block=x
	run_status 100 rk-robots operand
}

# --- robots ------------------------------------------------------------------

@test "metadata in both dialects; the old socket is replaced; garbage" {
	serve
	talk robots
	grep -rq 'Unregistered robot sending logs' ServerLogs
	curl -sf "http://localhost:$port/healthz"
}

@test "--block: so many refused metadata close a robot" {
	serve --block 3
	talk block
}

@test "metadata and a log line in one burst; a name is one file" {
	serve
	start_ready r rk-client "ws://localhost:$port/"
	feed r '{"event":"client robot metaData","value":"{\"robotName\":\"N 1\",\"robotAddress\":\"aa\",\"userID\":7}"}' \
		'{"event":"client robot message","value":{"a":[1,{"b":null}]}}'
	wait_for grep -qs 'Message Received Date' 'ClientLogs/N 1'
	sed -i -e 's/: .*\.[0-9]*$/: S/' -e 's/\(Date\]: \).*/\1D/' 'ClientLogs/N 1'
	assert_eq "$(cat 'ClientLogs/N 1')" '[Machine-name]: N 1
[Machine Connected from socket-id]: S
[Message-Content]: {"a":[1,{"b":null}]}
[Message Received Date]: D'
	assert_eq "$(head -n 1 ServerLogs/*.txt)" '-----SERVER-LOGS-----'
}

# --- packages ----------------------------------------------------------------

@test "a package goes to its robot at its time, once, and to no other" {
	serve --utc
	robot one aa
	robot two bb
	assert_eq "$(post_now p1 aa)" "$sent"
	wait_line one '{"event":"notification","value":{"package_name":"p1","path":"x/p1.std"}}'
	wait_for status_is 1 Executed
	assert_eq "$(cat packages/p1_1)" \
		'{"Package":{"package_name":"p1","path":"x/p1.std"},"JobID":1}'
	assert_eq "$(wc -l <one.out)" 1
	[ ! -s two.out ]
	grep -q 'Sending Package: p1 to Client: ' ServerLogs/*.txt
}

@test "the other dialect gets its package as a string, by the other path" {
	serve --utc
	robot one aa _event
	assert_eq "$(ask /api/robots/package \
		-d "$(body p aa "$(date -u +%F)" "$(date -u +%T)")")" "$sent"
	wait_line one '{"_event":"notification","value":"{\"package_name\":\"p\",\"path\":\"x/p.std\"}"}'
}

@test "each of the six that is missing is told; without --compat it is 400" {
	local part alert='{"Alert":"Package missing required data"}'

	serve
	for part in .Package.package_name .Package.path .Robot.robot_name \
		.Robot.robot_address .Schedule.date .Schedule.time; do
		assert_eq "$(post p aa 1-1 1:1 "del($part)")" "$alert 400"
		assert_eq "$(post p aa 1-1 1:1 "$part = \"\"")" "$alert 400"
	done
	stop robots
	serve --compat
	assert_eq "$(post p aa 1-1 1:1 'del(.Robot.robot_name)')" "$alert 200"
	assert_eq "$(post p aa 1-1 1:1 'del(.Robot)')" \
		'{"Alert":"Package hasn'\''t been received successfully"} 200'
}

@test "what is malformed is no job: sections, dates, names" {
	local alert='{"Alert":"Package hasn'\''t been received successfully"} 400'
	local bad

	serve
	for bad in 'del(.Package)' '.Schedule = 1' '[]' 'null' '"x"' \
		'.Package.package_name = "../p"' '.Package.package_name = ".."' \
		'.Package.package_name = "a\u0000b"' '.Package.path = {"a":{}}' \
		'.Package.package_name = ("x" * 181)' \
		'.Robot.robot_address = "a\nb"' '.Schedule.date = "31-4"' \
		'.Schedule.date = "2026-13-01"' '.Schedule.date = "undefined-7"' \
		'.Schedule.time = "25:00"' '.Schedule.time = 5'
	do
		assert_eq "$(post p aa 1-1 1:1 "$bad")" "$alert"
	done
	assert_eq "$(ask /pkg -d 'no json')" "$alert"
	assert_eq "$(ask /jobs)" '[] 200'
	[ ! -e packages ]
}

@test "dates and times of every form, whatever the weekday" {
	serve
	assert_eq "$(post p aa 15-7 1:2:3)" "$sent"
	assert_eq "$(post p aa 05-07 01:02)" "$sent"
	assert_eq "$(post p aa 2999-07-15 1:2)" "$sent"
	assert_eq "$(curl -s "http://localhost:$port/api/jobs/get/all" |
		jq -c 'map(.at / 1000 | strftime("%m-%d %T"))')" \
		'["07-15 01:02:03","07-05 01:02:00","07-15 01:02:00"]'
}

@test "force and cancel: every answer" {
	local no_force='{"Alert":"Failed to force job"} 500'
	local no_cancel='{"Alert":"Failed to cancel job"} 500'

	serve
	robot one aa
	post p1 aa 2999-01-01 1:1
	post p2 aa 2999-01-01 1:1
	assert_eq "$(ask /jobs/force/1)" \
		'{"Job":"1","Status":"Forced to be executed successfully"} 200'
	wait_line one '"package_name":"p1"'
	wait_for status_is 1 Executed
	assert_eq "$(ask /jobs/force/1)" "$no_force"
	assert_eq "$(ask /api/jobs/cancel/2)" \
		'{"Job":"2","Status":"Cancelled Job successfully"} 200'
	assert_eq "$(ask /jobs/cancel/2)" "$no_cancel"
	assert_eq "$(ask /api/jobs/force/2)" "$no_force"
	assert_eq "$(ask /jobs/force/99)" "$no_force"
	assert_eq "$(ask /jobs/cancel/x)" "$no_cancel"
	assert_eq "$(ask /jobs/else)" '{"Error":"there is nothing here"} 404'
	status_is 2 Cancelled
	assert_eq "$(wc -l <one.out)" 1
}

@test "a robot that is not there: the job failed, or is tried again" {
	serve --utc
	post_now p aa
	wait_for status_is 1 Failed
	grep -q 'Error-Message: the robot is not connected' ServerLogs/*.txt
	stop robots
	serve --utc --offline retry --tries 1000 --pause 100ms
	post_now q aa
	robot one aa
	wait_line one '"package_name":"q"'
	wait_for status_is 2 Executed
}

@test "what a robot declines is sent again, so many times" {
	serve --utc --tries 2 --pause 10ms
	robot one aa
	post_now p aa
	wait_lines one 1
	wait_for status_is 1 Executed
	feed one '{"event":"decline pkg reception","value":"p"}'
	wait_lines one 2
	wait_for status_is 1 Executed
	feed one '{"event":"Decline pkg reception","value":"p"}'
	wait_for status_is 1 Failed
	assert_eq "$(wc -l <one.out)" 2
}

@test "kill -9: jobs that wait are there, and sent" {
	serve
	post p aa 2999-01-01 1:1
	kill -KILL "$(pid_of robots)"
	ended robots 137
	serve
	robot one aa
	wait_for status_is 1 Pending
	ask /jobs/force/1
	wait_line one '"package_name":"p"'
}
