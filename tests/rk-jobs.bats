#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-jobs: jobs by hand, their ends, clocks of the system, kills, and figures.
# Dates as such are in tests/unit/when.c.
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

# STATUS OPTION... - LINE...: what a filter says to these.
ask() {
	local status=$1 options=()

	shift
	while [ "$1" != - ]; do
		options+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" >asked	# all at once: some are due soon
	run_status "$status" rk-jobs j.db "${options[@]}" <asked
}

# The same, without the times.
timeless() {
	sed -E 's/"at":[0-9]+/"at":T/g' <<<"${1-$output}"
}

peer() {	# NAME: a connection to j.sock by hand
	start "$1" node "$TESTS/clients/peer.js" j.sock
}

router() {	# NAME BOOT
	peer "$1"
	feed "$1" '{"type":"attach","v":1,"as":"router","name":"n","boot":"'"$2"'","window":65536}'
	wait_line "$1" '"ready"'
}

# --- usage -----------------------------------------------------------------

@test "one file, and options that make sense" {
	run_status 100 rk-jobs
	[[ $stderr == 'rk-jobs: FILE is missing '* ]]
	run_status 100 rk-jobs a b
	run_status 100 rk-jobs j.db --late never
	run_status 100 rk-jobs j.db --tries 0
	run_status 100 rk-jobs j.db --longest 0
	run_status 100 rk-jobs j.db --size 1k
	run_status 100 rk-jobs j.db --keep x
	[ ! -e j.db ]
}

# --- the plain case ----------------------------------------------------------

@test "a job is scheduled, due and fired; the end of input waits for it" {
	ask 0 - '{"type":"schedule","in":50,"key":"k","user":"u","data":{"a":1.0},"ref":[1]}'
	assert_eq "$(timeless)" \
		'{"type":"scheduled","ref":[1],"id":1,"key":"k","user":"u","at":T}
{"type":"due","id":1,"key":"k","user":"u","at":T,"try":1,"data":{"a":1.0}}
{"type":"fired","id":1,"key":"k","user":"u","at":T,"tries":1}'
}

@test "payloads of all kinds, or none, come byte for byte" {
	ask 0 - '{"type":"schedule","in":0,"data":[9007199254740993,1e400]}' \
		'{"type":"schedule","in":0,"text":"\ud83d\ude00"}' \
		'{"type":"schedule","in":0,"base64":"AAEC/w=="}' \
		'{"type":"schedule","in":0}'
	assert_eq "$(timeless "$(grep '"due"' <<<"$output")")" \
		'{"type":"due","id":1,"at":T,"try":1,"data":[9007199254740993,1e400]}
{"type":"due","id":2,"at":T,"try":1,"text":"\ud83d\ude00"}
{"type":"due","id":3,"at":T,"try":1,"base64":"AAEC/w=="}
{"type":"due","id":4,"at":T,"try":1}'
}

@test "jobs are due in the order of their times" {
	ask 0 - '{"type":"schedule","in":900,"data":3}' \
		'{"type":"schedule","in":300,"data":1}' \
		'{"type":"schedule","in":600,"data":2}'
	assert_eq "$(jq -c 'select(.type == "due").data' <<<"$output" |
		xargs)" '1 2 3'
}

@test "an id of one's own is one job's" {
	ask 1 - '{"type":"schedule","in":0,"id":"x","ref":1}' \
		'{"type":"schedule","in":0,"id":"x","ref":2}' \
		'{"type":"cancel","id":1,"ref":3}'
	[[ $output == *'"scheduled","ref":1,"id":"x"'* ]]
	[[ $output == *'"error","ref":2,"why":"id: there is such a job"'* ]]
	[[ $output == *'"error","ref":3,"why":"there is no such job"'* ]]
}

