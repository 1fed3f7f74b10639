/* SPDX-License-Identifier: ISC */

/*
 * The timer wheel: deadlines in whole seconds, O(1) each.  libwebsockets'
 * own timers are one sorted list and triple the cost of accepting at 9,500
 * connections, so nothing uses them; but what it times itself (its close
 * handshake) needs to be woken, which the tick does.
 */

#include <time.h>

#include "../loop.h"
#include "conn.h"

#define SLOTS	64

static struct ws_conn *slots[SLOTS];
static ev_timer ticker;
static uint32_t now;

static void
link_in(struct ws_conn *c)
{
	struct ws_conn **slot = &slots[c->due % SLOTS];

	c->next = *slot;
	c->prev = slot;
	if (c->next != NULL)
		c->next->prev = &c->next;
	*slot = c;
}

void
timer_clear(struct ws_conn *c)
{
	if (c->prev == NULL)
		return;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->prev = NULL;
	c->next = NULL;
}

void
timer_set(struct ws_conn *c, int seconds)
{
	timer_clear(c);
	c->due = now + (uint32_t)seconds;
	link_in(c);
}

/* What is due is moved to a list of its own first: an expiry may set, clear
 * and free any connection. */
static void
expire(void)
{
	struct ws_conn *c, *due = NULL;

	while ((c = slots[now % SLOTS]) != NULL) {
		timer_clear(c);
		c->next = due;
		c->prev = &due;
		if (due != NULL)
			due->prev = &c->next;
		due = c;
	}
	while ((c = due) != NULL) {
		timer_clear(c);
		link_in(c);
		if ((int32_t)(c->due - now) <= 0)
			timer_expired(c);
	}
}

static uint32_t
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_sec;
}

static void
tick(struct ev_loop *l, ev_timer *w, int events)
{
	uint32_t until = seconds();

	(void)l;
	(void)w;
	(void)events;
	if (until - now > SLOTS)	/* we were stopped: a lap is enough */
		now = until - SLOTS;
	while (now != until) {
		now++;
		expire();
	}
	in_expire();
	conn_wake();
}

struct ws_conn *
timer_each(struct ws_conn *c)
{
	uint32_t i = c == NULL ? 0 : c->due % SLOTS + 1;

	if (c != NULL && c->next != NULL)
		return c->next;
	for (; i < SLOTS; i++)
		if (slots[i] != NULL)
			return slots[i];
	return NULL;
}

uint32_t
timer_now(void)
{
	return now;
}

void
timer_start(void)
{
	now = seconds();
	ev_timer_init(&ticker, tick, 1.0, 1.0);
	ev_timer_start(loop, &ticker);
}

void
timer_stop(void)
{
	ev_timer_stop(loop, &ticker);
}
