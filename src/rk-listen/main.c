/* SPDX-License-Identifier: ISC */

/*
 * rk-listen: terminates WebSocket and HTTP clients and holds the roster.
 *
 *  - What clients do becomes events for the router; what the router says is
 *    applied to the roster and to the sockets (rk-frame(5)).
 *  - Nothing is decided here that a rule could decide.
 *  - TERM: nobody comes in, everybody is closed with 1001, what was said
 *    reaches the router, then the end.
 *
 * The rooms: endpoint (which path is what), head (a request as JSON), client
 * (from open to close), throttle, rate (how fast they talk), event (what goes
 * up, and custody), command, people, send, pending, ask (what comes down),
 * roster, state (who is there), limits, web, metrics, docroot; dialect (what
 * clients speak), engine, socket, handshake, polling (Engine.IO), socketio,
 * written, engineio, socketcluster, cluster, wanted, claims.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "client.h"
#include "command.h"
#include "docroot.h"
#include "event.h"
#include "limits.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "opt.h"
#include "people.h"
#include "pending.h"
#include "stages.h"
#include "token.h"

#define END_MS	5000		/* for closing, then for the links */

enum {
	KEY_CERT = OPT_LONG, KEY_KEY,
	KEY_UNIX, KEY_FD, KEY_PORT_FILE, KEY_REUSE_PORT, KEY_WS,
	KEY_HTTP, KEY_STEP, KEY_ASK, KEY_BINARY, KEY_WRAP, KEY_WITH,
	KEY_SUBPROTOCOL, KEY_ORIGIN, KEY_SLOW, KEY_RATE,
	KEY_BYTE_RATE, KEY_FAST, KEY_DEADLINE, KEY_DOCROOT,
	KEY_PING, KEY_MAX_OUT, KEY_GAUGE, KEY_STATS, KEY_DRAIN_OVER,
	KEY_SOCKETIO, KEY_ENGINEIO, KEY_SOCKETCLUSTER, KEY_SC_PROTOCOL,
	KEY_CHANNEL_LIMIT, KEY_JWT_KEY, KEY_NS, KEY_PING_INTERVAL,
	KEY_PING_TIMEOUT, KEY_UPGRADE_TIMEOUT, KEY_CONNECT_TIMEOUT,
	KEY_MAX_PAYLOAD
};

static const struct opt options[] = {
	{ 'p', "port", "PORT", "listen on this port, or HOST:PORT; 0: any" },
	{ KEY_UNIX, "unix", "PATH", "listen on this Unix socket" },
	{ KEY_FD, "fd", "FD", "listen on this inherited socket" },
	{ KEY_CERT, "cert", "FILE", "TLS on TCP: our certificates, in PEM" },
	{ KEY_KEY, "key", "FILE", "their key, in PEM" },
	{ KEY_PORT_FILE, "port-file", "FILE", "write the TCP port there" },
	{ KEY_REUSE_PORT, "reuse-port", NULL, "let others have the port, too" },
	{ KEY_WS, "ws", "TEMPLATE", "a WebSocket endpoint: /api/{user} (/)" },
	{ KEY_HTTP, "http", "PREFIX", "plain requests below this path" },
	{ KEY_SOCKETIO, "socketio", "[PATH]", "Socket.IO (/socket.io/)" },
	{ KEY_ENGINEIO, "engineio", "[PATH]", "Engine.IO (/engine.io/)" },
	{ KEY_SOCKETCLUSTER, "socketcluster", "[PATH]",
	    "SocketCluster (/socketcluster/)" },
	{ KEY_STEP, "step", NULL, "next event when the last one is settled" },
	{ KEY_ASK, "ask", NULL, "opens wait for accept or reject" },
	{ KEY_BINARY, "binary", "AS", "binary messages are: base64, json" },
	{ KEY_WRAP, "wrap", NULL, "send {\"event\",\"data\"}, not data alone" },
	{ KEY_WITH, "with", "LIST",
	    "put into events: state,channels,claims,headers" },
	{ KEY_SUBPROTOCOL, "subprotocol", "LIST",
	    "subprotocols to choose from" },
	{ KEY_NS, "ns", "LIST", "Socket.IO namespaces that are (/); *: any" },
	{ KEY_SC_PROTOCOL, "sc-protocol", "N",
	    "SocketCluster clients are 15 and up: 2; 14: 1 (2)" },
	{ KEY_CHANNEL_LIMIT, "channel-limit", "N",
	    "of a SocketCluster client (1000)" },
	{ KEY_JWT_KEY, "jwt-key", "FILE",
	    "secret, or public key, of SocketCluster tokens" },
	{ KEY_PING_INTERVAL, "ping-interval", "TIME",
	    "between a dialect's pings (25s, 8s)" },
	{ KEY_PING_TIMEOUT, "ping-timeout", "TIME",
	    "until they are answered (20s)" },
	{ KEY_UPGRADE_TIMEOUT, "upgrade-timeout", "TIME",
	    "from polling to a WebSocket (10s)" },
	{ KEY_CONNECT_TIMEOUT, "connect-timeout", "TIME",
	    "without namespace, or handshake (45s, 10s)" },
	{ KEY_MAX_PAYLOAD, "max-payload", "BYTES",
	    "largest Engine.IO packet, and body (1000000)" },
	{ KEY_ORIGIN, "origin", "LIST", "origins of browsers that may come" },
	{ KEY_SLOW, "slow", "POLICY",
	    "who lags: close, drop-oldest, drop-newest" },
	{ KEY_RATE, "rate", "N[,BURST]",
	    "messages a second of a client; 0: any (0)" },
	{ KEY_BYTE_RATE, "byte-rate", "BYTES[,BURST]",
	    "bytes of them; 0: any (0)" },
	{ KEY_FAST, "fast", "POLICY", "who goes over it: wait, close" },
	{ KEY_DEADLINE, "deadline", "TIME", "for answers to requests (10s)" },
	{ KEY_DOCROOT, "docroot", "DIR", "serve the files in there" },
	{ KEY_PING, "ping", "TIME", "between pings; 0: none (25s)" },
	{ KEY_MAX_OUT, "max-out", "BYTES", "queued for a connection (4m)" },
	{ KEY_GAUGE, "gauge", "NAME=FIGURE", "a figure under another name" },
	{ KEY_STATS, "stats", "TIME",
	    "ask other stages for their figures so often (5s)" },
	{ KEY_DRAIN_OVER, "drain-over", "TIME", "closing takes so long (0s)" },
	LIMITS_OPTS,
	LINK_OPTS_SERVE,
	LINK_OPTS_CHILD,
	LINK_OPTS,
	OPT_END
};

