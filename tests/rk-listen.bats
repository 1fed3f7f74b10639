#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# rk-listen: its options, raw WebSockets, HTTP, the roster and the counters.
# shellcheck disable=SC2154 # stderr and output are set by lib
#
# asan: long

load lib
load listen

setup() {
	cd "$RK_TEST" || return
}

teardown() {
	stop_all && sound l.out && sound r.log
}

# What was written is frames, and no key comes twice; seq is the link's.
sound() {
	[ ! -e "$1" ] || sed -n -e '/^{"type":"\(attach\|ready\|ack\)"/d' \
		-e 's/,"seq":[0-9]*\(,"again":true\)*}$/}/' -e '/^{/p' "$1" |
		rk-publish --frames >/dev/null
}

# --- usage -----------------------------------------------------------------

@test "--help lists the options, --version says which" {
	run_status 0 rk-listen --help
	[[ $output == 'usage: rk-listen '*--ws=TEMPLATE* ]]
	run_status 0 rk-listen --version
	[[ $output == 'rk-listen '[0-9]* ]]
}

@test "what makes no sense is refused with 100" {
	run_status 100 rk-listen
	[[ $stderr == 'rk-listen: -p PORT, --unix or --fd is missing'* ]]
	run_status 100 rk-listen -p 0 operand
	run_status 100 rk-listen -p 0 --ws api
	run_status 100 rk-listen -p 0 --ws '/{a b}'
	run_status 100 rk-listen -p 0 --with everything
	run_status 100 rk-listen -p 0 --binary=xml
	run_status 100 rk-listen -p 0 --ping 10ms
	run_status 100 rk-listen -p 0 --stats 10ms
	run_status 100 rk-listen -p 0 --gauge 'a{b=c'
	run_status 100 rk-listen -p 0 --docroot /nowhere
	run_status 100 rk-listen -p 0 --no-such-option
}

@test "where it cannot listen it ends with 111" {
	listen
	run_status 111 rk-listen -p "127.0.0.1:$port" </dev/null
	[[ $stderr == *'Address already in use' ]]
	run_status 111 rk-listen -p nonsense </dev/null
	run_status 111 rk-listen --fd 99 </dev/null
	run_status 111 rk-listen --unix /nowhere/x </dev/null
}

@test "a co-process that cannot run ends it with that code" {
	run -127 --separate-stderr rk-listen -p 127.0.0.1:0 -- no-such-command
	run_status 100 rk-listen -p 127.0.0.1:0 -- sh -c 'exit 100'
}

# --- the plain case --------------------------------------------------------

@test "from open to close: what a client does becomes frames" {
	listen --ws '/api/{user}'
	client a '/api/T%2F1?x=1&y=%C3%A4+b&x=2'
	feed a 'text {"id":1.0,"m":1e400}' 'text hi' 'binary 00ff' 'text'
	wait_lines l 5
	feed a 'close 4001 bye'
	wait_lines l 6
	ended a
	assert_eq "$(said)" '{"type":"open","conn":"B.1","n":1,"at":0,'\
'"user":"T/1","proto":"ws","path":"/api/T%2F1","query":{"x":"2",'\
'"y":"ä b"},"remote":"127.0.0.1"}
{"type":"message","conn":"B.1","n":1,"at":0,"user":"T/1",'\
'"data":{"id":1.0,"m":1e400}}
{"type":"message","conn":"B.1","n":1,"at":0,"user":"T/1","text":"hi"}
{"type":"message","conn":"B.1","n":1,"at":0,"user":"T/1","base64":"AP8="}
{"type":"message","conn":"B.1","n":1,"at":0,"user":"T/1","text":""}
{"type":"close","conn":"B.1","n":1,"at":0,"user":"T/1","state":{},'\
'"channels":[],"code":4001,"reason":"bye","by":"client","last":true}'
}

@test "headers: in lower case, joined, without those of the handshake" {
	export WS_HEADERS='{"X-A":["1","2"],"Cookie":"k=v; l=w","X-L":"\u00e9"}'
	listen
	client a /
	wait_line l '"x-a":"1, 2"'
	wait_line l '"cookie":"k=v; l=w"'
	wait_line l '"x-l":"é"'
	grep -qv sec-websocket-key l.out
}

@test "down: data as spelled, text as text, base64 as bytes" {
	listen --ws '/{user}'
	client a /T
	wait_line l open
	feed l '{"type":"send","user":"T","data":{"b":1.0, "a":[1e400]}}' \
		'{"type":"send","all":true,"text":"\u00e4\n"}' \
		'{"type":"send","conn":"'"$(conn 1)"'","base64":"AP8="}' \
		'{"type":"send","user":"T","data":null}' \
		'{"type":"send","user":"T","text":""}'
	wait_lines a 7
	assert_eq "$(<a.out)" 'open
text {"b":1.0, "a":[1e400]}
text ä

binary 00ff
text null
text'
}

@test "fragments are one message, pings between them are answered" {
	listen
	client a /
	feed a 'pieces {"a": 1}'
	wait_line l '"data":{"a":1}'
	wait_line a pong
}

@test "a message at the bound arrives whole, one byte more is 1009" {
	listen
	client a /
	feed a 'big 1048574'	# with its quotes, 1 MiB in a frame
	wait_lines l 2
	[ "$(frames message | wc -c)" -gt 1048574 ]
	feed a 'big 1048575'
	wait_line a 'close 1009'
	wait_line l '"code":1009'
	metric messages_in_total 2
}

@test "-m is the bound, whatever is sent" {
	listen -m 100
	client a /
	feed a 'big 99'
	wait_line a 'close 1009'
	client b /
	feed b 'big 98'
	wait_line l xxx
	feed b "binary $(printf '%0200d' 0)"	# 100 bytes, 136 in base64
	wait_line b 'close 1009'
}

@test "text that is not UTF-8 closes with 1007" {
	listen
	raw "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n\x81\x81\0\0\0\0\xff" >got
	grep -qaF "$(printf '\x03\xef')" got		# 1007
	wait_line l '"code":1007,"reason":"not UTF-8","by":"server"'
}

@test "what breaks the protocol is closed with 1002, and soon" {
	listen
	raw "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n\xf1\x80\0\0\0\0" >got
	grep -qaF "$(printf '\x03\xea')" got		# 1002
	wait_line l '"code":1002'
	wait_line l '"by":"server"'
	metric protocol_errors_total 1
}

@test "a client that vanishes is 1006" {
	listen
	client a /
	feed a drop
	wait_line l '"code":1006,"by":"client"'
}

# --- listening -------------------------------------------------------------

@test "-p 0 says its port on stderr; on stdout beside a co-process" {
	start a rk-listen -p 127.0.0.1:0
	wait_for grep -q '^rk-listen: listening on 127.0.0.1:[0-9]*$' a.err
	start b rk-listen -p 127.0.0.1:0 -- cat
	wait_for grep -q '^[0-9]*$' b.out
	wait_for gives ok curl -s "http://127.0.0.1:$(<b.out)/healthz"
}

@test "--unix listens on a socket, and replaces one that is left" {
	perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0);
		bind(S, sockaddr_un("c.sock")) or die'
	start_ready l rk-listen --unix c.sock
	[ "$(curl -s --unix-socket c.sock http://h/healthz)" = ok ]
	run_status 111 rk-listen --unix c.sock </dev/null
	[[ $stderr == *'c.sock: Address already in use' ]]
	stop l
	[ ! -e c.sock ]
	echo >file
	run_status 111 rk-listen --unix file </dev/null
	[ -e file ]
}

@test "--fd listens on a socket it inherits" {
	# shellcheck disable=SC2016 # it is Perl that expands
	start l perl -MIO::Socket::INET -MPOSIX -e '
		my $s = IO::Socket::INET->new(Listen => 9,
			LocalAddr => "127.0.0.1:0");
		open(F, ">", "port.tmp"); print F $s->sockport; close(F);
		rename("port.tmp", "port");
		dup2(fileno($s), 8);
		exec("rk-listen", "--fd", "8")'
	wait_for test -e port
	url=ws://127.0.0.1:$(<port)
	client a /
	wait_line l '"type":"open"'
}

@test "--reuse-port: two share a port" {
	listen --reuse-port
	start_ready m rk-listen -p "127.0.0.1:$port" --reuse-port
}

@test "stdin may be a file or /dev/null; it serves on" {
	echo '{"type":"count","name":"x"}' >frames
	rk-listen -p 127.0.0.1:0 --port-file port <frames >l.out 2>l.err 3>&- &
	echo $! >l.pid
	wait_for test -e port
	port=$(<port)
	counted() { curl -s "http://127.0.0.1:$port/metrics" | grep -q '^x 1$'; }
	wait_for counted
	rk-listen -p 127.0.0.1:0 --port-file port2 </dev/null >m.out \
		2>m.err 3>&- &
	echo $! >m.pid
	wait_for test -e port2
	url=ws://127.0.0.1:$(<port2)
	client a /
	wait_for grep -q open m.out
}

