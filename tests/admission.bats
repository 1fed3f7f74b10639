#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # stderr and output are set by lib
#
# How much clients may want of a listener, and what becomes of who wants more.
#
# asan: long

load lib
load listen
load nginx

setup() {
	cd "$RK_TEST" || return
}

teardown() {
	stop_all
}

refused() {	# REASON WANT
	metric "refused_total{reason=\"$1\"}" "$2"
}

warnings() {
	grep -c '^rk-listen: warning: ' l.err
}

# The status that curl meets; 000: no answer.
status() {
	curl -s -o /dev/null -w '%{http_code}' "$@" || :
}

# Slow clients "s" (tests/clients/slow.js), all connected.
slow() {	# KIND N
	start s node "$TESTS/clients/slow.js" "$port" "$@"
	wait_for -t 60 grep -q there s.out
}

holds() {	# BYTES, or more, of what is not whole
	[ "$(curl -s "http://127.0.0.1:$port/metrics" |
		sed -n 's/^rk_listen_unfinished_bytes //p')" -ge "$1" ]
}

# --- usage -----------------------------------------------------------------

@test "values that make no sense are refused with 100" {
	for option in max-conns=0 max-per-address=-1 handshakes=x "handshakes=1," \
		max-head=100 max-head=17k head-time=0 head-time=10ms body-time=0 \
		message-time=2d max-fragments=-1 max-unfinished=1 idle=1ms \
		trust-proxy=localhost trust-proxy=10.0.0.0/33; do
		run_status 100 rk-listen -p 0 "--$option"
	done
}

# --- connections -----------------------------------------------------------

@test "--max-per-address: one too many is turned away, others come in" {
	listen --max-per-address 2
	client a /
	client b /
	assert_eq "$(status "http://127.0.0.1:$port/healthz")" 503
	assert_eq "$(status --interface 127.0.0.2 \
		"http://127.0.0.1:$port/healthz")" 200
	curl -s --interface 127.0.0.2 "http://127.0.0.1:$port/metrics" |
		grep -qF 'refused_total{reason="per_address"} 1'
	grep -qx 'rk-listen: warning: 127.0.0.1: too many connections of one '\
'address' l.err
	feed a close
	ended a
	client c /
}

@test "--max-per-address: peers at a Unix socket have none" {
	start_ready l rk-listen --unix c.sock --max-per-address 1
	url=ws+unix:$RK_TEST/c.sock:
	client a /
	client b /
	assert_eq "$(grep -c '"remote":"unix"' l.out)" 2
}

@test "a flood of refusals is counted, and said once" {
	listen --max-per-address 1
	client a /
	for _ in {1..50}; do
		status "http://127.0.0.1:$port/healthz" >/dev/null
	done
	assert_eq "$(warnings)" 1
	feed a close
	ended a
	wait_for refused per_address 50
	feed l '{"type":"stats"}'
	wait_line l '"type":"stats"'
	assert_eq "$(grep stats l.out |
		jq '.data["refused_total{reason=\"per_address\"}"]')" 50
}

@test "--max-conns: that the door is closed is counted and said" {
	listen --max-conns 1
	client a /
	grep -q 'warning: all connections are taken: nobody else is accepted' l.err
	feed a close
	ended a
	wait_for refused conns 2		# who asks is one, too
	assert_eq "$(warnings)" 1
}