static struct ws_config ws;
static struct endpoint defaults = { .template = "/", .dialect = &raw_dialect,
    .namespaces = "/", .ping_interval = 25000, .ping_timeout = 20000,
    .upgrade_timeout = 10000, .connect_timeout = 45000,
    .max_payload = 1000000, .sc_protocol = 2, .sc_channels = 1000 };
static struct endpoint *current = &defaults, **last_endpoint = &endpoints;
static const char *port_file;
static int64_t drain_over;
static int was_tracked;

static struct {
	int key;
	const char *where;
} *listens;
static int nlistens;

/* ---- options --------------------------------------------------------- */

static struct endpoint *
add_endpoint(const struct opts *o, const char *template)
{
	struct endpoint *e = mem_new(sizeof *e);
	const char *why = endpoint_wrong(template);

	if (why != NULL)
		opt_usage(o, "%s: %s", template, why);
	*e = defaults;
	e->template = template;
	*last_endpoint = e;
	last_endpoint = &e->next;
	current = e;
	return e;
}

/* A dialect with a path of its own, and no template. */
static void
add_engine(const struct opts *o, const struct dialect *d, const char *path)
{
	if (o->arg != NULL)
		path = o->arg;
	if (strpbrk(path, "{}*") != NULL)
		opt_usage(o, "%s: a path without names", path);
	add_endpoint(o, path)->dialect = d;
}

/* Its times are others. */
static void
add_cluster(const struct opts *o)
{
	add_engine(o, &socketcluster_dialect, "/socketcluster/");
	current->ping_interval = 8000;
	current->connect_timeout = 10000;
}

/* One of some words: its number from 0. */
static int
choose(const struct opts *o, struct str word, const char *const *words)
{
	int i = endpoint_choose(words, word);

	if (i == -1)
		opt_usage(o, "%s: not one of those that --help lists", o->arg);
	return i;
}

static unsigned
with(const struct opts *o)
{
	static const char *const words[] = { "state", "channels", "claims",
	    "headers", NULL };
	struct str rest = str_of(o->arg), word;
	unsigned all = 0;

	while (rest.n > 0) {
		word = (struct str){ rest.p, strcspn(rest.p, ",") };
		all |= 1u << choose(o, word, words);
		rest.p += word.n + (word.n < rest.n);
		rest.n -= word.n + (word.n < rest.n);
	}
	return all;
}

static const char *
origins(const struct opts *o)
{
	const char *why = endpoint_origins_wrong(o->arg);

	if (why != NULL)
		opt_usage(o, "%s: %s", o->arg, why);
	return o->arg;
}

static int64_t
seconds(const struct opts *o)
{
	int64_t ms = opt_ms(o, o->arg);

	if (ms != 0 && (ms < 1000 || ms > 86400000))
		opt_usage(o, "%s: not 0, or from 1s to 1d", o->arg);
	return ms;
}

