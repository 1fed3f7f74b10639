# SPDX-License-Identifier: ISC
#
# rk-robots --service: the router as services under a real s6, a real runit:
# each part killed and restarted alone, and every package comes once.
# asan: no, the programs under it are tested by their own files

load lib
load supervisors

setup() {
	need s6-svscan runsvdir sv svlogd
	cd "$RK_TEST" || return
	export TZ=UTC
	dir=$RK_TEST/router
}

# KIND OPTION...
services() {
	kind=$1
	rk-robots --service "$kind" "$dir" -p 0 --utc "${@:2}"
}

@test "usage: what is missing or wrong is said, and is 100" {
	run_status 100 services daemontools
	[ "$stderr" = 'rk-robots: --service: daemontools: not s6 or runit' ]
	run_status 100 rk-robots --service s6
	run_status 100 services s6 --late never
	run_status 100 services s6 -p 0.0.0.0:0
	[ ! -e "$dir" ]
	services s6 --user rk
	assert_eq "$(cat "$dir"/{listen,route,jobs,store,store/log}/env/AS)" \
		rk-listenrk-routerk-jobsrk-storerk-log
	run_status 100 services s6
	[ "$stderr" = "rk-robots: --service: $dir/listen: is there already" ]
}

@test "settings are those of the router, files by their whole path" {
	echo 0123456789abcdef >key
	services s6 --auth token:key --db jobs.db --dir logs --tries 3
	assert_eq "$(cat "$dir/listen/env/KEY")" "$RK_TEST/key"
	assert_eq "$(cat "$dir/jobs/env/DB")" "$RK_TEST/jobs.db"
	assert_eq "$(cat "$dir/route/env/DATA")" "$RK_TEST/logs"
	assert_eq "$(cat "$dir/jobs/env/TRIES")" 3
	run ! grep -rq 0123456789abcdef "$dir"
}

find_port() {
	wait_for said listen 'listening on'
	port=$(grep -o 'listening on .*' "$dir/listen/log/main/current" |
		tail -n 1 | grep -o '[0-9]*$')
}

# Its metadata, once more; and it is known to be there.
robot_tells() {
	feed robot '{"event":"client robot metaData","value":{"robotName":"N","robotAddress":"aa"}}'
	wait_for eval 'curl -s "http://localhost:$port/api/robots/get/all/connected" |
		grep -q "\"id\":\"aa\""'
}

post() {	# PACKAGE DATE TIME
	[ "$(curl -s -m 30 "http://localhost:$port/pkg" -d '{
		"Package":{"package_name":"'"$1"'","path":"x"},
		"Robot":{"robot_name":"N","robot_address":"aa"},
		"Schedule":{"date":"'"$2"'","time":"'"$3"'"}}')" = \
		'Server sent package to scheduler' ]
}

executed() {	# ID
	curl -s "http://localhost:$port/api/jobs/get/id/$1" |
		grep -q '"status":"Executed"'
}

# A package comes, whoever has to be waited for; a 503 is no job.  Who is
# killed before it is done would send it again.
comes() {
	n=$((n + 1))
	wait_for eval "post p$n $(date -u '+%F %T')"
	wait_line robot "\"package_name\":\"p$n\""
	wait_for executed $((n + 1))
}

alone() {
	local part n=0

	services "$1" --offline retry --tries 1000 --pause 100ms
	"${kind}_start"
	ready listen route jobs store
	find_port
	start robot rk-client "ws://localhost:$port/" --reconnect=200ms
	robot_tells
	post later 2999-01-01 1:1
	comes
	for part in route jobs store; do
		killed "$part"
		comes
		"${kind}_restart" "$part"
		comes
	done
	setting listen "PORT=127.0.0.1:$port"
	killed listen
	robot_tells
	comes
	curl -s "http://localhost:$port/jobs/force/1"
	wait_line robot '"package_name":"later"'
	assert_eq "$(sort robot.out | uniq -d)" ''
	assert_eq "$(wc -l <robot.out)" 9
	wait_for grep -q 'Sending Package: later' ServerLogs/*.txt
	wait_for test -e packages/later_1
}

@test "s6: each part killed and restarted alone: every package comes, once" {
	alone s6
}

@test "runit: each part killed and restarted alone: every package comes, once" {
	alone runit
}