@test "date, time and zone; --utc" {
	local frame='{"type":"schedule","id":"a","date":"2099-07-15","time":"10:00","ref":1'

	at() {
		local db=$1

		shift
		"$@" rk-jobs "$db" "${options[@]}" < <(printf '%s\n%s\n' \
			"$frame$zone}" '{"type":"cancel","id":"a"}') |
			jq 'select(.type == "scheduled").at / 1000 | todate'
	}
	options=() zone=''
	assert_eq "$(at 1 env TZ=UTC)" '"2099-07-15T10:00:00Z"'
	assert_eq "$(at 2 env TZ=CET-1CEST,M3.5.0,M10.5.0/3)" \
		'"2099-07-15T08:00:00Z"'
	options=(--utc)
	assert_eq "$(at 3 env TZ=CET-1CEST,M3.5.0,M10.5.0/3)" \
		'"2099-07-15T10:00:00Z"'
	zone=',"zone":"America/New_York"'
	assert_eq "$(at 4 env)" '"2099-07-15T14:00:00Z"'
	zone=',"zone":"local"'
	assert_eq "$(at 5 env TZ=CET-1CEST,M3.5.0,M10.5.0/3)" \
		'"2099-07-15T08:00:00Z"'
	zone=',"zone":"../../etc/passwd"'
	assert_eq "$(at 6 env)" ''
}

@test "a date without a year is the next one" {
	ask 0 - '{"type":"schedule","id":"a","date":"29-2","time":"12:00","ref":1}' \
		'{"type":"cancel","id":"a"}'
	[[ $(jq -r '.at / 1000 | todate' <<<"$output") == 20??-02-29T12:00:00Z ]]
	[ "$(jq .at <<<"$output")" -gt "$(date +%s)000" ]
}

# --- cancel, force, list ------------------------------------------------------

@test "cancel: it is never due; twice is an error" {
	ask 1 - '{"type":"schedule","in":500}' '{"type":"cancel","id":1,"ref":1}' \
		'{"type":"cancel","id":1,"ref":2}' '{"type":"force","id":1,"ref":3}' \
		'{"type":"schedule","in":600}'
	assert_eq "$(timeless)" '{"type":"cancelled","ref":1,"id":1,"at":T}
{"type":"error","ref":2,"why":"it was cancelled"}
{"type":"error","ref":3,"why":"it was cancelled"}
{"type":"due","id":2,"at":T,"try":1}
{"type":"fired","id":2,"at":T,"tries":1}'
}

@test "force: it is due now, once" {
	ask 0 --late fail - '{"type":"schedule","in":3600000,"data":1}' \
		'{"type":"force","id":1,"ref":1}'
	assert_eq "$(timeless)" '{"type":"scheduled","ref":1,"id":1,"at":T}
{"type":"due","id":1,"at":T,"try":1,"data":1}
{"type":"fired","id":1,"at":T,"tries":1}'
}

@test "list: pages, in the order of scheduling" {
	start jobs rk-jobs j.db
	seq 2500 | jq -c '{type: "schedule", in: 3600000, key: "k\(.)"}' >in
	feed jobs "$(<in)" '{"type":"cancel","id":2}' \
		'{"type":"list","limit":2,"ref":1}' \
		'{"type":"list","after":2499,"ref":2}' '{"type":"list","ref":3}'
	wait_lines jobs 3
	assert_eq "$(jq -c '[.ref, .more, (.jobs[:3][] | .n, .key, .state)]' \
		jobs.out)" '[1,true,1,"k1","waiting",2,"k2","cancelled"]
[2,null,2500,"k2500","waiting"]
[3,true,1,"k1","waiting",2,"k2","cancelled",3,"k3","waiting"]'
	[ "$(jq -s '.[2].jobs | length' jobs.out)" -gt 500 ]
	stop jobs
}

# --- failures ------------------------------------------------------------------

@test "a frame that is refused is tried again, and then fails" {
	start_ready jobs rk-jobs j.db -s j.sock --tries 3 --pause 10ms
	start log rk-route --link jobs=j.sock --serve out=out.sock -e '
		if .type == "due" then refuse("no \(.try)")
		elif .type == "failed" then . + {via: "out"} else empty end'
	wait_for test -S out.sock
	start out node "$TESTS/clients/peer.js" out.sock
	feed out '{"type":"attach","v":1,"as":"station","name":"n","boot":"b","window":65536}'
	wait_line out '"ready"'
	rk-publish -s j.sock --frames <<<'{"type":"schedule","in":0,"key":"k"}'
	wait_line out '"failed"'
	assert_json_eq "$(tail -n 1 out.out | jq 'del(.at, .seq, .of)')" \
		'{"type":"failed","id":1,"key":"k","tries":3,"why":"no 3"}'
}