static int64_t
time_of(const struct opts *o)
{
	int64_t ms = opt_ms(o, o->arg);

	if (ms < 10 || ms > 86400000)
		opt_usage(o, "%s: not from 10ms to 1d", o->arg);
	return ms;
}

static void
endpoint_option(const struct opts *o, int key)
{
	static const char *const forms[] = { "base64", "json", NULL };
	static const char *const fasts[] = { "wait", "close", NULL };

	switch (key) {
	case KEY_STEP:
		current->step = 1;
		break;
	case KEY_ASK:
		current->ask = 1;
		break;
	case KEY_BINARY:
		current->binary_json = choose(o, str_of(o->arg), forms);
		break;
	case KEY_WRAP:
		current->wrap = 1;
		break;
	case KEY_WITH:
		current->with = with(o);
		break;
	case KEY_SUBPROTOCOL:
		current->subprotocols = o->arg;
		break;
	case KEY_ORIGIN:
		current->origins = origins(o);
		break;
	case KEY_NS:
		current->namespaces = o->arg;
		break;
	case KEY_SC_PROTOCOL:
		current->sc_protocol = (int)opt_number(o, o->arg, 1, 2);
		break;
	case KEY_CHANNEL_LIMIT:
		current->sc_channels = (unsigned)opt_number(o, o->arg, 1,
		    CHANNELS_MAX);
		break;
	case KEY_JWT_KEY:
		current->key = token_key_read(o->arg);
		break;
	case KEY_PING_INTERVAL:
		current->ping_interval = time_of(o);
		break;
	case KEY_PING_TIMEOUT:
		current->ping_timeout = time_of(o);
		break;
	case KEY_UPGRADE_TIMEOUT:
		current->upgrade_timeout = time_of(o);
		break;
	case KEY_CONNECT_TIMEOUT:
		current->connect_timeout = time_of(o);
		break;
	case KEY_MAX_PAYLOAD:
		current->max_payload = opt_bytes(o, o->arg);
		if (current->max_payload < 1024 ||
		    current->max_payload > 64 << 20)
			opt_usage(o, "%s: not from 1k to 64m", o->arg);
		break;
	case KEY_SLOW:
		current->slow = (enum policy)choose(o, str_of(o->arg),
		    endpoint_policies);
		break;
	case KEY_RATE:
		current->rate = rate_option(o, 0);
		break;
	case KEY_BYTE_RATE:
		current->byte_rate = rate_option(o, 1);
		break;
	case KEY_FAST:
		current->fast_close = choose(o, str_of(o->arg), fasts);
		break;
	}
}

static void
option(const struct opts *o, int key)
{
	const char *why;

	switch (key) {
	case 'p':
	case KEY_UNIX:
	case KEY_FD:
		listens = mem_grow(listens,
		    (size_t)(nlistens + 1) * sizeof *listens);
		listens[nlistens].key = key;
		listens[nlistens++].where = o->arg;
		break;
	case KEY_CERT:
		ws.cert = o->arg;
		break;
	case KEY_KEY:
		ws.key = o->arg;
		break;
	case KEY_PORT_FILE:
		port_file = o->arg;
		break;
	case KEY_REUSE_PORT:
		ws.reuse_port = 1;
		break;
	case KEY_WS:
		add_endpoint(o, o->arg);
		break;
	case KEY_HTTP:
		add_endpoint(o, o->arg)->http = 1;
		break;
	case KEY_SOCKETIO:
		add_engine(o, &socketio_dialect, "/socket.io/");
		break;
	case KEY_ENGINEIO:
		add_engine(o, &engineio_dialect, "/engine.io/");
		break;
	case KEY_SOCKETCLUSTER:
		add_cluster(o);
		break;
	case KEY_DEADLINE:
		pending_ms = opt_ms(o, o->arg);
		break;
	case KEY_DOCROOT:
		if (docroot_open(o->arg) == -1)
			die(100, "%s: %s", o->arg, strerror(errno));
		break;
	case KEY_PING:
		ws.ping_ms = seconds(o);
		break;
	case KEY_MAX_OUT:
		ws.max_queue = (size_t)opt_bytes(o, o->arg);
		if (ws.max_queue < 1024 || ws.max_queue > 1 << 30)
			opt_usage(o, "%s: not from 1k to 1g", o->arg);
		break;
	case KEY_GAUGE:
		if ((why = metrics_gauge(o->arg)) != NULL)
			opt_usage(o, "%s: %s", o->arg, why);
		break;
	case KEY_STATS:
		stages_ms = seconds(o);
		break;
	case KEY_DRAIN_OVER:
		drain_over = opt_ms(o, o->arg);
		break;
	default:
		if (!link_option(o, key) && !limits_option(&ws, o, key))
			endpoint_option(o, key);
	}
}

