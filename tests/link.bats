#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Links, as every program makes them: sockets served, peers of every kind,
# co-processes.  rk-listen is the station here and rk-route the router; what
# tracking promises is in tests/unit/track.c, story by story.

load lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
}

# rk-listen without clients: it serves n.sock, and nothing else is a link.
station() {
	start_ready station rk-listen -p 0 --port-file port -s n.sock "$@" \
		>/dev/null
}

peer() {	# NAME: a connection by hand
	start "$1" node "$TESTS/clients/peer.js" n.sock
}

attach() {	# AS NAME BOOT
	printf '{"type":"attach","v":1,"as":"%s","name":"%s","boot":"%s","window":65536}' \
		"$1" "$2" "$3"
}

limited() {
	timeout $((20 * RK_SLOW)) "$@"
}

silent() {	# NAME: nothing came; asked after something else did
	assert_eq "$(cat "$1.out")" ""
}

# --- the socket -------------------------------------------------------------

@test "a socket is for its owner alone, unless told otherwise" {
	start_ready a rk-route -e . --serve x=a.sock
	assert_eq "$(stat -c %a a.sock)" 600
	start_ready b rk-route -e . --serve x=b.sock --socket-mode 0660 \
		--socket-group "$(id -gn)"
	assert_eq "$(stat -c '%a %G' b.sock)" "660 $(id -gn)"
}

@test "--socket-mode and --socket-group are checked" {
	run_status 100 rk-route -e . --serve x=a.sock --socket-mode 9
	run_status 100 rk-route -e . --serve x=a.sock --socket-mode 1777
	run_status 100 rk-route -e . --serve x=a.sock --socket-group nosuchgroup
}

@test "a path that somebody serves is refused" {
	start_ready a rk-route -e . --serve x=a.sock
	run_status 111 rk-route -e . --serve x=a.sock
	assert_eq "$stderr" \
		"rk-route: a.sock: somebody serves it already"
	[ -S a.sock ]
}

@test "a stale path is replaced" {
	start_ready a rk-route -e . --serve x=a.sock
	kill -9 "$(pid_of a)"
	ended a 137
	[ -S a.sock ]
	start_ready b rk-route -e . --serve x=a.sock
}

one_gone() {
	gone "$(pid_of a)" || gone "$(pid_of b)"
}

@test "of two that start together on a stale path one gets it" {
	local i how won lost

	for i in {1..20}; do
		how=$([ $((i % 2)) = 0 ] && echo --unix || echo --socket)
		perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(
			Local => "r.sock", Listen => 1) or die'
		start a rk-listen -D 9 -p 127.0.0.1:0 "$how" r.sock
		start b rk-listen -D 9 -p 127.0.0.1:0 "$how" r.sock
		wait_for one_gone
		won=a lost=b
		! gone "$(pid_of a)" || won=b lost=a
		ended "$lost" 111
		wait_for ready_or_gone "$won"
		[ -S r.sock ]
		stop "$won"
		[ ! -e r.sock ]
	done
}

@test "a path that is no socket is left alone" {
	echo precious >a.sock
	run_status 100 rk-route -e . --serve x=a.sock
	assert_eq "$(cat a.sock)" precious
}

@test "a path too long for a socket is refused" {
	run_status 100 rk-route -e . --serve \
		"x=$(printf '%0120d' 0)"
}

@test "the path goes with its server" {
	start_ready a rk-route -e . --serve x=a.sock
	stop a
	[ ! -e a.sock ]
}

@test "a path that another has taken over stays" {
	start_ready a rk-route -e . --serve x=a.sock
	start_ready l rk-listen -p 0 --unix b.sock --port-file port
	mv a.sock a.old
	mv b.sock b.old
	start_ready c rk-route -e . --serve x=a.sock --serve y=b.sock
	stop a
	stop l
	[ -S a.sock ] && [ -S b.sock ]
	stop c
	[ ! -e a.sock ] && [ ! -e b.sock ]
}

@test "a flood of lines that are none is counted, and fills no disk" {
	yes '[]' | head -n 5000 >bad
	rk-route -e 'select(false)' <bad 2>err >/dev/null || :
	[ "$(grep -c 'not an object' err)" -ge 1 ]
	[ "$(wc -l <err)" -lt 50 ]
	station
	timeout $((60 * RK_SLOW)) socat -t 30 - UNIX:n.sock <bad >told
	heard() {
		curl -s "http://127.0.0.1:$(<port)/metrics" |
			grep -q '^rk_listen_link_bad_lines_total 5000$'
	}
	wait_for heard
	[ "$(wc -l <station.err)" -lt 50 ]
}

