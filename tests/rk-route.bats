#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # output and stderr are set by run
#
# rk-route: a rule over frames, as a filter, beside a co-process, between links.

load lib

setup() {
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

# The other end of a link, see tests/clients/end.js; NAME.out is what it got.
end() {
	local name=$1

	shift
	start "$name" node "$TESTS/clients/end.js" "$@"
}

acks() {
	grep -c '"type":"ack"' "$RK_TEST/$1.out"
}

rss() {
	awk '/VmRSS/ { print $2 }' "/proc/$(pid_of "$1")/status"
}

# --- usage -----------------------------------------------------------------

@test "a rule is a file, or -e, and one of them" {
	run_status 100 rk-route
	[[ $stderr == 'rk-route: a rule is missing'* ]]
	run_status 100 rk-route -e . r.jq
	[[ $stderr == 'rk-route: r.jq: one rule only'* ]]
	run_status 100 rk-route a.jq b.jq
	run_status 100 rk-route none.jq
	[[ $stderr == 'rk-route: none.jq: No such file'* ]]
}

@test "what makes no sense is refused" {
	run_status 100 rk-route -e . --bare
	run_status 100 rk-route -e . --check -- cat
	run_status 100 rk-route -e . -t /dev/null --link a=b
	run_status 100 rk-route -e . --link a
	run_status 100 rk-route -e . --serve =b
	run_status 100 rk-route -e . --depth 129
	run_status 100 rk-route -e . --budget 0
	run_status 100 rk-route -e . --arg 1x y
	run_status 100 rk-route -e . --arg x
	[[ $stderr == 'rk-route: x: a second value is missing'* ]]
	run_status 100 rk-route -e . --argjson x '{'
	run_status 100 rk-route -e . --slurpfile x none
	run_status 100 rk-route -e . --argjson x 9007199254740993
	[[ $stderr == *'$x: a number that a double cannot hold'* ]]
}

# --- the plain case --------------------------------------------------------

@test "frames in, what the rule makes of them out" {
	cat >r.jq <<-'END'
	# to everybody in the room
	select(.type == "message")
	| {type: "send", channel: .data.room} + payload
	END
	run_status 0 rk-route r.jq <<-'END'
	{"type":"message","conn":"x.1","data":{"room":"a","n": 1.0}}
	{"type":"open","conn":"x.2"}

	{"conn":"x.1","type":"message","data":{"room":"b","big":[9007199254740993]}}
	END
	assert_eq "$output" '{"type":"send","channel":"a","data":{"room":"a","n": 1.0}}
{"type":"send","channel":"b","data":{"room":"b","big":[9007199254740993]}}'
	[ -z "$stderr" ]
}

@test "nothing in, nothing out" {
	run_status 0 rk-route -e . </dev/null
	[ -z "$output$stderr" ]
}

@test "a frame comes out while input idles" {
	start route rk-route -e .
	feed route '{"type":"a"}'
	wait_line route '{"type":"a"}'
	feed_end route
	ended route
}

@test "payloads stay as they were spelled" {
	local payload

	{
		for payload in 9007199254740993 12345678901234567890 \
			"$(printf '7%.0s' {1..400})" 1.0 1e400 -0 '""' '[]' \
			'"\u0000\ud800\/é"' '{"b":1,"a":2,"b":1.0}' \
			'{ "a" : [ 1e3 , -0.0 ] }' '[[[[[]]]]]' null; do
			echo '{"type":"m","data":'"$payload"'}'
			echo '{"type":"m","data":{"x":'"$payload"'}}'
		done
		echo '{"type":"m","base64":"AP8="}'
		echo '{"type":"m","base64":""}'
		echo '{"type":"m","text":""}'
	} >in
	rk-route -e . <in >out
	diff in out
	# moved, copied and beside something new
	rk-route -e '{type, ref: .data} + payload + {n: 1}' <in >out
	sed -E 's/^\{"type":"m","data":(.*)\}$/{"type":"m","ref":\1,"data":\1,"n":1}/
		s/^\{"type":"m",("(base64|text)":".*")\}$/{"type":"m","ref":null,\1,"n":1}/' \
		in >want
	diff want out
}

@test "a payload at the bound passes, one byte more does not" {
	{
		printf '{"type":"m","data":"%65460s"}\n' ''
		printf '{"type":"m","data":"%131100s"}\n' ''
		printf '{"type":"n"}\n'
	} >in
	run_status 0 rk-route -m 64k -e '., {type: "x"}' <in
	[ "${#lines[@]}" -eq 5 ]
	[[ $output == *'"why":"a line is too long"'* ]]
	[[ $stderr == *'a line is too long'* ]]
	run_status 0 rk-route -m 64k -e '.y = ("x" * 140000)' <<<'{"type":"n"}'
	assert_eq "$output" '{"type":"error",'\
'"why":"the rule made a line of more than 131072 bytes"}'
}

# --- options of rules --------------------------------------------------------

@test "--check only compiles" {
	run_status 0 rk-route --check -e .
	[ -z "$output$stderr" ]
	run_status 100 rk-route --check -e '.a |'
	[[ $stderr == 'rk-route: -e:1: syntax error'* ]]
	printf '.\n| nothing\n' >r.jq
	run_status 100 rk-route --check r.jq
	assert_eq "$stderr" 'rk-route: r.jq:2: nothing/0 is not defined'
}

@test "--explain says which parts need libjq" {
	mkdir -p lib
	printf '# two\n\ndef two:\n  .a |= 2;' >lib/two.jq
	cat >r.jq <<-'END'
	include "two";
	def one($x): {type} + $x;
	if .type == "a" then one({})
	elif .type == "b" then two
	elif [.x[] | length] == [] then empty
	else
	  reduce .x as $y (.; .z = $y),
	  try .y
	end
	END
	cat >want <<-'END'
	lib/two.jq:3: two: libjq, where it comes to an update, line 4
	r.jq:2: one: native
	r.jq:3: if: native
	r.jq:4: if: native
	r.jq:5: if: libjq, where it comes to length/0, line 5
	r.jq:7: else: libjq, where it comes to reduce, line 7
	r.jq:7: else: libjq, where it comes to try, line 8
	END
	run_status 0 rk-route -L lib --explain r.jq
	diff want - <<<"$output"
	run_status 0 rk-route --explain -e '.'
	assert_eq "$output" '-e:1: the rule: native'
	run_status 100 rk-route --explain -e '.a |'
	run_status 100 rk-route --explain -e . --link a=b
	run_status 111 bash -c 'rk-route --explain -e . >/dev/full'
}

@test "the rules of the kit run natively where it counts" {
	local rule

	for rule in piped layer; do
		run_status 0 rk-route --explain "$ROOT/lib/rules/$rule.jq"
		grep -E ': (if|else): ' <<<"$output" >branches
		[ "$(wc -l <branches)" -ge 5 ]
		run_status 1 grep -v ': native$' branches
	done
}

@test "--arg, --argjson and --slurpfile are variables" {
	printf '1 {"a":"\\u0062"}\n[2]' >values
	run_status 0 rk-route --arg a '-x "y"' --argjson b '{"c":[1.5]}' \
		--slurpfile d values <<<'{"type":"x"}' \
		-e '{type, $a, $b, $d, n: ($ARGS.named | keys)}'
	assert_eq "$output" '{"type":"x","a":"-x \"y\"","b":{"c":[1.5]},'\
'"d":[1,{"a":"b"},[2]],"n":["a","b","d"]}'
	printf '1 {' >values
	run_status 100 rk-route --slurpfile d values -e .
	[[ $stderr == 'rk-route: values: '* ]]
}

@test "--rawfile: a variable is a text" {
	printf '"s\\"\n' >file
	run_status 0 rk-route --rawfile s file -e '{type, $s}' \
		<<<'{"type":"x"}'
	assert_eq "$output" '{"type":"x","s":"\"s\\\"\n"}'
	run_status 100 rk-route --rawfile s none -e .
	printf '\xff' >file
	run_status 100 rk-route --rawfile s file -e .
	[[ $stderr == 'rk-route: file: not UTF-8' ]]
}

@test "-L: include finds files, and lines are theirs" {
	mkdir -p lib/sub
	echo 'def one: {type: "one"};' >lib/one.jq
	printf 'include "three";\ndef two: three;' >lib/sub/two.jq
	echo 'def three: payload;' >lib/sub/three.jq
	printf '# a rule\ninclude "one"; include "sub/two";\n\none, oops' >r.jq
	run_status 100 rk-route -L lib --check r.jq
	assert_eq "$stderr" 'rk-route: r.jq:4: oops/0 is not defined'
	sed -i 's/oops/two + {type}/' r.jq
	run_status 0 rk-route -L lib r.jq <<<'{"type":"x","text":"t"}'
	assert_eq "$output" $'{"type":"one"}\n{"type":"x","text":"t"}'
	echo 'def three: |;' >lib/sub/three.jq
	run_status 100 rk-route -L lib r.jq
	[[ $stderr == 'rk-route: lib/sub/three.jq:1: syntax error'* ]]
	echo 'include "three";' >lib/sub/three.jq
	run_status 100 rk-route -L lib r.jq
	[[ $stderr == *'include within include, 16 times' ]]
	run_status 100 rk-route r.jq
	assert_eq "$stderr" 'rk-route: r.jq:2: include "one": no such file'
}

@test "--depth, and the depth that a rule asks for" {
	local frame='{"type":"x","data":{"a":{"b":[1.0]}}}'

	run_status 0 rk-route -e '{type, x: .data.a.b}' <<<"$frame"
	[[ $output == *'Cannot index string with string'*'a handle? open it'* ]]
	run_status 0 rk-route --depth 2 -e '{type, x: .data.a.b}' <<<"$frame"
	assert_eq "$output" '{"type":"x","x":[1.0]}'
	printf '# rk: depth 3\n{type, x: .data.a.b[0]}' >r.jq
	run_status 0 rk-route r.jq <<<"$frame"
	assert_eq "$output" '{"type":"x","x":1.0}'
	run_status 0 rk-route --depth 0 -e '{type, x: (.data | type)}' <<<"$frame"
	assert_eq "$output" '{"type":"x","x":"object"}'
}

@test "rules are pure, --impure lifts it" {
	local word

	for word in now env '$ENV' input inputs localtime halt stderr; do
		run_status 100 rk-route --check -e "if .x then $word else . end"
		[[ $stderr == *": $word: rules are pure (--impure lifts it)" ]]
		run_status 0 rk-route --impure --check -e "$word"
	done
	echo 'def f: now;' >f.jq
	run_status 100 rk-route --check -e 'include "f"; f'
	export SECRET=x HOME=$RK_TEST
	echo 'def length: 7;' >.jq
	run_status 0 rk-route -e '{type, x: (.x | length)}' <<<'{"type":"a","x":""}'
	assert_eq "$output" '{"type":"a","x":0}'
	run_status 0 rk-route --impure -e '{type: env.SECRET}' <<<'{"type":"a"}'
	assert_eq "$output" '{"type":"x"}'
}

@test "--budget: a rule that runs away is stopped, the next frame is not" {
	run_status 0 rk-route --budget 50ms -e 'if .type == "a"
		then last(range(1e12)) else . end' <<<$'{"type":"a"}\n{"type":"b"}'
	assert_eq "$output" $'{"type":"error","why":"the rule ran too long"}\n'\
'{"type":"b"}'
}

@test "-v says what debug says" {
	run_status 0 rk-route -v -e 'debug' <<<'{"type":"a","x":[9007199254740993]}'
	assert_eq "$stderr" \
		'rk-route: info: debug: {"type":"a","x":[9007199254740993]}'
}

# --- -t ----------------------------------------------------------------------

@test "-t shows what comes of a file of frames" {
	cat >frames <<-'END'
	# two of them
	{"type":"a","from":"up","seq":1}

	{"type":"b"}
	{"type":"c","data":{"h":[1]}}
	{"type":"d"}
	{"type":
	END
	cat >r.jq <<-'END'
	if .type == "a" then . + {via: .from}, {type: "more"}
	elif .type == "b" then empty
	elif .type == "c" then .data.h + "x"
	else refuse("not \(.type)") end
	END
	run_status 1 rk-route r.jq -t frames
	cat >want <<-'END'
	{"type":"a","from":"up","via":"up"}
	{"type":"more"}
	{"type":"error","why":"the rule made no frame: string","line":5}
	{"type":"refuse","why":"not d","line":6}
	END
	echo "$output" | head -n 4 | diff want -
	[[ ${lines[4]} == '{"type":"error","why":'*',"line":7}' ]]
	run_status 0 rk-route r.jq -t - <<<'{"type":"d"}'
	assert_eq "$output" '{"type":"refuse","why":"not d","line":1}'
	run_status 100 rk-route r.jq -t none
	run_status 111 bash -c 'rk-route -e . -t frames >/dev/full'
}

# --- errors ------------------------------------------------------------------

@test "a rule that fails refuses its frame, and the next goes on" {
	run_status 0 rk-route -e 'if .type == "a" then {type: "x"}, .type.x
		elif .type == "b" then refuse("no b") else . end' <<-'END'
	{"type":"a"}
	{"type":"b"}
	{"type":"c"}
	END
	cat >want <<-'END'
	{"type":"c"}
	{"type":"error","why":"Cannot index string with string \"x\""}
	{"type":"error","why":"no b"}
	END
	sort <<<"$output" | diff want -
}

@test "a line that is no frame is an error, and the next goes on" {
	printf '%s\n' junk '[1]' $'{"type":"\x01"}' $'{"type":"\xff"}' \
		'{"type":"a","type":"b"}' '{"type":"c"}' >in
	printf '{"type":"\0"}\n{"type":"d"}' >>in
	run_status 0 rk-route -e . <in
	[ "$(grep -c '"type":"error"' <<<"$output")" -eq 6 ]
	[[ $output == *'{"type":"c"}'* && $output == *'{"type":"d"}'* ]]
	[[ $stderr == *'stdin:1: '* && $stderr != *$'\xff'* ]]
}

@test "escape sequences reach no terminal" {
	run_status 100 rk-route --check $'\e[31m'
	[[ $stderr != *$'\e'* ]]
	run_status 0 rk-route -v -e 'debug' <<<'{"type":"\u001b[31m"}'
	[[ $stderr != *$'\e'* ]]
}

@test "what looks like a handle is text" {
	run_status 0 rk-route -e '{type, a: .data.a, b: .data.b}' \
		<<<'{"type":"x","data":{"a":"􏿰􏿱","b":[1],"c":"a handle"}}'
	assert_eq "$output" '{"type":"x","a":"􏿰􏿱","b":[1]}'
}

@test "memory stays flat over 100,000 frames" {
	local before after

	# what a sanitizer keeps of freed memory is not ours
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=1
	start route rk-route -e 'if .type == "mark" then . else
		(.data | take("id", "none")) as $d
		| (.channels | index("b")) as $i
		| try error("no \($i)") catch .
		| {type: "out", data: $d} | select(.data.id > 1e9) end'
	feed route '{"type":"mark","n":1}'
	wait_line route '"n":1'
	seq -f '{"type":"m","channels":["a","b"],"data":{"id":%.0f,"h":[{}]}}' \
		5000 >"$RK_TEST/some"
	feed route "$(<"$RK_TEST/some")" '{"type":"mark","n":2}'
	wait_line route '"n":2'
	before=$(rss route)
	for _ in {1..20}; do
		feed route "$(<"$RK_TEST/some")"
	done
	feed route '{"type":"mark","n":3}'
	wait_line route '"n":3'
	after=$(rss route)
	echo "$before kB, then $after kB"
	[ "$after" -lt $((before + 1000 * RK_SLOW)) ]
}

# --- HUP -------------------------------------------------------------------

@test "HUP takes the new rule, but not a bad one" {
	echo '.x = 1' >r.jq
	start_ready route rk-route -v r.jq
	feed route '{"type":"a"}'
	wait_line route '{"type":"a","x":1}'
	echo '.x = 2' >r.jq
	kill -HUP "$(pid_of route)"
	wait_for grep -q 'read again' "$RK_TEST/route.err"
	feed route '{"type":"b"}'
	wait_line route '{"type":"b","x":2}'
	echo '.x = ' >r.jq
	kill -HUP "$(pid_of route)"
	wait_for grep -q 'r.jq:1: syntax error.*; the old rule stays' \
		"$RK_TEST/route.err"
	rm r.jq
	kill -HUP "$(pid_of route)"
	wait_for grep -q 'No such file.*; the old rule stays' \
		"$RK_TEST/route.err"
	feed route '{"type":"c"}'
	wait_line route '{"type":"c","x":2}'
	stop route
}

# --- a co-process ------------------------------------------------------------

@test "between two sides: from, and the other one" {
	start_ready route rk-route -e 'if .type == "link" then empty
		elif .from == "up" and .back then {type: "back", via: .from}
		else {type, f: .from} end' -- \
		rk-route -e 'select(.type != "link") | .type += "!"'
	feed route '{"type":"a"}' '{"type":"b","back":true}'
	wait_lines route 2
	sort "$RK_TEST/route.out" >out
	printf '%s\n' '{"type":"a!","f":"down"}' '{"type":"back"}' | diff - out
	feed_end route
	ended route
}

@test "a plain co-process, and its last words" {
	run_status 0 rk-route -e 'select(.type != "link")' -- \
		sed -u 's/a/b/' <<<$'{"type":"a"}\n{"type":"xa"}'
	assert_eq "$output" $'{"type":"b"}\n{"type":"xb"}'
}

@test "--bare: payloads to it, messages from it" {
	run_status 0 rk-route --bare -e 'if .from == "down" then . + {n: 1}
		else . end | select(.type != "link")' -- \
		jq -c --unbuffered '{back: .}' <<-'END'
	{"type":"a","data":{"q": 12345678901234567890}}
	{"type":"b","text":"5"}
	{"type":"c"}
	END
	printf '%s\n' '{"type":"message","data":{"back":{"q":12345678901234567000}},"n":1}' \
		'{"type":"message","data":{"back":5},"n":1}' >want
	echo "$output" | diff want -
}

@test "what ends a co-process ends us, when it would do so again" {
	run_status 127 rk-route -e . -- ./none <<<'{"type":"a"}'
	run_status 100 rk-route -e . -- rk-route --no <<<'{"type":"a"}'
	touch plain
	run_status 126 rk-route -e . -- ./plain <<<'{"type":"a"}'
}

@test "a co-process that dies comes back; rules hear of it" {
	start_ready route rk-route -e 'if .from == "down" then .
		else {type: "die"} end' -- \
		rk-route -e 'if .type == "die" then . else empty end' -- \
		sh -c 'read -r _; read -r _; exit 3'
	wait_line route '"state":"new"'
	feed route '{"type":"x"}' '{"type":"x"}'
	wait_for grep -q 'exit 3' "$RK_TEST/route.err"
	stop route
}

# --- named links -------------------------------------------------------------

@test "--link: from, via, of, and settled when all was settled" {
	end a serve a.sock station aaaaaaaaaaaaa
	end b serve b.sock station bbbbbbbbbbbbb
	wait_line a serving
	wait_line b serving
	start_ready route rk-route --link a=a.sock --link b=b.sock -e '
		if .type == "link" then {type: "hello", via: .from, state, boot}
		elif .many then {type: "x", data: {hold: 1}},
			{type: "y", via: .from}
		elif .none then empty
		elif .bad then {type: "x"}, {type: "y", via: "c"}
		else {type, f: .from, data} end'
	wait_line a '{"type":"hello","state":"new","boot":"aaaaaaaaaaaaa"'
	wait_line b '{"type":"hello","state":"new","boot":"bbbbbbbbbbbbb"'
	feed a '{"type":"one"}'
	wait_line b '{"type":"one","f":"a","data":null,"of":["aaaaaaaaaaaaa",1,0],"seq":'
	wait_line a '{"type":"ack","seq":[[1,1]]}'
	# nothing made: settled at once
	feed a '{"type":"two","none":1}'
	wait_line a '{"type":"ack","seq":[[2,2]]}'
	# two, to both: when the last is settled
	feed a '{"type":"three","many":1}'
	wait_line b '"of":["aaaaaaaaaaaaa",3,0]'
	wait_line a '{"type":"y","of":["aaaaaaaaaaaaa",3,1],"seq":'
	[ "$(acks a)" -eq 2 ]
	feed b '{"type":"four"}'
	wait_line a '{"type":"four","f":"b"'
	[ "$(acks a)" -eq 2 ]
	feed b release
	wait_line a '{"type":"ack","seq":[[3,3]]}'
	feed a '{"type":"five"}'
	wait_line a '{"type":"ack","seq":[[4,4]]}'
	# refused over there is refused here
	feed a '{"type":"six","data":{"refuse":"not six"}}'
	wait_line a '"refused":[[5,"not six"]]'
	# no such link: refused, and nothing of it leaves
	feed a '{"type":"seven","bad":1}'
	wait_line a '"refused":[[6,"'
	[ "$(grep -c '{"type":"x"' b.out)" -eq 1 ]
	stop route
}

@test "a link that is not there yet gets its frames when it is" {
	end a serve a.sock station aaaaaaaaaaaaa
	wait_line a serving
	start_ready route rk-route --link a=a.sock --link b=b.sock \
		-e 'select(.type != "link")'
	wait_line a '"type":"attach"'
	feed a '{"type":"one"}'
	end b serve b.sock station bbbbbbbbbbbbb
	wait_line b '{"type":"one","of":["aaaaaaaaaaaaa",1,0]'
	wait_line a '{"type":"ack","seq":[[1,1]]}'
	stop route
}

@test "links of one name: to the owner of conn, else to each" {
	end n1 serve n1.sock station n111111111111
	end n2 serve n2.sock station n222222222222
	end b serve b.sock station bbbbbbbbbbbbb
	wait_line n1 serving
	wait_line n2 serving
	wait_line b serving
	start_ready route rk-route --link n=n1.sock --link n=n2.sock \
		--link b=b.sock -e 'if .type == "link" then
			{type: "up", from, via: "b"} else .via = "n" end'
	wait_for eval '[ "$(grep -c \"type\":\"up\" b.out)" -eq 3 ]'
	feed b '{"type":"one","conn":"n222222222222.7"}' \
		'{"type":"two","conn":"n111111111111.7"}' \
		'{"type":"all"}' '{"type":"gone","conn":"nxxxxxxxxxxxx.7"}'
	wait_line n1 '"type":"gone"'
	wait_line n2 '"type":"gone"'
	grep -q '"type":"two"' n1.out
	grep -q '"type":"one"' n2.out
	grep -q '"type":"all"' n1.out
	grep -q '"type":"all"' n2.out
	run_status 1 grep '"type":"one"' n1.out
	run_status 1 grep '"type":"two"' n2.out
	wait_for grep -q '\[\[1,4\]\]\|\[4,4\]\|,4\]' b.out
	stop route
}

@test "three links: a rule must say via" {
	end a serve a.sock station aaaaaaaaaaaaa
	wait_line a serving
	start_ready route rk-route --link a=a.sock --link b=b.sock \
		--link c=c.sock -e 'select(.type != "link")'
	wait_line a '"type":"attach"'
	feed a '{"type":"one"}'
	wait_line a '"refused":[[1,"the rule does not say via which link"]]'
	stop route
}

@test "--serve: stations attach, publishers put in" {
	start_ready route rk-route --serve a=a.sock --serve b=b.sock \
		--socket-mode 0666 -e 'if .from == "b" then .via = "a" else . end'
	[ "$(stat -c %a a.sock)" = 666 ]
	end a attach a.sock station aaaaaaaaaaaaa
	wait_line a '"type":"ready"'
	end p attach b.sock source ppppppppppppp
	wait_line p '"type":"ready"'
	feed p '{"type":"send","user":"T"}' '{"type":"x","data":{"refuse":"no"}}'
	wait_line a '{"type":"send","user":"T","of":["ppppppppppppp",1,0]'
	wait_line p '"refused":[[2,"no"]]'
	wait_for grep -q '"seq":\[\[1,1\]' p.out
	# a peer that never attached
	socat -u STDIN UNIX-CONNECT:b.sock <<<'{"type":"plain"}'
	wait_line a '{"type":"plain","seq"'
	stop route
	[ ! -e a.sock ]
}

@test "--run: co-processes beside links, each by its name, started again" {
	cat >r.jq <<-'END'
	if .type == "ask" then {type: "get", key: "k", ref: 1, via: .to}
	elif .type == "put" then . + {via: .to}
	elif .type == "entry" then . + {via: "a", of_link: .from}
	else empty end
	END
	start_ready route rk-route --link a=a.sock --run one='rk-store 1.db' \
		--run 'two=rk-store "$(echo 2).db"' r.jq
	end a serve a.sock station aaaaaaaaaaaaa
	wait_line a '"type":"attach"'
	feed a '{"type":"put","to":"one","key":"k","data":1}' \
		'{"type":"put","to":"two","key":"k","data":2}' \
		'{"type":"ask","to":"two"}' '{"type":"ask","to":"one"}'
	wait_line a '"data":1,"of_link":"one"'
	wait_line a '"data":2,"of_link":"two"'
	ps -o pid= --ppid "$(pid_of route)" | xargs kill -KILL
	feed a '{"type":"ask","to":"two","again":true}'
	wait_for eval '[ "$(grep -c "\"of_link\":\"two\"" a.out)" -eq 2 ]'
	stop route
}

@test "--run: what will fail again ends the router, with its status" {
	run_status 100 rk-route --run one='rk-store' --link a=a.sock -e .
	run_status 127 rk-route --run one=nobody-has-this --link a=a.sock -e .
	run_status 100 rk-route --run one -e .
	[[ $stderr == *'not NAME=COMMAND'* ]]
	run_status 100 rk-route --run one=cat --bare -e .
}

@test "--run: beside a bare co-process they speak frames" {
	start_ready l rk-listen --unix=l --http / -- rk-route --bare \
		--run 'store=rk-store a.db' -e '
		if .type == "request" then
			{type: "put", key: "k", data: .path, ref: .conn, via: "store"}
		elif .type == "done" then {type: "x", data: .ref, via: "down"}
		elif .type == "message" then
			{type: "respond", conn: .data, text: .from, via: "up"}
		else empty end' -- cat
	assert_eq "$(curl -s -m 20 --unix-socket l http://l/x)" down
}

# Its CPU time is what it was when it was asked last.
idle() {
	local now

	now=$(cut -d ' ' -f 14,15 "/proc/$(pid_of "$1")/stat")
	[ "$now" = "${ticks:-}" ] || { ticks=$now; return 1; }
}

@test "what waits at an output is bounded" {
	local before

	end a serve a.sock station aaaaaaaaaaaaa
	end b serve b.sock station bbbbbbbbbbbbb 20000
	wait_line a serving
	wait_line b serving
	# each frame becomes 100 of 1 kB; b keeps the first, and has no room
	start_ready route rk-route --window 64k --link a=a.sock --link b=b.sock \
		-e 'if .type == "link" then empty elif .data then . else
			range(100) as $i | {type: "y", $i, x: ("x" * 1000)} end'
	wait_line a '"type":"attach"'
	wait_line b '"type":"attach"'
	feed a '{"type":"first","data":{"hold":"'"$(printf '%19000s' '')"'"}}'
	wait_line b '"type":"first"'
	before=$(rss route)
	feed a "$(seq -f '{"type":"%.0f"}' 200)"
	feed a '{"type":"last","data":{}}'
	ticks=
	wait_for idle route
	[ "$(rss route)" -lt $((before + 4000 * RK_SLOW)) ]
	run_status 1 grep '"type":"y"' b.out
	feed b release
	wait_line b '"type":"last"'
	[ "$(grep -o '"i":[0-9]*' b.out | cut -d : -f 2 | uniq | wc -l)" -eq 20000 ]
	stop route
}

@test "a router beyond us that is slower than its input is waited for" {
	# what comes back must be taken, or what went there is never settled
	yes '{"type":"a","x":"'"$(printf '%500s' '')"'"}' | head -n 20000 >in
	run_status 0 timeout $((60 * RK_SLOW)) rk-route --window 64k -e . -- \
		rk-route --window 64k -e '(.type | length) as $slow | .' <in
	[ "$(grep -c '"type":"a"' <<<"$output")" -eq 20000 ]
}

# --- the end -----------------------------------------------------------------

@test "TERM ends with 0" {
	start_ready route rk-route -e . -- rk-route -e 'select(.type != "link")'
	wait_line route '"state":"new"'
	feed route '{"type":"a"}'
	stop route
}

@test "TERM: plain input that was read is handed over, and answered" {
	mkfifo go
	# shellcheck disable=SC2016
	start route rk-route -e . -- sh -c 'read -r line && echo >taken
		read -r go <go; echo "$line"'
	feed route '{"type":"a"}'
	wait_for test -s taken
	kill "$(pid_of route)"
	echo >go
	ended route
	wait_line route '{"type":"a"}'
}

read_all() {	# NAME: nothing that it was fed is left in its pipe
	perl -e 'ioctl(STDIN, 0x541b, my $n = pack("i", 0)) or die;
		exit(unpack("i", $n) != 0)' <&"${stdin_of[$1]}"	# FIONREAD
}

@test "TERM: a co-process that may attach yet gets what was read" {
	start route rk-route -e . -- cat
	feed route '{"type":"a"}'
	wait_for read_all route
	stop route
	wait_line route '{"type":"a"}'
}

@test "a reader that left, a full disk: 111" {
	yes '{"type":"a"}' | head -n 100000 >in
	run_status 111 bash -c 'rk-route -e . <in >/dev/full'
	[[ $stderr == *'stdout: cannot be written'* ]]
	rk-route -e . <in 2>err | head -n 1 >out
	[ "${PIPESTATUS[0]}" -eq 111 ]
	run_status 0 cat out
	assert_eq "$output" '{"type":"a"}'
}

@test "the end of input waits for all that was made" {
	yes '{"type":"a","x":[1,2,3]}' | head -n 200000 >in
	rk-route -e . <in | (read -r _; wc -l) >out
	[ "$(<out)" -eq 199999 ]
}
