# SPDX-License-Identifier: ISC
#
# Kill anything: 100 kills of the listener, the router, the bridge and the back
# end during 50,000 calls and 50,000 events, with the broker crashed and its
# connections reset in between.  tests/audit.bats has the short ones, and shows
# that the judge sees what is planted.
#
# slow: two hundred seconds
# asan: no (the programs are under it in their own tests)

load lib
load rabbitmq
load audit

ALL=kill:listen,kill:route,kill:bridge,kill:backend

# N CMD...: after fault N the broker suffers that.
after() {
	wait_for -t 300 grep -q "^fault $1 " "$RK_TEST/audit.out"
	feed audit 'kill broker'
	"${@:2}"
	feed audit 'over broker'
}

crash() {
	rabbit_kill
	rabbit_start
}

broken_broker() {
	after 15 rabbit_break
	after 30 crash
	after 60 rabbit_break
}

verdict() {
	audit_ends 400
}

@test "a chain: 100 kills, 50,000 calls and events, the broker crashed and reset" {
	audit_start assembly=chain faults=$ALL times=100 calls=50000 events=50000 \
		rate=500 clients=50 limit=120
	broken_broker
	verdict
}

@test "services: 100 kills, 50,000 calls and events, the broker crashed and reset" {
	audit_start assembly=services faults=$ALL times=100 calls=50000 \
		events=50000 rate=500 clients=50 limit=120
	broken_broker
	verdict
}
