# SPDX-License-Identifier: ISC
#
# What every program of the kit does alike: help, version, wrong options, and
# an output that is full.

load lib

teardown() {
	stop_all
}

# Neither is part of a condition, in which a check that fails would be passed
# over (and so for what they call).
each() {
	local program

	for program in "$RK_BIN"/rk-*; do
		say "$(basename "$program")"
		"$1" "$(basename "$program")"
	done
}

# Programs alone, without the scripts.
each_program() {
	local program

	while read -r program; do
		say "$program"
		"$1" "$program"
	done < <(find "$ROOT/src" -maxdepth 1 -name 'rk-*' -printf '%f\n' |
		sed 's/\.c$//')
}

helps() {
	run_status 0 "$1" --help
	[[ $output == "usage: $1 "* && -z $stderr ]]
}

@test "--help: usage on standard output, and 0" {
	each helps
}

# 80 columns, so that it fits a terminal.
narrow() {
	! "$1" --help | awk 'length > 80' | grep .
}

@test "--help: fits a terminal" {
	each narrow
}

names_version() {
	run_status 0 "$1" --version
	[[ $output =~ ^"$1 "[0-9]+\.[0-9]+\.[0-9]+$ && -z $stderr ]]
}

@test "--version: name and version, and 0" {
	each names_version
}

# One line, "program: thing: reason", and nothing on standard output.
complains() {
	run_status 100 "$@"
	[[ $stderr == "$1: "* && $stderr != *$'\n'* && -z $output ]]
}

unknown() {
	complains "$1" --no-such-option
	[[ $stderr == *--no-such-option* ]]
}

@test "an unknown option: 100, and it is named" {
	each unknown
}

valueless() {
	complains "$1" -D
	complains "$1" --ready-fd
}

@test "an option without its value: 100" {
	each valueless
}

childless() {
	complains "$1" --
}

@test "-- without a command: 100" {
	each_program childless
}

full() {
	local got=0

	"$1" --help >/dev/full || got=$?
	assert_eq "$got" 111
	got=0
	"$1" --version >/dev/full || got=$?
	assert_eq "$got" 111
}

@test "--help and --version into a full device: 111" {
	each_program full
}

closed() {
	run_status 0 "$1" --version <&-
	run_status 100 "$1" --no-such-option <&-
}

@test "a closed standard input does no harm" {
	each closed
}