@test "a flood of refusals that no peer can be told of fills no disk, either" {
	start parent rk-route --bare -e 'if .from == "down" and
		.text != "end" then refuse("no") else . end' -- \
		sh -c 'yes x | head -n 5000; echo end; exec cat'
	wait_line parent '"text":"end"'
	grep -q 'down: no$' parent.err
	[ "$(wc -l <parent.err)" -lt 50 ]
	stop parent
}

# --- peers ------------------------------------------------------------------

@test "a router gets ready, and then the events" {
	station
	peer router
	feed router "$(attach router r routerbootone)"
	wait_line router '"type":"ready"'
	run jq -c '[.v, .as, .name, (.boot | length), (.window > 0)]' router.out
	assert_eq "$output" '[1,"station","rk-listen",13,true]'
}

@test "the next router stands by, and takes over" {
	station
	peer one
	feed one "$(attach router r routerbootone)"
	wait_line one ready
	peer two
	feed two "$(attach router r routerboottwo)"
	peer three
	feed three '{"type":"who","all":true,"ref":1}'
	wait_line three members		# so two was heard, too
	silent two
	stop one 143
	wait_line two ready
}

@test "an attach that is wrong is told so" {
	station
	for wrong in '{"type":"attach"}' \
		'{"type":"attach","v":2,"as":"router","boot":"b","window":1}' \
		'{"type":"attach","v":1,"as":"boss","boot":"b","window":1}' \
		'{"type":"attach","v":1,"as":"router","boot":"","window":1}' \
		'{"type":"attach","v":1,"as":"router","boot":"12345678901234","window":1}' \
		'{"type":"attach","v":1,"as":"router","boot":"b\"b","window":1}' \
		'{"type":"attach","v":1,"as":"router","boot":"b","window":0}' \
		'{"type":"attach","v":1,"as":"router","boot":"b","window":"x"}' \
		'{"type":"attach","v":1,"as":"station","boot":"b","window":1}'
	do
		peer p
		feed p "$wrong"
		wait_line p '"type":"error"'
		grep -q '"why":"attach: ' p.out
		ended p
	done
}

@test "a peer without attach writes plain frames, and hears of its faults" {
	station
	peer p
	feed p '{"type":"who","all":true,"ref":"r"}' 'garbage' \
		'{"type":"nonsense"}' '{"type":"join","conn":5}' '' \
		'{"type":"who","all":true,"ref":"s"}'
	wait_line p '"ref":"s"'
	assert_eq "$(jq -r .type p.out | sort | uniq -c | tr -s ' \n' ' ')" \
		" 3 error 2 members "
}

@test "a source is told what became of each frame" {
	station
	peer p
	feed p "$(attach source s sourcebootone)" \
		'{"type":"who","all":true,"ref":1,"seq":1}' \
		'{"type":"send","user":"nobody","data":1,"seq":2}' \
		'{"type":"send","user":"nobody","seq":3}' \
		'{"type":"nonsense","seq":4}'
	wait_line p '[4,'
	run jq -c 'select(.type == "ack")' p.out
	assert_eq "$(jq -cs 'map(.seq // [] | .[]) | flatten | [min, max]' \
		<<<"$output")" '[1,4]'
	assert_eq "$(jq -cs 'map(.refused // [] | .[] | .[0])' <<<"$output")" \
		'[3]'
	grep -q '"why":"no such type"' p.out
}

@test "a frame that comes again is acked again, not applied again" {
	station
	peer p
	feed p "$(attach source s sourcebootone)" \
		'{"type":"count","name":"hits","seq":1}'
	wait_line p '[[1,1]]'
	feed p '{"type":"count","name":"hits","seq":1,"again":true}' \
		'{"type":"stats","ref":1,"seq":2}'
	wait_line p '"type":"stats"'
	wait_for eval '[ "$(grep -c "\[1,[12]\]" p.out)" = 2 ]'
	run curl -s "http://127.0.0.1:$(cat port)/metrics"
	[[ "$output" == *"hits 1"* ]]
}