@test "wait: done and nack are waited for, silence is a failure" {
	start_ready jobs rk-jobs j.db -s j.sock --wait 5s --tries 2 --pause 10ms
	router r boota
	feed r '{"type":"schedule","in":0,"id":"a","seq":1}' \
		'{"type":"schedule","in":0,"id":"b","seq":2}' \
		'{"type":"schedule","in":0,"id":"c","wait":20,"seq":3}'
	wait_line r '"due","id":"c"'
	feed r '{"type":"ack","seq":[[1,3]]}' \
		'{"type":"done","id":"a","ref":1,"seq":4}' \
		'{"type":"nack","id":"b","why":"broken","ref":2,"seq":5}'
	wait_line r '"fired","id":"a"'
	wait_for grep -q '"due","id":"b",.*"try":2' r.out
	wait_for grep -q '"due","id":"c",.*"try":2' r.out
	run ! grep -q '"due","id":"a",.*"try":2' r.out
	feed r '{"type":"ack","seq":[[1,100]]}' \
		'{"type":"nack","id":"b","why":"broken","seq":6}'
	wait_line r '"tries":2,"why":"broken"'
	wait_line r '"tries":2,"why":"no answer in time"'
}

@test "nack by user and key, after it was done" {
	start jobs rk-jobs j.db --pause 10ms
	feed jobs '{"type":"schedule","in":0,"user":"u","key":"p","data":1}' \
		'{"type":"schedule","in":0,"user":"u","key":"q","data":2}' \
		'{"type":"schedule","in":0,"user":"v","key":"p","data":3}'
	wait_for eval '[ "$(grep -c fired jobs.out)" -eq 3 ]'
	feed jobs '{"type":"nack","user":"u","key":"p","ref":1}' \
		'{"type":"nack","user":"x","ref":2}'
	wait_for grep -q '"due","id":1,.*"try":2' jobs.out
	wait_line jobs '"error","ref":2,"why":"there is no such job"'
	feed jobs '{"type":"nack","user":"u","ref":3}'
	wait_for grep -q '"due","id":2,.*"try":2' jobs.out
	stop jobs
}

@test "a nack says how many failures are enough" {
	start jobs rk-jobs j.db --pause 10ms --tries 9
	feed jobs '{"type":"schedule","in":0,"data":1}'
	wait_line jobs '"fired","id":1'
	feed jobs '{"type":"nack","id":1,"tries":0,"ref":1}'
	wait_line jobs '"error","ref":1,"why":"tries: not from 1 to 1000000"'
	feed jobs '{"type":"nack","id":1,"tries":1,"why":"away","ref":2}'
	wait_line jobs '"failed","id":1'
	run ! grep -q '"try":2' jobs.out
	stop jobs
}

@test "what is wrong is refused, the rest goes on, and the end is 1" {
	ask 1 - '{"type":"schedule","ref":1}' \
		'{"type":"schedule","in":1,"at":1,"ref":2}' \
		'{"type":"schedule","in":-1,"ref":3}' \
		'{"type":"schedule","at":"soon","ref":4}' \
		'{"type":"schedule","date":"15-undefined","time":"1:00","ref":5}' \
		'{"type":"schedule","date":"15-7","ref":6}' \
		'{"type":"schedule","date":"31-4","time":"1:00","ref":7}' \
		'{"type":"schedule","date":"1-4","time":"24:00","ref":8}' \
		'{"type":"schedule","date":"1-4","time":"1:00","zone":"Nowhere","ref":9}' \
		'{"type":"schedule","in":0,"user":"","ref":10}' \
		'{"type":"schedule","in":0,"id":7,"ref":11}' \
		'{"type":"schedule","in":0,"data":1,"text":"","ref":12}' \
		'{"type":"schedule","in":0,"tries":0,"ref":13}' \
		'{"type":"schedule","in":0,"late":"maybe","ref":14}' \
		'{"type":"schedule","in":0,"wait":-1,"ref":15}' \
		'{"type":"cancel","ref":16}' '{"type":"cancel","id":17,"ref":17}' \
		'{"type":"nack","ref":18}' '{"type":"done","id":1,"ref":19}' \
		'{"type":"list","limit":0,"ref":20}' '{"type":"what","ref":21}'
	assert_eq "$(jq -c '[.type, .ref]' <<<"$output")" \
		"$(seq -f '["error",%.0f]' 21)"
}

