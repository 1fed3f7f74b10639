# SPDX-License-Identifier: ISC
#
# rk-rouket --service: the router as services under a real s6, a real runit, in
# front of a real laravel-echo-server: each part killed and restarted alone.
# asan: no, the programs under it are tested by their own files

load lib
load laravel
load rouket
load supervisors

setup_file() { RK_SLOW=$((${RK_SLOW:-1} * 3)) laravel_start; }
teardown_file() { stop_all; }

setup() {
	need s6-svscan runsvdir sv svlogd
	export RK_SLOW=$((${RK_SLOW:-1} * 3))
	cd "$RK_TEST" || return
	dir=$RK_TEST/router
	printf '%s\n' 'public example.channel .example_event' \
		'private orders .shipped' >routes
}

# KIND OPTION...
services() {
	kind=$1
	rk-rouket --service "$kind" "$dir" -p 0 --core "$CORE" \
		--routes routes "${@:2}"
}

@test "usage: what is missing or wrong is said, and is 100" {
	run_status 100 services daemontools
	[ "$stderr" = 'rk-rouket: --service: daemontools: not s6 or runit' ]
	run_status 100 rk-rouket --service s6 -p 0 --core "$CORE"
	run_status 100 rk-rouket --service s6 "$dir" -p 0
	run_status 100 services s6 -s socket
	[ ! -e "$dir" ]
	services s6 --user rk
	assert_eq "$(cat "$dir"/{listen,route,client,listen/log}/env/AS)" \
		rk-listenrk-routerk-clientrk-log
	run_status 100 services s6
	[ "$stderr" = "rk-rouket: --service: $dir/listen: is there already" ]
}

@test "settings are those of the router, files by their whole path" {
	local tls=$TESTS/fixtures/tls/localhost

	cp "$tls.crt" "$tls.key" .
	export CLIENT_SECURE=1 SSL_CERT=localhost.crt SSL_KEY=localhost.key
	services s6 --ca localhost.crt --max-conns 7 --insecure
	assert_eq "$(cat "$dir/listen/env/CERT")" "$RK_TEST/localhost.crt"
	assert_eq "$(cat "$dir/listen/env/KEY")" "$RK_TEST/localhost.key"
	assert_eq "$(cat "$dir/client/env/CA")" "$RK_TEST/localhost.crt"
	assert_eq "$(cat "$dir"/{listen,client}/env/CONNS)" 77
	assert_eq "$(cat "$dir/client/env/INSECURE")" yes
	assert_json_eq "$(cat "$dir/route/env/TABLE")" \
		'[{"kind":"public","channel":"example.channel",
		"event":"example_event","name":"example.channel"},
		{"kind":"private","channel":"orders","event":"shipped"}]'
}

# Who comes to a new listener has a connection to the core; who was at the old
# one has none any more.
alone() {
	services "$1"
	"${kind}_start"
	ready listen route client
	find_port
	two_users
	heard first
	restored killed route
	restored killed client
	restored "${kind}_restart" route
	heard second
	unharmed
	setting listen "PORT=$port"
	breaks disconnect killed listen
	heard last
}

@test "s6: each part killed and restarted alone: told, and restored" {
	alone s6
}

@test "runit: each part killed and restarted alone: told, and restored" {
	alone runit
}