@test "what was refused is refused again when it comes again" {
	station
	for p in one two; do
		peer "$p"
		feed "$p" "$(attach router r routerbootone)" \
			'{"type":"send","user":"u","seq":1}'
		wait_line "$p" '"refused":[[1,'
		run ! grep -qF '"seq":[[1,' "$p.out"
		stop "$p" 143
	done
}

@test "what was made of one frame is applied once, whoever brings it" {
	station
	for boot in routerbootone routerboottwo; do
		peer p
		feed p "$(attach source s "$boot")" \
			'{"type":"count","name":"hits","of":["x",7,0],"seq":1}' \
			'{"type":"count","name":"hits","of":["x",7,1],"seq":2}'
		wait_line p ',2]'
		stop p 143
	done
	run curl -s "http://127.0.0.1:$(cat port)/metrics"
	[[ "$output" == *"hits 2"* ]]
}

@test "a line over the bound is told, the next is good" {
	station -m 1k
	peer p
	feed p "{\"type\":\"who\",\"ref\":\"$(printf '%070000d' 0)\"}" \
		'{"type":"who","all":true,"ref":2}'
	wait_line p '"ref":2'
	grep -q 'a line is too long' p.out
}

@test "a tap sees both directions, and only what it asked for" {
	station
	peer all
	feed all '{"type":"attach","v":1,"as":"tap","boot":"tap1","window":1}'
	wait_line all ready
	peer some
	feed some '{"type":"attach","v":1,"as":"tap","boot":"tap2","window":1,"user":"u","types":"join,send"}'
	wait_line some ready
	peer p
	feed p '{"type":"send","user":"u","data":1}' \
		'{"type":"send","user":"v","data":2}' \
		'{"type":"kick","user":"u"}' \
		'{"type":"who","all":true,"ref":3}' \
		'{"type":"send","user":"u","data":4}'
	wait_line some '"data":4'
	assert_eq "$(jq -c .data some.out | sed 1d | tr '\n' ' ')" "1 4 "
	wait_line all '"data":4'
	assert_eq "$(jq -r .type all.out | sed 1d | tr '\n' ' ')" \
		"send send kick who members send "
}

@test "a tap that does not read slows nobody, and is told what it missed" {
	station
	start tap node -e '
		const peer = require("net").connect("n.sock")
		peer.write(process.argv[1] + "\n")
		peer.once("data", () => { peer.pause(); console.log("paused") })
		process.stdin.once("data", () => {
			peer.on("data", d => process.stdout.write(d)).resume() })' \
		'{"type":"attach","v":1,"as":"tap","boot":"tap1","window":1}'
	wait_line tap paused
	peer p
	feed p "$(attach source s sourcebootone)"
	wait_line p ready
	for i in $(seq 8); do
		feed p "$(seq "${i}0000" "${i}1000" | sed "s/.*/{\"type\":\"send\",\"user\":\"u\",\"text\":\"$(printf '%0500d' 0)\",\"seq\":&}/")"
	done
	wait_line p 81000
	feed tap go
	wait_line tap '"why":"the tap does not keep up"'
}

# --- figures ------------------------------------------------------------------

@test "figures: a router tells its own, asks on, and passes on what comes" {
	start_ready r rk-route -e empty --serve a=a.sock --serve b=b.sock
	for p in a b; do
		start "$p" node "$TESTS/clients/peer.js" "$p.sock"
		feed "$p" "$(attach station "$p" "$p" | sed 's/}$/,"stats":true}/')"
		wait_line "$p" '"ready"'
	done
	feed a '{"type":"stats"}'
	wait_line b '{"type":"stats"}'
	feed b '{"type":"stats","stage":"x","name":"y","boot":"z","data":{"n":1}}'
	wait_line a '"stage":"x","name":"y","boot":"z","data":{"n":1}}'
	# the router's own, and none of it is tracked or seen by the rules
	jq -es 'map(select(.type == "stats")) | length == 2 and
		(.[0].data | .link_peers.link == {"a": 1, "b": 1} and
		.route_frames_total == 2 and .link_frames_in_total.link.a == 0) and
		all(has("seq") | not)' a.out
	run ! grep -q '"seq"' b.out
}

