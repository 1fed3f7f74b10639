/* SPDX-License-Identifier: ISC */

/*
 * Figures of every stage, on their way to who shows them: rk-frame(5),
 * FIGURES.
 *
 *  - Who shows them asks, and asks again; a router asks on, at all its other
 *    links, and passes on what comes to those who asked it.
 *  - None of it is in anybody's custody: it is neither counted nor tracked nor
 *    held, and where there is no room it is left out, as more comes soon.
 *  - In a ring of routers a telling ends where it began, and an ask where the
 *    link was asked a moment ago.
 */

#include "../log.h"
#include "inside.h"

#define AGAIN_MS	500		/* a link is not asked more often */
#define ROOM		(64 << 10)	/* with more waiting it is left out */

static const struct figure *const *tables;	/* NULL ends; the program's */
static void (*refresh)(void);
static void (*told)(const struct frame *);

void
link_tells(const struct figure *const *t, void (*now)(void))
{
	tables = t;
	refresh = now;
}

void
link_shows(void (*f)(const struct frame *))
{
	told = f;
}

/* Our own; ref: of the command that asks; p may be NULL. */
static int
ours(struct buf *b, struct str ref)
{
	struct buf data = BUF(b->max);
	const struct figure *const *t;

	if (refresh != NULL)
		refresh();
	buf_addc(&data, '{');
	count_json(&data);
	for (t = tables; t != NULL && *t != NULL; t++)
		figure_json(&data, *t);
	buf_addc(&data, '}');
	frame_begin(b, "stats");
	if (ref.p != NULL)
		frame_raw(b, "ref", ref);
	frame_text(b, "stage", str_of(log_program()));
	frame_text(b, "name", str_of(settings.name ? settings.name :
	    log_program()));
	frame_text(b, "boot", str_of(link_boot()));
	frame_raw(b, "data", buf_str(&data));
	buf_free(&data);
	return frame_end(b);
}

void
link_stats(struct link *l, const struct frame *f)
{
	struct buf b = BUF(link_line_max());

	if (ours(&b, f->v[K_REF]) == 1)
		link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	buf_free(&b);
}

static void
put(struct link *l, struct str line)
{
	if (!l->tracked || buf_size(&l->wire->out) > ROOM)
		return;
	buf_adds(&l->wire->out, line);
	buf_addc(&l->wire->out, '\n');
}

void
link_ask(struct link *l)
{
	int64_t now = loop_ms();

	if (!l->tracked || !l->tells || now - l->asked_at < AGAIN_MS)
		return;
	l->asked_at = now;
	put(l, STR("{\"type\":\"stats\"}"));
}

static void
asked(struct link *by)
{
	struct buf b = BUF(STATS_MAX);
	struct link *l;

	by->shows = 1;
	if (ours(&b, (struct str){ NULL, 0 }) == 1)
		put(by, buf_str(&b));
	buf_free(&b);
	if (by->we != LINK_ROUTER)
		return;
	for (l = link_next(NULL); l != NULL; l = link_next(l))
		if (l != by)
			link_ask(l);
}

static void
pass_on(const struct link *from, const struct frame *f)
{
	struct link *l;

	for (l = link_next(NULL); l != NULL; l = link_next(l))
		if (l != from && l->shows)
			put(l, f->line);
}

static int
is_ours(const struct frame *f)
{
	struct str boot = str_of(link_boot()), v = f->v[K_BOOT];

	return v.p != NULL && v.n == boot.n + 2 &&
	    memcmp(v.p + 1, boot.p, boot.n) == 0;
}

void
stats_frame(struct link *l, const struct frame *f)
{
	if (!frame_has(f, K_STAGE))
		asked(l);
	else if (f->line.n > STATS_MAX || is_ours(f))
		return;
	else if (told != NULL)
		told(f);
	else
		pass_on(l, f);
}

int
stats_is(const struct link *l, const struct frame *f)
{
	return f->type == T_STATS && l->tracked && !frame_has(f, K_SEQ);
}

/* Does it begin like one?  Spaces may be anywhere; ours have none. */
int
stats_may_be(struct str line)
{
	static const char stats[] = "{\"type\":\"stats\"";

	return line.n >= sizeof stats &&
	    memcmp(line.p, stats, sizeof stats - 1) == 0;
}
