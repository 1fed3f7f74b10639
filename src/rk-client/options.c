/* SPDX-License-Identifier: ISC */
/*
 * The command line of rk-client: what it says becomes the settings
 * (client.h) and the script (script.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "json.h"
#include "link/link.h"
#include "log.h"
#include "script.h"

#define HEADERS		64

enum {
	SEND = OPT_LONG, EXPECT, COUNT, TIMEOUT, LINGER, NO_INPUT, ECHO_BACK,
	BINARY, FORMAT, HEADER, ORIGIN, SUBPROTOCOL, PING, RECONNECT,
	INSECURE, CA, USER, CONN, TYPE, FRAMES, DIALS, SOCKETIO, ECHO_SERVER,
	SOCKETCLUSTER, EMIT, CHANNEL, ACK, ARGS, SUBSCRIBE, UNSUBSCRIBE, BEARER,
	AUTH, NS
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
	{ BEARER, "bearer", "TOKEN", "who we are; or @FILE with the token" },
	{ SOCKETIO, "socketio", "[VERSION]", "speak Socket.IO 4, 3 or 2" },
	{ ECHO_SERVER, "echo", NULL, "speak laravel-echo-server's dialect" },
	{ SOCKETCLUSTER, "socketcluster", "[PROTOCOL]",
	    "speak SocketCluster 2 or 1" },
	{ EMIT, "emit", "EVENT", "what follows is sent as it (message)" },
	{ CHANNEL, "channel", "NAME", "what follows is sent there" },
	{ ACK, "ack", NULL, "what follows is to be answered: wait for it" },
	{ ARGS, "args", NULL, "Socket.IO: an array is its arguments" },
	{ SUBSCRIBE, "subscribe", "NAME", "hear this channel" },
	{ UNSUBSCRIBE, "unsubscribe", "NAME", "and no longer" },
	{ AUTH, "auth", "JSON", "Socket.IO: say this to connect; or @FILE" },
	{ NS, "ns", "NAME", "Socket.IO: the namespace (/)" },
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

/* A secret: a copy, which nobody sees in the list of processes any more; or
 * the first line of a file. */
static const char *
secret(const char *path_or_text)
{
	char *arg = (char *)(uintptr_t)path_or_text, *copy;
	struct buf b = BUF(64 << 10);
	FILE *f;
	int c;

	if (arg[0] != '@') {
		copy = mem_str(arg);
		memset(arg, '*', strlen(arg));
		return copy;
	}
	if ((f = fopen(arg + 1, "re")) == NULL)
		die(111, "%s: %s", arg + 1, strerror(errno));
	while ((c = getc(f)) != EOF && c != '\n')
		buf_addc(&b, (char)c);
	fclose(f);
	buf_addc(&b, '\0');
	return b.data;
}

struct word {
	const char *word, *proto;
};

/* The first one is meant where the option has no value. */
static void
speak(const struct opts *o, const struct word *words)
{
	if (set.proto != NULL)
		opt_usage(o, "more than one dialect");
	for (; words->word != NULL; words++)
		if (o->arg == NULL || strcmp(o->arg, words->word) == 0) {
			set.proto = words->proto;
			return;
		}
	opt_usage(o, "%s: no version of that dialect", o->arg);
}

static const struct word socketio[] = { { "4", "socketio4" },
    { "3", "socketio3" }, { "2", "socketio2" }, { NULL, NULL } };
static const struct word echo[] = { { "", "echo" }, { NULL, NULL } };
static const struct word socketcluster[] = { { "2", "socketcluster" },
    { "1", "socketcluster1" }, { NULL, NULL } };

/* Everything that may become part of a frame. */
static const char *
utf8(const struct opts *o, const char *what)
{
	if (!utf8_check(str_of(o->arg)))
		opt_usage(o, "%s: not UTF-8", what);
	return o->arg;
}

/* What only dialects have: 1, or 0: none of these. */
static int
put_dialect(const struct opts *o, int key)
{
	switch (key) {
	case SOCKETIO:
		speak(o, socketio);
		break;
	case ECHO_SERVER:
		speak(o, echo);
		break;
	case SOCKETCLUSTER:
		speak(o, socketcluster);
		break;
	case EMIT:
		script_event(utf8(o, "--emit"));
		break;
	case CHANNEL:
		script_channel(utf8(o, "--channel"));
		break;
	case ACK:
		script_ack();
		break;
	case ARGS:
		set.args = 1;
		break;
	case SUBSCRIBE:
		script_add(SCRIPT_JOIN, utf8(o, "--subscribe"));
		break;
	case UNSUBSCRIBE:
		script_add(SCRIPT_LEAVE, utf8(o, "--unsubscribe"));
		break;
	case AUTH:
		set.auth = secret(utf8(o, "--auth"));
		break;
	case NS:
		set.ns = utf8(o, "--ns");
		break;
	default:
		return 0;
	}
	return 1;
}

static void
put(const struct opts *o, int key)
{
	const char *arg = o->arg;

	if (link_option(o, key) || put_dialect(o, key))
		return;
	switch (key) {
	case SEND:
		script_add(SCRIPT_SEND, utf8(o, "--send"));
		break;
	case BEARER:
		set.bearer = secret(utf8(o, "--bearer"));
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

/* In a plain request it is a header field. */
static void
add_bearer(const struct opts *o)
{
	struct buf b = BUF(64 << 10);

	if (set.bearer == NULL || (set.proto != NULL &&
	    strncmp(set.proto, "socketio", 8) != 0))
		return;
	buf_adds(&b, STR("Authorization: Bearer "));
	buf_adds(&b, str_of(set.bearer));
	buf_addc(&b, '\0');
	add_header(o, b.data);
}

static void
agree_dialect(const struct opts *o)
{
	const char *why;

	if (set.proto == NULL && (script_asks() || set.args || set.ns != NULL ||
	    set.auth != NULL))
		opt_usage(o, "raw messages have no events, channels or acks");
	if (set.proto != NULL && (set.frames || set.echo))
		opt_usage(o, set.frames ? "--frames: the dialect is in frames" :
		    "--echo-back: of raw messages");
	if (set.auth != NULL && (!json_check(str_of(set.auth), &why) ||
	    json_kind(json_trim(str_of(set.auth))) != 'o'))
		opt_usage(o, "--auth: not a JSON object");
	add_bearer(o);
}

static void
agree(const struct opts *o)
{
	agree_dialect(o);
	if (set.frames && (o->nargs > 0 || script_sends() || script_waits()))
		opt_usage(o, "--frames: what is sent and where is in frames");
	if (!set.frames && o->child != NULL)
		opt_usage(o, "--: a co-process is for --frames");
	if (!set.frames && o->nargs != 1)
		opt_usage(o, o->nargs == 0 ? "a URL is missing" :
		    "more than one URL");
	set.url = o->nargs > 0 ? o->args[0] : NULL;
}

void
options_read(struct opts *o, int argc, char **argv)
{
	int key;

	set.headers = headers;
	opt_start(o, argc, argv, "[OPTION]... URL | unix:PATH | --frames",
	    options);
	while ((key = opt_next(o)) != -1)
		put(o, key);
	agree(o);
	choose_style();
}
