/* SPDX-License-Identifier: ISC */
/*
 * What leaves: jobs that are due, and reports of those that ended.
 *
 *  - A frame is written when its turn's changes are on disk; before that it
 *    is a parcel.  Each has a flight as its owner on the link, which tells
 *    what became of it.
 *  - Jobs leave while the link has room.  Reports of the run before leave
 *    first, by the same rule.
 *  - When the disk takes nothing, nothing leaves, and it is tried again each
 *    second; what was settled meanwhile is not forgotten.
 */
#include <stdlib.h>

#include "frame.h"
#include "log.h"
#include "loop.h"

#include "jobs.h"

#define BATCH		256	/* jobs in a turn */
#define STALL		1000	/* ms */
#define STALE		10000	/* so many may stay in the heap */

struct flight {
	int64_t id;
	int64_t tries;		/* which sending of the job; 0: a report */
	char *why;		/* it was refused */
	struct flight *next;
};

struct parcel {
	struct flight *flight;
	enum link_how how;
	struct parcel *next;
	size_t n;
	char line[];
};

static struct parcel *parcels, **last = &parcels;
static size_t bytes;		/* in parcels */
static struct flight *landed;	/* settled in this turn */
static struct flight *undone;	/* settled in one that was undone */
static size_t flights;
static struct heap heap;
static size_t stale;		/* entries that mean nothing, about */
static int refill = 1;		/* it knows nothing yet, or what was undone */
static int64_t stalled;		/* nothing is tried before */
static int64_t untold_after;	/* reports of the run before; -1: all left */
static int stopped;
static struct before_sleep before_sleep;
static ev_periodic alarm_clock;
static ev_idle more;		/* a batch was not all */

/* --- frames --- */

void
job_frame(struct buf *b, const struct job *j)
{
	if (j->name.n > 0)
		frame_text(b, "id", j->name);
	else
		frame_num(b, "id", j->id);
	if (j->key.p != NULL)
		frame_text(b, "key", j->key);
	if (j->user.p != NULL)
		frame_text(b, "user", j->user);
	frame_num(b, "at", j->at);
}

static void
post(const struct job *j, int64_t tries, enum link_how how, struct buf *b)
{
	struct flight *f = mem_new(sizeof *f);
	struct parcel *p;

	if (frame_end(b) == -1)
		die(101, "job %lld makes no frame", (long long)j->id);
	*f = (struct flight){ .id = j->id, .tries = tries };
	flights++;
	p = mem_new(sizeof *p + buf_size(b));
	p->flight = f;
	p->how = how;
	p->n = buf_size(b);
	memcpy(p->line, b->data + b->pos, p->n);
	*last = p;
	last = &p->next;
	bytes += p->n;
}

static void
post_due(const struct job *j)
{
	struct buf b = BUF(link_line_max());

	frame_begin(&b, "due");
	job_frame(&b, j);
	frame_num(&b, "try", j->tries + 1);
	if (j->payload >= 0)
		station_add_payload(&b, j->payload, j->value);
	post(j, j->tries + 1, LINK_WORK, &b);
	buf_free(&b);
}

void
outbox_report(const struct job *j)
{
	struct buf b = BUF(link_line_max());

	frame_begin(&b, j->state == DONE ? "fired" : "failed");
	job_frame(&b, j);
	frame_num(&b, "tries", j->tries);
	if (j->state == FAILED)
		frame_text(&b, "why", j->why);
	post(j, 0, LINK_ANSWER, &b);
	buf_free(&b);
}

/* --- what there is --- */

void
outbox_gone(const struct job *j)
{
	if (j->due != WHEN_NEVER)
		stale++;
}

void
outbox_new(const struct job *j)
{
	heap_push(&heap, j->at, j->id);
}

void
outbox_due(const struct job *j)
{
	stale++;
	heap_push(&heap, j->due, j->id);
}

/* --- what was settled --- */

static void
apply(const struct flight *f)
{
	if (f->tries == 0)
		table_told(f->id);
	else
		job_settled(f->id, f->tries, f->why);
}

static void
land(struct flight *f)
{
	f->next = landed;
	landed = f;
	apply(f);
}

void
outbox_settled(void *owner, const char *why)
{
	struct flight *f = owner;

	if (why != NULL && f->tries == 0)
		warn("a report of job %lld was refused: %s",
		    (long long)f->id, why);
	f->why = why ? mem_str(why) : NULL;
	land(f);
}

/* --- what is due --- */

static int
is_late(const struct job *j, int64_t now)
{
	return j->late == 0 && j->tries == 0 && now - j->at > set.grace;
}