@test "--max-conns: who comes after waits at the door" {
	listen --max-conns 2
	client a /
	client b /
	start c node "$TESTS/clients/ws.js" "$url/"
	wait_for gives 2 count open
	feed a 'close'
	wait_line c open
}

# --- what is no WebSocket --------------------------------------------------

@test "paths: 404 when unknown, 400 when they name nobody" {
	listen --ws '/api/{user}'
	for path in / /api /api/ /api/a/b /metrics /x; do
		assert_eq "$path $(status_of \
			"GET $path HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n")" "$path 404"
	done
	for path in /api/%00 /api/%ff /api/a%0a "/api/$(printf %0256d 0)"; do
		assert_eq "$path $(status_of \
			"GET $path HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n")" "$path 400"
	done
	assert_eq "$(status_of 'GET /api/T HTTP/1.1\r\nHost: h\r\n\r\n')" 426
}

@test "handshakes that are wrong: 426, 405, 400" {
	listen
	assert_eq "$(raw "GET / HTTP/1.1\r\n$UPGRADE$KEY\r\n" |
		grep -c -e '^HTTP/1.1 426 ' -e '^Sec-WebSocket-Version: 13')" 2
	assert_eq "$(status_of "GET / HTTP/1.1\r\n$UPGRADE$KEY${V13/3/2}\r\n")" 426
	assert_eq "$(status_of "POST / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n")" 405
	assert_eq "$(status_of "GET / HTTP/1.1\r\n$UPGRADE$V13\r\n")" 400
	assert_eq "$(status_of "GET / HTTP/1.0\r\n$UPGRADE$KEY$V13\r\n")" 400
	assert_eq "$(status_of "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r
$KEY$V13\r\n")" 400
	assert_eq "$(status_of "GET / HTTP/1.1\r\n${UPGRADE#*\\n}$KEY$V13\r\n")" 400
	[ ! -s l.out ]
}

@test "requests that are wrong" {
	listen
	assert_eq "$(status_of 'hello\r\n\r\n')" 400
	assert_eq "$(status_of 'GET / HTTP/1.1\n')" 400
	assert_eq "$(status_of 'GET / HTTP/1.1\r\n\r\n')" 400
	assert_eq "$(status_of '\x16\x03\x01\x02\n')" 400
	assert_eq "$(status_of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')" 400
	assert_eq "$(status_of 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')" 400
	assert_eq "$(status_of 'POST / HTTP/1.1\r\nHost: h\r\n'\
'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n')" 501
	assert_eq "$(status_of 'POST / HTTP/1.1\r\nHost: h\r\n'\
'Transfer-Encoding: chunked\r\n\r\nz\r\n\r\n')" 400
	assert_eq "$(status_of 'POST / HTTP/1.1\r\nHost: h\r\n'\
'Content-Length: 3\r\nExpect: 100-continue\r\n\r\n')" 417
	assert_eq "$(status_of 'POST / HTTP/1.1\r\nHost: h\r\n'\
'Content-Length: 99999999\r\n\r\n')" 413
	assert_eq "$(status_of "GET /$(printf %020000d 0)")" 414
	metric rejected_total 11
}

@test "an unknown Upgrade is a plain request" {
	listen
	assert_eq "$(status_of 'GET /healthz HTTP/1.1\r\nHost: h\r\n'\
'Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n')" 200
}

@test "a GET and a POST in one segment: one answer, no spinning" {
	listen
	raw 'GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nPOST /x HTTP/1.1\r\n'\
'Host: h\r\nContent-Length: 5\r\n\r\nhello' >got
	assert_eq "$(grep -c '^HTTP/' got)" 1
	raw 'GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: Upgrade\r\n'\
'\r\nGET / HTTP/1.1\r\nHost: h\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\n' \
		>got
	assert_eq "$(grep -c '^HTTP/' got)" 1
	before=$(cut -d ' ' -f 14,15 "/proc/$(pid_of l)/stat")
	metric opens_total 0
	read -r user system <<<"$before"
	read -r user2 system2 \
		<<<"$(cut -d ' ' -f 14,15 "/proc/$(pid_of l)/stat")"
	[ $((user2 + system2 - user - system)) -lt 20 ]
}

@test "frames in the same segment as the handshake are read" {
	listen
	raw "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n\x81\x81\0\0\0\0\x61"\
'\x88\x82\0\0\0\0\x03\xe8' >/dev/null
	wait_line l '"text":"a"'
	wait_line l '"code":1000'
}

@test "a request that drips is cut off with 408" {
	listen --deadline 5
	exec {slow}<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET / HT' >&"$slow"
	wait_for metric sockets 2		# it, and who asks
	run timeout $((30 * RK_SLOW)) cat <&"$slow"
	exec {slow}>&-
	[[ $output == 'HTTP/1.1 408 '* ]]
}

# --- endpoints -------------------------------------------------------------

@test "options behind an endpoint are its own, those before are everybody's" {
	listen --with state --ws /a --ws /b --wrap --binary=json --ws '/c/*'
	client a /a
	client b /b
	client c /c/d/e
	feed a 'binary 7b7d'
	wait_line l '"base64":"e30="'
	feed b 'binary 7b7d'
	wait_line l '"data":{}'
	wait_for gives 3 grep -c '"type":"open".*"state":{}' l.out
	feed l '{"type":"send","all":true,"event":"e","data":[1.0]}' \
		'{"type":"send","all":true,"text":"x"}'
	wait_lines a 3
	wait_lines b 3
	wait_lines c 3
	assert_eq "$(tail -n 2 a.out)" $'text [1.0]\ntext x'
	assert_eq "$(tail -n 2 b.out)" 'text {"event":"e","data":[1.0]}
text {"data":"x"}'
	assert_eq "$(tail -n 2 c.out)" $'text [1.0]\ntext x'
}

@test "--with: state, channels and headers in every event" {
	export WS_HEADERS='{"X-A":"1"}'
	listen --with state,channels,headers
	client a /
	wait_line l open
	feed l '{"type":"merge","conn":"'"$(conn 1)"'","state":{"a":1}}' \
		'{"type":"join","conn":"'"$(conn 1)"'","channel":"c"}'
	wait_line l occupied
	feed a 'text x'
	wait_line l '"text":"x"'
	frames message | grep -qF '"state":{"a":1}'
	frames message | grep -qF '"channels":["c"]'
	grep message l.out | grep -qF '"x-a":"1"'
}

@test "params: the other names of a template" {
	listen --ws '/r/{room}/{user}'
	client a /r/blue%20one/T
	wait_line l '"user":"T"'
	wait_line l '"params":{"room":"blue one"}'
}

@test "--subprotocol: the first that both know, else 400" {
	listen --subprotocol v1,v2
	client a / v3,v2,v1
	assert_eq "$(<a.out)" 'open v2'
	client b /
	assert_eq "$(<b.out)" open
	start c node "$TESTS/clients/ws.js" "$url/" v9
	wait_line c 'status 400'
}

@test "--origin: browsers of other origins get 403" {
	listen --origin http://good,http://fine
	bad='Origin: http://bad\r\n'
	assert_eq "$(status_of "GET / HTTP/1.1\r\n$bad$UPGRADE$KEY$V13\r\n")" 403
	WS_HEADERS='{"Origin":"http://fine"}' client a /
	client b /
}

@test "--ask: what follows an accept at once is done" {
	listen --ask
	start a node "$TESTS/clients/ws.js" "$url/"
	wait_lines l 1
	start b node "$TESTS/clients/ws.js" "$url/"
	wait_lines l 2
	for n in 1 2; do
		printf '{"type":"%s","conn":"'"$(conn $n)"'"%s}\n' accept '' \
			identify ',"user":"T"' join ',"channel":"c"'
	done >all
	cat >>all <<-END
	{"type":"send","channel":"c","text":"welcome"}
	{"type":"kick","conn":"$(conn 2)","code":4000,"reason":"enough"}
	{"type":"who","user":"T","ref":1}
	END
	feed l "$(<all)"
	wait_line b 'close 4000 enough'
	wait_line a 'text welcome'
	wait_line l '"type":"members"'
	assert_eq "$(<a.out)" $'open\ntext welcome'
	assert_eq "$(<b.out)" $'open\ntext welcome\nclose 4000 enough'
	assert_eq "$(frames members | jq -c '[.members[].n]')" '[1,2]'
}

