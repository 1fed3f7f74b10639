# SPDX-License-Identifier: ISC
#
# rk-layer: usage; conversations with npm ws (tests/fixtures/layer/*.talk);
# rules swapped while people are connected; the page, in Chromium.

load lib

teardown() { stop_all; }

# What follows goes to rk-layer.
serve() {
	start_ready layer rk-layer -p 0 "$@"
	wait_lines layer 1
	port=$(grep -om 1 '[0-9]*$' "$RK_TEST/layer.out")
}

# The conversation says in its first line which options it is about.
talk() {
	local file=$TESTS/fixtures/layer/$1.talk options

	options=$(sed -n '1s/^# rk-layer //p' "$file")
	# shellcheck disable=SC2086 # several options
	serve $options
	node "$TESTS/clients/talk.js" "ws://localhost:$port" "$file"
}

@test "usage: --help and --version" {
	run_status 0 rk-layer --help
	[[ $output == 'usage: rk-layer '* ]]
	run_status 0 rk-layer --version
	[[ $output =~ ^rk-layer\ [0-9.]+$ ]]
}

@test "usage: what is wrong is said, and is 100" {
	run_status 100 rk-layer --server-takeover=perhaps
	[[ $stderr == 'rk-layer: --server-takeover: perhaps: '* ]]
	run_status 100 rk-layer --nothing
	run_status 100 rk-layer operand
	[[ $stderr == 'rk-layer: operand: '* ]]
}

@test "every row of the wire, in its order" { talk rows; }
@test "a burst is done in its order" { talk burst; }
@test "a secret for nobody is nobody's" { talk secrets; }
@test "hostile messages change nothing" { talk hostile; }
@test "a second server replaces the first" { talk takeover-replace; }
@test "a second server is refused" { talk takeover-refuse; }
@test "a second server comes in silence" { talk takeover-silent; }
@test "a new role leaves the old one" { talk change-role; }
@test "--empty-object" { talk empty-object; }
@test "--compat" { talk compat; }