/* Its entry says that it is due: is it? */
static void
look_at(const struct heap_entry *e, int64_t now)
{
	struct job j;

	if (!table_whole(e->id, &j) || j.due != e->due || j.state > SENT) {
		stale -= stale > 0;
	} else if (j.state == SENT) {
		job_failure(&j, STR("no answer in time"));
	} else if (is_late(&j, now)) {
		job_late(&j);
	} else {
		post_due(&j);
		table_sent(j.id);
	}
}

static int64_t
first_due(void)
{
	const struct heap_entry *e = heap_first(&heap);

	return e ? e->due : WHEN_NEVER;
}

/* 1: there is more. */
static int
send_due(int64_t now, size_t room)
{
	struct heap_entry e;
	int n;

	for (n = 0; first_due() <= now && bytes < room; n++) {
		if (n == BATCH)
			return 1;
		e = *heap_first(&heap);
		heap_pop(&heap);
		look_at(&e, now);
	}
	return 0;
}

static void
fill_heap(void)
{
	stale = 0;
	refill = 0;
	table_live(&heap);
}

/* Reports of ends that the run before did not get told. */
static int
tell_untold(size_t room)
{
	struct job j;
	int n;

	for (n = 0; n < BATCH && bytes < room; n++) {
		if (!table_untold(untold_after, &j)) {
			untold_after = -1;
			return 0;
		}
		untold_after = j.id;
		outbox_report(&j);
	}
	return 1;
}

static void
land_again(void)
{
	struct flight *f, *next = undone;

	undone = NULL;
	while ((f = next) != NULL) {
		next = f->next;
		land(f);
	}
}

/* Each turn, before it is committed. */
static void
turn(struct before_sleep *b)
{
	int64_t now = loop_ms();
	size_t room;
	int again = 0;

	(void)b;
	if (now < stalled && now + STALL >= stalled)	/* no clock step */
		return;
	land_again();
	if (refill || (stale > STALE && stale > heap.n / 2))
		fill_heap();
	if (stopped || !link_present(station_link) ||
	    (first_due() > now && untold_after == -1))
		return;
	if ((room = link_room(station_link)) == 0)
		return;
	if (untold_after != -1)
		again = tell_untold(room);
	if (!again)
		again = send_due(now, room);
	if (again)
		ev_idle_start(loop, &more);
}

/* --- the end of a turn --- */

static void
forget(struct flight *f)
{
	flights--;
	free(f->why);
	free(f);
}

static void
leave(struct parcel *p)
{
	if (p->flight->tries > 0) {
		tally.sent++;
		tally.again += p->flight->tries > 1;
	}
	link_send(station_link, (struct str){ p->line, p->n }, p->flight,
	    p->how);
}

/* What is due already waits for room, or for somebody to be there, and either
 * comes as an event. */
static void
set_alarm(void)
{
	int64_t now = loop_ms(), at = first_due();

	if (at < stalled)
		at = stalled;
	ev_periodic_stop(loop, &alarm_clock);
	if (at <= now || at == WHEN_NEVER)
		return;
	ev_periodic_set(&alarm_clock, (double)at / 1000 + 0.0005, 0, NULL);
	ev_periodic_start(loop, &alarm_clock);
}

/* Nothing of the turn is on disk. */
static void
take_back(void)
{
	struct flight *f;

	while ((f = landed) != NULL) {
		landed = f->next;
		f->next = undone;
		undone = f;
	}
	refill = 1;
	stalled = loop_ms() + STALL;
}

void
outbox_turn(const char *why)
{
	struct parcel *p;
	struct flight *f;

	while ((p = parcels) != NULL) {
		parcels = p->next;
		if (why == NULL)
			leave(p);
		else
			forget(p->flight);
		free(p);
	}
	last = &parcels;
	bytes = 0;
	if (why != NULL)
		take_back();
	while ((f = landed) != NULL) {
		landed = f->next;
		forget(f);
	}
	set_alarm();
}

size_t
outbox_unsettled(void)
{
	return flights;
}

void
outbox_stop(void)
{
	stopped = 1;
}

/* It is the turn that matters. */
static void
on_alarm(struct ev_loop *l, ev_periodic *p, int events)
{
	(void)l;
	(void)p;
	(void)events;
}

static void
on_more(struct ev_loop *l, ev_idle *w, int events)
{
	(void)events;
	ev_idle_stop(l, w);
}

void
outbox_open(void)
{
	before_sleep.run = turn;
	loop_before_sleep(&before_sleep);
	ev_periodic_init(&alarm_clock, on_alarm, 0, 0, NULL);
	ev_idle_init(&more, on_more);
}
