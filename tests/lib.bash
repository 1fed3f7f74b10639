# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# lib.bash: what every .bats file loads, with `load lib` at its top and
# `teardown() { stop_all; }` below it.
#
#   RK_BIN      where the programs are (default: the tree's bin/); it is first
#               in PATH, so a test calls `rk-listen`, never `bin/rk-listen`
#   ROOT        the tree;  TESTS: $ROOT/tests
#   RK_SLOW     every limit is multiplied by it (1; more under ASan, valgrind)
#   RK_TEST     where this test keeps things: $BATS_TEST_TMPDIR, or
#               $BATS_FILE_TMPDIR in setup_file and teardown_file
#
#   start NAME CMD...      in the background: stdout in $RK_TEST/NAME.out,
#                          stderr in NAME.err, stdin is a pipe that stays open
#   start_ready NAME CMD...  the same with `-D FD` put behind CMD; returns when
#                          it is ready, fails when it died or takes too long
#   feed NAME LINE...      writes lines to its stdin;  feed_end NAME: the end
#   pid_of NAME            its process id
#   ended NAME [STATUS]    waits until it ended by itself, with STATUS (0)
#   stop NAME [STATUS]     the same after a TERM
#   stop_all               for teardown: TERM, a limit, KILL.  Fails when one
#                          had to be killed or crashed, or when a descendant
#                          of anything this test ran is still there
#
#   wait_for CMD...        polls until CMD succeeds; fails after 30 s (times
#                          RK_SLOW); `wait_for -t 90 CMD...` another limit
#   wait_line NAME TEXT    until a line of NAME.out contains TEXT
#   wait_lines NAME N      until NAME.out has N lines
#   free_ports N           prints N ports that nobody listens on, nor will
#   run_status N CMD...    runs CMD to its end and fails unless it exits N, so
#                          that a crash (134, 139) never passes for a refusal;
#                          sets $output, $stderr and bats' arrays of lines
#   assert_eq GOT WANT     with a diff when they are not
#   assert_json_eq GOT WANT  as JSON values, whatever the order of keys
#   need CMD...            fails, with advice, when a peer is not installed
#
#   valgrind_all           from here on our programs run under valgrind, also as
#                          co-processes; 86 is the exit status of what it finds
#   valgrind_clean         to end such a test: it found nothing
#
# There is no skip: a missing peer fails.  There is no choosing of ports
# either: `-p 0` prints the port.

bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TESTS")
RK_BIN=$(cd "${RK_BIN:-$ROOT/bin}" && pwd)
PATH=$RK_BIN:$PATH
RK_TEST=${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR-}}
RK_SLOW=${RK_SLOW:-1}
NODE_PATH=$TESTS/node_modules
LC_ALL=C.UTF-8
export TESTS ROOT RK_BIN PATH RK_TEST RK_SLOW NODE_PATH LC_ALL
unset AMQP_URL NOTIFY_SOCKET RK_LINK CDPATH

declare -gA stdin_of=()		# our ends of the pipes of start, by name

say() {
	printf '%s\n' "$@" >&2
}

# --- waiting ---------------------------------------------------------------

wait_for() {
	local limit=30 end

	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	end=$((SECONDS + limit * RK_SLOW))
	until "$@"; do
		if [ "$SECONDS" -gt "$end" ]; then
			say "waited $((limit * RK_SLOW)) s for: $*"
			return 1
		fi
		sleep 0.02
	done
}

wait_line() {
	wait_for grep -qF -e "$2" "$RK_TEST/$1.out"
}

