/* SPDX-License-Identifier: ISC */

/*
 * Connections without a socket: a queue like any other's, with its bounds, its
 * place in the drain and its end, which the program carries itself.  Nothing
 * pings them, and nothing is read.
 */

#include "../loop.h"
#include "conn.h"

#define HELD_SHARE	2		/* one of so many of max_conns */

static uint64_t held;

/* It comes in by the same door as a handshake to a WebSocket. */
static int
may_come(const struct ws_conn *request, const struct address *from)
{
	enum limit_reason why;

	if (held >= (uint64_t)config.max_conns / HELD_SHARE)
		why = LIMIT_CONNS;
	else if (!admit_another(from))
		why = LIMIT_PEER;
	else if (!admit_handshake())
		why = LIMIT_RATE;
	else
		return 1;
	limit_conn(why, request);
	return 0;
}

struct ws_conn *
ws_hold(const struct ws_conn *request, const struct ws_ops *ops, void *data)
{
	struct address from = request_address(request);
	struct ws_conn *c;

	if (!may_come(request, &from))
		return NULL;
	held++;
	c = conn_new(ops, CONN_OPEN);
	admit_peer(c, &from);
	c->data = data;
	c->held = 1;
	c->opened = 1;
	tally.open++;
	timer_set(c, HELD_SECONDS);
	return c;
}

struct ws_msg *
ws_take(struct ws_conn *c)
{
	if (c->queue.first == NULL)
		return NULL;
	tally.messages_out++;
	return queue_shift(&c->queue);
}

void
ws_pour(struct ws_conn *c, struct ws_conn *to)
{
	while (c->queue.first != NULL) {
		struct ws_msg *m = queue_shift(&c->queue);

		queue_push(&to->queue, &m, 1);
		ws_msg_drop(m);
	}
	conn_mark(to);
}

void
ws_turn(struct ws_conn *c)
{
	conn_mark(c);
	conn_wake();
}

void
ws_release(struct ws_conn *c)
{
	conn_farewell(c, 1000, "client", STR(""));
	conn_over(c, NULL);
}

/* In the pass. */
void
hold_turn(struct ws_conn *c)
{
	if (c->ops->turn != NULL)
		c->ops->turn(c);
	if (c->state != CONN_OPEN)
		return;
	if (c->queue.first != NULL)
		c->blocked = 1;
	else if (c->blocked) {
		c->blocked = 0;
		if (c->ops->drained != NULL)
			c->ops->drained(c);
	}
}

void
hold_freed(const struct ws_conn *c)
{
	held -= c->held;
}
