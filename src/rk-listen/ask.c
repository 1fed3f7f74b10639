/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdlib.h>

#include "ask.h"
#include "event.h"
#include "loop.h"
#include "pending.h"
#include "roster.h"

struct ask_counts ask_counts;

const struct figure ask_figures[] = {
	{ "asks_open", &ask_counts.open, "sends that wait for an answer" },
	{ "asks_late_total", &ask_counts.late,
	    "sends that were not answered in time" },
	{ NULL, NULL, NULL }
};

struct ask {
	struct ask *next;		/* of the connection */
	struct deadline answer;
	struct conn *conn;
	struct link *from;		/* NULL: gone */
	int64_t id;
	size_t n;
	char ref[];
};

static void	late(struct deadline *);

static struct deadlines all = DEADLINES(all, late);
static struct ask *answering;
static struct buf line;

static struct ask *
ask_of(struct deadline *d)
{
	return (struct ask *)((char *)d - offsetof(struct ask, answer));
}

int64_t
ask_new(struct conn *c, const struct command *command)
{
	struct str ref = command->frame->v[K_REF];
	struct ask *a;
	size_t n = 0;

	for (a = c->asks; a != NULL; a = a->next)
		n++;
	if (n == ASKS_MAX)
		return -1;
	a = mem_grow(NULL, sizeof *a + ref.n);
	*a = (struct ask){ .next = c->asks, .conn = c,
	    .from = command->from, .id = c->asked++,
	    .n = ref.n };
	memcpy(a->ref, ref.p, ref.n);
	c->asks = a;
	deadline_begin(&all, &a->answer);
	ask_counts.open++;
	return a->id;
}

static void
forget(struct ask *a)
{
	struct ask **at = &a->conn->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	deadline_end(&all, &a->answer);
	ask_counts.open--;
	free(a);
}

/* The router's answer is an event of the connection, in order with the
 * others; another link's goes there alone. */
static struct buf *
begin(struct ask *a)
{
	const struct conn *c = a->conn;
	struct buf *b = &line;

	answering = a;
	if (a->from == router)
		b = event_begin("answer");
	else {
		line.max = link_line_max() + 1;
		frame_begin(b, "answer");
		event_put_id(b, c);
		frame_num(b, "at", loop_ms());
		event_put_roster(b, c, 0);
	}
	frame_raw(b, "ref", (struct str){ a->ref, a->n });
	return b;
}

struct buf *
ask_begin(struct conn *c, int64_t id)
{
	struct ask *a = c->asks;

	while (a != NULL && a->id != id)
		a = a->next;
	return a == NULL ? NULL : begin(a);
}

void
ask_end(struct conn *c)
{
	struct ask *a = answering;
	int r = 1;

	if (a->from == router)
		r = event_post(c, LINK_ANSWER);
	else if (a->from != NULL && (r = frame_end(&line)) == 1)
		link_send(a->from, buf_str(&line), NULL, LINK_ANSWER);
	if (r == -1)
		ask_fail(c, a->id, "the answer is too big");
	else
		forget(a);
}

void
ask_fail(struct conn *c, int64_t id, const char *error)
{
	struct buf *b = ask_begin(c, id);

	frame_text(b, "error", str_of(error));
	ask_end(c);
}

static void
late(struct deadline *d)
{
	struct ask *a = ask_of(d);

	ask_counts.late++;
	ask_fail(a->conn, a->id, "no answer in time");
}

void
ask_forget(struct conn *c)
{
	while (c->asks != NULL)
		ask_fail(c, c->asks->id, "the connection is gone");
}

void
ask_link_gone(struct link *l)
{
	struct deadline *d;

	for (d = all.oldest; d != NULL; d = d->later)
		if (ask_of(d)->from == l)
			ask_of(d)->from = NULL;
}
