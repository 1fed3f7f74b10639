# SPDX-License-Identifier: ISC
#
# What is full, or stands still, holds up who gives, and nothing grows but the
# broker's queue: the back end, the broker, clients who do not read.  With
# RK_LONG for longer, and with ten times as many.
#
# asan: no (the programs are under it in their own tests)

load lib
load rabbitmq
load audit

still=$((RK_LONG ? 30 : 5))	# seconds

# No stage has more than 32 MiB more, nothing is lost, all in order.
verdict() {
	audit_ends $((60 + 4 * still))
}

@test "the back end stands still: the queue grows, in the broker and nowhere else" {
	audit_start assembly=chain seconds="$((2 * still))" rate=1000 pad=1000 \
		clients=50 faults="stop:backend:${still}000" times=1
	verdict
	audit_says ', 1 stops'
}

@test "the broker is away: a flood waits in its clients' sockets" {
	audit_start assembly=chain seconds="$((7 + 2 * still))" rate=300 \
		pad=20000 clients=2
	wait_line audit open
	feed audit 'kill broker' 'stop broker'
	rabbit_kill
	sleep $((2 * still))	# it is away for so long, and until it is up
	feed audit 'go broker'
	rabbit_start
	feed audit 'over broker'
	verdict
	audit_says ', 1 stops'
	run ! audit_says 'late calls'
}

@test "a back end at a pipe stands still: a flood waits in its clients' sockets" {
	audit_start assembly=bare seconds="$((2 * still))" rate=0 pad=1000 \
		clients=2 faults="stop:backend:${still}000" times=1
	verdict
	audit_says ', 1 stops'
	run ! audit_says 'late calls'
}

# POLICY N SLOW MESSAGES BYTES: the books of who does not read.  A queue is 256
# KiB; the rest of a message that was cut comes on top.  A ping would be answered
# too late, and npm's ws forget over that what it has not read.
slow_readers() {
	local before kib listen=$RK_TEST/ws.sock

	start_ready listen rk-listen --unix "$listen" \
		-s "$RK_TEST/router.sock" --ws '/api/{user}' \
		--slow "$1" --max-out 256k --ping 0
	before=$(awk '/VmRSS/ { print $2 }' "/proc/$(pid_of listen)/status")
	run_status 0 node "$TESTS/audit/slow.js" "ws+unix:$listen:" \
		"$RK_TEST/router.sock" "$@"
	kib=$(awk '/VmHWM/ { print $2 }' "/proc/$(pid_of listen)/status")
	say "$output" "$before to $kib KiB"
	# 8 KiB for one that is open, and 8 MiB for all at once
	[ "$kib" -lt $((before + 8192 + 8 * $2 + (256 + $5 / 1024) * $3)) ]
	stop listen
}

many=$((RK_LONG ? 10000 : 1000))

@test "one in ten clients does not read, and loses the newest: the books balance" {
	slow_readers drop-newest $many $((many / 10)) 60 10000
	grep -q '"dropped":[1-9]' <<<"$output"
}

@test "one in ten clients does not read, and loses the oldest: the books balance" {
	slow_readers drop-oldest $many $((many / 10)) 60 10000
	grep -q '"dropped":[1-9]' <<<"$output"
}

@test "one in ten clients does not read, and is closed: the books balance" {
	slow_readers close $many $((many / 10)) 60 10000
	grep -q "\"closed\":$((many / 10))" <<<"$output"
}
