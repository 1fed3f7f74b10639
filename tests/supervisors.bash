# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2154 # kind, dir, port
#
# supervisors.bash: services under a real s6 and a real runit, the same for
# both, for suites that say `load supervisors` behind `load lib`.  A suite sets
# $kind, s6 or runit, and $dir, where the services are.
#
#   ${kind}_start          the supervisor; it ends with the test
#   ${kind}_up, _down, _restart, _pid, _is_down SERVICE
#   ready SERVICE...       waits until they are
#   killed SERVICE         kills it, waits until another one is there and ready
#   another SERVICE PID    it runs, with another id; for wait_for
#   setting SERVICE NAME=VALUE...
#   said SERVICE TEXT      its log has it;  times_said SERVICE TEXT N
#   find_port              sets $port, where the service `listen` listens

teardown() {
	[ ! -e "$RK_TEST/svscan.pid" ] || "${kind}_stop" || :
	stop_all
}

s6_start() { start svscan s6-svscan "$dir"; }
s6_stop() { stop svscan; }
s6_supervised() { s6-svok "$dir/$1"; }
s6_ready() { s6-svwait -U -t $((20000 * RK_SLOW)) "$dir/$1"; }
s6_up() { s6-svc -u "$dir/$1"; }
s6_down() { s6-svc -wD -T $((20000 * RK_SLOW)) -d "$dir/$1"; }
s6_restart() { s6-svc -wR -T $((20000 * RK_SLOW)) -r "$dir/$1"; }
s6_pid() { s6-svstat -o pid "$dir/$1"; }
s6_is_down() { [ "$(s6-svstat -o up,wantedup "$dir/$1")" = 'false false' ]; }

# A HUP is what makes runsvdir take its services down.
runit_start() { start svscan runsvdir "$dir"; }
runit_stop() { kill -HUP "$(pid_of svscan)" && ended svscan 111; }
runit_supervised() { sv status "$dir/$1" >/dev/null; }
runit_check() { sv -w 1 check "$dir/$1" >/dev/null; }
runit_ready() { wait_for runit_check "$1"; }
runit_up() { sv up "$dir/$1"; }
runit_down() { sv -w 20 stop "$dir/$1" >/dev/null; }
runit_restart() { sv -w 20 restart "$dir/$1" >/dev/null; }
runit_pid() { cat "$dir/$1/supervise/pid"; }
runit_is_down() {
	local status

	status=$(sv status "$dir/$1")
	[[ $status == down:* && $status != *'want up'* ]]
}

sv() {
	SVDIR=$dir command sv "$@"
}

# NAME=VALUE... of a service.
setting() {
	local service=$1 pair

	for pair in "${@:2}"; do
		printf %s "${pair#*=}" >"$dir/$service/env/${pair%%=*}"
	done
}

said() {	# SERVICE TEXT
	grep -qF -e "$2" "$dir/$1/log/main/current"
}

times_said() {	# SERVICE TEXT N
	[ "$(grep -cF -e "$2" "$dir/$1/log/main/current")" -ge "$3" ]
}

find_port() {
	wait_for said listen 'listening on'
	port=$(grep -o 'listening on [0-9]*$' "$dir/listen/log/main/current" |
		tail -n 1 | grep -o '[0-9]*$')
}

ready() {
	local service

	for service; do
		wait_for "${kind}_supervised" "$service"
		"${kind}_ready" "$service" || {
			cat "$dir"/*/log/main/current >&2
			return 1
		}
	done
}

killed() {	# SERVICE: and another is there, and ready
	local pid

	pid=$("${kind}_pid" "$1")
	kill -KILL "$pid"
	wait_for another "$1" "$pid"
	ready "$1"
}

another() {	# SERVICE PID
	local pid

	pid=$("${kind}_pid" "$1" 2>/dev/null)
	[ "${pid:-0}" -gt 0 ] && [ "$pid" != "$2" ]
} 2>/dev/null