@test "--ask: an open waits for accept or reject" {
	listen --ask --with claims --ws '/{user}'
	start a node "$TESTS/clients/ws.js" "$url/A"
	wait_line l '"pending":true'
	feed l '{"type":"accept","conn":"'"$(conn 1)"'","user":"U",'\
'"state":{"s":1},"claims":{"c":2}}'
	wait_line a open
	feed a 'text x'
	wait_line l '"user":"U","claims":{"c":2},"text":"x"'
	start b node "$TESTS/clients/ws.js" "$url/B"
	wait_line l '"n":2'
	feed l '{"type":"reject","conn":"'"$(conn 2)"'","status":401,"data":{}}'
	wait_line b 'status 401'
	wait_line l '"type":"close","conn":"'"$(conn 2)"
	feed l '{"type":"accept","conn":"'"$(conn 1)"'","user":7}'
	wait_line l '"error"'
}

@test "--ask: who is not decided in time gets 503; then it is too late" {
	listen --ask --deadline 1
	start a node "$TESTS/clients/ws.js" "$url/"
	wait_line a 'status 503'
	feed l '{"type":"accept","conn":"'"$(conn 1)"'"}'
	wait_for metric commands_dead_total 1
}

# --- commands --------------------------------------------------------------

# Three clients: 1 and 2 are T, 3 is U.
three() {
	listen --ws '/{user}'
	client a /T
	client b /T
	client c /U
	wait_lines l 3
}

@test "send: conn, user, channel, all, except; to each once" {
	three
	feed l '{"type":"join","user":"T","channel":"x"}' \
		'{"type":"join","conn":"'"$(conn 3)"'","channel":"x"}' \
		'{"type":"send","conn":"'"$(conn 1)"'","text":"1"}' \
		'{"type":"send","user":"T","text":"2"}' \
		'{"type":"send","channel":"x","text":"3","ref":{"r":1.0}}' \
		'{"type":"send","all":true,"except":"'"$(conn 2)"'","text":"4"}' \
		'{"type":"send","user":"nobody","text":"5","ref":2}' \
		'{"type":"send","channel":"none","text":"5","ref":3}' \
		'{"type":"send","all":true,"text":"6"}'
	wait_line a 'text 6'
	wait_line b 'text 6'
	wait_line c 'text 6'
	wait_for gives 3 count sent
	assert_eq "$(tr '\n' ' ' <a.out)" 'open text 1 text 2 text 3 text 4 text 6 '
	assert_eq "$(tr '\n' ' ' <b.out)" 'open text 2 text 3 text 6 '
	assert_eq "$(tr '\n' ' ' <c.out)" 'open text 3 text 4 text 6 '
	assert_eq "$(frames sent)" '{"type":"sent","ref":{"r":1.0},"conns":3}
{"type":"sent","ref":2,"conns":0}
{"type":"sent","ref":3,"conns":0}'
	metric commands_dead_total 2
}

@test "policy: the frame comes back when nobody is there" {
	local x='"type":"send","policy":"return","channel":"x"'

	three
	feed l "{$x,\"data\":{\"n\":1.0},\"headers\":{\"h\":[]}}" \
		"{$x,\"text\":\"2\",\"ref\":7}" \
		'{"type":"join","conn":"'"$(conn 1)"'","channel":"x"}' \
		"{$x,\"text\":\"3\"}" "{$x,\"text\":\"4\"}" \
		"{$x,\"except\":\"$(conn 1)\",\"text\":\"5\"}" \
		'{"type":"send","policy":"return","user":"T","text":"6"}' \
		'{"type":"leave","conn":"'"$(conn 1)"'","channel":"x"}' \
		"{$x,\"text\":\"7\"}" '{"type":"send","all":true,"text":"8"}'
	wait_line a 'text 8'
	wait_for gives 4 count returned
	assert_eq "$(tr '\n' ' ' <a.out)" 'open text 3 text 4 text 6 text 8 '
	local back='{"type":"returned","why":"nobody is there","channel":"x"'
	assert_eq "$(grep returned l.out)" "$back"',"headers":{"h":[]},"data":{"n":1.0}}
'"${back/,/,\"ref\":7,}"',"text":"2"}
'"$back"',"except":"'"$(conn 1)"'","text":"5"}
'"$back"',"text":"7"}'
	assert_eq "$(frames sent)" '{"type":"sent","ref":7,"conns":0}'
	metric returned_total 4
}

# What is between sends to the same comes between them.
@test "send: those that follow each other to the same reach who was meant" {
	local x='"type":"send","channel":"x"' all='"type":"send","all":true'
	local c1 c2

	three
	c1=$(conn 1) c2=$(conn 2)
	feed l '{"type":"join","conn":"'"$c1"'","channel":"x"}' \
		"{$x,\"text\":\"1\"}" "{$x,\"text\":\"2\"}" \
		'{"type":"join","conn":"'"$c2"'","channel":"x"}' \
		"{$x,\"text\":\"3\"}" "{$x,\"text\":\"4\"}" \
		'{"type":"leave","conn":"'"$c1"'","channel":"x"}' \
		"{$x,\"text\":\"5\"}" "{$x,\"text\":\"6\",\"ref\":1}" \
		"{$x,\"text\":\"7\"}" "{$all,\"text\":\"8\"}" \
		"{$all,\"text\":\"9\"}" "{$all,\"text\":9,\"data\":1}" \
		"{$all,\"base64\":\"AAE=\"}" \
		"{$all,\"except\":\"$c2\",\"text\":\"10\"}" \
		"{$all,\"except\":\"$c2\",\"text\":\"11\"}" \
		"{\"type\":\"kick\",\"conn\":\"$c1\"}" \
		"{$all,\"text\":\"12\"}" "{$all,\"text\":\"13\"}"
	wait_line b 'text 13'
	wait_line c 'text 13'
	ended a
	assert_eq "$(grep -E '^(text|binary)' a.out | tr '\n' ' ')" 'text 1 text 2 '\
'text 3 text 4 text 8 text 9 binary 0001 text 10 text 11 '
	assert_eq "$(tr '\n' ' ' <b.out)" 'open text 3 text 4 text 5 '\
'text 6 text 7 text 8 text 9 binary 0001 text 12 text 13 '
	assert_eq "$(tr '\n' ' ' <c.out)" 'open text 8 text 9 binary 0001 '\
'text 10 text 11 text 12 text 13 '
	assert_eq "$(frames sent)" '{"type":"sent","ref":1,"conns":1}'
	assert_eq "$(count error)" 1
}

@test "send with a ref to one: raw clients have no answers" {
	three
	feed l '{"type":"send","conn":"'"$(conn 3)"'","text":"q","ref":[1]}' \
		'{"type":"send","conn":"'"$(conn 99)"'","text":"q","ref":2}'
	wait_line c 'text q'
	wait_for gives 2 count answer
	assert_eq "$(frames answer)" '{"type":"answer","ref":[1],"conn":"B.3",'\
'"n":3,"at":0,"user":"U","error":"no answers on this endpoint"}
{"type":"answer","ref":2,"conn":"B.99","at":0,'\
'"error":"the connection is gone"}'
}

@test "identify: a user has any number of connections, one has one name" {
	three
	feed l '{"type":"identify","conn":"'"$(conn 3)"'","user":"T"}' \
		'{"type":"who","user":"T","ref":1}' '{"type":"who","user":"U"}' \
		'{"type":"identify","conn":"'"$(conn 1)"'","user":"V"}'
	feed b close
	wait_line l '"type":"close"'
	feed c close
	wait_for gives 2 count close
	assert_eq "$(frames members)" '{"type":"members","ref":1,"members":['\
'{"conn":"B.1","n":1,"user":"T","state":{},"channels":[]},'\
'{"conn":"B.2","n":2,"user":"T","state":{},"channels":[]},'\
'{"conn":"B.3","n":3,"user":"T","state":{},"channels":[]}]}
{"type":"members","members":[]}'
	assert_eq "$(frames close | grep -c '"last":true')" 1
	frames close | tail -n 1 | grep -q '"last":true'
}

@test "join and leave: occupied, vacated; a close leaves all" {
	three
	feed l '{"type":"join","user":"T","channel":"x"}' \
		'{"type":"join","conn":"'"$(conn 1)"'","channel":"y"}' \
		'{"type":"join","conn":"'"$(conn 1)"'","channel":"y"}' \
		'{"type":"leave","conn":"'"$(conn 2)"'","channel":"x"}' \
		'{"type":"leave","conn":"'"$(conn 2)"'","channel":"nowhere"}' \
		'{"type":"who","user":"nobody"}'
	wait_line l '"members":[]'
	feed a close
	wait_line l '"type":"vacated","at"'
	wait_for gives 2 count vacated
	assert_eq "$(frames occupied vacated close)" \
'{"type":"occupied","at":0,"channel":"x"}
{"type":"occupied","at":0,"channel":"y"}
{"type":"close","conn":"B.1","n":1,"at":0,"user":"T","state":{},'\
'"channels":["x","y"],"code":1005,"by":"client"}
{"type":"vacated","at":0,"channel":"x"}
{"type":"vacated","at":0,"channel":"y"}'
}

