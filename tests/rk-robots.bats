#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-robots: usage; conversations with npm ws (tests/fixtures/robots/*.talk);
# packages by curl, from the request to the robot and the files; who may come;
# what outlives kills; what is kept, and run again.
#
# asan: long

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
	start_ready "$1" rk-client -m 4m \
		"ws://localhost:$port/api/robots/connect"
	feed "$1" '{"'"${3-event}"'":"client robot metaData","value":{"robotName":"'"$1"'","robotAddress":"'"$2"'"}}'
	wait_for robot_is "$2" true
}

# ADDRESS: a robot that was there once.
known() {
	robot gone "$1"
	stop gone
	wait_for robot_is "$1" false
}

robot_is() {	# ADDRESS CONNECTED
	[ "$(curl -s -m 30 "http://localhost:$port/api/robots/get/address/$1" |
		jq .connected)" = "$2" ]
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
	run_status 100 rk-robots --service=other d
	run_status 100 rk-robots --service=s6
}

@test "usage: what a part finds wrong ends all, with 100" {
	run_status 100 rk-robots -p 0 --pause=x
	run_status 100 rk-robots -p 0 --keep=x
	echo nonsense >robots.db
	run_status 100 rk-robots -p 0
}

# --- robots ------------------------------------------------------------------

@test "metadata in both dialects; the old socket is replaced; garbage" {
	serve
	talk robots
	wait_for grep -rq 'Unregistered robot sending logs' ServerLogs
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
	wait_for test -s packages/p1_1
	assert_eq "$(cat packages/p1_1)" \
		'{"Package":{"package_name":"p1","path":"x/p1.std"},"JobID":1}'
	assert_eq "$(wc -l <one.out)" 1
	[ ! -s two.out ]
	wait_for grep -q 'Sending Package: p1 to Client: ' ServerLogs/*.txt
}

# In UTC, now and so many seconds.
soon() {
	date -u -d "@$(($(date +%s) + $1))" '+%F %T'
}

@test "a job comes by itself, not before its time and within a second" {
	local when at

	serve --utc
	start ws node "$TESTS/clients/arrivals.js" "ws://localhost:$port/" aa
	wait_for robot_is aa true
	when=$(soon 2)
	assert_eq "$(post p aa "${when% *}" "${when#* }")" "$sent"
	at=$(date -u -d "$when" +%s%3N)
	wait_line ws '"package_name":"p"'
	wait_for status_is 1 Executed
	# a loaded machine may be late; early it never is
	[ "$(cut -d ' ' -f 1 ws.out)" -ge "$at" ]
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
	known aa
	for bad in 'del(.Package)' '.Schedule = 1' '[]' 'null' '"x"' \
		'.Package.package_name = "../p"' '.Package.package_name = ".."' \
		'.Package.package_name = "a\u0000b"' '.Package.path = {"a":{}}' \
		'.Package.package_name = ("x" * 181)' \
		'.Package.package_name = "a/b"' '.Package.path = "a\u0000b"' \
		'.Package.path = ("x" * 4097)' '.Schedule.date = ("1" * 300)' \
		'.Robot.robot_address = "unknown"' \
		'.Robot.robot_address = "a\nb"' '.Schedule.date = "31-4"' \
		'.Schedule.date = "2026-13-01"' '.Schedule.date = "undefined-7"' \
		'.Schedule.time = "25:00"' '.Schedule.time = 5'
	do
		assert_eq "$(post p aa 1-1 1:1 "$bad")" "$alert"
	done
	assert_eq "$(ask /pkg -d 'no json')" "$alert"
	assert_eq "$(ask /jobs)" '[] 200'
	[ ! -e packages ]
	post p unknown 1-1 1:1 >answer
	stop robots
	serve --compat
	assert_eq "$(post p unknown 1-1 1:1)" "${alert% 400} 200"
}

@test "dates and times of every form, whatever the weekday" {
	serve
	known aa
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
	assert_eq "$(ask /jobs/else)" '{"Error":"there is no such thing"} 404'
	status_is 2 Cancelled
	assert_eq "$(wc -l <one.out)" 1
}

@test "a robot that is not there: the job failed, or is tried again" {
	serve --utc
	known aa
	post_now p aa
	wait_for status_is 1 Failed
	wait_for grep -q 'Error-Message: the robot is not connected' \
		ServerLogs/*.txt
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

# --- who may come ------------------------------------------------------------

@test "--auth: needed on anything but loopback" {
	local where

	for where in 0.0.0.0:0 '[::]:0' 192.0.2.1:0 127.x.example:0; do
		run_status 100 rk-robots -p "$where"
		[[ $stderr == *"not loopback, so --auth is needed" ]]
	done
	run_status 100 rk-robots --auth=none:x
	run_status 100 rk-robots --auth=token:none
	echo short >short
	run_status 100 rk-robots --auth=token:short
	[[ $stderr == *'less than 16 bytes' ]]
	for where in 0.0.0.0:0 127.0.0.1:0 '[::1]:0' localhost:0; do
		start_ready robots rk-robots -p "$where" --auth=none
		stop robots
	done
	start_ready robots rk-robots -p localhost:0
}

# What who has no token meets, and who has this one.
strangers_and() {
	local token=$1

	cat >strangers.talk <<-END
	a refused 401
	a refused 401 /?token=wrong-wrong-wrong
	a open /api/robots/connect?token=$token
	a > {"event":"client robot metaData","value":{"robotName":"N","robotAddress":"aa"}}
	a nothing
	END
	node "$TESTS/clients/talk.js" "ws://localhost:$port" strangers.talk
	assert_eq "$(post p aa 2999-1-1 1:1)" '{"error":"unauthorized"} 401'
	assert_eq "$(ask /api/jobs/get)" '{"error":"unauthorized"} 401'
	assert_eq "$(ask /jobs/force/1 -H 'Authorization: Basic eDp5')" \
		'{"error":"unauthorized"} 401'
	[[ $(ask /api/jobs/get -H 'Authorization: Bearer wrong') == *' 401' ]]
	assert_eq "$(ask /pkg -H "Authorization: Bearer $token" \
		-d "$(body p aa 2999-01-01 1:1)")" "$sent"
	assert_eq "$(ask "/api/jobs/get/id/1?token=$token" | jq -r .status)" \
		Pending
	curl -s "http://localhost:$port/metrics" >metrics
	run ! grep -rqF "$token" ServerLogs metrics robots.err
}

@test "--auth=token: who shows it comes, nobody else" {
	echo 0123456789abcdefTOKEN >key
	serve --auth=token:key
	strangers_and 0123456789abcdefTOKEN
	run ! grep -qF 0123456789abcdefTOKEN \
		"/proc/$(pid_of robots)/cmdline" "/proc/$(pid_of robots)/environ"
}

# KEY CLAIMS: a token, HS256.
signed() {
	node -e '
		const [key, claims] = process.argv.slice(1)
		const text = s => Buffer.from(s).toString("base64url")
		const what = text("{\"alg\":\"HS256\",\"typ\":\"JWT\"}") + "." +
			text(claims)
		console.log(what + "." + require("crypto")
			.createHmac("sha256", key).update(what).digest("base64url"))
	' "$1" "$2"
}

@test "--auth=jwt: who has a token of this key comes, nobody else" {
	local key=0123456789abcdef0123456789abcdef other

	echo $key >key
	serve --auth=jwt:key
	strangers_and "$(signed $key '{"sub":"N"}')"
	for other in "$(signed x$key '{"sub":"N"}')" \
		"$(signed $key '{"sub":"N","exp":1}')"; do
		[[ $(ask /api/jobs/get -H "Authorization: Bearer $other") == \
			*' 401' ]]
	done
}

# --- restarts ----------------------------------------------------------------

killed() {
	kill -KILL "$(pid_of robots)"
	ended robots 137
}

@test "kill -9: jobs that wait are there, and sent" {
	serve
	known aa
	post p aa 2999-01-01 1:1
	killed
	serve
	robot one aa
	wait_for status_is 1 Pending
	ask /jobs/force/1
	wait_line one '"package_name":"p"'
}

past() {
	[ "$(date +%s)" -gt "$1" ]
}

# OPTION...: a job in 5 s, a kill, and another start with these, at once or
# when it is past.
over_a_restart() {
	local when at

	serve --utc
	known aa
	when=$(soon 5)
	at=$(date -u -d "$when" +%s)
	post p aa "${when% *}" "${when#* }"
	killed
	[ "$1" = before ] || wait_for past $((at + 1))
	serve --utc "${@:2}"
	robot one aa
}

@test "kill -9: a job comes at its own time, whoever was not there" {
	over_a_restart before --offline retry --tries 1000 --pause 100ms \
		--late run
	wait_line one '"package_name":"p"'
	wait_for status_is 1 Executed
	assert_eq "$(wc -l <one.out)" 1
}

@test "--late=run: what is past due comes" {
	over_a_restart after --late run --offline retry --tries 1000 \
		--pause 100ms
	wait_line one '"package_name":"p"'
	wait_for status_is 1 Executed
}

@test "--late=fail: what is past due has failed" {
	over_a_restart after --late fail --grace 100ms
	wait_for status_is 1 Failed
	assert_eq "$(curl -s "http://localhost:$port/api/jobs/get/id/1" |
		jq -r .why)" 'too late'
	[ ! -s one.out ]
}

sends() {	# PACKAGE
	[ "$(post_now "$1" aa)" = "$sent" ]
}

of_this_test() {	# PROGRAM
	local pid

	for pid in $(pgrep -x "$1"); do
		! grep -qsz "^RK_TEST=$RK_TEST\$" "/proc/$pid/environ" ||
			echo "$pid"
	done
}

@test "kill -9 of each part: robots stay, and nothing that was answered is lost" {
	local part n=0

	serve --utc
	robot one aa
	for part in rk-route rk-jobs rk-store rk-log; do
		kill -KILL "$(of_this_test "$part")"
		n=$((n + 1))
		wait_for sends "p$n"		# 503: nobody was there
		wait_line one "\"package_name\":\"p$n\""
		wait_for status_is $n Executed
	done
	assert_eq "$(wc -l <one.out)" 4
}

# --- hostile robots ------------------------------------------------------------

@test "a megabyte as a value is kept, declined or closed, and all goes on" {
	serve
	robot one aa
	printf '%900000s' '' | tr ' ' x >big
	jq -Rc '{event: "client robot message", value: .}' big >message
	feed one "$(<message)"
	wait_for test -s ClientLogs/one
	wait_for eval '[ "$(wc -c <ClientLogs/one)" -gt 900000 ]'
	jq -Rc '{event: "client robot metaData", value: {robotName: .,
		robotAddress: "bb"}}' big >message
	feed one "$(<message)"
	wait_line one 'decline metadata reception'
	jq -Rc '{event: "client robot metaData", value: {robotName: "one",
		robotAddress: "aa", x: .}}' big >message
	feed one "$(<message)"
	printf '%1100000s' '' >big
	jq -Rc '{event: "client robot message", value: .}' big >message
	feed one "$(<message)"
	wait_for robot_is aa false
	assert_eq "$(jq -Rc '{Package: {package_name: ., path: "x"},
		Robot: {robot_name: "n", robot_address: "aa"},
		Schedule: {date: "1-1", time: "1:1"}}' <(head -c 900000 big) |
		ask /pkg -d @-)" \
		'{"Alert":"Package hasn'\''t been received successfully"} 400'
	curl -sf "http://localhost:$port/healthz"
}

@test "10 refused metadata: closed with --block, not without" {
	yes 'a > {"event":"client robot metaData","value":1}
a < decline metadata reception' | head -n 20 >ten
	{ echo 'a open'; cat ten; echo 'a nothing'; } >stays.talk
	{ echo 'a open'; cat ten
	echo 'a closed 1008 metadata refused too often'; } >closed.talk
	serve
	node "$TESTS/clients/talk.js" "ws://localhost:$port" stays.talk
	stop robots
	serve --block 10
	node "$TESTS/clients/talk.js" "ws://localhost:$port" closed.talk
}

@test "links in the directories of logs are not followed" {
	mkdir -p ClientLogs packages elsewhere
	echo mine >precious
	ln -s ../precious ClientLogs/one
	ln -s ../precious packages/p_1
	ln -s elsewhere ServerLogs
	serve
	start_ready one rk-client "ws://localhost:$port/"
	feed one '{"event":"client robot metaData","value":{"robotName":"one","robotAddress":"aa"}}' \
		'{"event":"client robot message","value":1}'
	wait_for robot_is aa true
	assert_eq "$(post p aa 2999-01-01 1:1)" "$sent"
	assert_eq "$(<precious)" mine
	[ -z "$(ls elsewhere)" ]
	curl -s "http://localhost:$port/metrics" >metrics
	grep -q 'log_lost_total' metrics
}

@test "a full disk: robots and packages go on, what is lost is told" {
	trap '' XFSZ		# a disk that takes 8 kB of a file
	serve --utc
	robot one aa
	prlimit --pid "$(of_this_test rk-log)" --fsize=8192:
	jq -nc '{event: "client robot message", value: ("x" * 20000)}' >message
	feed one "$(<message)" "$(<message)"
	wait_for grep -q 'ClientLogs/one: File too large; what comes is lost' \
		robots.err
	assert_eq "$(post_now p aa)" "$sent"
	wait_line one '"package_name":"p"'
	wait_for status_is 1 Executed
}

# --- what is asked for ---------------------------------------------------------

get() {
	curl -s -m 30 "http://localhost:$port/api/$1"
}

@test "robots, jobs and home are told; more than a page has a link" {
	serve --utc
	robot one aa
	known 'b:b'
	post p1 aa 2999-01-01 1:1
	post p2 b:b 2999-01-01 1:1
	post p3 b:b 2999-01-01 1:1
	ask /jobs/cancel/2
	assert_eq "$(get robots/get/ | jq -c 'map([.id, .robotName, .connected])')" \
		'[["aa","one",true],["b:b","gone",false]]'
	assert_eq "$(get robots/get/all | jq -c 'map(.id)')" '["aa","b:b"]'
	assert_eq "$(get robots/get/all/connected | jq -c 'map(.id)')" '["aa"]'
	assert_eq "$(get robots/get/id/aa | jq -r .robotName)" one
	assert_eq "$(get robots/get/address/b%3Ab | jq -r .robotName)" gone
	assert_eq "$(ask /api/robots/get/address/none)" \
		'{"Error":"there is no such robot"} 404'
	assert_eq "$(get jobs/get/robot/b:b | jq -c 'map([.id, .status])')" \
		'[[2,"Cancelled"],[3,"Pending"]]'
	assert_eq "$(get jobs/get/id/1 | jq -c '[.package_name, .status]')" \
		'["p1","Pending"]'
	assert_eq "$(get jobs/get/ | jq length)" 3
	assert_eq "$(get home)" \
		'{"jobs":3,"pending":2,"executed":0,"failed":0,"cancelled":1,"connected":1,"disconnected":1}'
	stop one
	stop robots
	serve
	assert_eq "$(get home | jq -c '[.jobs, .cancelled, .connected]')" \
		'[3,1,0]'
	robot_is aa false
}

# --- record and replay ---------------------------------------------------------

# RULE FILE [ZONE]: what the rule makes of what was kept, twice the same.
replayed() {
	local types=message,request,open,close,members,sent,answer,entry,entries
	local n

	types+=,scheduled,cancelled,due,fired,failed,jobs,done,error,stats,link
	for n in 1 2; do
		TZ=EST$n LC_ALL=C rk-log --replay "$2" --types $types |
			rk-route "${@:3}" "$1" >"replay$n"
	done
	cmp replay1 replay2
	[ -s replay1 ]
}

# What rules were seen to do, and what they do again: sorted frames.
frames_of() {
	jq -cS 'select(.type | IN("respond", "send", "merge", "identify",
		"schedule", "put", "nack", "done")) |
		select(.ref.then? != "declined" or .type != "done") | del(.via, .of, .keep, .kept,
		.seq, .again)' "$1" | sort
}

@test "a recorded run is run again through the rules, to the same end" {
	serve --utc -s tap.sock
	start_ready tape rk-log tape --tap tap.sock --utc
	talk robots
	robot one aa
	post_now p1 aa
	wait_for status_is 1 Executed
	post p2 aa 2999-01-01 1:1
	post p2 aa 31-4 1:1
	ask /jobs/cancel/2
	ask /jobs/force/1
	feed one '{"event":"client robot message","value":{"a":1.0}}' \
		'{"event":"decline pkg reception","value":"p1"}'
	wait_lines one 2
	wait_for status_is 1 Executed
	stop one
	stop robots
	stop tape
	mv tape/*.ndjson run.ndjson
	replayed "$ROOT/lib/rules/robots.jq" run.ndjson
	frames_of run.ndjson >was
	frames_of replay1 >is
	diff was is
	[ "$(wc -l <was)" -gt 20 ]
}

@test "a recorded run of rk-piped, too" {
	start_ready piped rk-piped -p 0 -s tap.sock --backend \
		'jq -c --unbuffered "{type: \"result\"} + del(.token) + {token}"'
	wait_lines piped 1
	port=$(<piped.out)
	start_ready tape rk-log tape --tap tap.sock --utc
	rk-client "ws://localhost:$port/api/T" --send '{"id":1,"method":"m"}' \
		--expect '.type == "result"' --send '[1.0' \
		--expect '.event == "error"'
	rk-publish -s tap.sock --user T --event e '{"n":1e400}'
	wait_for grep -q 1e400 tape/*.ndjson
	stop piped
	stop tape
	mv tape/*.ndjson run.ndjson
	replayed "$ROOT/lib/rules/piped.jq" run.ndjson --arg bus down
	grep -q '"method":"m"' replay1
}
