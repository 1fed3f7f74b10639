/* SPDX-License-Identifier: ISC */
/*
 * rk-client: the other end of a WebSocket.  Three programs that share their
 * options and their eyes:
 *
 *   call.c      one connection, for people and scripts
 *   tap.c       looks on at a socket of the kit (unix:PATH)
 *   station.c   many connections, dialled by frames (--frames), as command.c
 *               is told; far.c keeps them
 *   script.c    what is to be sent and what is waited for
 *   show.c      how a message looks;  output.c: standard output
 *   dial.c      URLs and failures for people;
 *               names.c: addresses of hosts
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "script.h"
#include "ws.h"

#define HEADERS		64

enum {
	SEND = OPT_LONG, EXPECT, COUNT, TIMEOUT, LINGER, NO_INPUT, ECHO_BACK,
	BINARY, FORMAT, HEADER, ORIGIN, SUBPROTOCOL, PING, RECONNECT,
	INSECURE, CA, USER, CONN, TYPE, FRAMES, DIALS
};

static const struct opt options[] = {
	{ SEND, "send", "TEXT", "send this, and nothing of standard input" },
	{ EXPECT, "expect", "JQ", "wait for a message that this is true of" },
	{ COUNT, "count", "N", "end after so many messages" },
	{ TIMEOUT, "timeout", "TIME",
	    "to connect, and for what is waited for (10s)" },
	{ LINGER, "linger", "TIME",
	    "end of input: end when nothing came for it (1s)" },
	{ NO_INPUT, "no-input", NULL, "read nothing, and do not end for it" },
	{ ECHO_BACK, "echo-back", NULL, "return each message that comes" },
	{ BINARY, "binary", NULL, "send binary messages" },
	{ FORMAT, "format", "FORMAT", "pretty (terminal), lines, or json" },
	{ HEADER, "header", "LINE", "'Name: value', or @FILE with such lines" },
	{ ORIGIN, "origin", "ORIGIN", "the page we are on" },
	{ SUBPROTOCOL, "subprotocol", "NAMES", "what we speak: 'a, b'" },
	{ PING, "ping", "TIME", "between pings (30s); 0: none" },
	{ RECONNECT, "reconnect", "[TIME]",
	    "connect again; the longest pause (30s)" },
	{ INSECURE, "insecure", NULL, "take any certificate" },
	{ CA, "ca", "FILE", "trust these certificates" },
	{ USER, "user", "NAME", "unix: only frames of this user" },
	{ CONN, "conn", "ID", "unix: only frames of this connection" },
	{ TYPE, "type", "TYPES", "unix: only frames of these: 'open,close'" },
	{ FRAMES, "frames", NULL, "dial, send and hang up as frames say" },
	{ DIALS, "dials", "N", "that many connections at most (10000)" },
	LINK_OPTS,
	LINK_OPTS_SERVE,
	LINK_OPTS_CHILD,
	OPT_END
};

struct settings set = { .timeout = 10000, .linger = 1000, .ping = 30000,
    .dials = 10000 };

static const char *headers[HEADERS + 1];
static size_t nheaders;

/* The command line. */

static void
add_header(const struct opts *o, const char *line)
{
	const char *p;

	if (nheaders == HEADERS)
		opt_usage(o, "--header: more than %d", HEADERS);
	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			opt_usage(o, "--header: it holds a control character");
	if (strcspn(line, ": ") == 0 || line[strcspn(line, ": ")] != ':')
		opt_usage(o, "--header: not 'Name: value'");
	headers[nheaders++] = line;
}

/* A secret in a file is not seen in the list of processes. */
static void
add_headers_of(const struct opts *o, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (f == NULL)
		die(111, "%s: %s", path, strerror(errno));
	while ((n = getline(&line, &cap, f)) > 0) {
		while (n > 0 && strchr("\r\n", line[n - 1]) != NULL)
			n--;
		if (n > 0)
			add_header(o, mem_strn(line, (size_t)n));
	}
	free(line);
	fclose(f);
}

