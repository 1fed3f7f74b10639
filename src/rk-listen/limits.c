/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdlib.h>

#include "address.h"
#include "limits.h"

#define DAY	86400000

const struct ws_config limits_default = {
	.max_per_peer = 32768,
	.handshakes = 20000,
	.burst = 40000,
	.max_unfinished = 256 << 20,
	.message_ms = 60000,
	.max_fragments = 1024
};

/* Where the value goes; least and most, and 0 where it may be. */
static const struct limit {
	int key;
	enum { NUMBER, BYTES, TIME } kind;
	size_t offset;
	int64_t least, most;
	int none;
} limits[] = {
#define ROW(key, kind, member, least, most, none) \
	{ key, kind, offsetof(struct ws_config, member), least, most, none }
	ROW(KEY_MAX_CONNS, NUMBER, max_conns, 1, 1 << 20, 0),
	ROW(KEY_PER_ADDRESS, NUMBER, max_per_peer, 1, 1 << 20, 1),
	ROW(KEY_MAX_HEAD, BYTES, max_head, 256, HTTP_HEAD_MAX, 0),
	ROW(KEY_HEAD_TIME, TIME, head_ms, 1000, DAY, 0),
	ROW(KEY_BODY_TIME, TIME, body_ms, 1000, DAY, 0),
	ROW(KEY_MESSAGE_TIME, TIME, message_ms, 1000, DAY, 1),
	ROW(KEY_MAX_FRAGMENTS, NUMBER, max_fragments, 1, 1 << 30, 1),
	ROW(KEY_MAX_UNFINISHED, BYTES, max_unfinished, 1 << 10,
	    (int64_t)1 << 40, 1),
	ROW(KEY_IDLE, TIME, idle_ms, 1000, DAY, 1)
#undef ROW
};

static int64_t
value(const struct limit *l, const struct opts *o)
{
	int64_t n = l->kind == BYTES ? opt_bytes(o, o->arg) :
	    l->kind == TIME ? opt_ms(o, o->arg) :
	    opt_number(o, o->arg, 0, l->most);

	if ((n < l->least || n > l->most) && !(n == 0 && l->none))
		opt_usage(o, "%s: too %s", o->arg,
		    n < l->least ? "small" : "large");
	return n;
}

static void
set(struct ws_config *ws, const struct limit *l, int64_t n)
{
	void *member = (char *)ws + l->offset;

	switch (l->kind) {
	case NUMBER:
		*(int *)member = (int)n;
		break;
	case BYTES:
		*(size_t *)member = (size_t)n;
		break;
	case TIME:
		*(int64_t *)member = n;
		break;
	}
}

/* N, at once twice as many; or N,BURST. */
static void
handshakes(struct ws_config *ws, const struct opts *o)
{
	const char *comma = strchr(o->arg, ',');
	char *n = mem_strn(o->arg, strcspn(o->arg, ","));

	ws->handshakes = (int)opt_number(o, n, 0, 100000000);
	ws->burst = comma == NULL ? ws->handshakes * 2 :
	    (int)opt_number(o, comma + 1, 1, 1000000000);
	free(n);
}

int
limits_option(struct ws_config *ws, const struct opts *o, int key)
{
	if (key == KEY_HANDSHAKES) {
		handshakes(ws, o);
		return 1;
	}
	if (key == KEY_TRUST_PROXY) {
		ws->trusted = networks_read(str_of(o->arg));
		if (ws->trusted == NULL)
			opt_usage(o, "%s: not addresses, networks and unix:",
			    o->arg);
		return 1;
	}
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].key == key) {
			set(ws, &limits[i], value(&limits[i], o));
			return 1;
		}
	return 0;
}
