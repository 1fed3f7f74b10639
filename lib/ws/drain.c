/* SPDX-License-Identifier: ISC */

/*
 * Leaving: all WebSockets are closed, spread over a while so that the clients
 * do not come back all at once somewhere else.  Requests that the program
 * knows of may still be answered; others are answered with 503.
 */

#include "request.h"

#define STEP	0.1		/* seconds */

static struct {
	ev_timer timer;
	int code;
	struct str reason;
	double begin, over, limit;	/* seconds */
	uint64_t total, closed;
	void (*done)(void);		/* NULL: no drain, or it is over */
} drain;

static void
close_until(uint64_t closed)
{
	struct ws_conn *c, *next;

	for (c = timer_each(NULL); c != NULL && drain.closed < closed;
	    c = next) {
		next = timer_each(c);
		if (c->state != CONN_OPEN)
			continue;
		ws_close(c, drain.code, drain.reason);
		drain.closed++;
	}
}

static void
put_off_requests(void)
{
	struct ws_conn *c, *next;

	for (c = timer_each(NULL); c != NULL; c = next) {
		next = timer_each(c);
		if (c->state == CONN_HEAD || c->state == CONN_BODY)
			request_put_off(c, LIMIT_DRAIN);
	}
}

static int
nobody_left(void)
{
	return tally.conns == 0 && tally.leaving == 0;
}

static void
finish(void)
{
	void (*done)(void) = drain.done;

	ev_timer_stop(loop, &drain.timer);
	drain.done = NULL;
	done();
}

void
drain_update(void)
{
	if (drain.done != NULL && nobody_left())
		finish();
}

static void
step(struct ev_loop *l, ev_timer *w, int events)
{
	double passed = ev_now(l) - drain.begin;

	(void)w;
	(void)events;
	if (passed >= drain.limit || nobody_left())
		finish();
	else if (passed >= drain.over)
		close_until(UINT64_MAX);
	else
		close_until((uint64_t)((double)drain.total * passed /
		    drain.over));
}

void
ws_drain(int code, const char *reason, int64_t over_ms, int64_t limit_ms,
    void (*done)(void))
{
	ws_unlisten();
	put_off_requests();
	drain.code = code;
	drain.reason = str_of(reason);
	drain.begin = ev_now(loop);
	drain.over = (double)over_ms / 1000;
	drain.limit = (double)(limit_ms > over_ms ? limit_ms : over_ms) / 1000;
	drain.total = tally.open;
	drain.done = done;
	ev_timer_init(&drain.timer, step, 0, STEP);
	ev_timer_start(loop, &drain.timer);
}