@test "figures: a router that listens to nobody tells its own" {
	start_ready r rk-route -e 'select(.type == "x") | .via = "down"' \
		--window 2000 --serve up=a.sock -- tail -f /dev/null
	start a node "$TESTS/clients/peer.js" a.sock
	feed a "$(attach station a a)"
	wait_line a '"ready"'
	for i in $(seq 1000); do
		printf '{"type":"x","data":"%01000d","seq":%d}\n' 0 "$i"
	done >frames
	feed a "$(<frames)"
	wait_line a '[[1,'
	wait_for asked_until '.data.route_holds_total > 0'
	run ! grep -q ',1000]]' a.out
	kill -KILL "$(pid_of r)"	# it would wait for its reader
}

asked_until() {
	feed a '{"type":"stats"}'
	sed -n 's/,"seq":[0-9]*}$/}/;/"type":"stats"/p' a.out |
		jq -es "any($1)" >/dev/null
}

@test "figures: what a break and a repeat cost is counted" {
	start_ready r rk-route -e 'select(.type == "x")' --serve up=a.sock \
		--serve down=b.sock
	start a node "$TESTS/clients/peer.js" a.sock
	feed a "$(attach station a a)" '{"type":"x","seq":1}' \
		'{"type":"x","seq":1,"again":true}' '{"type":"x" "seq":2}'
	for i in 1 2; do
		start b node "$TESTS/clients/peer.js" b.sock
		feed b "$(attach station b b)"
		wait_line b '"type":"x"'
		stop b 143
	done
	wait_for asked_until '.data | .link_resent_total.link.down == 1 and
		.link_repeats_total.link.up == 1 and
		.link_bad_lines_total.link.up == 1 and
		.link_attached_total.link.down == 2 and
		.link_lost_total.link.down == 2'
}

# NAME [TEXT]: a station of that name and boot comes, and goes when it was told.
visit() {
	start "$1" node "$TESTS/clients/peer.js" a.sock
	feed "$1" "$(attach station "$1" "boot$1")"
	wait_line "$1" "${2-ready}"
	stop "$1" 143
}

@test "--max-stations: who is away for longest is forgotten" {
	run_status 100 rk-route -e . --serve a=a.sock --max-stations 0
	start_ready parent rk-route --max-stations 2 --serve a=a.sock \
		--serve up=up.sock -e 'if .from == "up" and .type == "send" then
			. + {via: "a"} else empty end'
	visit one
	start p rk-publish -s up.sock --frames
	feed p '{"type":"send","conn":"bootone.1","text":"to one"}'
	visit two
	visit one '"text":"to one"'	# it is known still, and takes nothing
	visit three			# for two
	kill -0 "$(pid_of p)"
	visit four			# for one
	feed_end p
	ended p 1
	grep -q 'its station did not come back' p.err
	start a node "$TESTS/clients/peer.js" a.sock
	feed a "$(attach station a boota)"
	wait_line a ready
	start b node "$TESTS/clients/peer.js" a.sock
	feed b "$(attach station b bootb)"
	wait_line b ready
	start c node "$TESTS/clients/peer.js" a.sock
	feed c "$(attach station c bootc)"
	wait_line c 'too many stations'
}

# --- co-processes -----------------------------------------------------------

@test "a co-process that fails for good ends its parent with its code" {
	for code in 100 126 127; do
		for how in '' --bare; do
			run_status "$code" limited rk-route -e . $how -- \
				sh -c "exit $code"
		done
	done
	run_status 127 limited rk-route -e . -- /no/such/program
	run_status 126 limited rk-route -e . -- /
}

@test "the code comes through a co-process that had attached" {
	mkfifo go
	start_ready l rk-listen -p 0 -- rk-route -e . -- \
		sh -c 'read -r go <go; exit 100'
	echo >go
	ended l 100
	run_status 100 limited rk-listen -p 0 -- rk-route -e . -- \
		rk-jobs --pause=x
}

@test "a co-process of no kit fails for good only as it begins" {
	mkfifo go
	# the first time it lives until it is told; later it ends as it begins
	start parent rk-route -e . -- sh -c 'echo >>starts
		[ "$(wc -l <starts)" -gt 1 ] || read -r go <go; exit 127'
	wait_line parent '"state":"new"'	# it is served plain
	echo >go
	ended parent 127
	has_lines starts 2
}

@test "a co-process that dies otherwise is started again" {
	start parent rk-route -e . -- sh -c 'echo $$ >>pids; exit 1'
	wait_for has_lines pids 3
	stop parent
}

