# SPDX-License-Identifier: ISC
#
# The examples of README.md, as they stand there (but for the port): a chat,
# and one router three ways, each of which holds the same conversations.

load lib
load rabbitmq

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }

setup() {
	cd "$RK_TEST" || return
	ln -s "$ROOT/lib" lib
}

teardown() {
	[ ! -e "$RK_TEST/example.pid" ] ||
		kill -TERM -- "-$(pid_of example)" 2>/dev/null
	stop_all
}

# The block of README.md behind <!-- example: NAME -->.
block() {
	awk -v mark="<!-- example: $1 -->" '
		$0 == mark { found = 1 }
		found && /^```$/ { exit }
		inside
		found && /^```sh$/ { inside = 1 }' "$ROOT/README.md" |
		sed 's/-p 8080/-p 127.0.0.1:0 --port-file port/'
}

# It runs in a process group of its own, in this directory.
example() {
	block "$1" >example.sh
	grep -q -- --port-file example.sh
	AMQP_URL=$RABBIT_URL start example setsid bash -c '. ./example.sh 2>&1'
	wait_for test -s port
	port=$(<port)
}

talk() {
	AMQP_URL=$RABBIT_URL node "$TESTS/clients/talk.js" \
		"ws://localhost:$port" "$TESTS/fixtures/piped/$1.talk"
}

broker_is_up() {
	rabbit_queue_is queue-in-1 consumers 1
}

router() {
	example "$1"
	wait_for broker_is_up
	talk errors
	talk calls
	talk results
	talk fidelity
}

@test "in a minute: a chat" {
	example chat
	start_ready ada rk-client "ws://localhost:$port/ada"
	start_ready bob rk-client "ws://localhost:$port/bob"
	feed ada 'hello, bob' '{"n":1.0}'
	wait_lines bob 2
	assert_eq "$(cat bob.out)" $'hello, bob\n{"n":1.0}'
	feed bob 'hello, ada'
	wait_lines ada 1
	assert_eq "$(cat ada.out)" 'hello, ada'
}

@test "in five minutes: a program of one's own, and a tap" {
	example program
	wait_for test -S node.sock
	start_ready tap rk-client unix:node.sock
	start_ready ada rk-client "ws://localhost:$port/ada"
	feed ada hello '{"n":1}'
	wait_lines ada 2
	assert_eq "$(cat ada.out)" \
		$'{"you said": "hello"}\n{"you said": {"n": 1}}'
	wait_line tap '"type": "send"'
}

@test "a ring of plain pipes" { router ring; }
@test "a chain of co-processes" { router chain; }
@test "services that meet at sockets" { router services; }

@test "a rule is tested with a file of frames" {
	cd "$ROOT"
	run_status 0 rk-route -t tests/fixtures/piped/call.in lib/rules/piped.jq
	grep -qxF "    rk-route -t tests/fixtures/piped/call.in lib/rules/piped.jq" \
		README.md
}

@test "every path it names is there" {
	local path

	cd "$ROOT"
	for path in $(grep -o '](\([^)]*\))' README.md | tr -d ']()'); do
		case $path in
		http*) ;;
		*) [ -e "$path" ] || { echo "$path" >&2; return 1; } ;;
		esac
	done
}
