# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# rabbitmq.bash: a private RabbitMQ server for the tests of one file.  After
# `load lib` and `load rabbitmq`:
#
#	setup_file() { rabbit_start; }
#	teardown_file() { rabbit_stop; }
#	setup() { export AMQP_URL=$RABBIT_URL; }
#
#   rabbit_start        a node of its own name, ports, cookie, data and epmd,
#                       all in $RABBIT_DIR ($RK_TEST/rabbit); returns when it
#                       listens.  After rabbit_stop or rabbit_kill it starts
#                       again on the same port, with the same data.  Exports
#                       RABBIT_DIR, RABBIT_PORT and RABBIT_URL; RABBIT_CONF
#                       is added to its configuration
#   rabbit_stop         as a supervisor would; `rabbit_kill`: as a crash would
#   rabbit_freeze, rabbit_thaw   it says nothing, as if the network were gone
#   rabbit_ctl ARG...   rabbitmqctl -q ARG..., on this node; prints tables
#                       without headings
#   rabbit_queue NAME COLUMN   one figure of a queue (messages, consumers, ...)
#   rabbit_queue_is NAME COLUMN VALUE   for wait_for
#   rabbit_connections N   that many are open; for wait_for
#   rabbit_break        the broker closes all connections
#
# The machine's own RabbitMQ, if there is one, is never touched.  Runs as root
# and as anybody.

# For a subshell: what makes the programs of RabbitMQ talk to this node.
rabbit_env() {
	local dir=$RABBIT_DIR amqp dist epmd

	read -r amqp dist epmd <"$dir/ports"
	export HOME=$dir LC_ALL=C.UTF-8
	export ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1
	export RABBITMQ_NODENAME=rk$amqp@localhost
	export RABBITMQ_NODE_PORT=$amqp RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
	export RABBITMQ_DIST_PORT=$dist RABBITMQ_PID_FILE=$dir/pid
	export RABBITMQ_MNESIA_BASE=$dir/data RABBITMQ_LOG_BASE=$dir/log
	export RABBITMQ_CONFIG_FILE=$dir/rabbitmq
	export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/plugins
	export RABBITMQ_CONF_ENV_FILE=/dev/null
	export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none'
	PATH=/usr/lib/rabbitmq/bin:$PATH
	unset RK_TEST	# it outlives the test that starts it
	cd "$dir" || return	# where it may drop a core
}

rabbit_listens() {
	(exec 4<>"/dev/tcp/127.0.0.1/$RABBIT_PORT") 2>/dev/null
}

# It listens a while before rabbitmqctl finds it running.
rabbit_runs() {
	grep -qF 'completed with' "$RABBIT_DIR/out" && rabbit_listens
}

rabbit_prepare() {
	export RABBIT_DIR=${RABBIT_DIR:-$RK_TEST/rabbit}
	local dir=$RABBIT_DIR

	mkdir -p "$dir"
	[ -e "$dir/ports" ] || free_ports 3 >"$dir/ports"
	printf '[].\n' >"$dir/plugins"
	printf '%s\n' 'disk_free_limit.absolute = 1MB' \
		'vm_memory_high_watermark.absolute = 2GB' \
		'log.file.level = warning' ${RABBIT_CONF:+"$RABBIT_CONF"} \
		>"$dir/rabbitmq.conf"
	read -r RABBIT_PORT _ <"$dir/ports"
	export RABBIT_PORT RABBIT_URL=amqp://127.0.0.1:$RABBIT_PORT
}

rabbit_epmd() {
	local dir=$RABBIT_DIR

	[ -e "$dir/epmd" ] && kill -0 "$(<"$dir/epmd")" 2>/dev/null && return
	( rabbit_env && close_inherited && exec epmd ) \
		</dev/null >"$dir/epmd.out" 2>&1 &
	echo $! >"$dir/epmd"
}

rabbit_start() {
	local dir

	need epmd rabbitmqctl perl || return
	rabbit_prepare
	dir=$RABBIT_DIR
	rabbit_epmd
	( rabbit_env && close_inherited && exec rabbitmq-server ) \
		</dev/null >"$dir/out" 2>&1 &
	if ! wait_for -t 180 rabbit_runs; then
		cat "$dir/out" >&2
		return 1
	fi
	rabbit_watch "$(rabbit_pid)" "$(<"$dir/epmd")" </dev/null >/dev/null 2>&1 &
}

# Where a run was killed, nobody is left to stop the broker: it ends with its
# directory.
rabbit_watch() {
	export -n RK_TEST # it outlives the test that starts it
	close_inherited
	while kill -0 "$1" && [ -e "$RABBIT_DIR/ports" ]; do
		sleep 1 # nobody says so
	done
	[ -e "$RABBIT_DIR/ports" ] || kill -KILL "$1" "$2"
}

rabbit_pid() {
	cat "$RABBIT_DIR/pid"
}

rabbit_stop() {
	local dir=$RABBIT_DIR pid

	pid=$(rabbit_pid) || return 0
	kill -CONT "$pid" 2>/dev/null
	kill -TERM "$pid" 2>/dev/null
	wait_for gone "$pid" || kill -KILL "$pid"
	kill -TERM "$(<"$dir/epmd")" 2>/dev/null
	rm -f "$dir/pid" "$dir/epmd"
}

rabbit_kill() {
	local pid

	pid=$(rabbit_pid)
	kill -KILL "$pid"
	wait_for gone "$pid"
}

rabbit_freeze() {
	kill -STOP "$(rabbit_pid)"
}

rabbit_thaw() {
	kill -CONT "$(rabbit_pid)"
}

rabbit_ctl() {
	case $1 in
	list_*) set -- "$1" --no-table-headers "${@:2}" ;;
	esac
	( rabbit_env && exec rabbitmqctl -q "$@" </dev/null )
}

rabbit_queue() {
	rabbit_ctl list_queues name "$2" | awk -v q="$1" '$1 == q { print $2 }'
}

rabbit_queue_is() {
	[ "$(rabbit_queue "$1" "$2")" = "$3" ]
}

rabbit_connections() {
	[ "$(rabbit_ctl list_connections pid | wc -l)" -eq "$1" ]
}

rabbit_break() {
	rabbit_ctl close_all_connections "a test"
}