@test "a router was told what was refused: the end is 0" {
	start r rk-route -e 'del(.from) | if .type == "error" then .via = "up"
		else .via = "down" end' -- rk-jobs j.db
	feed r '{"type":"schedule","in":-1,"ref":1}'
	wait_line r '"error","ref":1'
	stop r
	run ! grep exit r.err
}

@test "--max: a payload at the bound passes, one byte over does not" {
	ask 0 -m 10 - '{"type":"schedule","in":0,"data":"12345678"}'
	ask 1 -m 10 - '{"type":"schedule","in":0,"data":"123456789"}'
	[[ $output == *'the payload is too large'* ]]
}

@test "garbage, NUL and invalid UTF-8 are told by their line" {
	printf '{"type":"schedule","in":0}\n\0\n{"type":"schedule","in":0,"user":"\xff"}\n' >in
	run_status 1 rk-jobs j.db <in
	[[ $stderr == *stdin:2:*stdin:3:* && $output == *'"fired"'* ]]
}

@test "what is another station's passes through a pipeline" {
	ask 0 - '{"type":"send","user":"T","data":{"a":1.0}}'
	assert_eq "$output" '{"type":"send","user":"T","data":{"a":1.0}}'
}

# --- restarts ----------------------------------------------------------------

@test "a job outlives a restart; late is run, or fails" {
	start_ready jobs rk-jobs j.db
	feed jobs '{"type":"schedule","in":4000,"data":1,"ref":1}' \
		'{"type":"schedule","in":4010,"data":2,"late":"fail","ref":2}'
	wait_line jobs '"ref":2'
	kill -9 "$(pid_of jobs)"
	ended jobs 137
	passed() {
		[ "$(date +%s%3N)" -gt \
			$(($(jq -s '.[1].at' jobs.out) + 20)) ]
	}
	wait_for passed
	ask 0 --grace 10ms -
	assert_eq "$(jq -c '[.type, .id, .why]' <<<"$output" | sort)" \
		'["due",1,null]
["failed",2,"too late"]
["fired",1,null]'
}

@test "what nobody was there to take waits for the router" {
	start_ready jobs rk-jobs j.db -s j.sock
	rk-publish -s j.sock --frames <<<'{"type":"schedule","in":0,"data":17}'
	router r boota
	wait_line r '"data":17'
}

@test "a schedule that comes again after kill -9 makes no second job" {
	local frame='{"type":"schedule","in":3600000,"ref":1,"seq":1'

	start_ready jobs rk-jobs j.db -s j.sock
	router r boota
	feed r "$frame}"
	wait_line r '"scheduled"'
	kill -9 "$(pid_of jobs)"
	ended jobs 137
	start_ready jobs rk-jobs j.db -s j.sock
	router q boota
	feed q "$frame,\"again\":true}" '{"type":"list","ref":2,"seq":2}'
	wait_line q '"jobs"'
	assert_eq "$(jq -c 'select(.type == "jobs").jobs | length' q.out)" 1
	assert_eq "$(jq 'select(.type == "scheduled").at' q.out)" \
		"$(jq 'select(.type == "scheduled").at' r.out)"
}