@test "--handshakes: over the rate it is 503, with a Retry-After by chance" {
	listen --handshakes 1,2
	client a /
	client b /
	# all at once, for one a second is let in
	perl -MIO::Socket::INET -e '@all = map { IO::Socket::INET->new(
		"127.0.0.1:$ARGV[0]") or die } 1 .. 20;
		syswrite($_, $ARGV[1]) for @all;
		for (@all) { sysread($_, $head, 4096); print $head }' \
		"$port" "$(printf %b "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n.")" |
		tr -d '\r' >got
	assert_eq "$(grep -c '^HTTP/1.1 ' got)" 20
	[ "$(grep -c '^HTTP/1.1 503' got)" -ge 15 ]
	[ "$(sed -n 's/^Retry-After: //p' got | sort -u | wc -l)" -gt 1 ]
	run ! grep -E '^Retry-After: (0|1[1-9])' got
	assert_eq "$(status "http://127.0.0.1:$port/healthz")" 200
	start c node "$TESTS/clients/ws.js" "$url/"
	again() {
		ended c && start c node "$TESTS/clients/ws.js" "$url/"
		wait_for grep -q . c.out && grep -q open c.out
	}
	wait_for grep -q . c.out
	grep -q open c.out || wait_for again
	grep -qx 'rk-listen: warning: 127.0.0.1: too many handshakes at a time' \
		l.err
	run ! refused handshakes 0
}

@test "--handshakes, --max-per-address: sessions of polling count, too" {
	listen --socketio --handshakes 1,2 --max-per-address 4
	poll="http://127.0.0.1:$port/socket.io/?EIO=4&transport=polling"
	# by one, for another is let in each second
	assert_eq "$(curl -s -w ' %{http_code}' "$poll&a=[1-3]" -o 'got#1')" \
		' 200 200 503'
	refused handshakes 1
	wait_for gives 200 status "$poll"	# the third session
	assert_eq "$(status "$poll")" 503
	curl -s --interface 127.0.0.2 "http://127.0.0.1:$port/metrics" |
		grep -qF 'refused_total{reason="per_address"} 1'
}

# --- requests --------------------------------------------------------------

@test "--max-head: 431 for headers, 414 for a line" {
	listen --max-head 1k
	pad=$(printf %01000d 0)
	assert_eq "$(status -H "X: ${pad:0:500}" \
		"http://127.0.0.1:$port/healthz")" 200
	assert_eq "$(status -H "X: $pad" "http://127.0.0.1:$port/healthz")" 431
	assert_eq "$(status "http://127.0.0.1:$port/$pad$pad")" 414
	refused head_size 2
}

@test "--head-time: who says nothing, or half, or drips, is gone" {
	listen --head-time 2
	slow silent 20
	ended s
	assert_eq "$(tail -n 1 s.out)" 'gone closed:20'
	for kind in half drip; do
		slow $kind 20
		ended s
		assert_eq "$(tail -n 1 s.out)" 'gone 408:20'
	done
	refused head_time 60
	metric sockets 1
	metric unfinished_bytes 0
}

@test "--body-time: for the whole body, not for a piece" {
	listen --http /q --head-time 9 --body-time 3
	for kind in body dripbody; do
		slow $kind 20
		ended s
		assert_eq "$(tail -n 1 s.out)" 'gone 408:20'
	done
	refused body_time 40
	refused head_time 0
	metric unfinished_bytes 0
}

@test "--body-time: who does not read an answer is hung up on" {
	mkdir site
	truncate -s 100m site/big
	truncate -s 10m site/smaller
	listen --docroot site --body-time 5
	slow deaf 20
	wait_for refused answer_time 20
	metric sockets 1
	curl -s "http://127.0.0.1:$port/smaller" | cmp - site/smaller
}

@test "--max-unfinished: bodies and messages together; others are served" {
	listen --http /q --ws /w --max-unfinished 1m
	client a /w
	slow body 20				# 50,000 bytes each
	wait_for holds 1000000
	client b /w
	feed b "part $(printf %050000d 0)"
	wait_line b 'close 1013 try again later'
	slow() { node "$TESTS/clients/slow.js" "$port" body 1; }
	slow >one.out &
	wait_for grep -qx 'gone 503:1' one.out
	refused unfinished 2
	feed a 'text still here'
	wait_line l 'still here'
	assert_eq "$(status -d small "http://127.0.0.1:$port/w")" 426
	kill "$(pid_of s)"
	wait_for metric unfinished_bytes 0
	slow >two.out 3>&- &
	wait_for holds 50000
	kill $!
}

