# SPDX-License-Identifier: ISC
#
# The EXAMPLES of every man page, executed.

load lib
load rabbitmq
load examples

teardown() {
	stop_all
}

@test "every page with examples is here" {
	local page

	for page in "$ROOT"/man/*.[157]; do
		grep -q '^\.Sh EXAMPLES' "$page" || continue
		grep -qF "examples $(basename "$page")" "$BATS_TEST_FILENAME"
	done
}

@test "rk(7)" {
	examples rk.7
}

@test "rk-frame(5)" {
	examples rk-frame.5
}

@test "rk-listen(1)" {
	examples rk-listen.1
}

@test "rk-route(1)" {
	examples rk-route.1
}

@test "rk-amqp-bridge(1)" {
	BATS_FILE_TMPDIR=$RK_TEST rabbit_start
	export AMQP_URL=$RABBIT_URL
	examples rk-amqp-bridge.1
	BATS_FILE_TMPDIR=$RK_TEST rabbit_stop
}

@test "rk-publish(1)" {
	start_ready node rk-listen -p 0 -s "$RK_TEST/node.sock" --ws '/{user}'
	examples rk-publish.1
}

@test "rk-client(1)" {
	examples rk-client.1
}

@test "rk-piped(1)" {
	examples rk-piped.1
}

@test "rk-layer(1)" {
	examples rk-layer.1
}

@test "rk-store(1)" {
	examples rk-store.1
}

@test "rk-jobs(1)" {
	examples rk-jobs.1
}

@test "rk-log(1)" {
	examples rk-log.1
}

@test "rk-robots(1)" {
	examples rk-robots.1
}

@test "rk-cluster(1)" {
	examples rk-cluster.1
}
