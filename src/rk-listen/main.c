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
 * The rooms: endpoints (the options about them), endpoint (which path is
 * what), limits; head (a request as JSON), client (from open to close),
 * throttle, rate (how fast they talk), event (what goes up, and custody);
 * command, people, send, pending, ask (what comes down); grant (tokens);
 * roster, state (who is there); stages, metrics, web, docroot; dialect (what
 * clients speak), engine, socket, handshake, polling (Engine.IO), socketio,
 * written, attachments, engineio, socketcluster, cluster, greet, wanted,
 * claims.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "command.h"
#include "docroot.h"
#include "endpoints.h"
#include "event.h"
#include "limits.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "opt.h"
#include "people.h"
#include "pending.h"
#include "send.h"
#include "stages.h"

#define END_MS	5000		/* for closing; with that, for the links */
#define LINKS_MS	2000	/* at least for them */

enum {
	KEY_CERT = OPT_LONG, KEY_KEY, KEY_UNIX, KEY_FD, KEY_PORT_FILE,
	KEY_REUSE_PORT, KEY_DEADLINE, KEY_DOCROOT, KEY_PING, KEY_MAX_OUT,
	KEY_GAUGE, KEY_STATS, KEY_DRAIN_OVER
};

static const struct opt options[] = {
	{ 'p', "port", "PORT", "listen on this port, or HOST:PORT; 0: any" },
	{ KEY_UNIX, "unix", "PATH", "listen on this Unix socket" },
	{ KEY_FD, "fd", "FD", "listen on this inherited socket" },
	{ KEY_CERT, "cert", "FILE", "TLS on TCP: our certificates, in PEM" },
	{ KEY_KEY, "key", "FILE", "their key, in PEM" },
	{ KEY_PORT_FILE, "port-file", "FILE", "write the TCP port there" },
	{ KEY_REUSE_PORT, "reuse-port", NULL, "let others have the port, too" },
	ENDPOINTS_OPTS,
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
static const char *port_file;
static int64_t drain_over;
static int was_tracked;

static struct {
	int key;
	const char *where;
} *listens;
static int nlistens;

/* ---- options --------------------------------------------------------- */

static int64_t
seconds(const struct opts *o)
{
	int64_t ms = opt_ms(o, o->arg);

	if (ms != 0 && (ms < 1000 || ms > 86400000))
		opt_usage(o, "%s: not 0, or from 1s to 1d", o->arg);
	return ms;
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
	case KEY_DEADLINE:
		deadline_ms = opt_ms(o, o->arg);
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
		(void)(link_option(o, key) || limits_option(&ws, o, key) ||
		    endpoints_option(o, key));
	}
}

static void
read_options(struct opts *o, int argc, char **argv)
{
	int key;

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
	endpoints_end();
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

static int64_t closing_until;

static void
closed(void)
{
	int64_t left = closing_until - loop_ms();

	link_close_all(left > LINKS_MS ? left : LINKS_MS, stop);
}

static void
drain(void)
{
	if (draining)
		return;
	draining = 1;
	pending_refuse_all();
	closing_until = loop_ms() + drain_over + END_MS;
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
		event_room(l);
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

static void
no_more(struct link *l)
{
	(void)l;
	send_rest();
}

static const struct link_ops link_ops = {
	.frame = command_frame,
	.pause = no_more,
	.settled = event_settled,
	.refused = event_refused,
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
	if (o.child != NULL)
		ws_accepting(0);	/* until it is there once */
	router = link_station(&o, &link_ops);
	command_pipeline = o.child == NULL;
	stages_open();
	link_ready();
	status = loop_run();
	ws_stop();
	return status;
}