@test "merge: shallow, in place, a key, replace; answers with a ref" {
	three
	id=$(conn 1)
	feed l '{"type":"merge","conn":"'"$id"'","state":{"a":1.0,"b":{"x":1}}}' \
		'{"type":"merge","conn":"'"$id"'","state":{"c":3,"a":2}}' \
		'{"type":"merge","conn":"'"$id"'","key":"b","state":{"y":1e400}}' \
		'{"type":"merge","conn":"'"$id"'","key":"n","state":{},"ref":1}' \
		'{"type":"merge","conn":"'"$id"'","key":"b","replace":true,'\
'"state":{"z":1},"ref":2}' \
		'{"type":"merge","conn":"'"$id"'","replace":true,"state":{},"ref":3}' \
		'{"type":"merge","conn":"'"$(conn 99)"'","state":{},"ref":4}'
	wait_line l '"ref":4'
	assert_eq "$(frames members | sed 's/,"channels.*//')" \
'{"type":"members","ref":1,"members":[{"conn":"B.1","n":1,"user":"T",'\
'"state":{"a":2,"b":{"x":1,"y":1e400},"c":3,"n":{}}
{"type":"members","ref":2,"members":[{"conn":"B.1","n":1,"user":"T",'\
'"state":{"a":2,"b":{"z":1},"c":3,"n":{}}
{"type":"members","ref":3,"members":[{"conn":"B.1","n":1,"user":"T","state":{}
{"type":"members","ref":4,"members":[]}'
}

@test "a state of 64 KiB is kept, one byte more is refused" {
	three
	big=$(printf %065528d 0)		# with {"a":""} it is 65536
	feed l '{"type":"merge","conn":"'"$(conn 1)"'","state":{"a":"'"$big"'"}}' \
		'{"type":"merge","conn":"'"$(conn 1)"'","state":{"a":"'"$big"'x"}}' \
		'{"type":"merge","conn":"'"$(conn 1)"'","state":{"b":1},"ref":7}' \
		'{"type":"who","conn":"'"$(conn 1)"'","ref":1}'
	wait_lines l 6			# the last of them is a long one
	assert_eq "$(frames error)" \
'{"type":"error","why":"state is larger than 64 KiB"}
{"type":"error","ref":7,"conn":"B.1","n":1,"why":"state is larger than 64 KiB"}'
	metric commands_refused_total 2
	[ "$(frames members | wc -c)" -gt 65536 ]
}

@test "who: in the order of n, in pages" {
	listen --ws '/{user}'
	start crowd node "$TESTS/clients/crowd.js" "$port" /T 1000
	wait_line crowd open
	feed l '{"type":"who","all":true,"ref":"all"}' \
		'{"type":"who","user":"T","ref":"user"}'
	wait_lines l 1004		# two pages each
	for ref in all user; do
		frames members | grep "\"ref\":\"$ref\"" >pages
		[ "$(wc -l <pages)" -eq 2 ]
		[ "$(grep -c '"more":true' pages)" -eq 1 ]
		head -n 1 pages | grep -q '"more":true'
		jq -s 'map(.members[].n) | . == ([range(1; 1001)])' pages |
			grep -q true
	done
}

@test "kick: conn, user, except, code and reason" {
	three
	feed l '{"type":"send","user":"T","text":"last words"}' \
		'{"type":"kick","user":"T","except":"'"$(conn 2)"'",'\
'"code":4003,"reason":"go"}' \
		'{"type":"kick","conn":"'"$(conn 3)"'"}'
	wait_line a 'close 4003 go'
	wait_line b 'text last words'
	wait_line c 'close 1000'
	wait_line l '"code":4003,"reason":"go","by":"server"'
	assert_eq "$(<a.out)" $'open\ntext last words\nclose 4003 go'
	assert_eq "$(<b.out)" $'open\ntext last words'
}

@test "malformed commands are refused, and the next one is applied" {
	three
	while read -r command why; do
		feed l "$command"
		wait_for grep -qF "{\"type\":\"error\",\"why\":\"${why//+/ }\"" l.out
	done <<-END
	{"type":"send","text":"x"} one+of+conn,+user,+channel+and+all
	{"type":"send","user":"T","all":true,"text":"x"} one+of+conn,+user,+channel+and+all
	{"type":"send","user":7,"text":"x"} conn,+user+and+channel+are+strings
	{"type":"send","all":false,"text":"x"} all+is+true
	{"type":"send","all":true} no+payload
	{"type":"send","all":true,"text":"x","data":1} more+than+one+payload
	{"type":"send","all":true,"base64":"?"} malformed+text+or+base64
	{"type":"send","all":true,"text":1} malformed+text+or+base64
	{"type":"send","all":true,"text":"x","policy":"hope"} policy+is+close,+drop-oldest,+drop-newest+or+return
	{"type":"identify","conn":"x"} user+is+a+string+of+1+to+255+bytes
	{"type":"identify","user":"x"} conn+is+missing
	{"type":"join","user":"T","channel":""} channel+is+a+string+of+1+to+255+bytes
	{"type":"join","user":"T","channel":"a\\u0007"} channel+is+a+string+of+1+to+255+bytes
	{"type":"join","channel":"x"} one+of+conn+and+user
	{"type":"merge","conn":"x","state":[]} state+is+an+object
	{"type":"kick","user":"T","code":1005} code+is+none+of+a+close+frame
	{"type":"kick","user":"T","reason":"$(printf %0124d 0)"} reason+is+a+string+of+up+to+123+bytes
	{"type":"respond","conn":"x","status":99} status+is+from+200+to+599
	{"type":"respond","conn":"x","headers":{"A":"b\\r\\nC:"}} a+header+cannot+be+sent
	{"type":"respond","conn":"x","headers":{"Content-Length":"1"}} a+header+cannot+be+sent
	{"type":"metric","name":"a-b","value":1} name+is+letters,+digits,+_+and+:
	{"type":"metric","name":"a","value":"1"} value+is+a+number
	{"type":"metric","name":"a","value":1e400} value+is+a+number
	{"type":"metric","name":"a","value":1,"labels":{"a":1}} labels+are+names+with+strings
	{"type":"metric","name":"a","value":1,"labels":{"a":"1","a":"2"}} a+label+comes+twice
	{"type":"metric","name":"rk_listen_connections","value":1} names+that+begin+with+rk_+are+ours
	{"type":"count","name":"rk_route_x"} names+that+begin+with+rk_+are+ours
	{"type":"count","name":"a","value":-1} a+count+does+not+go+down
	{"type":"bogus"} no+such+type
	[1] not+an+object
	{"type":"send","type":"send"} a+key+comes+twice
	END
	feed l '{"type":"send","all":true,"text":"still here"}'
	wait_line c 'text still here'
	assert_eq "$(<c.out)" $'open\ntext still here'
}

@test "who is not there: nothing is done, and it is counted" {
	listen
	feed l '{"type":"send","conn":"nobody","text":"x"}' \
		'{"type":"kick","user":"T"}' \
		'{"type":"merge","conn":"aaaaaaaaaaaaa.1","state":{}}' \
		'{"type":"respond","conn":"","data":1}' \
		'{"type":"count","name":"end"}'
	wait_for metric commands_total 5
	metric commands_dead_total 4
	[ ! -s l.out ]
}

@test "in a pipeline, frames of other stations pass on unchanged" {
	listen
	feed l '{"type":"publish", "data":1.0}' '{"type":"message","data":[]}' \
		'{"type":"error","why":"x"}'
	wait_lines l 3
	assert_eq "$(<l.out)" '{"type":"publish", "data":1.0}
{"type":"message","data":[]}
{"type":"error","why":"x"}'
}

# It and its co-process sleep, so they have nothing to do, and they did nothing
# since this was asked last.
stands_still() {
	local pid last=${now-}

	pid=$(pid_of "$1")
	now=$(for pid in "$pid" $(pgrep -P "$pid"); do
		cut -d ' ' -f 3,14,15 "/proc/$pid/stat"
		cat "/proc/$pid/io"
	done)
	[ "$now" = "$last" ] && ! grep -q '^[^S] ' <<<"$now"
}

read_over() {	# NAME BYTES
	[ "$(awk '/rchar/ { print $2 }' "/proc/$(pid_of "$1")/io")" -gt "$2" ]
}

@test "in a pipeline, a reader that stops stops standard input and the clients" {
	local reader

	mkfifo fifo
	exec {reader}<>fifo
	# shellcheck disable=SC2016
	start l bash -c 'exec rk-listen -p 127.0.0.1:0 --port-file port \
		--window 64k >fifo'
	wait_for test -s port
	url=ws://127.0.0.1:$(<port)
	client a /
	seq -f '{"type":"publish","data":%.0f}' 100000 >&"${stdin_of[l]}" 3>&- &
	wait_for read_over l 100000
	seq -f 'text %.0f' 1000000 1002000 >&"${stdin_of[a]}"
	wait_for stands_still l
	# the pipe, the window, and what is read at a time
	run ! read_over l 500000

	head -n 102002 <&"$reader" >all
	exec {reader}>&-
	jq 'select(.type == "publish").data' all | cmp - <(seq 100000)
	jq 'select(.type == "message").data' all |
		cmp - <(seq 1000000 1002000)
	[ "$(sed 1q all | grep -c '"type":"open"')" -eq 1 ]
}

# --- a tracked router ------------------------------------------------------

# With tests/clients/router.js as a co-process, which writes what it gets to
# r.log, and settles it as the data says.
routed() {	# WINDOW=BYTES: of the router
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port "$@" -- \
		node "$TESTS/clients/router.js" r.log "${WINDOW-}"
	port=$(<port)
	url=ws://127.0.0.1:$port
}

routed_line() {
	wait_for grep -qF -e "$1" r.log
}

routed_id() {	# N
	sed -n 's/.*"conn":"\([a-z0-9]*\)\..*/\1/p;q' r.log | sed "s/\$/.$1/"
}

@test "--step: the next event leaves when the last is settled, with its state" {
	routed --step --with state
	client a /
	client b /
	routed_line '"n":2'
	feed a 'text {"hold":1}' 'text {"second":1}' 'text {"third":1}' close
	routed_line '"hold":1'
	feed b 'text {"other":1}'
	routed_line '"other":1'
	run ! grep -q second r.log
	feed b 'text {"release":1,"say":[{"type":"merge","conn":"'"$(
		sed -n '/"n":1,/{s/.*"conn":"\([^"]*\)".*/\1/p;q}' r.log)"'",'\
'"state":{"s":1}}]}'
	routed_line '"type":"close"'
	said r.log | grep '"n":1,' | grep -v open | sed 's/,"seq".*//' >got
	assert_eq "$(<got)" \
'{"type":"message","conn":"B.1","n":1,"at":0,"state":{},"data":{"hold":1}
{"type":"message","conn":"B.1","n":1,"at":0,"state":{"s":1},"data":{"second":1}
{"type":"message","conn":"B.1","n":1,"at":0,"state":{"s":1},"data":{"third":1}
{"type":"close","conn":"B.1","n":1,"at":0,"state":{"s":1},"channels":[],'\
'"code":1005,"by":"client"'
}

@test "one connection has 1/16 of the window; then it is not read" {
	WINDOW=16384 routed
	client a /
	client b /
	for ((i = 0; i < 200; i++)); do feed a 'text {"hold":'$i'}'; done
	routed_line '"hold":1}'
	feed b 'text {"other":1}'
	routed_line '"other":1'
	[ "$(grep -c '"hold"' r.log)" -lt 20 ]
	for ((i = 0; i < 60; i++)); do
		feed b 'text {"release":1}'
		wait_for gives $((i + 1)) grep -c '"release"' r.log
	done
	wait_for gives 200 grep -c '"hold"' r.log
	grep -o '"hold":[0-9]*' r.log | sed 's/.*://' >got
	seq 0 199 | diff - got
}

@test "a full window stops reading and accepting, and nothing is lost" {
	WINDOW=2048 routed
	for ((n = 1; n < 20; n++)); do
		start "c$n" node "$TESTS/clients/ws.js" "$url/"
		wait_for open_or_outside "$n"
		grep -q open "c$n.out" || break
		feed "c$n" "text {\"hold\":\"c$n $(printf %0300d 0)\"}" \
			"text {\"hold\":\"c$n too\"}" 'say sent'
		wait_line "c$n" sent
		wait_for stands_still l
	done
	[ "$n" -gt 5 ]
	[ "$n" -lt 12 ]				# the door was closed
	wait_for all_came
	assert_eq "$(grep -o '"hold":"c[0-9]* too' r.log | sort | uniq -d)" ''
}

# Client N is, or it waits at the door and will not be let in.
open_or_outside() {
	grep -q open "c$1.out" && return
	ss -Hltn "sport = :$port" | awk '{ exit !$2 }' && stands_still l
}

all_came() {	# while the router lets go of what it holds
	kill -USR1 "$(pgrep -P "$(pid_of l)")"
	grep -q open "c$n.out" &&
		[ "$(grep -c '"hold"' r.log)" -eq $((2 * (n - 1))) ]
}

@test "what the router refuses is counted; a pending open is refused, too" {
	routed --http /q
	client_refused=$(curl -s -o /dev/null -w '%{http_code}' \
		-d '{"refuse":"no"}' "http://127.0.0.1:$port/q")
	assert_eq "$client_refused" 500
	metric events_refused_total 1
}

@test "a router that dies is started again; clients stay, events wait" {
	routed
	client a /
	feed a 'text {"hold":1}'
	routed_line '"hold":1'
	kill -KILL "$(pgrep -P "$(pid_of l)")"
	feed a 'text {"late":1}'
	routed_line '"late":1'
	wait_for gives 2 grep -c '"hold":1' r.log
	grep '"hold":1' r.log | tail -n 1 | grep -q '"again":true'
	metric restarts_total 1
	metric connections 1
}

@test "a router that asks for a snapshot gets a here for each connection" {
	start_ready l rk-listen -p 127.0.0.1:0 --port-file port -s l.sock \
		--ws '/{user}'
	port=$(<port)
	url=ws://127.0.0.1:$port
	client a /T
	client b /U
	start r socat - UNIX-CONNECT:l.sock
	feed r '{"type":"attach","v":1,"as":"router","name":"r","boot":"r",'\
'"window":65536,"snapshot":true}'
	wait_line r '"user":"U"'
	said r.out | grep here | sed 's/,"seq".*//' >got
	assert_eq "$(<got)" \
'{"type":"here","conn":"B.1","n":1,"user":"T","state":{},"channels":[]
{"type":"here","conn":"B.2","n":2,"user":"U","state":{},"channels":[]'
}

@test "TERM with a router: it gets the closes, and both end" {
	routed
	client a /
	client b /
	routed_line '"n":2'
	stop l
	assert_eq "$(grep -c '"type":"close".*"code":1001' r.log)" 2
	ended a
	ended b
}

@test "frames that are not for a listener are refused to a router" {
	routed
	client a /
	feed a 'text {"say":[{"type":"publish","data":1},{"type":"kick"},'\
'{"type":"send","all":true,"text":"ok"},{"type":"bogus"}]}'
	wait_line a 'text ok'
	routed_line 'not for this station'
	routed_line 'one of conn and user'
	routed_line '"why":"no such type"'
}

@test "a source on the socket is told what became of its frames" {
	routed -s l.sock
	client a /
	run_status 0 rk-publish -s l.sock --all '{"a":1.0}'
	wait_line a 'text {"a":1.0}'
	run_status 1 rk-publish -s l.sock --frames <<<'{"type":"kick"}'
	[[ $stderr == *'one of conn and user'* ]]
}

# --- figures ---------------------------------------------------------------

@test "/metrics is Prometheus text, with what rules set and --gauge names" {
	listen --gauge 'service_rabbitmq{service="pipe"}=rabbitmq' \
		--gauge 'service_connections{service="pipe"}=connections' \
		--gauge 'service_self{service="pipe"}=rabbitmq&connections'
	client a /
	feed l '{"type":"metric","name":"rabbitmq","value":1}' \
		'{"type":"metric","name":"load","labels":{"b":"x\"y\n"},"value":2.5}' \
		'{"type":"count","name":"junk"}' \
		'{"type":"metric","name":"load","labels":{"b":"z\u0000\t"},"value":-1}' \
		'{"type":"count","name":"junk","value":2}'
	wait_for metric commands_total 5
	curl -si "http://127.0.0.1:$port/metrics" | tr -d '\r' >got
	grep -q '^Content-Type: text/plain; version=0.0.4' got
	sed '1,/^$/d' got >all
	sed -n '/^# TYPE rabbitmq/,$p' all >end
	assert_eq "$(<end)" '# TYPE rabbitmq gauge
rabbitmq 1
# TYPE load gauge
load{b="x\"y\n"} 2.5
load{b="z??"} -1
# TYPE junk counter
junk 3
service_rabbitmq{service="pipe"} 1
service_connections{service="pipe"} 1
service_self{service="pipe"} 1'
	run grep -vE '^# (HELP|TYPE) [a-z_]+ |^[a-z_]+(\{.*\})? [-0-9.]+$' all
	[ -z "$output" ]
	feed a close
	wait_for metric connections 0
	curl -s "http://127.0.0.1:$port/metrics" |
		grep -qF 'service_self{service="pipe"} 0'
}

@test "stats: all of it as a frame" {
	listen
	client a /
	feed l '{"type":"count","name":"junk"}' '{"type":"stats","ref":[1]}'
	wait_line l '"type":"stats"'
	assert_eq "$(grep stats l.out | jq -c '[.ref, .data.connections,
		.data.junk, .data.messages_in_total]')" '[[1],1,1,0]'
}

# Figures of all stages, as Prometheus reads them.
series() {
	curl -s "http://127.0.0.1:$port/metrics" |
		/usr/bin/python3 "$TESTS/clients/prometheus.py"
}

has_series() {
	series | grep -xF -e "$1" >/dev/null
}

@test "--stats: /metrics and stats have the figures of every stage" {
	listen --stats 1 --ws '/{user}' -- \
		rk-route --name 'a "b"' -e 'if .data == "no" then refuse("no")
			elif .data == "all" then {type: "stats", ref: 1, via: "up"}
			elif .type == "stats" then {type: "send", all: true,
				data: .stages, via: "up"}
			else empty end' -- \
		rk-route -e 'select(.type == "x")' -- cat
	wait_for has_series \
		'rouket_link_peers{stage="rk-route",name="rk-route",link="down"} 1'
	client a /u
	feed a 'text "all"'
	wait_line a '"stage":"rk-route"'
	assert_eq "$(sed -n 's/^text \[/[/p' a.out | jq -c '
		map([.stage, .name, .boot | length]) | sort')" \
		'[[8,5,13],[8,8,13]]'
	feed a 'text "no"'
	wait_for has_series \
		'rouket_route_refused_total{stage="rk-route",name="a \"b\""} 1'
	has_series 'rk_listen_events_refused_total 1'
	wait_for has_series 'rk_listen_stages 2'
}

@test "--stats: a stage that tells no more is shown no more" {
	start_ready l rk-listen -p 0 --port-file port -s n.sock --stats 1 \
		>/dev/null
	port=$(<port)
	start r rk-route -e empty --link up=n.sock
	wait_for has_series \
		'rouket_link_peers{stage="rk-route",name="rk-route",link="up"} 1'
	stop r
	wait_for has_series 'rk_listen_stages 0'
	run ! grep rouket_ <(series)
}

@test "--stats: the stages are bounded, and what they say is checked" {
	# none of them is forgotten while this looks
	start_ready l rk-listen -p 0 --port-file port -s n.sock --stats 60 \
		>/dev/null
	port=$(<port)
	start r node "$TESTS/clients/peer.js" n.sock
	feed r '{"type":"attach","v":1,"as":"router","name":"r","boot":"r","window":65536,"stats":true}'
	wait_line r '{"type":"stats"}'
	feed r '{"type":"stats","stage":"s","name":7,"boot":"b","data":{}}' \
		'{"type":"stats","stage":"s","name":"n","boot":"b"}' \
		'{"type":"stats","stage":"s","name":"n","boot":"b","data":{"a b":1,"c":"1","d":1.5,"e":{"name":{"x":1}},"f":{"l":{"v":-2}},"g_total":3}}'
	wait_for has_series 'rouket_g_total{stage="s",name="n"} 3'
	assert_eq "$(series | grep rouket)" \
		'rouket_f{stage="s",name="n",l="v"} -2
rouket_g_total{stage="s",name="n"} 3'
	has_series 'rk_listen_stages_refused_total 2'
	for i in $(seq 70); do
		feed r '{"type":"stats","stage":"s","name":"n'"$i"'","boot":"b","data":{"x":1}}'
	done
	feed r '{"type":"stats","stage":"s","name":"n","boot":"c","data":{}}' \
		'{"type":"stats","stage":"s","name":"n","boot":"b","data":{}}'
	wait_for has_series 'rk_listen_stages_clashes_total 1'
	has_series 'rk_listen_stages 64'
	has_series 'rk_listen_stages_refused_total 9'
	grep -q 'two stages have the name' l.err
}

@test "/healthz: ok, and 503 when it drains" {
	listen
	assert_eq "$(curl -s "http://127.0.0.1:$port/healthz")" ok
	assert_eq "$(curl -sI "http://127.0.0.1:$port/healthz" | head -n 1 |
		tr -d '\r')" 'HTTP/1.1 200 OK'
}

# --- plain HTTP ------------------------------------------------------------

# Runs curl in the background, its output in NAME.out.
ask() {
	local name=$1

	shift
	start "$name" curl -sS -m $((20 * RK_SLOW)) "$@"
}

@test "--http: a request, and its answer" {
	listen --http /pub --ws '/{user}'
	ask q -i -d '{"a":1.0}' -H 'Content-Type: application/json' \
		"http://127.0.0.1:$port/pub/x?k=v"
	wait_line l '"type":"request"'
	assert_eq "$(said | sed 's/"headers.*"remote/"remote/')" \
'{"type":"request","conn":"B.1","n":1,"at":0,"method":"POST",'\
'"path":"/pub/x","query":{"k":"v"},"remote":"127.0.0.1","data":{"a":1.0}}'
	feed l '{"type":"respond","conn":"'"$(conn 1)"'","status":202,'\
'"headers":{"X-A":"b"},"data":{"ok":true}}' \
		'{"type":"respond","conn":"'"$(conn 1)"'","data":2}'
	ended q
	assert_eq "$(tr -d '\r' <q.out)" 'HTTP/1.1 202 Accepted
Connection: close
Content-Length: 11
X-A: b
Content-Type: application/json

{"ok":true}'
	metric commands_dead_total 1
}

@test "--http: names in its path are params, beside a WebSocket for all" {
	start_ready node rk-listen -p 127.0.0.1:0 --port-file port --ws '/*' \
		--http '/x/{key}' -- rk-route -e 'if .type == "request" then
			{type: "respond", conn, data: .params} else empty end'
	assert_eq "$(curl -s "http://127.0.0.1:$(<port)/x/a%3Ab")" '{"key":"a:b"}'
}

@test "--http: text, bytes, no payload, HEAD" {
	listen --http /
	ask a -i "http://127.0.0.1:$port/a"
	wait_line l '"n":1'
	feed l '{"type":"respond","conn":"'"$(conn 1)"'","text":"é"}'
	ended a
	grep -q '^Content-Type: text/plain; charset=utf-8' a.out
	[ "$(tail -n 1 a.out)" = é ]
	ask b "http://127.0.0.1:$port/b" --data-binary $'\xff'
	wait_line l '"base64":"/w=="'
	feed l '{"type":"respond","conn":"'"$(conn 2)"'","base64":"AAE="}'
	ended b
	[ "$(od -An -tx1 b.out)" = ' 00 01' ]
	ask c -i "http://127.0.0.1:$port/c"
	wait_line l '"n":3'
	feed l '{"type":"respond","conn":"'"$(conn 3)"'","status":204}'
	ended c
	run ! grep -qi content-length c.out
	ask d -I "http://127.0.0.1:$port/d"
	wait_line l '"method":"HEAD"'
	feed l '{"type":"respond","conn":"'"$(conn 4)"'","data":[1]}'
	ended d
	grep -q '^Content-Length: 3' d.out
}

@test "--http: 503 when nobody answers in time" {
	listen --http /pub --deadline 1
	ask q -i "http://127.0.0.1:$port/pub"
	ended q
	grep -q '^HTTP/1.1 503 ' q.out
	grep -qE '^Retry-After: [1-9]' q.out
	feed l '{"type":"respond","conn":"'"$(conn 1)"'","data":1}'
	wait_for metric commands_dead_total 1
	metric late_total 1
}

@test "--http: a body over the bound is 413, a prefix ends at a slash" {
	listen --http /pub -m 100
	assert_eq "$(curl -s -o /dev/null -w '%{http_code}' \
		-d "$(printf %0101d 0)" "http://127.0.0.1:$port/pub")" 413
	assert_eq "$(curl -s -o /dev/null -w '%{http_code}' \
		"http://127.0.0.1:$port/public")" 404
	assert_eq "$(curl -s -o /dev/null -w '%{http_code}' -d x \
		"http://127.0.0.1:$port/none")" 404
}

@test "--http: a body in chunks is what they hold, and not over the bound" {
	local head='POST /pub HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked'

	listen --http /pub -m 100 -- rk-route -e '
		if .type == "request" then {type: "respond", conn, data}
		else empty end'
	assert_eq "$(printf '{"a":"%050d"}' 0 | curl -s -T - -X POST -H Expect: \
		"http://127.0.0.1:$port/pub")" "$(printf '{"a":"%050d"}' 0)"
	assert_eq "$(raw "$head"'\r\n\r\n2;x=y\r\n[1\r\n3\r\n,2]\r\n0\r\n'\
'A: b\r\n\r\n' | tail -n 1)" '[1,2]'
	assert_eq "$(status_of "$head"'\r\n\r\n65\r\n')" 413
	assert_eq "$(status_of "$head"'\r\n\r\n32\r\n'"$(printf %050d 0)"\
'\r\n33\r\n')" 413
	assert_eq "$(status_of "$head"'\r\nContent-Length: 1\r\n\r\n1\r\n')" 400
}

@test "--http: who comes before the co-process is there waits for it" {
	local round

	for round in 1 2 3 4 5; do
		start early rk-listen -p 127.0.0.1:0 --http /x -- rk-route -e '
			if .type == "request" then {type: "respond", conn}
			else empty end'
		wait_lines early 1
		assert_eq "$(curl -s -m $((10 * RK_SLOW)) -w '%{http_code}' \
			"http://127.0.0.1:$(<early.out)/x")" 200
		stop early
	done
}

@test "--http: 503 while there is no router" {
	rk-listen -p 127.0.0.1:0 --port-file port --http / -s l.sock \
		</dev/null >/dev/null 2>l.err 3>&- &
	echo $! >l.pid
	wait_for test -e port
	assert_eq "$(curl -s -m 30 -o /dev/null -w '%{http_code}' \
		"http://127.0.0.1:$(<port)/x")" 503
	assert_eq "$(curl -s -m 30 -o /dev/null -w '%{http_code}' \
		"http://127.0.0.1:$(<port)/healthz")" 503
}

# --- files -----------------------------------------------------------------

site() {
	mkdir -p site/sub site/.git
	echo page >site/index.html
	echo 'let x' >site/a.js
	echo deep >site/sub/index.html
	echo secret >secret
	echo hidden >site/.hidden
	echo hidden >site/.git/config
	ln -s ../secret site/out
	ln -s a.js site/in.js
	mkfifo site/pipe
}

code_of() {
	raw "GET $1 HTTP/1.1\r\nHost: h\r\n\r\n" | sed -n '1s/[^ ]* \(...\).*/\1/p'
}

@test "--docroot: files with their types, index.html, HEAD" {
	site
	listen --docroot site --ws '/*'
	[ "$(curl -s "http://127.0.0.1:$port/")" = page ]
	curl -si "http://127.0.0.1:$port/a.js" | grep -q '^Content-Type: text/java'
	[ "$(curl -sL "http://127.0.0.1:$port/sub")" = deep ]
	curl -si "http://127.0.0.1:$port//sub" | grep -q '^Location: /sub/'
	[ "$(curl -s "http://127.0.0.1:$port/in.js")" = 'let x' ]
	curl -sI "http://127.0.0.1:$port/a.js" | grep -q '^Content-Length: 6'
	head -c 3000000 /dev/urandom >site/big
	curl -s "http://127.0.0.1:$port/big" | cmp - site/big
	client a /a.js				# a WebSocket on the same path
}

@test "--docroot: nothing outside, nothing hidden, only reading" {
	site
	listen --docroot site
	for path in /../secret /sub/../../secret /%2e%2e/secret /..%2fsecret \
		/out /.hidden /.git/config /%2ehidden /pipe /none '/a.js%00' \
		//../secret /sub//..//../secret "$RK_TEST/secret"; do
		assert_eq "$path $(code_of "$path")" "$path 404"
	done
	assert_eq "$(status_of 'POST /a.js HTTP/1.1\r\nHost: h\r\n\r\n')" 404
}

# --- who does not keep up --------------------------------------------------

got() {	# what NAME got of a flood, a length a line
	sed -n 's/^big //p' "$1.out"
}

lost() {	# FRAMES or BYTES, in all drop frames together
	frames drop | jq -s "map(.$1) | add // 0"
}

# NAME N: of the first N of a flood, what it got (in order) and the drop frames
# are all, to the byte; a frame's head has 4.
books_balance() {
	local read

	read=$(got "$1" | awk '$1 <= last { print "disorder" }
		{ last = $1; n++; bytes += $1 + 4 }
		END { print n + 0, bytes + 0 }')
	assert_eq "$read" "$(($2 - $(lost frames))) $((
		$2 * (from + 4) + $2 * ($2 - 1) / 2 - $(lost bytes)))"
}

@test "--slow=close: 1013 and a drop frame; others are not held up" {
	listen --max-out 1m
	client a /
	client b /
	deafen a
	for round in {1..30}; do	# no faster than b reads
		flood 10
		wait_for gives $((10 * round)) grep -c big b.out
	done
	wait_line l '"type":"drop"'
	wait_for metric slow_total 1
	frames drop | grep -q '"why":"slow","frames":[0-9]*,"bytes":[0-9]*}'
	wait_line l '"type":"close"'
	frames close | grep -q '"code":1013,"reason":"too slow","by":"server"'
	assert_eq "$(frames drop close | head -n 1 | cut -c 1-14)" \
		'{"type":"drop"'
}

@test "--max-out: one message is taken, however large it is" {
	listen --max-out 1k
	client a /
	feed l '{"type":"send","all":true,"text":"'"$(printf %0100000d 0)"'"}'
	wait_line a 'big 100000'
	metric slow_total 0
}

@test "--slow=close: what was written and what was lost is all there was" {
	listen --max-out 1m
	client a /
	deafen a
	flood 300
	wait_line l '"type":"close"'	# it gave no answer in its time
	feed a resume
	ended a
	# those behind the close were not meant for it
	books_balance a $(($(lost frames) + $(got a | wc -l)))
	assert_eq "$(got a)" "$(seq 60000 $((59999 + $(got a | wc -l))))"
	assert_eq "$(frames drop | jq -r .why | sort -u)" $'closed\nslow'
	metric 'lost_total{why="drop-newest"}' 0
	assert_eq "$(curl -s "http://127.0.0.1:$port/metrics" |
		awk '/^rk_listen_lost_total/ { n += $2 } END { print n }')" \
		"$(lost frames)"
}

# POLICY: 300 to one who does not read, and then does.
loses() {
	client a /
	deafen a
	flood 300 "${1-}"
	wait_for metric commands_total 300
	run ! grep -q '"type":"drop"' l.out	# it is told when it is over
	feed a resume
	wait_line l '"type":"drop"'
	feed l '{"type":"send","all":true,"text":"after"}'
	wait_line a 'text after'
	assert_eq "$(tail -n 1 a.out)" 'text after'
	books_balance a 300
	metric slow_total 0
	assert_eq "$(frames drop | wc -l)" 1
	frames drop | grep -q '"why":"slow","frames":[0-9]*,"bytes":[0-9]*}'
}

keeps_oldest() {
	assert_eq "$(got a)" "$(seq 60000 $((60299 - $(lost frames))))"
	metric 'lost_total{why="drop-newest"}' "$(lost frames)"
	metric 'lost_bytes_total{why="drop-newest"}' "$(lost bytes)"
}

# A gap where those stood that were not written in time.
keeps_newest() {
	assert_eq "$(got a | tail -n 15)" "$(seq 60285 60299)"
	[ "$(got a | head -n 1)" = 60000 ]
	assert_eq "$(got a | awk 'NR > 1 && $1 != last + 1 { n++ }
		{ last = $1 } END { print n }')" 1
	metric 'lost_total{why="drop-oldest"}' "$(lost frames)"
	metric 'lost_bytes_total{why="drop-oldest"}' "$(lost bytes)"
}

@test "--slow=drop-newest: it keeps what came first, and stays" {
	listen --max-out 1m --slow drop-newest
	loses
	keeps_oldest
}

@test "--slow=drop-oldest: it keeps what came last, and stays" {
	listen --max-out 1m --slow drop-oldest
	loses
	keeps_newest
}

@test "policy: the frame decides: drop-newest" {
	listen --max-out 1m
	loses ',"policy":"drop-newest"'
	keeps_oldest
}

@test "policy: the frame decides: drop-oldest" {
	listen --max-out 1m --slow drop-newest
	loses ',"policy":"drop-oldest"'
	keeps_newest
}

# Many come in one piece, and are queued together as far as there is room.
short_ones() {
	from=10001
	listen --max-out 100k --slow "$1"
	client a /
	deafen a
	flood 1800
	wait_for metric commands_total 1800
	feed a resume
	wait_line l '"type":"drop"'
	feed l '{"type":"send","all":true,"text":"after"}'
	wait_line a 'text after'
	books_balance a 1800
}

@test "short ones that come together: the newest are lost one by one" {
	short_ones drop-newest
	assert_eq "$(got a)" "$(seq 10001 $((11800 - $(lost frames))))"
}

@test "short ones that come together: the oldest are lost one by one" {
	short_ones drop-oldest
	assert_eq "$(got a | tail -n 5)" "$(seq 11796 11800)"
}

@test "policy: the frame decides: close" {
	listen --max-out 1m --slow drop-oldest
	client a /
	deafen a
	flood 300 ',"policy":"close"'
	wait_for metric slow_total 1
}

@test "--slow=drop-oldest: one that has no room in an empty queue is lost" {
	listen --max-out 1k --slow drop-oldest
	client a /
	deafen a
	flood 300
	wait_for metric commands_total 300
	feed a resume
	wait_for books_balance a 300
}

end_heard() {
	rk-publish -s n.sock --all "\"end $1\"" && grep -q "end $1" a.out
}

@test "a client that is slow again and again is one drop frame, until it is read" {
	local reader round writer

	mkfifo fifo
	exec {reader}<>fifo
	# shellcheck disable=SC2016
	start l bash -c 'exec rk-listen -p 127.0.0.1:0 --port-file port \
		-s n.sock --window 64k --max-out 100k --slow drop-newest >fifo'
	wait_for test -s port
	port=$(<port)
	url=ws://127.0.0.1:$port
	client a /
	seq -f '{"type":"publish","data":%.0f}' 20000 >&"${stdin_of[l]}" 3>&- &
	writer=$!
	wait_for read_over l 100000
	wait_for stands_still l
	for round in 1 2 3; do
		feed a pause "say deaf $round"
		wait_line a "deaf $round"
		yes "\"$(printf %060000d 0)\"" | head -n 200 |
			rk-publish -s n.sock --all --lines
		feed a resume
		wait_for end_heard "$round"
	done
	cat <&"$reader" >all 3>&- &
	wait_for gone "$writer"
	wait_for grep -q '"type":"drop"' all
	feed a close
	wait_for grep -q '"type":"close"' all
	kill $!
	exec {reader}>&-
	assert_eq "$(grep -c '"type":"drop"' all)" 1
	metric 'lost_total{why="drop-newest"}' \
		"$(jq 'select(.type == "drop").frames' all)"
}

# --- how fast clients talk -----------------------------------------------------

# NAME FROM TO: texts with these numbers.
talk() {
	seq -f "text %.0f" "$2" "$3" >&"${stdin_of[$1]}"
}

heard() {	# the numbers, in the order in which they came
	frames message | jq -r .data
}

@test "--rate: who is faster is not read, and loses nothing" {
	listen --rate 20,5
	client a /
	talk a 1 40
	wait_for gives 40 grep -c '"type":"message"' l.out
	assert_eq "$(heard)" "$(seq 40)"
	wait_for metric throttled 0
	run ! metric throttled_total 0
	metric too_fast_total 0
	metric connections 1
}

@test "--rate: what has no credit stays with the client; others are read" {
	listen --rate 1,5 --ws /slow --ws /fast --rate 0
	client a /slow
	client b /fast
	talk a 1 1000
	wait_for metric throttled 1
	talk b 2001 2100
	wait_for grep -q '"data":2100' l.out
	assert_eq "$(heard | awk '$1 > 2000')" "$(seq 2001 2100)"
	[ "$(heard | awk '$1 < 2000' | wc -l)" -lt 50 ]
	# it can leave, and with what it has sent
	feed a drop
	feed b close
	stop l
}

@test "--byte-rate: a message may be larger than the burst; the next waits" {
	listen --byte-rate 64k,1k
	client a /
	feed a 'big 60000' 'text 2' 'text 3'
	wait_line l '"data":3'
	metric throttled_total 1
	metric bytes_in_total 60002
}

@test "--fast=close: who goes on without credit is closed with 1008" {
	listen --rate 1,5 --fast close
	client a /
	client b /
	talk a 1 20
	wait_line a 'close 1008 too fast'
	wait_line l '"type":"close"'
	frames close | grep -q '"code":1008,"reason":"too fast","by":"server"'
	assert_eq "$(heard)" "$(seq 5)"
	metric too_fast_total 1
	metric throttled_total 0
	feed b 'text still'
	wait_line l '"text":"still"'
}

# --- pings -----------------------------------------------------------------

@test "--ping: clients are pinged; who does not answer is closed" {
	export WS_PINGS=1
	listen --ping 1
	client a /
	wait_line a ping
	exec {mute}<>"/dev/tcp/127.0.0.1/$port"
	printf %b "GET / HTTP/1.1\r\n$UPGRADE$KEY$V13\r\n" >&"$mute"
	wait_line l '"n":2'
	wait_for grep -q '"by":"timeout"' l.out
	exec {mute}>&-
	frames close | grep -q '"n":2,.*"code":1006,"reason":"no pong"'
	metric timeouts_total 1
	metric connections 1
}

@test "frames stay whole when a slow reader pings while it is sent to" {
	listen --max-out 64m --ping 10	# while it is deaf it gives no pong
	ping_while_deaf 20
}

# --- many ------------------------------------------------------------------

@test "1,000 clients get 500 messages each in order" {
	listen
	start crowd node "$TESTS/clients/crowd.js" "$port" / 1000 500
	wait_line crowd open
	for ((i = 0; i < 500; i++)); do
		echo '{"type":"send","all":true,"text":"'$i'"}'
	done >&"${stdin_of[l]}"
	wait_for -t 60 grep -q 'done' crowd.out
	ended crowd
	metric 'lost_total{why="close"}' 0
}

cpu() {
	cut -d ' ' -f 14,15 "/proc/$(pid_of l)/stat" | tr ' ' + | { read -r e; echo $((e)); }
}

@test "5,000 idle connections cost little memory and no time" {
	listen
	before=$(rss)
	start crowd node "$TESTS/clients/crowd.js" "$port" / 5000
	wait_for -t 60 grep -q open crowd.out
	wait_for metric connections 5000
	each=$((($(rss) - before) * 1024 / 5000))
	say "$each bytes a connection"
	sanitized || [ "$each" -lt 4096 ]
	began=$(cpu)
	timeout 2 tail -f /dev/null || :
	used=$(($(cpu) - began))
	say "$used ticks of CPU in 2 s"
	[ "$used" -lt $((20 * RK_SLOW)) ]
}

@test "memory is flat over 100,000 frames each way" {
	listen --ws '/{user}'
	client a /T
	warm() {
		for ((i = 0; i < 100; i++)); do
			printf '{"type":"send","user":"T","data":{"i":%d}}\n' \
				{1..100}
		done >&"${stdin_of[l]}"
	}
	warm
	wait_for metric commands_total 10000
	before=$(rss)
	for round in 1 2 3 4 5 6 7 8 9; do
		warm
		wait_for metric commands_total $(((round + 1) * 10000))
		wait_lines a $(((round + 1) * 10000 + 1))
	done
	sanitized || [ $(($(rss) - before)) -lt 4096 ]
}

# SECONDS OPTION...: whatever they do, it serves on, and writes frames.
chaos() {
	local seconds=$1 seed=${RK_SEED:-$RANDOM}

	shift
	echo "# RK_SEED=$seed" >&3
	listen --ws '/{user}' --ws '/ask/{user}' --ask --http /q --deadline 1 \
		--ping 1 --max-out 64k -m 20000 "$@"
	run_status 0 node "$TESTS/clients/chaos.js" "$port" l "$seed" "$seconds"
	say "$output"
	stop l
}

@test "clients and a router out of their minds" {
	chaos $((RK_LONG ? 60 : 5))
}

@test "the same with --step, --wrap and everything in every event" {
	chaos $((RK_LONG ? 60 : 5)) --step --wrap --slow drop-oldest \
		--with state,channels,claims,headers
}

# --- the end ---------------------------------------------------------------

@test "TERM: everybody is closed with 1001, what is queued arrives, exit 0" {
	listen --ws / --http /q
	client a /
	client b /
	ask q -i "http://127.0.0.1:$port/q"
	wait_line l request
	feed l '{"type":"send","all":true,"text":"the end"}'
	wait_for metric commands_total 1
	stop l
	ended a
	ended b
	ended q
	assert_eq "$(<a.out)" $'open\ntext the end\nclose 1001 going away'
	assert_eq "$(<b.out)" $'open\ntext the end\nclose 1001 going away'
	grep -q '^HTTP/1.1 503' q.out
	assert_eq "$(frames close | grep -c '"code":1001,.*"by":"server"')" 2
}

@test "--drain-over: they are closed one after the other" {
	listen --drain-over 2
	for name in a b c d; do client $name /; done
	began=$(date +%s%N)
	stop l
	took=$((($(date +%s%N) - began) / 1000000))
	[ "$took" -ge 1400 ]
	[ "$took" -lt $((20000 * RK_SLOW)) ]
	assert_eq "$(frames close | grep -c '"code":1001')" 4
}

@test "stdout that is full, and a reader that left: 111" {
	rk-listen -p 127.0.0.1:0 --port-file port >/dev/full 2>l.err \
		</dev/null 3>&- &
	echo $! >l.pid
	wait_for test -e port
	url=ws://127.0.0.1:$(<port)
	client a /
	ended l 111
	rm port
	mkfifo out
	start reader head -n 1 out
	rk-listen -p 127.0.0.1:0 --port-file port >out 2>l.err </dev/null 3>&- &
	echo $! >l.pid
	wait_for test -e port
	url=ws://127.0.0.1:$(<port)
	client b /
	ended reader
	client c /
	ended l 111
	grep -q 'standard output' l.err
}
