# SPDX-License-Identifier: ISC
#
# The rules, by golden files: tests/fixtures/RULE/NAME.in, put through
# lib/rules/RULE.jq with the arguments in NAME.args, gives NAME.out.

load lib

teardown() { stop_all; }

# RULE DIRECTORY: every golden file of it; the differences on stderr.
golden() {
	local in name args bad=0 n=0

	for in in "$2"/*.in; do
		name=${in%.in}
		args=()
		[ ! -e "$name.args" ] || mapfile -t args <"$name.args"
		rk-route "${args[@]}" -t "$in" "$1" >"$RK_TEST/out" &&
			diff -u "$name.out" "$RK_TEST/out" >&2 || bad=1
		n=$((n + 1))
	done
	echo "$n files"
	return "$bad"
}

@test "the rules compile, and need no argument" {
	local rule

	for rule in "$ROOT"/lib/rules/*.jq; do
		run_status 0 rk-route --check "$rule"
	done
}

@test "piped: each flow" {
	run_status 0 golden "$ROOT/lib/rules/piped.jq" "$TESTS/fixtures/piped"
	[ "${output% files}" -ge 13 ]
}

@test "layer: each row" {
	run_status 0 golden "$ROOT/lib/rules/layer.jq" "$TESTS/fixtures/layer"
	[ "${output% files}" -ge 20 ]
}

@test "cluster: each row" {
	run_status 0 golden "$ROOT/lib/rules/cluster.jq" \
		"$TESTS/fixtures/cluster"
}

@test "rouket: each row" {
	run_status 0 golden "$ROOT/lib/rules/rouket.jq" \
		"$TESTS/fixtures/rouket"
}

@test "robots: each flow" {
	run_status 0 golden "$ROOT/lib/rules/robots.jq" "$TESTS/fixtures/robots"
	[ "${output% files}" -ge 5 ]
}

@test "a rule that does something else is found out" {
	sed 's/"pong"/"ping"/' "$ROOT/lib/rules/piped.jq" >"$RK_TEST/wrong.jq"
	run_status 1 golden "$RK_TEST/wrong.jq" "$TESTS/fixtures/piped"
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *'"event":"pong"'* ]]
}