# --- messages --------------------------------------------------------------

@test "--message-time: a message that is not whole in time closes with 1008" {
	listen --message-time 1
	client a /
	client b /
	feed a 'part begun' 'part and on'
	feed b 'pieces in time'
	wait_line a 'close 1008 message too slow'
	wait_line l '"code":1008,"reason":"message too slow","by":"server"'
	wait_line l '"text":"intime"'
	feed b 'pieces still here'
	wait_line l '"text":"stillhere"'
	refused message_time 1
	metric unfinished_bytes 0
}

@test "--message-time: one frame that drips is not whole, either" {
	listen --message-time 1
	raw "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n\x81\xfe\x10\0\0\0\0\0abc" >got
	wait_line l '"code":1008'
}

@test "--max-fragments: one more closes with 1008" {
	listen --max-fragments 3
	client a /
	feed a 'pieces a b c'
	wait_line l '"text":"abc"'
	feed a 'pieces a b c d'
	wait_line a 'close 1008 too many fragments'
	refused fragments 1
	client b /
	feed b 'part ' 'part ' 'part ' 'part '
	wait_line b 'close 1008 too many fragments'
	metric unfinished_bytes 0
}

@test "--idle: pongs are no sign of life; messages are" {
	export WS_PINGS=1
	listen --idle 4 --ping 1
	client a /
	client b /
	talk() {
		feed b 'text here'
		grep -q close a.out
	}
	wait_for talk
	grep -qx 'close 1001 idle' a.out
	grep -q ping a.out
	wait_line l '"code":1001,"reason":"idle","by":"timeout"'
	run ! grep -q close b.out
	refused idle 1
}

# --- proxies ---------------------------------------------------------------

# FROM LINE...: the remote of a request from this address of the loopback.
remote() {
	local from=$1 line headers=() n

	shift
	for line; do headers+=(-H "X-Forwarded-For: $line"); done
	n=$(count request)
	status --interface "$from" "${headers[@]}" -m 20 \
		"http://127.0.0.1:$port/q" >/dev/null &
	wait_for gives $((n + 1)) count request
	feed l '{"type":"respond","conn":"'"$(conn $((n + 1)))"'"}'
	wait $!
	frames request | tail -n 1 | sed 's/.*"remote":"\([^"]*\)".*/\1/'
}

@test "--trust-proxy: whose word counts, and how far" {
	listen --http /q --trust-proxy 127.0.0.2,127.1.0.0/16,unix:
	while read -r from want lines; do
		eval "lines=($lines)"
		assert_eq "$from $(remote "$from" "${lines[@]}")" "$from $want"
	done <<-END
	127.0.0.1 127.0.0.1
	127.0.0.1 127.0.0.1 192.0.2.1
	127.0.0.2 127.0.0.2
	127.0.0.2 192.0.2.1 192.0.2.1
	127.0.0.2 192.0.2.1 '6.6.6.6, 192.0.2.1'
	127.0.0.2 192.0.2.1 6.6.6.6 '192.0.2.1, 127.1.2.3'
	127.1.2.3 2001:db8::1 '[2001:db8::1]:4711'
	127.0.0.2 127.0.0.2 '192.0.2.1, unknown'
	127.0.0.2 127.1.0.1 '192.0.2.1, <b>, 127.1.0.1'
	END
}

@test "--trust-proxy: without it nobody is believed" {
	listen --http /q
	assert_eq "$(remote 127.0.0.2 192.0.2.1)" 127.0.0.2
}

