/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "loop.h"
#include "speech.h"

#define ANSWER_MS	10000		/* without --timeout */

struct ask {
	struct ask *next;		/* the oldest comes first */
	struct far *far;
	int64_t id;
	ev_timer limit;
	size_t n;
	char ref[];
};

struct ask_counts ask_counts;

const struct figure ask_figures[] = {
	{ "asks_open", &ask_counts.open, "sends that wait for an answer" },
	{ "asks_late_total", &ask_counts.late,
	    "sends that were not answered in time" },
	{ NULL, NULL, NULL }
};

static struct buf *
answer(const struct far *f, struct str ref)
{
	struct buf *b = speech->begin("answer", f);

	frame_raw(b, "ref", ref);
	return b;
}

void
ask_refuse(const struct far *f, struct str ref, const char *why)
{
	frame_text(answer(f, ref), "error", str_of(why));
	speech->end(LINK_ANSWER);
}

static void
forget(struct ask *a)
{
	struct ask **at = &a->far->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	ev_timer_stop(loop, &a->limit);
	ask_counts.open--;
	free(a);
}

/* It waits no more when its answer is told. */
static struct buf *
settle(struct ask *a)
{
	struct buf *b = answer(a->far, (struct str){ a->ref, a->n });

	forget(a);
	return b;
}

static void
fail(struct ask *a, const char *why)
{
	frame_text(settle(a), "error", str_of(why));
	speech->end(LINK_ANSWER);
}

static void
too_late(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)events;
	ask_counts.late++;
	fail(t->data, "no answer in time");
}

int64_t
ask(struct far *f, struct str ref)
{
	int64_t ms = set.timeout > 0 ? set.timeout : ANSWER_MS;
	struct ask **at = &f->asks, *a;
	int n = 0;

	for (; *at != NULL; at = &(*at)->next)
		n++;
	if (n == ASKS_MAX) {
		ask_refuse(f, ref, "too many open questions");
		return -1;
	}
	a = mem_grow(NULL, sizeof *a + ref.n);
	*a = (struct ask){ .far = f, .id = f->asked++, .n = ref.n };
	memcpy(a->ref, ref.p, ref.n);
	*at = a;
	ev_timer_init(&a->limit, too_late, (double)ms / 1000, 0);
	a->limit.data = a;
	ev_timer_start(loop, &a->limit);
	ask_counts.open++;
	return a->id;
}

struct buf *
ask_begin(struct far *f, int64_t id)
{
	struct ask *a = f->asks;

	while (a != NULL && a->id != id)
		a = a->next;
	return a != NULL ? settle(a) : NULL;
}

void
ask_over(struct far *f)
{
	while (f->asks != NULL)
		fail(f->asks, "the connection is over");
}
