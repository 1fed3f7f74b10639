# SPDX-License-Identifier: ISC
#
# rk-piped --service: a node as services under a real s6, a real runit, with a
# real RabbitMQ: any order, each one killed and restarted alone while calls
# run, what stays down and what starts again, users, secrets.  And the units
# of systemd, as far as they can be checked without it.
#
#  - The tests are the same for both supervisors; tests/supervisors.bash talks
#    to them.
# asan: no, the programs under it are tested by their own files

load lib
load rabbitmq
load supervisors

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }

setup() {
	export AMQP_URL=$RABBIT_URL
	dir=$RK_TEST/node
}

# --- the node ------------------------------------------------------------------

# KIND OPTION...: writes the services of a node.
services() {
	kind=$1
	rk-piped --service "$kind" "$dir" -p 0 "${@:2}"
}

backend() {
	start backend node "$TESTS/clients/amqp.js" \
		serve queue-out-1 exchange-in-1
	wait_line backend serving
}

call() {
	rk-client "ws://localhost:$port/api/$1" --timeout 60s --reconnect=500ms \
		--send '{"id":1,"method":"m"}' --expect '.type == "result"'
}

# --- usage, and what is written -------------------------------------------------

@test "usage: what is missing or wrong is said, and is 100" {
	run_status 100 rk-piped --service daemontools "$dir" -p 0 -n 1
	[ "$stderr" = 'rk-piped: --service: daemontools: not s6 or runit' ]
	run_status 100 rk-piped --service s6 -p 0 -n 1
	run_status 100 rk-piped --service s6 "$dir" -n 1
	run_status 100 rk-piped --service s6 "$dir" -p 0
	[ ! -e "$dir" ]
	services s6 -n 1
	touch "$dir/listen/mine"
	run_status 100 rk-piped --service s6 "$dir" -p 0 -n 1
	[[ $stderr == "rk-piped: --service: $dir/listen: is there already" ]]
	[ -e "$dir/listen/mine" ]
}

@test "the secret is in one file, which its owner alone can read" {
	for kind in s6 runit; do
		dir=$RK_TEST/$kind
		AMQP_URL=amqp://u:s3cret@h services "$kind" -n 1
		assert_eq "$(grep -rl s3cret "$dir")" "$dir/bridge/env/AMQP_URL"
		[ -z "$(find "$dir" -path '*/env/*' ! -perm 600)" ]
		[ -z "$(find "$dir" -name env ! -perm 700)" ]
	done
}