has_lines() {
	[ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

wait_lines() {
	wait_for has_lines "$RK_TEST/$1.out" "$2"
}

# So many ports that nobody listens on, all at once so that they differ; not of
# those that the kernel gives away, so that one is still free when its server
# comes back.
free_ports() {
	perl -MIO::Socket::INET -e '
		open(F, "/proc/sys/net/ipv4/ip_local_port_range");
		$end = (split(" ", <F>))[0];
		while (@s < $ARGV[0]) {
			$s = IO::Socket::INET->new(Listen => 1, LocalAddr =>
			    "127.0.0.1:" . int(10000 + rand($end - 10000)));
			push(@s, $s) if $s;
		}
		print join(" ", map { $_->sockport } @s), "\n"' "$1"
}

# --- programs in the background -------------------------------------------

pid_of() {
	cat "$RK_TEST/$1.pid"
}

# Whoever runs in the background holds neither bats' descriptor nor the
# write end of another's stdin.
close_inherited() {
	local fd

	for fd in 3 "${stdin_of[@]}"; do
		eval "exec $fd>&-"
	done
}

start() {
	local name=$1 base=$RK_TEST/$1 fd

	shift
	rm -f "$base.in"
	mkfifo "$base.in"
	exec {fd}<>"$base.in"
	stdin_of[$name]=$fd
	# now, for who waits for a line finds those of the last one else
	tee "$base.ready" "$base.out" "$base.err" </dev/null
	{
		close_inherited
		exec "$@" 9>"$base.ready"
	} <"$base.in" >"$base.out" 2>"$base.err" &
	echo $! >"$base.pid"
}

ready_or_gone() {
	[ -s "$RK_TEST/$1.ready" ] || gone "$(pid_of "$1")"
}

start_ready() {
	local name=$1 program=$2

	shift 2
	start "$name" "$program" -D 9 "$@"
	wait_for ready_or_gone "$name" && [ -s "$RK_TEST/$name.ready" ] &&
		return
	say "$name: not ready"
	cat "$RK_TEST/$name.err" >&2
	return 1
}

feed() {
	local fd=${stdin_of[$1]}

	shift
	printf '%s\n' "$@" >&"$fd"
}

feed_end() {
	local fd=${stdin_of[$1]}

	exec {fd}>&-
	unset "stdin_of[$1]"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

ended() {
	local name=$1 want=${2:-0} pid got=0

	pid=$(pid_of "$name")
	wait_for gone "$pid" || return
	wait "$pid" || got=$?
	rm "$RK_TEST/$name.pid"
	[ "$got" -eq "$want" ] && return
	say "$name: exit status $got, not $want"
	cat "$RK_TEST/$name.err" >&2
	return 1
}

stop() {
	kill -TERM "$(pid_of "$1")" && ended "$@"
}

# --- the end of a test ----------------------------------------------------

# What this test ran, and their descendants: all carry RK_TEST.  For a
# subshell, which from here on runs things that do not.
left_over() {
	export -n RK_TEST
	grep -lsz "^RK_TEST=$RK_TEST\$" /proc/[0-9]*/environ | cut -d / -f 3
}

nothing_left() {
	[ -z "$(left_over)" ]
}

# 101 is a bug, 86 a sanitizer's report, past 128 a signal; a script's or a
# peer's death by the TERM, KILL or PIPE it was sent is no crash.
crashed() {
	case $1 in
	101 | 86) return 0 ;;
	130 | 137 | 141 | 143) return 1 ;;
	*) [ "$1" -gt 128 ] ;;
	esac
}

stop_all() {
	local file name pid got bad=0

	for file in "$RK_TEST"/*.pid; do
		[ -e "$file" ] && kill -TERM "$(<"$file")" 2>/dev/null
	done
	for file in "$RK_TEST"/*.pid; do
		[ -e "$file" ] || continue
		name=$(basename "$file" .pid)
		pid=$(<"$file")
		wait_for gone "$pid" || { kill -KILL "$pid"; bad=1; }
		got=0
		wait "$pid" || got=$?
		if crashed "$got"; then
			say "$name: exit status $got"
			bad=1
		fi
		say "--- $name, the end of its messages:"
		tail -n 20 "$RK_TEST/$name.err" >&2
		rm -f "$file"
	done
	if ! wait_for nothing_left; then
		for pid in $(left_over); do
			say "left: $(ps -o pid=,args= -p "$pid")"
			kill -KILL "$pid" 2>/dev/null
		done
		bad=1
	fi
	return "$bad"
}

# --- assertions -----------------------------------------------------------

run_status() {
	local want=$1

	shift
	run "-$want" --separate-stderr "$@" && return
	# shellcheck disable=SC2154 # set by run
	say "exit status $status, not $want: $*" "$output" "$stderr"
	return 1
}

assert_eq() {
	[ "$1" = "$2" ] && return
	diff -u --label want --label got <(printf '%s\n' "$2") \
		<(printf '%s\n' "$1") >&2
	return 1
}

assert_json_eq() {
	assert_eq "$(jq -S . <<<"$1")" "$(jq -S . <<<"$2")"
}

# A wrapper for each program, before the real ones in PATH.
valgrind_all() {
	local program

	need valgrind
	mkdir "$RK_TEST/wrapped"
	for program in "$RK_BIN"/rk-*; do
		[ "$(head -c 2 "$program")" != '#!' ] || continue
		cat >"$RK_TEST/wrapped/${program##*/}" <<-END
		#!/bin/sh
		exec valgrind -q --leak-check=full --child-silent-after-fork=yes \
			--errors-for-leak-kinds=definite,indirect,possible \
			--show-leak-kinds=definite,indirect,possible \
			--error-exitcode=86 --log-file=$RK_TEST/valgrind.%p \
			--suppressions=$TESTS/valgrind.supp $program "\$@"
		END
	done
	chmod +x "$RK_TEST"/wrapped/*
	PATH=$RK_TEST/wrapped:$PATH
	RK_SLOW=$((RK_SLOW * 10))
}

valgrind_clean() {
	local log bad=0

	for log in "$RK_TEST"/valgrind.[0-9]*; do
		[ -s "$log" ] || continue
		say "$(head -n 60 "$log")"
		bad=1
	done
	return "$bad"
}

need() {
	local command

	for command; do
		command -v "$command" >/dev/null && continue
		say "$command is not installed: make test-deps"
		return 1
	done
}