static void
read_options(struct opts *o, int argc, char **argv)
{
	const struct endpoint *e;
	int key, any = 0;

	opt_start(o, argc, argv, "-p PORT [OPTION...] [-- COMMAND...]",
	    options);
	while ((key = opt_next(o)) != -1)
		option(o, key);
	if (o->nargs > 0)
		opt_usage(o, "%s: no operands are taken", o->args[0]);
	if (nlistens == 0)
		opt_usage(o, "-p PORT, --unix or --fd is missing");
	if ((ws.cert == NULL) != (ws.key == NULL))
		opt_usage(o, "--cert and --key go together");
	for (e = endpoints; e != NULL; e = e->next)
		any |= !e->http;
	if (!any && endpoints == NULL)
		*last_endpoint = &defaults;
}

/* ---- listening ------------------------------------------------------- */

/* Whole or not at all: whoever waits for it never reads half a number. */
static void
write_port_file(int port)
{
	char *tmp;
	FILE *f;

	if (asprintf(&tmp, "%s.tmp", port_file) == -1)
		die(111, "out of memory");
	f = fopen(tmp, "w");
	if (f == NULL || fprintf(f, "%d\n", port) < 0 || fclose(f) != 0 ||
	    rename(tmp, port_file) == -1)
		die(111, "%s: %s", port_file, strerror(errno));
	free(tmp);
}

/* Which port it is: standard output is free when there is a co-process. */
static void
say_port(const char *where, int port, int to_stdout)
{
	const char *colon = strrchr(where, ':');
	int host = colon == NULL ? 0 : (int)(colon + 1 - where);

	if (to_stdout) {
		printf("%d\n", port);
		if (fflush(stdout) != 0)
			die(111, "standard output: %s", strerror(errno));
	} else if (strcmp(where + host, "0") == 0)
		fprintf(stderr, "%s: listening on %.*s%d\n", log_program(),
		    host, where, port);
	else
		info("listening on %s", where);
}

static void
listen_tcp(const char *where, int to_stdout)
{
	int port;

	if (ws_listen(where, &client_ops, &port) == -1)
		die(111, "%s: %s", where, strerror(errno));
	say_port(where, port, to_stdout);
	if (port_file != NULL)
		write_port_file(port);
}

static void
listen_all(const struct opts *o)
{
	for (int i = 0; i < nlistens; i++) {
		const char *where = listens[i].where;

		if (listens[i].key == 'p')
			listen_tcp(where, o->child != NULL);
		else if (listens[i].key == KEY_UNIX &&
		    ws_listen_unix(where, &client_ops) == -1)
			die(111, "%s: %s", where, strerror(errno));
		else if (listens[i].key == KEY_FD && ws_listen_fd((int)
		    opt_number(o, where, 0, 1 << 20), &client_ops) == -1)
			die(111, "descriptor %s: %s", where, strerror(errno));
	}
}

/* ---- the end --------------------------------------------------------- */

static void
stop(void)
{
	loop_stop(0);
}

static void
closed(void)
{
	link_close_all(END_MS, stop);
}

static void
drain(void)
{
	if (draining)
		return;
	draining = 1;
	pending_refuse_all();
	ws_drain(1001, "going away", drain_over, drain_over + END_MS, closed);
}

/* ---- links ----------------------------------------------------------- */

static void
link_changed(struct link *l, enum link_state s)
{
	if (s == LINK_GONE)
		ask_link_gone(l);
	if (l != router)
		return;
	if (s != LINK_DOWN && link_snapshot(l))
		people_here(l);
	if (s != LINK_DOWN) {
		was_tracked = link_tracked(l);
		stages_ask();
	}
}

static void
link_has_room(struct link *l)
{
	command_room(l);
	event_room(l);
}

/* Standard input ended; or the link of both is lost. */
static void
input_ended(struct link *l)
{
	if (l != router || link_present(l) || draining)
		return;
	if (!was_tracked)
		die(111, "standard output: nobody reads it");
	drain();		/* who started us has gone, or wants us to */
}

static const struct link_ops link_ops = {
	.frame = command_frame,
	.settled = event_settled,
	.state = link_changed,
	.room = link_has_room,
	.end = input_ended
};

static void
hup(void)
{
	const char *why = ws_certify();

	if (why != NULL)
		warn("%s; the old certificate stays", why);
	link_hup();
}

int
main(int argc, char **argv)
{
	static const struct loop_ops loop_ops = { .term = drain, .hup = hup };
	struct opts o;
	int status;

	ws = limits_default;
	ws.ping_ms = 25000;
	ws.max_queue = 4 << 20;
	read_options(&o, argc, argv);
	ws.max_message = link_max();
	loop_open(&loop_ops);
	ws_start(&ws);
	listen_all(&o);
	router = link_station(&o, &link_ops);
	command_pipeline = o.child == NULL;
	stages_open();
	link_ready();
	status = loop_run();
	ws_stop();
	return status;
}
