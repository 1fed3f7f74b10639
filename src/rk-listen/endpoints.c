/* SPDX-License-Identifier: ISC */
#include <stddef.h>

#include "endpoints.h"
#include "roster.h"
#include "token.h"

struct endpoint *endpoints;

static struct endpoint defaults = { .template = "/", .dialect = &raw_dialect,
    .namespaces = "/", .ping_interval = 25000, .ping_timeout = 20000,
    .upgrade_timeout = 10000, .connect_timeout = 45000,
    .max_payload = 1000000, .sc_protocol = 2, .sc_channels = 1000 };
static struct endpoint *current = &defaults, **last = &endpoints;

/* ---- one more -------------------------------------------------------- */

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

/* 1: there is one more; 0: it is another option. */
static int
one_more(const struct opts *o, int key)
{
	switch (key) {
	case KEY_WS:
		add(o, o->arg);
		return 1;
	case KEY_HTTP:
		add(o, o->arg)->http = 1;
		return 1;
	case KEY_SOCKETIO:
		add_engine(o, &socketio_dialect, "/socket.io/");
		return 1;
	case KEY_ENGINEIO:
		add_engine(o, &engineio_dialect, "/engine.io/");
		return 1;
	case KEY_SOCKETCLUSTER:
		add_cluster(o);
		return 1;
	default:
		return 0;
	}
}

/* ---- what is said about one ------------------------------------------ */

/* The number of one of some words. */
static int
choose(const struct opts *o, struct str word, const char *const *words)
{
	int i = endpoint_choose(words, word);

	if (i == -1)
		opt_usage(o, "%s: not one of those that --help lists", o->arg);
	return i;
}

static void
flag(const struct opts *o, void *member)
{
	(void)o;
	*(int *)member = 1;
}

static void
text(const struct opts *o, void *member)
{
	*(const char **)member = o->arg;
}

static void
form(const struct opts *o, void *member)
{
	static const char *const words[] = { "base64", "json", NULL };

	*(int *)member = choose(o, str_of(o->arg), words);
}

static void
with(const struct opts *o, void *member)
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
	*(unsigned *)member = all;
}

static void
slow(const struct opts *o, void *member)
{
	*(enum policy *)member = (enum policy)choose(o, str_of(o->arg),
	    endpoint_policies);
}

static void
fast(const struct opts *o, void *member)
{
	static const char *const words[] = { "wait", "close", NULL };

	*(int *)member = choose(o, str_of(o->arg), words);
}

static void
rate(const struct opts *o, void *member)
{
	*(struct rate *)member = rate_option(o, 0);
}

static void
byte_rate(const struct opts *o, void *member)
{
	*(struct rate *)member = rate_option(o, 1);
}

static void
origins(const struct opts *o, void *member)
{
	const char *why = endpoint_origins_wrong(o->arg);

	if (why != NULL)
		opt_usage(o, "%s: %s", o->arg, why);
	text(o, member);
}

static void
jwt_key(const struct opts *o, void *member)
{
	*(const struct token_key **)member = token_key_read(o->arg);
}

static void
sc_protocol(const struct opts *o, void *member)
{
	*(int *)member = (int)opt_number(o, o->arg, 1, 2);
}

static void
sc_channels(const struct opts *o, void *member)
{
	*(unsigned *)member = (unsigned)opt_number(o, o->arg, 1, CHANNELS_MAX);
}

static void
duration(const struct opts *o, void *member)
{
	int64_t ms = opt_ms(o, o->arg);

	if (ms < 10 || ms > 86400000)
		opt_usage(o, "%s: not from 10ms to 1d", o->arg);
	*(int64_t *)member = ms;
}

static void
max_payload(const struct opts *o, void *member)
{
	int64_t n = opt_bytes(o, o->arg);

	if (n < 64 || n > 64 << 20)
		opt_usage(o, "%s: not from 64 to 64m", o->arg);
	*(int64_t *)member = n;
}

static const struct {
	int key;
	void (*set)(const struct opts *, void *member);
	size_t offset;
} rows[] = {
#define ROW(key, set, member) { key, set, offsetof(struct endpoint, member) }
	ROW(KEY_STEP, flag, step),
	ROW(KEY_ASK, flag, ask),
	ROW(KEY_BINARY, form, binary_json),
	ROW(KEY_WRAP, flag, wrap),
	ROW(KEY_WITH, with, with),
	ROW(KEY_SUBPROTOCOL, text, subprotocols),
	ROW(KEY_NS, text, namespaces),
	ROW(KEY_SC_PROTOCOL, sc_protocol, sc_protocol),
	ROW(KEY_CHANNEL_LIMIT, sc_channels, sc_channels),
	ROW(KEY_JWT_KEY, jwt_key, key),
	ROW(KEY_PING_INTERVAL, duration, ping_interval),
	ROW(KEY_PING_TIMEOUT, duration, ping_timeout),
	ROW(KEY_UPGRADE_TIMEOUT, duration, upgrade_timeout),
	ROW(KEY_CONNECT_TIMEOUT, duration, connect_timeout),
	ROW(KEY_MAX_PAYLOAD, max_payload, max_payload),
	ROW(KEY_ORIGIN, origins, origins),
	ROW(KEY_SLOW, slow, slow),
	ROW(KEY_RATE, rate, rate),
	ROW(KEY_BYTE_RATE, byte_rate, byte_rate),
	ROW(KEY_FAST, fast, fast_close)
#undef ROW
};

int
endpoints_option(const struct opts *o, int key)
{
	if (one_more(o, key))
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].key == key) {
			rows[i].set(o, (char *)current + rows[i].offset);
			return 1;
		}
	return 0;
}

void
endpoints_end(void)
{
	if (endpoints == NULL)
		*last = &defaults;
}
