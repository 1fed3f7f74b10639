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

@test "--trust-proxy: clients behind a proxy are who it says" {
	run_status 100 rk-layer -p 0 --trust-proxy localhost
	serve --trust-proxy 127.0.0.1,::1
	tr '\0' '\n' <"/proc/$(pid_of layer)/cmdline" >"$RK_TEST/arguments"
	grep -xA 1 -e --trust-proxy "$RK_TEST/arguments" | grep -qx 127.0.0.1,::1
}

@test "every row of the wire, in its order" { talk rows; }
@test "a burst is done in its order" { talk burst; }
@test "a secret for nobody is nobody's" { talk secrets; }
@test "hostile messages change nothing" { talk hostile; }
@test "last words are heard, and before the end" { talk last-words; }
@test "a second server replaces the first" { talk takeover-replace; }
@test "a second server is refused" { talk takeover-refuse; }
@test "a second server comes in silence" { talk takeover-silent; }
@test "a new role leaves the old one" { talk change-role; }
@test "--empty-object" { talk empty-object; }
@test "--compat" { talk compat; }

# The arguments of the rule file about order, in thousands of random orders.
model() {
	node "$TESTS/clients/layer-model.js" "$1" 500
}

@test "any order of events: what is told agrees with the roster" {
	model replace
	model refuse
	model silent
}

# A tree of its own, whose rules can be changed.
own_tree() {
	mkdir -p "$RK_TEST/tree/bin" "$RK_TEST/tree/lib"
	cp "$ROOT/bin/rk-layer" "$RK_TEST/tree/bin"
	cp -r "$ROOT/lib/rules" "$ROOT/lib/shell" "$RK_TEST/tree/lib"
	ln -s "$RK_BIN"/rk-listen "$RK_BIN"/rk-route "$RK_TEST/tree/bin"
	PATH=$RK_TEST/tree/bin:$PATH
}

hears() {
	grep -qF -e "$2" "$RK_TEST/$1.out"
}

# The server asks for a client that is not there, and hears what that is called.
unknown_is() {
	feed server '{"data":{"client_id":99}}'
	wait_for -t 1 hears server "$1"
}

@test "HUP: the rules change, everybody stays, nobody's data is lost" {
	local rules=$RK_TEST/tree/lib/rules/layer.jq

	own_tree
	serve
	start_ready client rk-client "ws://localhost:$port/"
	feed client '{"connect":"client"}' '{"data":{"x":1}}'
	wait_line client '"client_id":1'
	start_ready server rk-client "ws://localhost:$port/"
	feed server '{"connect":"server"}' '{"data":{"map_id":1}}'
	wait_line server '"client_data":{"x":1}'
	wait_line client '"map_id":1'

	sed -i 's/no such client/nobody/' "$rules"
	kill -HUP "$(pid_of layer)"
	wait_for unknown_is '{"error":"nobody"'
	feed client '{"data":{"y":2}}'
	wait_line server '"client_data":{"x":1,"y":2}'

	# what does not compile is not taken
	echo 'nonsense(' >"$rules"
	kill -HUP "$(pid_of layer)"
	wait_for grep -q layer.jq "$RK_TEST/layer.err"
	feed client '{"data":{"z":3}}'
	wait_line server '"client_data":{"x":1,"y":2,"z":3}'
	feed server '{"data":{"map_id":2}}'
	wait_line client '"map_id":2'
}

@test "64 KiB of nested JSON, and more, do not end it" {
	serve
	node -e '
		const ws = new (require("ws"))(process.argv[1])
		const nest = n => "[".repeat(n) + "]".repeat(n)
		ws.on("open", () => {
			ws.send("{\"connect\":\"client\"}")
			for (const deep of [100, 127, 128, 1000, 40000])
				ws.send(`{"data":{"x":${nest(deep)}}}`)
			ws.send(`{"data":{"big":"${"x".repeat(500000)}"}}`)
			ws.send(`{"data":{"last":1}}`)
			ws.send("{\"connect\":\"client\"}")
		})
		const heard = ["client_id", "error", "client_id"]
		ws.on("message", text => {
			if (!(heard.shift() in JSON.parse(text)))
				process.exit(1)
			if (heard.length === 0)
				process.exit(0)
		})
		ws.on("close", code => process.exit(1))' "ws://localhost:$port"
}

# NAME: its next data is 40 kB more.
more_data() {
	feed "$1" "{\"data\":{\"$2\":\"$(printf %040000d 0)\"}}"
}

@test "who has more than 64 KiB of data is told, and has what it had" {
	serve
	start_ready client rk-client "ws://localhost:$port/"
	start_ready server rk-client "ws://localhost:$port/"
	feed client '{"connect":"client"}'
	wait_line client client_id
	feed server '{"connect":"server"}'
	wait_line server '"client_data":[]'
	more_data client a
	wait_line server '"a":"0000'
	more_data client b
	wait_line client '{"error":"data is larger than 64 KiB"}'
	feed client '{"data":{"c":1}}'
	wait_line server '"c":1}'
	run ! grep -q '"b":' "$RK_TEST/server.out"
	more_data server a
	wait_line client '"server_data":{"a":"0000'
	more_data server b
	wait_line server '{"error":"data is larger than 64 KiB"}'
	ignored() {
		curl -s "http://localhost:$port/metrics" |
			grep -qx 'layer_ignored{why="too large"} 2'
	}
	wait_for ignored
}

@test "--demo: the page, in Chromium" {
	need chromium
	serve --demo
	curl -sf "http://localhost:$port/" >/dev/null
	run_status 22 curl -sf "http://localhost:$port/../rk-layer"
	node "$TESTS/clients/board.js" "http://localhost:$port/"
}