@test "--trust-proxy unix: peers of a Unix socket are who they say" {
	start_ready l rk-listen --unix c.sock --max-per-address 1 \
		--trust-proxy unix:
	url=ws+unix:$RK_TEST/c.sock:
	ask() {		# NAME ADDRESS
		WS_HEADERS='{"X-Forwarded-For":"'"$2"'"}' \
			start "$1" node "$TESTS/clients/ws.js" "$url/"
		wait_for grep -q . "$1.out"
	}
	ask a 192.0.2.1
	ask b 192.0.2.1
	ask c 192.0.2.2
	ask d 2001:db8:0:1::1
	ask e 2001:db8:0:1::2
	ask f 2001:db8:0:2::2
	assert_eq "$(head -qn 1 {a,b,c,d,e,f}.out)" 'open
status 503
open
open
status 503
open'
	assert_eq "$(warnings)" 1
	grep -q 'warning: 192.0.2.1: too many' l.err
	feed a close
	ended a
	wait_line l '"type":"close"'
	ask g 192.0.2.1
	assert_eq "$(head -n 1 g.out)" open
}

behind_nginx() {
	nginx_start <<-END
		    map \$uri \$forwarded {
		        default 192.0.2.1;
		        ~^/chain/ "\$http_x_forwarded_for, 192.0.2.2";
		    }
		    server {
		        listen unix:$NGINX_SOCK;
		        location / {
		            proxy_pass http://127.0.0.1:$port;
		            proxy_http_version 1.1;
		            proxy_set_header Upgrade \$http_upgrade;
		            proxy_set_header Connection 'upgrade';
		            proxy_set_header X-Forwarded-For \$forwarded;
		        }
		    }
	END
}

