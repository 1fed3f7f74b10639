/* SPDX-License-Identifier: ISC */
#include "endpoints.h"
#include "roster.h"
#include "token.h"

struct endpoint *endpoints;

static struct endpoint defaults = { .template = "/", .dialect = &raw_dialect,
    .namespaces = "/", .ping_interval = 25000, .ping_timeout = 20000,
    .upgrade_timeout = 10000, .connect_timeout = 45000,
    .max_payload = 1000000, .sc_protocol = 2, .sc_channels = 1000 };
static struct endpoint *current = &defaults, **last = &endpoints;

static struct endpoint *
add(const struct opts *o, const char *template)
{
	struct endpoint *e = mem_new(sizeof *e);
	const char *why = endpoint_wrong(template);

	if (why != NULL)
		opt_usage(o, "%s: %s", template, why);
	*e = defaults;
	e->template = template;
	*last = e;
	last = &e->next;
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
	add(o, path)->dialect = d;
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
time_of(const struct opts *o)
{
	int64_t ms = opt_ms(o, o->arg);

	if (ms < 10 || ms > 86400000)
		opt_usage(o, "%s: not from 10ms to 1d", o->arg);
	return ms;
}

int
endpoints_option(const struct opts *o, int key)
{
	static const char *const forms[] = { "base64", "json", NULL };
	static const char *const fasts[] = { "wait", "close", NULL };

	switch (key) {
	case KEY_WS:
		add(o, o->arg);
		break;
	case KEY_HTTP:
		add(o, o->arg)->http = 1;
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
	default:
		return 0;
	}
	return 1;
}

void
endpoints_end(void)
{
	if (endpoints == NULL)
		*last = &defaults;
}