@test "a report that nobody took is told again" {
	start_ready jobs rk-jobs j.db -s j.sock
	router r boota
	feed r '{"type":"schedule","in":0,"seq":1}'
	wait_line r '"due"'
	feed r '{"type":"ack","seq":[[1,1]]}'
	wait_line r '"fired"'
	kill -9 "$(pid_of jobs)"
	ended jobs 137
	start_ready jobs rk-jobs j.db -s j.sock
	router q bootb
	wait_line q '"fired"'
	run ! grep -q '"due"' q.out
	feed q '{"type":"ack","seq":[[1,1]]}' '{"type":"list","ref":1,"seq":1}'
	wait_line q '"jobs"'
	feed q '{"type":"ack","seq":[[2,2]]}'
	stop jobs
	start_ready jobs rk-jobs j.db -s j.sock
	router p bootc
	feed p '{"type":"list","ref":1,"seq":1}'
	wait_line p '"jobs"'
	run ! grep -q '"fired"' p.out
	feed p '{"type":"ack","seq":[[1,1]]}'
}

@test "--keep: what ended is known so long" {
	start jobs rk-jobs j.db --keep 100ms
	feed jobs '{"type":"schedule","in":0,"id":"x"}'
	wait_line jobs fired
	forgotten() {
		feed jobs '{"type":"list","ref":1}'
		grep -q '"jobs":\[\]' jobs.out
	}
	wait_for forgotten
	feed jobs '{"type":"schedule","in":0,"id":"x","ref":"new"}'
	wait_line jobs '"scheduled","ref":"new"'
	stop jobs
}

@test "--size: a full file refuses, keeps what it has, and still fires" {
	start jobs rk-jobs j.db --size 256k --keep 100ms
	feed jobs '{"type":"schedule","in":500,"data":1,"ref":1}'
	wait_line jobs '"ref":1'
	jq -nc '{type: "schedule", in: 0, ref: 2, data: ("x" * 400000)}' >in
	feed jobs "$(<in)"
	wait_line jobs full
	wait_line jobs '"fired","id":1'
	grep -q 'j.db: the disk is full' jobs.err
	stop jobs
}

@test "one process a file; what is no database of ours is left alone" {
	start_ready jobs rk-jobs j.db
	run_status 111 rk-jobs j.db </dev/null
	run_status 0 rk-store s.db </dev/null
	run_status 100 rk-jobs s.db </dev/null
	[[ $stderr == *"another program's"* ]]
	stop jobs
	run_status 100 rk-store j.db </dev/null
}

# --- links -------------------------------------------------------------------

@test "a co-process: its rules schedule and take" {
	start_ready jobs rk-jobs j.db -- rk-route -e '
		if .type == "link" then {type: "schedule", in: 20, data: 1}
		elif .type == "due" then
			{type: "schedule", id: "next\(.data)", in: 3600000, ref: 1}
		else empty end'
	wait_for grep -qa next1 j.db-wal
	stop jobs
}

@test "stats: what was counted" {
	start_ready jobs rk-jobs j.db -s j.sock
	peer p
	feed p '{"type":"schedule","in":3600000}' '{"type":"schedule","in":0}' \
		'{"type":"cancel","id":1}' '{"type":"stats","ref":1}'
	wait_line p '"stats"'
	assert_json_eq "$(jq -c 'select(.type == "stats").data | [.jobs_waiting,
		.jobs_scheduled_total, .jobs_cancelled_total, .commands_total]' \
		p.out)" '[1, 2, 1, 3]'
}

# What a station on j.sock says there is: waiting, done, failed, cancelled; and
# how many due frames there were.
counts_are() {
	local asked

	asked=$(wc -l <stats.out)
	feed stats '{"type":"stats","ref":1}'
	wait_lines stats $((asked + 1))
	[ "$(tail -n 1 stats.out | jq -c '.data | [.jobs_waiting, .jobs_done,
		.jobs_failed, .jobs_cancelled, .jobs_sent_total]')" = "$1" ]
}