@test "--trust-proxy: clients behind a real nginx" {
	listen --ws '/*' --trust-proxy 127.0.0.1 --max-per-address 1
	behind_nginx
	url=ws+unix:$NGINX_SOCK:
	client a /
	start b node "$TESTS/clients/ws.js" "$url/"
	wait_line b 'status 503'
	WS_HEADERS='{"X-Forwarded-For":"6.6.6.6"}' client c /chain/
	assert_eq "$(grep -o '"remote":"[^"]*"' l.out)" '"remote":"192.0.2.1"
"remote":"192.0.2.2"'
	feed a 'text through'
	wait_line l '"text":"through"'
}

# --- many of them ----------------------------------------------------------

# KIND N BYTES: so many slow clients, who say so much each, cost no more than
# 1 KiB each beside twice what they said; others are served meanwhile, and all
# are gone when their time is over.
crowd_of() {
	local before bound

	before=$(rss)
	slow "$1" "$2"
	holds 0					# who asks stands behind them
	bound=$((($2 * (1024 + 2 * $3) >> 10) + 1024))
	say "$2 $1: $(($(rss) - before)) kB more, of $bound"
	sanitized || [ $(($(rss) - before)) -lt "$bound" ]
	feed a "text during $1"
	wait_line l "\"text\":\"during $1\""
	client "b$1" /
	feed "b$1" close
	ended "b$1"
	wait_for -t 60 grep -q gone s.out
	ended s
	say "$(tail -n 1 s.out)"
	metric sockets 2
	metric unfinished_bytes 0
}

@test "half-open connections and slow bodies: bounded, and soon gone" {
	many=$((RK_LONG ? 10000 : 1000))
	ulimit -n 20000
	listen --ws / --http /q --head-time 5 --body-time 5
	client a /
	slow silent 1				# what is there once
	wait_for grep -q gone s.out
	for kind in silent half drip; do
		crowd_of $kind $many 100
		assert_eq "$(tail -n 1 s.out)" \
			"gone $([ $kind = silent ] && echo closed || echo 408):$many"
	done
	crowd_of body $((many / 10)) 50100
	assert_eq "$(tail -n 1 s.out)" "gone 408:$((many / 10))"
	refused head_time $((3 * many + 1))
	refused body_time $((many / 10))
	[ "$(warnings)" -lt 20 ]
}

# --- who is asked ------------------------------------------------------------

@test "--origin: to the letter, below a name, null, none" {
	listen --origin 'https://a.org,https://*.b.org,null'
	while read -r origin want; do
		[ "$origin" = - ] && line= || line="Origin: $origin\r\n"
		raw "GET / HTTP/1.1\r\n$line$UPGRADE$KEY$V13\r\n"\
'\x88\x80\0\0\0\0' >got
		assert_eq "$origin $(head -n 1 got | cut -d ' ' -f 2)" \
			"$origin $want"
	done <<-END
	https://a.org 101
	https://x.y.b.org 101
	null 101
	- 101
	https://b.org 403
	http://a.org 403
	https://a.org.evil.org 403
	https://a.org:8443 403
	END
	run_status 100 rk-listen -p 0 --origin '*'
	run_status 100 rk-listen -p 0 --origin https://a.org/
}

@test "--ask: what the client says meanwhile waits, in order, and bounded" {
	listen --ask
	before=$(rss)
	{
		printf %b "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n"
		for n in {1..5000}; do		# 20 MB
			printf '\x81\xfe\x10\0\0\0\0\0%04096d' "$n"
		done
	} >said
	start c socat - "TCP:127.0.0.1:$port"
	cat said >&"${stdin_of[c]}" &
	wait_line l '"pending":true'
	for _ in {1..20}; do metric sockets 2; done
	[ "$(count message)" -eq 0 ]
	kill -0 $!				# it is held up
	sanitized || [ $(($(rss) - before)) -lt 1024 ]
	feed l '{"type":"accept","conn":"'"$(conn 1)"'"}'
	wait_for -t 60 gives 5000 count message
	wait $!
	frames message | sed 's/.*"text":"0*\([0-9]*\).*/\1/' >order
	seq 5000 | diff - order
}

@test "--ask: who leaves meanwhile is told, and an accept is too late" {
	listen --ask
	start a node "$TESTS/clients/ws.js" "$url/"
	wait_line l '"pending":true'
	kill "$(pid_of a)"
	wait_line l '"type":"close"'
	feed l '{"type":"accept","conn":"'"$(conn 1)"'"}'
	wait_for metric commands_dead_total 1
	metric connections 0
}

@test "--ask: a refusal is a status, with headers and a body" {
	listen --ask
	raw "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n" >got &
	wait_line l '"pending":true'
	feed l '{"type":"reject","conn":"'"$(conn 1)"'","status":401,"headers":'\
'{"WWW-Authenticate":"Bearer"},"data":{"why":"no token"}}'
	wait $!
	assert_eq "$(<got)" 'HTTP/1.1 401 Unauthorized
Connection: close
Content-Length: 18
WWW-Authenticate: Bearer
Content-Type: application/json

{"why":"no token"}'
}

@test "--ask: a router that refuses the question refuses the client" {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port --ask -- \
		rk-route -e 'refuse("no")'
	port=$(<port)
	assert_eq "$(status_of "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n")" 403
	metric pending_refused_total 1
}

@test "--ask: who waits when it ends gets 503" {
	listen --ask
	start a node "$TESTS/clients/ws.js" "$url/"
	wait_line l '"pending":true'
	stop l
	wait_line a 'status 503'
}

@test "without a router accept stops at the window; then all come in" {
	rk-listen -p 127.0.0.1:0 --port-file port -s l.sock --window 64k \
		--ws / --http /q </dev/null >/dev/null 2>l.err 3>&- &
	echo $! >l.pid
	wait_for test -e port
	port=$(<port)
	assert_eq "$(status "http://127.0.0.1:$port/q")" 503
	assert_eq "$(status "http://127.0.0.1:$port/healthz")" 503
	start crowd node "$TESTS/clients/crowd.js" "$port" / 2000
	closed_door() { ! curl -s -o /dev/null -m 1 "http://127.0.0.1:$port/healthz"; }
	wait_for closed_door
	run ! grep -q open crowd.out
	start_ready r rk-route --link up=l.sock -e empty
	wait_line crowd open
	wait_for metric connections 2000
}

# --- several listeners on one port -----------------------------------------

# NAME: one more on $port.
another() {
	start_ready "$1" rk-listen -p "127.0.0.1:$port" --reuse-port "${@:2}"
}

knocks() {	# N more
	local now

	now=$(tail -n 1 k.out | cut -d ' ' -f 1)
	wait_for test_knocks $((now + $1))
}

test_knocks() {
	[ "$(tail -n 1 k.out | cut -d ' ' -f 1)" -ge "$1" ]
}

@test "--reuse-port: two share who comes; one leaves, the other's stay" {
	listen --reuse-port --ws '/{user}'
	another m --ws '/{user}'
	for n in {1..16}; do client "c$n" "/c$n"; done
	wait_for gives 16 eval 'cat l.out m.out | grep -c open'
	grep -q open l.out
	grep -q open m.out
	stop l
	for n in {1..16}; do
		if grep -q "\"user\":\"c$n\"" m.out; then
			feed "c$n" "text from c$n"
			wait_line m "\"text\":\"from c$n\""
		else
			wait_line "c$n" 'close 1001 going away'
		fi
	done
	client late /late
	wait_line m '"user":"late"'
}

@test "--reuse-port: a new one before the old one leaves: nobody is refused" {
	listen --reuse-port
	start k node "$TESTS/clients/knock.js" "$port" /healthz 20
	wait_for grep -q knocks k.out
	old=l
	for new in m n o; do
		another "$new"
		knocks 100
		stop "$old"
		knocks 100
		old=$new
	done
	feed_end k
	ended k
	say "$(tail -n 1 k.out)"
	[[ $(tail -n 1 k.out) =~ ^200:[0-9]+(\ 503:[0-9]+)?$ ]]
}

@test "two listeners, one group of a router: each client gets its answer" {
	echo 'if .type == "message" then {type: "send", conn} + payload
		else empty end' >echo.jq
	port=0
	for name in l m; do
		rk-listen -p "127.0.0.1:$port" --port-file port --reuse-port \
			-s $name.sock </dev/null >/dev/null 2>$name.err 3>&- &
		echo $! >$name.pid
		wait_for test -e port
		port=$(<port)
	done
	wait_for test -S m.sock
	url=ws://127.0.0.1:$port
	start_ready r rk-route --link up=l.sock --link up=m.sock echo.jq
	both() {
		for _ in {1..8}; do
			gives ok curl -s "http://127.0.0.1:$port/healthz" ||
				return
		done
	}
	wait_for both
	for name in {a..h}; do
		client "$name" /
		feed "$name" "text $name"
	done
	for name in {a..h}; do wait_line "$name" "text $name"; done
}

# --- the end ---------------------------------------------------------------

@test "TERM: who has said nothing, or half a request, gets 503" {
	listen --http /q
	slow half 5
	start t node "$TESTS/clients/slow.js" "$port" body 5
	wait_line t there
	wait_for holds 250000
	stop l
	ended s
	ended t
	assert_eq "$(tail -n 1 s.out) $(tail -n 1 t.out)" 'gone 503:5 gone 503:5'
}

@test "--drain-over: they are closed evenly over the time" {
	listen --drain-over 8
	start crowd node "$TESTS/clients/crowd.js" "$port" / 200
	wait_line crowd open
	stop l
	sed -n 's/^{"type":"close".*"at":\([0-9]*\).*"code":1001.*/\1/p' l.out |
		awk '	NR == 1 { first = $1 }
			{ i = int(($1 - first) / 2000); n[i < 3 ? i : 3]++ }
			END { for (i = 0; i < 4; i++) print n[i] + 0 }' >quarters
	say "$(<quarters)"
	assert_eq "$(awk '{ n += $1 } END { print n }' quarters)" 200
	while read -r n; do
		[ "$n" -ge 20 ]			# of 50
	done <quarters
}

@test "a second TERM ends it at once" {
	listen --drain-over 1h
	client a /
	kill -TERM "$(pid_of l)"
	wait_for run_status 7 curl -s "http://127.0.0.1:$port/healthz"
	gone "$(pid_of l)" && return 1
	stop l 143
}
