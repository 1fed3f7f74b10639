/* SPDX-License-Identifier: ISC */
/*
 * Any lines, as what a peer of a link says: attaches, acks, frames again, held
 * and not.  Each frame of ours is settled once, each taken one is ours to
 * settle, nothing stays.  The first byte says what is answered, and how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "link/inside.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)
#define OURS	8		/* frames that we sent */
#define LATER	64		/* frames that are settled at the end */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct taken *later[LATER];
static int nlater, settled[OURS], how;

static void
on_frame(struct link *l, struct frame *f, struct taken *t)
{
	const char *boot;
	uint64_t seq;

	MUST(taken_link(t) == l && f->line.n > 0);
	taken_of(t, &boot, &seq);
	if (how & 1 && nlater < LATER)
		later[nlater++] = t;
	else if (how & 2)
		link_refuse(t, "no");
	else
		link_settle(t);
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)why;
	MUST(bytes > 0 && ++*(int *)owner == 1);
}

static const struct link_ops ops = { .frame = on_frame,
    .settled = on_settled };
static const struct loop_ops quiet;

static void
say_all(struct link *l)
{
	char text[64];

	for (int i = 0; i < OURS; i++) {
		snprintf(text, sizeof text, "{\"type\":\"send\",\"n\":%d}", i);
		settled[i] = 0;
		link_send(l, str_of(text), &settled[i],
		    i % 2 ? LINK_ANSWER : LINK_WORK);
	}
}

static void
hear_all(struct link *l, struct str rest)
{
	struct str line;
	const char *end;

	while (rest.n > 0 && l->wire != NULL) {
		end = memchr(rest.p, '\n', rest.n);
		line.p = rest.p;
		line.n = end == NULL ? rest.n : (size_t)(end - rest.p);
		rest.p += line.n + (end != NULL);
		rest.n -= line.n + (end != NULL);
		link_hold(l, how & 4 && rest.n % 3 == 0);
		link_line(l, line);
		if (how & 8)
			ev_run(loop, EVRUN_NOWAIT);
	}
}

/* The link is one of a peer that comes and goes. */
static struct link *
begin(void)
{
	struct link *l = link_new("peer", LINK_STATION, LINK_SOURCE, &ops);

	l->passing = 1;
	l->answers = !(how & 16);
	link_bind(l, wire_new(-1, -1, LINE_MAX_IN, &link_wire_ops, l));
	return l;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct link *l;

	if (loop == NULL) {
		close(STDERR_FILENO);	/* warnings are its business */
		loop_open(&quiet);
	}
	if (n == 0)
		return 0;
	how = data[0];
	nlater = 0;
	l = begin();
	say_all(l);
	hear_all(l, (struct str){ (const char *)data + 1, n - 1 });
	link_unbind(l);
	while (nlater > 0)
		link_settle(later[--nlater]);
	ev_run(loop, EVRUN_NOWAIT);
	MUST(link_next(NULL) == NULL);
	return 0;
}
