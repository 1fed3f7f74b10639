# SPDX-License-Identifier: ISC
#
# rk-cluster --service: the router as services under a real s6, a real runit, in
# front of a real RabbitMQ: each part killed and restarted alone.
# asan: no, the programs under it are tested by their own files

load lib
load rabbitmq
load supervisors

setup_file() { rabbit_start; }
teardown_file() { rabbit_stop; }

# Brokers, kills and clients in node are slow beside other suites.
setup() {
	need s6-svscan runsvdir sv svlogd
	export RK_SLOW=$((${RK_SLOW:-1} * 3))
	cd "$RK_TEST" || return
	export AMQP_URL=$RABBIT_URL
	dir=$RK_TEST/router
	queue=q$BATS_TEST_NUMBER
}

# KIND OPTION...
services() {
	kind=$1
	rk-cluster --service "$kind" "$dir" -p 0 --http-port 0 "${@:2}"
}

@test "usage: what is missing or wrong is said, and is 100" {
	run_status 100 services daemontools
	[ "$stderr" = 'rk-cluster: --service: daemontools: not s6 or runit' ]
	run_status 100 rk-cluster --service s6
	run_status 100 services s6 --socket sock
	[ ! -e "$dir" ]
	services s6 --user rk
	assert_eq "$(cat "$dir"/{listen,http,route,store,bridge,store/log}/env/AS)" \
		rk-listenrk-httprk-routerk-storerk-bridgerk-log
	run_status 100 services s6
	[ "$stderr" = "rk-cluster: --service: $dir/listen: is there already" ]
}

@test "settings are those of the router, files by their whole path" {
	echo 0123456789abcdef >secret
	services s6 --secret secret --db c.db --node n1 --queue q:passive \
		--amqp amqp://u:hidden@broker
	assert_eq "$(cat "$dir/route/env/SECRET")" "$RK_TEST/secret"
	assert_eq "$(cat "$dir/store/env/DB")" "$RK_TEST/c.db"
	assert_eq "$(cat "$dir/listen/env/KEY")" "$RK_TEST/c.db.key"
	assert_eq "$(cat "$dir"/{route,bridge}/env/NODE)" n1n1
	run ! grep -rq 0123456789abcdef "$dir"
	assert_eq "$(grep -rl hidden "$dir")" "$dir/bridge/env/AMQP_URL"
	assert_eq "$(stat -c %a "$dir/bridge/env/AMQP_URL")" 600
}

find_ports() {
	find_port
	wait_for said http 'listening on'
	http=$(grep -o 'listening on .*' "$dir/http/log/main/current" |
		tail -n 1 | grep -o '[0-9]*$')
}

registered() {	# ID CREATED
	curl -s -m 30 "http://localhost:$http/v1/create-channel-client" \
		-d "{\"clientID\":\"$1\"}" | grep -q "\"created\":$2"
}

# NAME: a client that is in c1.
listener() {
	start "$1" node "$TESTS/clients/cluster.js" 20 "$port"
	wait_line "$1" connect
	feed "$1" "token $(curl -sf "http://localhost:$port/jwt?channel=c1")"
	wait_line "$1" 'token ok'
	feed "$1" 'subscribe c1'
	wait_line "$1" 'subscribed c1'
}

# NAME: the next message comes to it.
comes() {
	n=$((n + 1))
	printf '{"clientID":"c1","n":%d}\n' "$n" | jq -Rc '{body: @base64}' |
		node "$TESTS/clients/amqp.js" put '' "$queue"
	wait_line "$1" "c1 {\"clientID\":\"c1\",\"n\":$n}"
}

alone() {
	local part n=0

	services "$1" --queue "$queue" --exchange "x$queue"
	"${kind}_start"
	ready listen http route store bridge
	find_ports
	wait_for registered c1 true
	listener a
	comes a
	for part in http route store bridge; do
		killed "$part"
		comes a
		"${kind}_restart" "$part"
		comes a
	done
	find_ports
	wait_for registered c1 false
	setting listen "PORT=$port"
	killed listen
	listener b
	comes b
}

@test "s6: each part killed and restarted alone: every message comes" {
	alone s6
}

@test "runit: each part killed and restarted alone: every message comes" {
	alone runit
}

@test "--feed: there is no bridge, and the command's lines are messages" {
	mkfifo lines
	exec {lines}<>lines
	services runit --feed "cat <'$RK_TEST/lines'"
	[ ! -e "$dir/bridge" ]
	runit_start
	ready listen http route store
	find_ports
	wait_for registered c1 true
	listener a
	echo '{"clientID":"c1"}' >&"$lines"
	wait_line a 'c1 {"clientID":"c1"}'
}