static void
put(const struct opts *o, int key)
{
	const char *arg = o->arg;

	if (link_option(o, key))
		return;
	switch (key) {
	case SEND:
		if (!utf8_check(str_of(arg)))
			opt_usage(o, "--send: not UTF-8");
		script_send(arg);
		break;
	case EXPECT:
		script_expect(arg);
		break;
	case COUNT:
		script_count(opt_number(o, arg, 1, INT64_MAX));
		break;
	case TIMEOUT:
		set.timeout = opt_ms(o, arg);
		break;
	case LINGER:
		set.linger = opt_ms(o, arg);
		break;
	case NO_INPUT:
		set.no_input = 1;
		break;
	case ECHO_BACK:
		set.echo = 1;
		break;
	case BINARY:
		set.binary = 1;
		break;
	case FORMAT:
		if (show_word(arg) == -1)
			opt_usage(o, "%s: not pretty, lines or json", arg);
		set.style.how = (enum show)show_word(arg);
		break;
	case HEADER:
		if (arg[0] == '@')
			add_headers_of(o, arg + 1);
		else
			add_header(o, arg);
		break;
	case ORIGIN:
		set.origin = arg;
		break;
	case SUBPROTOCOL:
		set.subprotocol = arg;
		break;
	case PING:
		set.ping = opt_ms(o, arg);
		break;
	case RECONNECT:
		set.pause = arg != NULL ? opt_ms(o, arg) : 30000;
		if (set.pause == 0)
			opt_usage(o, "--reconnect: a pause is needed");
		break;
	case INSECURE:
		set.insecure = 1;
		break;
	case CA:
		set.ca_file = arg;
		break;
	case USER:
		set.user = arg;
		break;
	case CONN:
		set.conn = arg;
		break;
	case TYPE:
		set.types = arg;
		break;
	case FRAMES:
		set.frames = 1;
		break;
	case DIALS:
		set.dials = opt_number(o, arg, 1, 1000000);
		break;
	}
}

/* On a terminal somebody reads, and wants to know how the connection is. */
static void
choose_style(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	int terminal = isatty(STDOUT_FILENO);

	if (set.style.how == SHOW_AUTO) {
		set.style.how = terminal ? SHOW_PRETTY : SHOW_LINES;
		if (terminal && isatty(STDIN_FILENO) && !verbose)
			verbose = 1;
	}
	set.style.colour = terminal && (no == NULL || *no == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static void
agree(const struct opts *o)
{
	if (set.frames && (o->nargs > 0 || script_sends() || script_waits()))
		opt_usage(o, "--frames: what is sent and where is in frames");
	if (!set.frames && o->child != NULL)
		opt_usage(o, "--: a co-process is for --frames");
	if (!set.frames && o->nargs != 1)
		opt_usage(o, o->nargs == 0 ? "a URL is missing" :
		    "more than one URL");
	set.url = o->nargs > 0 ? o->args[0] : NULL;
}

struct kind {
	void (*start)(struct opts *), (*leave)(void);
};

static const struct kind call = { call_start, call_leave };
static const struct kind tap = { tap_start, tap_leave };
static const struct kind station = { station_start, station_leave };

static const struct kind *
choose_kind(void)
{
	if (set.frames)
		return &station;
	return strncmp(set.url, "unix:", 5) == 0 ? &tap : &call;
}

int
main(int argc, char **argv)
{
	const struct kind *kind;
	struct opts o;
	int key, status;

	set.headers = headers;
	opt_start(&o, argc, argv, "[OPTION]... URL | unix:PATH | --frames",
	    options);
	while ((key = opt_next(&o)) != -1)
		put(&o, key);
	agree(&o);
	choose_style();

	kind = choose_kind();
	loop_open(&(struct loop_ops){ .term = kind->leave });
	kind->start(&o);
	status = loop_run();
	if (kind != &tap)
		ws_stop();
	if (status == 1 && output_reason() != NULL)
		die(1, "%s", output_reason());
	if (status == 111 && output_reason() != NULL)
		die(111, "%s", output_reason());
	return status;
}
