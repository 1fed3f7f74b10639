/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <time.h>

#include "endpoint.h"
#include "event.h"
#include "log.h"
#include "loop.h"
#include "throttle.h"

#define TICK	0.05		/* seconds */

struct throttle {
	struct conn *conn;
	struct throttle *next, **prev;	/* of those that wait */
	int64_t messages, bytes;	/* buckets: rate.h */
	int told;
};

static struct throttle *waiting;
static ev_timer ticker;
static uint64_t now_waiting, times, closed;

const struct figure throttle_figures[] = {
	{ "throttled", &now_waiting,
	    "connections that are not read for their rate" },
	{ "throttled_total", &times, "times that one was not read any more" },
	{ "too_fast_total", &closed, "closed for their rate" },
	{ NULL, NULL, NULL }
};

static int64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
is_spent(const struct throttle *t, int64_t now)
{
	const struct endpoint *e = t->conn->endpoint;

	return rate_wait(t->messages, &e->rate, now) > 0 ||
	    rate_wait(t->bytes, &e->byte_rate, now) > 0;
}

static void
wait_no_more(struct throttle *t)
{
	if (!t->conn->throttled)
		return;
	t->conn->throttled = 0;
	now_waiting--;
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	if (waiting == NULL)
		ev_timer_stop(loop, &ticker);
}

static void
tick(struct ev_loop *l, ev_timer *w, int events)
{
	int64_t now = clock_ns();
	struct throttle *t, *next;

	(void)l;
	(void)w;
	(void)events;
	for (t = waiting; t != NULL; t = next) {
		next = t->next;
		if (is_spent(t, now))
			continue;
		wait_no_more(t);
		event_release(t->conn);		/* it is read again */
	}
}

static void
wait_for_credit(struct throttle *t)
{
	if (t->conn->throttled)
		return;
	t->conn->throttled = 1;
	now_waiting++;
	times++;
	if (!t->told++)
		info("%s.%llu: talks faster than its endpoint's rate",
		    link_boot(), (unsigned long long)t->conn->n);
	t->next = waiting;
	t->prev = &waiting;
	if (waiting != NULL)
		waiting->prev = &t->next;
	waiting = t;
	if (ev_is_active(&ticker))
		return;
	ev_timer_init(&ticker, tick, TICK, TICK);
	ev_timer_start(loop, &ticker);
}

static struct throttle *
throttle_of(struct conn *c)
{
	if (c->throttle == NULL) {
		c->throttle = mem_new(sizeof *c->throttle);
		c->throttle->conn = c;
	}
	return c->throttle;
}

int
throttle_said(struct conn *c, size_t bytes)
{
	const struct endpoint *e = c->endpoint;
	struct throttle *t;
	int64_t now;

	if (e->rate.per_second == 0 && e->byte_rate.per_second == 0)
		return 1;
	t = throttle_of(c);
	now = clock_ns();
	if (e->fast_close && is_spent(t, now)) {
		closed++;
		return 0;
	}
	t->messages = rate_take(t->messages, &e->rate, now, 1);
	t->bytes = rate_take(t->bytes, &e->byte_rate, now, (int64_t)bytes);
	if (!e->fast_close && is_spent(t, now))
		wait_for_credit(t);
	return 1;
}

void
throttle_end(struct conn *c)
{
	if (c->throttle == NULL)
		return;
	wait_no_more(c->throttle);
	free(c->throttle);
	c->throttle = NULL;
}
