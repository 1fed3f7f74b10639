/* SPDX-License-Identifier: ISC */
/*
 * Frames: from where they come, and where they go on, in one of four ways.
 *
 *	a filter	standard input to standard output
 *	in between	standard input and output, or the socket of a station,
 *			and a co-process, both ways
 *	a station	a socket that we serve: frames end here
 *	a tap		a copy of what passes at a socket of another
 *
 * A frame waits until its turn's entries are written; then it goes on, or is
 * settled.  One that went on is settled when it was settled there.
 */
#include <stdlib.h>

#include "json.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"

#include "keep.h"

#define AGAIN		1.0	/* s, until a full disk is tried again */
#define DRAIN		5000	/* ms */

struct item {
	struct taken *taken;
	struct link *to;	/* NULL: it ends here */
	struct item *next;
	size_t n;
	char line[];
};

static struct item *items, **last = &items;
static size_t waiting;		/* bytes in items */
static struct link *up, *down;	/* up alone: a filter, or it ends there */
static int tapping, serving, plain, ended;
static struct before_sleep before_sleep;
static ev_timer again;
static void (*done)(void);

/* --- back-pressure: plain links stop, tracked ones have their window --- */

static struct link *
other(const struct link *l)
{
	if (tapping || serving)
		return NULL;
	return down == NULL || l == down ? up : down;
}

static void
hold(struct link *l)
{
	struct link *to = other(l);

	if (link_tracked(l) && !tapping)
		return;
	link_hold(l, waiting > link_window() ||
	    (to != NULL && !link_room(to)));
}

static void
hold_all(void)
{
	struct link *l;

	for (l = link_next(NULL); l != NULL; l = link_next(l))
		hold(l);
}

/* --- frames --- */

static void
add(struct taken *t, struct link *to, struct str line)
{
	struct item *i = mem_new(sizeof *i + line.n);

	i->taken = t;
	i->to = to;
	i->n = line.n;
	memcpy(i->line, line.p, line.n);
	*last = i;
	last = &i->next;
	waiting += line.n;
}

/* What is no frame to anybody is not kept, and does not go on. */
static int
typed(const struct frame *f)
{
	return frame_has(f, K_TYPE) && json_kind(f->v[K_TYPE]) == 's' &&
	    f->v[K_TYPE].n > 2;
}

static void
on_frame(struct link *l, struct frame *f, struct taken *t)
{
	static struct buf b;
	struct link *to = other(l);

	if (!typed(f)) {
		link_refuse(t, "type: not a name");
		return;
	}
	b.max = link_line_max() + 512;
	entry_keep(f);
	add(t, to, to != NULL ? entry_line(f, &b) : STR(""));
	hold(l);
}

static void
go_on(struct item *i)
{
	if (i->to == NULL)
		link_settle(i->taken);
	else
		link_send(i->to, (struct str){ i->line, i->n }, i->taken,
		    LINK_WORK);
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)bytes;
	if (why != NULL)
		link_refuse(owner, why);
	else
		link_settle(owner);
}

static void
turn(struct before_sleep *b)
{
	struct item *i;

	(void)b;
	if (!files_write() && set.must) {
		if (!ev_is_active(&again))
			ev_timer_again(loop, &again);
		return;
	}
	ev_timer_stop(loop, &again);
	while ((i = items) != NULL) {
		items = i->next;
		go_on(i);
		free(i);
	}
	last = &items;
	if (waiting > 0) {
		waiting = 0;
		hold_all();
	}
	if (ended == 1) {
		ended = 2;
		done();
	}
}

static void
on_again(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
}

/* --- links --- */

static void
on_state(struct link *l, enum link_state s)
{
	if (s != LINK_UP && s != LINK_NEW)
		return;
	if (l == up || up == NULL)
		plain = !link_tracked(l);
	hold(l);
}

static void
on_room(struct link *l)
{
	(void)l;
	hold_all();
}

static void
on_end(struct link *l)
{
	if (plain && !link_present(l))
		die(111, "stdout: cannot be written any more");
	ended |= 1;
}

static const struct link_ops ops = { .frame = on_frame,
    .settled = on_settled, .state = on_state, .room = on_room,
    .end = on_end };

static struct link *
upper(const struct opts *o, const struct pass *p)
{
	if (p->link != NULL)
		return link_connect("up", LINK_ROUTER, p->link, &ops);
	return link_stdio("up", o->child ? LINK_ROUTER : LINK_STATION, &ops);
}

void
pass_open(struct opts *o, const struct pass *p)
{
	before_sleep.run = turn;
	loop_before_sleep(&before_sleep);
	ev_init(&again, on_again);
	again.repeat = AGAIN;
	tapping = p->tap != NULL;
	serving = p->serve;
	if (tapping) {
		link_tap_filter(NULL, NULL, set.types);
		up = link_connect("tap", LINK_TAP, p->tap, &ops);
	} else if (serving) {
		up = link_station(o, &ops);
	} else {
		up = upper(o, p);
		if (o->child != NULL)
			down = link_child("down", LINK_STATION, o->child,
			    &ops);
	}
	hold_all();
	link_ready();
}

void
pass_close(void (*then)(void))
{
	link_close_all(DRAIN, then);
}

void
pass_ended(void (*then)(void))
{
	done = then;
}