@test "a co-process that dies now and then is back at once" {
	start parent rk-route -e . -- sh -c \
		'echo >>starts; exec sleep 1.2' # its life
	wait_for has_lines starts 10
	stop parent
}

@test "a co-process of no kit gets plain frames" {
	start parent rk-route -e '. + {via: "down"}' -- tee seen
	feed parent '{"type":"open","conn":"a.1"}'
	wait_for grep -qF '{"type":"open","conn":"a.1"}' seen
	run ! grep -q seq seen
}

@test "what a plain link took over is settled at once on the other" {
	start_ready station rk-listen -p 0 --port-file port --step --ping 0 -- \
		rk-route -e 'select(.type == "message")' -- sh -c 'cat >seen'
	start talk node "$TESTS/clients/ws.js" "ws://127.0.0.1:$(cat port)/"
	wait_line talk open
	feed talk 'text one' 'text two' 'text three'
	wait_for has_lines seen 3
}

@test "a bare co-process gets payloads and says payloads" {
	start parent rk-route -e 'select(.type != "link")' --bare -- tee seen
	feed parent '{"type":"send","data":{"a" : 1.0}}' \
		'{"type":"send","text":"plain text"}' \
		'{"type":"send","text":"two\nlines"}' \
		'{"type":"send","base64":"AAE="}' '{"type":"send","user":"u"}'
	wait_lines parent 4
	assert_eq "$(cat seen)" '{"a" : 1.0}
plain text
"two\nlines"
{"base64":"AAE="}'
	assert_eq "$(cat parent.out)" \
		'{"type":"message","data":{"a" : 1.0}}
{"type":"message","text":"plain text"}
{"type":"message","data":"two\nlines"}
{"type":"message","data":{"base64":"AAE="}}'
}

@test "a co-process has default signals and no foreign descriptors" {
	exec 7</dev/null
	start parent rk-route -e . -- sh -c \
		'ls /proc/self/fd | wc -l >fds; grep SigIgn /proc/self/status \
		>ignored; exec cat'
	wait_for test -s ignored
	assert_eq "$(cat fds)" 4	# 0 1 2 and that of ls
	# of the 31 that are anybody's to ignore
	assert_eq "$((0x$(tr -dc 0-9a-f <<<"$(cut -f 2 ignored)") & 0x7fffffff))" 0
	exec 7<&-
}

@test "TERM reaches a co-process as the end of its input" {
	start_ready parent rk-route -e . --bare -- sh -c 'cat; echo end >end'
	stop parent
	assert_eq "$(cat end)" end
}

@test "a co-process that stays gets TERM, then KILL" {
	mkfifo never
	start_ready parent rk-route -e . --bare -- sh -c \
		'trap "echo term >term" TERM; while :; do read -r x <>never; done'
	stop parent
	assert_eq "$(cat term)" term
}

@test "HUP goes down to the co-process" {
	start_ready parent rk-route -e . --bare -- sh -c \
		'trap "echo hup >hup" HUP; echo up; while :; do read -r x; done'
	wait_lines parent 1
	kill -HUP "$(pid_of parent)"
	wait_for test -s hup
	kill -0 "$(pid_of parent)"
	kill -9 "$(pid_of parent)"
	ended parent 137
}

@test "a router that is killed loses nothing, and nothing comes twice" {
	cat >router <<-'END'
	#!/bin/sh
	echo $$ >>pids
	exec rk-route -e 'select(.type == "message") |
		{type: "count", name: "hits"}'
	END
	chmod +x router
	start_ready station rk-listen -p 0 --port-file port -- ./router
	start talk node -e '
		const ws = new (require("ws"))(process.argv[1])
		ws.on("open", () => {
			for (let i = 0; i < 50000; i++) ws.send(String(i)) })' \
		"ws://127.0.0.1:$(cat port)/"
	for i in 1 2 3; do
		wait_for has_lines pids "$i"
		wait_for eval 'curl -s "http://127.0.0.1:$(cat port)/metrics" |
			grep -q "^hits "'
		kill -9 "$(tail -n 1 pids)"
	done
	wait_for eval 'curl -s "http://127.0.0.1:$(cat port)/metrics" |
		grep -qx "hits 50000"'
	stop station
}