@test "stats: the jobs there are, through failures, restarts and --keep" {
	start_ready jobs rk-jobs j.db -s j.sock --tries 2 --pause 10ms -- \
		rk-route -e 'if .type == "due" and .key == "bad" then
			refuse("no") else empty end'
	peer stats
	feed stats '{"type":"schedule","in":3600000}' \
		'{"type":"schedule","in":3600000}' '{"type":"cancel","id":2}' \
		'{"type":"schedule","in":0,"key":"good"}' \
		'{"type":"schedule","in":0,"key":"bad"}'
	wait_for counts_are '[1,1,1,1,3]'
	feed stats '{"type":"nack","id":3}'
	wait_for counts_are '[1,1,1,1,4]'
	feed stats '{"type":"nack","id":3,"tries":1}'
	wait_for counts_are '[1,0,2,1,4]'
	stop jobs
	start_ready jobs rk-jobs j.db -s j.sock --keep 10ms
	peer stats
	wait_for counts_are '[1,0,0,0,0]'
}

@test "a reader that left, a full disk: 111" {
	seq -f '{"type":"list","ref":%.0f}' 20000 >in
	run_status 111 bash -c 'rk-jobs j.db <in >/dev/full'
	rk-jobs j.db <in 2>err | head -n 1 >out
	[ "${PIPESTATUS[0]}" -eq 111 ]
}

# --- kills and figures -----------------------------------------------------------

@test "kills at random moments: all that was answered, once, not after cancel" {
	local seed=${RK_SEED:-$RANDOM}

	echo "# RK_SEED=$seed" >&3
	run_status 0 node "$TESTS/clients/jobs.js" \
		"$([ -n "${RK_LONG-}" ] && echo 50 || echo 6)" "$seed"
	echo "$output" >&3
}

# COUNT MS: so many jobs within so long; how late they came, in ms.
lateness() {
	local now

	now=$(date +%s%3N)
	awk -v n="$1" -v ms="$2" -v now="$now" 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"type\":\"schedule\",\"at\":%.0f,\"data\":%d}\n",
		now + 500 + i * ms / n, i }' >in
	rk-jobs j.db <in | perl -MTime::HiRes=time -ne '
		next unless /"due".*"at":(\d+),"try":1,"data":(\d+)/;
		$late = time * 1000 - $1; $n++; $seen{$2}++;
		$max = $late if $late > $max; $sum += $late; $early++ if $late < 0;
		END { printf "%d jobs, %d different, %d early, late by %.1f ms " .
		    "on average and %.0f at most\n", $n, scalar(keys %seen),
		    $early, $sum / $n, $max }'
}

@test "each of many fires once, at its time" {
	local n=1000 ms=1000

	[ -z "${RK_LONG-}" ] || n=10000 ms=60000
	run_status 0 lateness $n $ms
	echo "# $output" >&3
	[[ $output == "$n jobs, $n different, 0 early,"* ]]
}

@test "schedules from a pipe, among few and many that wait" {
	local waiting n=20000 cpu

	[ -z "${RK_LONG-}" ] || n=100000
	for waiting in 1000 $((n * 10)); do
		rm -f j.db*
		awk -v n="$waiting" 'BEGIN { srand(1); for (i = 0; i < n; i++)
			printf "{\"type\":\"schedule\",\"in\":%.0f,\"data\":%d}\n",
			3600000 + rand() * 1e10, i }' >before
		awk -v n=$n 'BEGIN { srand(2); for (i = 0; i < n; i++)
			printf "{\"type\":\"schedule\",\"in\":%.0f,\"data\":%d}\n",
			3600000 + rand() * 1e10, i
			print "{\"type\":\"list\",\"limit\":1,\"ref\":\"last\"}" }' >in
		start jobs rk-jobs j.db
		cat before >&"${stdin_of[jobs]}"
		feed jobs '{"type":"list","limit":1,"ref":"first"}'
		wait_for -t 60 grep -q first jobs.out
		cpu() {
			awk '{ print $14 + $15 }' "/proc/$(pid_of jobs)/stat"
		}
		cpu=$(cpu)
		cat in >&"${stdin_of[jobs]}"
		wait_for -t 60 grep -q last jobs.out
		cpu=$(($(cpu) - cpu))
		echo "# $waiting waiting: $((cpu * 10000 / n)) us of CPU a schedule" >&3
		stop jobs
	done
}