@test "the listener has the options that it has in rk-piped" {
	mkdir -p "$RK_TEST/bin"
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$RK_TEST/bin/rk-listen"
	chmod +x "$RK_TEST/bin/rk-listen"
	cp "$RK_BIN/rk-piped" "$RK_TEST/bin"
	mkdir "$RK_TEST/lib"
	ln -s "$ROOT"/lib/* "$RK_TEST/lib"
	"$RK_TEST/bin/rk-piped" -p 80 -n 1 --trust-proxy ::1 | sed '/^--$/,$d' | sort >"$RK_TEST/want"
	BIN=$RK_TEST/bin PORT=80 PING=5 TRUST=::1 sh "$ROOT/lib/service/listen" |
		sed '/^-s$/,/^0660$/d' | sort |
		diff "$RK_TEST/want" -
}

# --- under each supervisor ---------------------------------------------------------

in_order() {
	local service

	services "$1" -n 1
	touch "$dir"/{listen,route,bridge}/down
	"${kind}_start"
	for service in route bridge listen; do
		wait_for "${kind}_supervised" "$service"
	done
	for service in "${@:2}"; do
		"${kind}_up" "$service"
		wait_for another "$service" 0
	done
	ready listen route bridge
	find_port
	backend
	call T
	wait_for test -d "$dir/route/log/main"
}

@test "s6: a call goes round, whichever starts first" {
	in_order s6 route listen bridge
}

@test "runit: a call goes round, whichever starts first" {
	in_order runit bridge route listen
}

up() {	# KIND OPTION...
	services "$@"
	"${kind}_start"
	ready listen route
	find_port
}

# Results came since: calls are under way.
goes_on() {
	wait_for has_lines "$RK_TEST/calls.out" \
		$(($(wc -l <"$RK_TEST/calls.out") + 1))
}

under_load() {
	up "$1" -n 1
	ready bridge
	backend
	listener=$("${kind}_pid" listen)
	start calls node "$TESTS/clients/steady.js" \
		"ws://localhost:$port" 5 again
	goes_on
	for service in route bridge; do
		"${kind}_restart" "$service"
		goes_on
		killed "$service"
		goes_on
	done
	feed calls enough
	ended calls
	[ "$("${kind}_pid" listen)" = "$listener" ]
	others=$("${kind}_pid" route)-$("${kind}_pid" bridge)
	setting listen "PORT=$port"
	"${kind}_restart" listen
	killed listen
	call T
	[ "$("${kind}_pid" route)-$("${kind}_pid" bridge)" = "$others" ]
}

@test "s6: each killed and restarted alone while calls run: none is lost" {
	under_load s6
}

@test "runit: each killed and restarted alone while calls run: none is lost" {
	under_load runit
}

# A back end of two lines, to see them arrive.
ECHO='jq -c --unbuffered \
	"{type: \"result\"} + del(.token) + {token}"'

# A bad rule stays down until it is put right; a port that is taken is tried
# until it is free.
exit_codes() {
	up "$1" --backend "$ECHO"
	call T
	echo 'nonsense(' >"$RK_TEST/bad.jq"
	mv "$dir/route/env/RULES" "$RK_TEST/RULES"
	setting route "RULES=$RK_TEST/bad.jq"
	kill -TERM "$("${kind}_pid" route)"
	wait_for said route 'exit status 100: stays down'
	wait_for "${kind}_is_down" route
	mv "$RK_TEST/RULES" "$dir/route/env/RULES"
	"${kind}_up" route
	ready route

	start_ready taken rk-listen -p 0
	setting listen "PORT=$(grep -o '[0-9]*$' "$RK_TEST/taken.err")"
	kill -TERM "$("${kind}_pid" listen)"
	wait_for times_said listen 'in use' 2
	stop taken
	ready listen
}

@test "s6: 100 stays down, 111 starts again" {
	exit_codes s6
}

@test "runit: 100 stays down, 111 starts again" {
	exit_codes runit
}

# --- users ---------------------------------------------------------------------------

user_of() {
	ps -o user= -p "$("${kind}_pid" "$1")"
}

# Users that every Debian has stand for NAME-listen and so on.  They may not
# look into the directory of a test, but that is where they are.
users() {
	rk-piped --service "$1" "$dir" -p 0 -s sock/pub.sock -n 1 --user rk
	kind=$1
	assert_eq "$(cat "$dir"/{listen,route,bridge,listen/log}/env/AS)" \
		rk-listenrk-routerk-bridgerk-log
	mkdir "$dir/.bin"
	cp "$RK_BIN"/rk-{listen,route,amqp-bridge} "$dir/.bin"
	cp "$ROOT/lib/rules/piped.jq" "$dir/.bin"
	chmod 755 "$dir"
	for service in listen route bridge; do
		setting "$service" BIN=../.bin GROUP=games
		setting "$service/log" AS=mail
	done
	setting listen AS=daemon
	setting route AS=games RULES=../.bin/piped.jq PUB=sock/pub.sock
	setting bridge AS=news
	"${kind}_start"
	if [ "$(id -u)" -ne 0 ]; then
		wait_for "${kind}_is_down" listen
		return
	fi
	ready listen route bridge
	find_port
	backend
	call T
	assert_eq "$(user_of listen) $(user_of route) $(user_of bridge)" \
		'daemon games news'
	assert_eq "$(stat -c '%U %G %A' "$dir"/*/sock)" "$(printf '%s\n' \
		'news games drwxr-s---' 'daemon games drwxr-s---' \
		'games games drwxr-s---')"
	assert_eq "$(stat -c '%U %G %A' "$dir"/*/sock/*.sock)" \
		"$(printf '%s\n' 'news games srw-rw----' \
		'daemon games srw-rw----' 'games games srw-rw----')"
	assert_eq "$(stat -c %U "$dir"/*/log/main/current | uniq)" mail
	rk-publish -s "$dir/route/sock/pub.sock" --user T --event e 1
}

@test "s6: each part is a user of its own, and the router alone sees sockets" {
	users s6
}

@test "runit: each part is a user of its own, and the router alone sees sockets" {
	users runit
}

# --- systemd ---------------------------------------------------------------------------

@test "systemd: the units are sound, and start the parts" {
	need systemd-analyze
	mkdir "$RK_TEST/units"
	cp "$ROOT"/lib/service/systemd/* "$RK_TEST/units"
	sed -i "s|/usr/local/lib/rouket|$ROOT/lib|" "$RK_TEST"/units/*
	export SYSTEMD_UNIT_PATH=$RK_TEST/units:
	run_status 0 systemd-analyze verify --man=no rk-piped@1.target
	assert_eq "$stderr" ''
	for part in listen route bridge; do
		run_status 0 systemd-analyze verify --man=no \
			"rk-piped-$part@1.service"
		assert_eq "$stderr" ''
		grep -qF "rk-piped-$part@%i.service" \
			"$RK_TEST/units/rk-piped@.target"
	done
}
