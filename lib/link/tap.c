/* SPDX-License-Identifier: ISC */

/*
 * Taps: a copy of what passes on all our links, both directions, for those
 * who look on.  A tap slows nobody: what it has no room for is dropped, and it
 * is told how much that was when it has room again.
 */

#include <stdlib.h>

#include "../log.h"
#include "inside.h"

#define TAP_MAX		(1 << 20)	/* bytes that wait for a tap */
#define TAPS_MAX	64

struct tap {
	struct tap *next;
	struct wire *wire;
	struct link_counts *counts;	/* of who let it in */
	char *user, *conn, *types;	/* as spelled; NULL: all */
	uint64_t frames, bytes;		/* dropped, not told yet */
};

static struct tap *taps;
static int ntaps;

static void
tap_free(struct tap *t)
{
	struct tap **at = &taps;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	ntaps--;
	wire_close(t->wire);
	free(t->user);
	free(t->conn);
	free(t->types);
	free(t);
}

static void
tap_line(struct wire *w, struct str line)
{
	(void)w;		/* a tap has nothing to say */
	(void)line;
}

static void
tap_too_long(struct wire *w)
{
	(void)w;
}

static void
tap_down(struct wire *w, const char *why)
{
	(void)why;
	tap_free(w->owner);
}

static const struct wire_ops tap_ops = {
	.line = tap_line, .too_long = tap_too_long, .down = tap_down
};

static char *
copy(struct str v)
{
	return v.p ? mem_strn(v.p, v.n) : NULL;
}

struct tap *
tap_new(struct wire *w, const struct hello *h, struct link_counts *counts)
{
	struct tap *t;

	if (ntaps == TAPS_MAX)
		return NULL;
	ntaps++;
	t = mem_new(sizeof *t);
	t->wire = w;
	t->counts = counts;
	counts->taps++;
	t->user = copy(h->user);
	t->conn = copy(h->conn);
	t->types = copy(h->types);
	t->next = taps;
	taps = t;
	w->owner = t;
	w->ops = &tap_ops;
	hello_write(w, "ready", LINK_STATION, 0);
	return t;
}

static int
same(const char *want, struct str v)
{
	return want == NULL || (v.p != NULL && v.n == strlen(want) &&
	    memcmp(want, v.p, v.n) == 0);
}

/* types is a JSON string of words with commas between them. */
static int
listed(const char *types, struct str type)
{
	const char *p;
	size_t n;

	if (types == NULL)
		return 1;
	if (type.n < 2)
		return 0;
	for (p = types + 1; *p != '\0' && *p != '"'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",\"");
		if (n == type.n - 2 && memcmp(p, type.p + 1, n) == 0)
			return 1;
	}
	return 0;
}

static void
tell_dropped(struct tap *t)
{
	struct buf b = BUF(256);

	frame_begin(&b, "drop");
	frame_text(&b, "why", STR("the tap does not keep up"));
	frame_num(&b, "frames", (int64_t)t->frames);
	frame_num(&b, "bytes", (int64_t)t->bytes);
	frame_end(&b);
	buf_adds(&t->wire->out, buf_str(&b));
	buf_addc(&t->wire->out, '\n');
	buf_free(&b);
	t->frames = t->bytes = 0;
}

static void
give(struct tap *t, struct str line)
{
	if (t->frames > 0 || buf_size(&t->wire->out) + line.n > TAP_MAX) {
		t->frames++;
		t->bytes += line.n;
		t->counts->tap_dropped++;
		return;
	}
	buf_adds(&t->wire->out, line);
	buf_addc(&t->wire->out, '\n');
}

void
tap_copy(struct str line)
{
	struct frame f;
	const char *why;
	struct tap *t;

	if (taps == NULL || frame_scan(&f, line, &why) == -1)
		return;
	for (t = taps; t != NULL; t = t->next)
		if (same(t->user, f.v[K_USER]) && same(t->conn, f.v[K_CONN]) &&
		    listed(t->types, f.v[K_TYPE]))
			give(t, f.line);
}

void
tap_flush(void)
{
	struct tap *t, *next;

	for (t = taps; t != NULL; t = next) {
		next = t->next;
		if (t->frames > 0 && buf_size(&t->wire->out) == 0)
			tell_dropped(t);
		wire_flush(t->wire);
	}
}
