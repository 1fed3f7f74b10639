/* SPDX-License-Identifier: ISC */

/*
 * Consuming: one channel a consumer, so that an error is its own.
 *
 *  - What was delivered and is not settled stands in a ring of one byte each;
 *    delivery tags count up, so a tag is an index.
 *  - Acks leave together: one for all that is settled in front, single ones
 *    behind a gap, so that one slow frame holds up nobody else's.  Each write
 *    wakes the broker, which costs more than the message: so they wait until
 *    they are a part of the prefetch, or for a moment.
 *  - A session is a channel's life; tags of an older one mean nothing to the
 *    broker, which delivers them again.  But their owners still hold them:
 *    while they are as many as the prefetch, no new session begins, or breaks
 *    that come faster than anybody settles would fill the memory.
 */

#include <stdlib.h>

#include "../loop.h"
#include "conn.h"

#define MOMENT		0.002	/* seconds that an ack waits for more */
#define PART		4	/* of the prefetch: so many do not wait */

enum { PENDING, SETTLED, REFUSED, DONE };

struct mq_consumer {
	struct mq_channel *channel;
	const struct mq_consumer_ops *ops;
	void *data;
	char *queue;
	int prefetch;
	unsigned flags;
	enum { STOPPED, STARTING, RUNNING } state;
	uint32_t session;
	uint64_t tag0;
	unsigned char *ring;
	size_t cap, head, count;	/* cap: a power of 2 */
	size_t dirty;			/* settled or refused, not said yet */
	ev_timer moment;		/* runs while they may wait */
	size_t unsettled;		/* of all sessions */
	int waits;			/* for those of older ones */
};

static unsigned char *
at(const struct mq_consumer *c, size_t i)
{
	return &c->ring[(c->head + i) & (c->cap - 1)];
}

static void
push(struct mq_consumer *c)
{
	size_t cap = c->cap ? c->cap * 2 : 64, i;
	unsigned char *ring;

	if (c->count == c->cap) {
		ring = mem_new(cap);
		for (i = 0; i < c->count; i++)
			ring[i] = *at(c, i);
		free(c->ring);
		c->ring = ring;
		c->cap = cap;
		c->head = 0;
	}
	*at(c, c->count++) = PENDING;
}

/* --- acknowledging --- */

static void
say_ack(struct mq_consumer *c, size_t i, int multiple)
{
	amqp_basic_ack_t m = { .delivery_tag = c->tag0 + i,
	    .multiple = multiple };

	mq_send(c->channel->mq, c->channel->id, AMQP_BASIC_ACK_METHOD, &m);
}

static void
say_reject(struct mq_consumer *c, size_t i)
{
	amqp_basic_reject_t m = { .delivery_tag = c->tag0 + i, .requeue = 0 };

	mq_send(c->channel->mq, c->channel->id, AMQP_BASIC_REJECT_METHOD, &m);
}

/* All in front that is not pending.  The tag of a multiple ack has to be one
 * that the broker still waits for: the last settled one. */
static void
say_front(struct mq_consumer *c)
{
	size_t i, n = 0, last = 0;

	for (i = 0; i < c->count && *at(c, i) != PENDING; i++) {
		if (*at(c, i) == SETTLED) {
			last = i;
			n++;
		} else if (*at(c, i) == REFUSED) {
			say_reject(c, i);
			c->dirty--;
		}
	}
	if (n > 0)
		say_ack(c, last, n > 1);
	c->dirty -= n;
	c->head = (c->head + i) & (c->cap - 1);
	c->count -= i;
	c->tag0 += i;
}

static void
moment_over(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;		/* they leave in this turn's end */
}

static int
due(const struct mq_consumer *c)
{
	return c->dirty > 0 && (!ev_is_active(&c->moment) ||
	    c->channel->mq->ending ||
	    c->dirty >= (size_t)c->prefetch / PART);
}

static void
pump(struct mq_channel *channel)
{
	struct mq_consumer *c = channel->data;
	size_t i;

	if (!due(c) || !mq_room(channel->mq))
		return;
	ev_timer_stop(loop, &c->moment);
	say_front(c);
	for (i = 0; c->dirty > 0; i++) {
		if (*at(c, i) != SETTLED && *at(c, i) != REFUSED)
			continue;
		if (*at(c, i) == SETTLED)
			say_ack(c, i, 0);
		else
			say_reject(c, i);
		*at(c, i) = DONE;
		c->dirty--;
	}
}

void
mq_settle(struct mq_consumer *c, uint64_t tag, uint32_t session, int ok)
{
	uint64_t i = tag - c->tag0;

	c->unsettled--;
	if (c->waits)
		mq_consumer_start(c);
	if (session != c->session || i >= c->count || *at(c, i) != PENDING)
		return;
	*at(c, i) = ok ? SETTLED : REFUSED;
	if (c->dirty++ == 0) {
		ev_timer_set(&c->moment, MOMENT, 0.);
		ev_timer_start(loop, &c->moment);
	}
}

/* --- the channel --- */

static amqp_bytes_t
consumer_tag(void)
{
	return bytes_of(STR("rk"));
}

static void
consume(struct mq_consumer *c)
{
	amqp_basic_consume_t m = { .queue = bytes_of(str_of(c->queue)),
	    .consumer_tag = consumer_tag(),
	    .exclusive = (c->flags & MQ_EXCLUSIVE) != 0,
	    .arguments = amqp_empty_table };

	c->state = STARTING;
	mq_send(c->channel->mq, c->channel->id, AMQP_BASIC_CONSUME_METHOD,
	    &m);
}

static void
opened(struct mq_channel *channel)
{
	struct mq_consumer *c = channel->data;
	amqp_basic_qos_t m = { .prefetch_count = (uint16_t)c->prefetch };

	c->session++;
	c->tag0 = 1;
	c->count = 0;
	mq_send(channel->mq, channel->id, AMQP_BASIC_QOS_METHOD, &m);
	consume(c);
}

static void
stopped(struct mq_consumer *c, int code, const char *why)
{
	int was = c->state;

	c->state = STOPPED;
	if (was != STOPPED)
		c->ops->stopped(c, code, why);
}

static void
closed(struct mq_channel *channel, int code, const char *why)
{
	struct mq_consumer *c = channel->data;

	c->session++;
	c->count = c->dirty = 0;
	ev_timer_stop(loop, &c->moment);
	c->waits = 0;
	stopped(c, code, why);
}

static void
started(struct mq_consumer *c)
{
	c->state = RUNNING;
	c->ops->running(c);
}

static int
method(struct mq_channel *channel, uint32_t id, void *decoded)
{
	struct mq_consumer *c = channel->data;

	(void)decoded;
	switch (id) {
	case AMQP_BASIC_QOS_OK_METHOD:
		return 1;
	case AMQP_BASIC_CONSUME_OK_METHOD:
		started(c);
		return 1;
	case AMQP_BASIC_CANCEL_METHOD:
		/* A broker that is told of a queue that is gone, and of a new
		 * one of its name, with one ack takes none. */
		mq_channel_close(channel, 404, "cancelled by the broker");
		return 1;
	default:
		return 0;
	}
}

static void
delivery(struct mq_channel *channel, struct mq_message *m)
{
	struct mq_consumer *c = channel->data;

	if (m->tag != c->tag0 + c->count) {
		mq_lost(channel->mq, 0, "a delivery out of its order");
		return;
	}
	push(c);
	c->unsettled++;
	m->session = c->session;
	c->ops->delivery(c, m);
}

static void
connected(struct mq_channel *channel)
{
	(void)channel;		/* until mq_consumer_start() */
}

static const struct mq_channel_ops channel_ops = {
	.connected = connected, .open = opened, .closed = closed,
	.method = method, .content = delivery, .pump = pump
};

/* --- the outside --- */

struct mq_consumer *
mq_consumer(struct mq *mq, const char *queue, int prefetch, unsigned flags,
    const struct mq_consumer_ops *ops, void *data)
{
	struct mq_consumer *c = mem_new(sizeof *c);

	c->channel = mq_channel_new(mq, &channel_ops, c);
	if (c->channel == NULL) {
		free(c);
		return NULL;
	}
	c->queue = mem_str(queue);
	c->prefetch = prefetch;
	c->flags = flags;
	c->ops = ops;
	c->data = data;
	ev_init(&c->moment, moment_over);
	return c;
}

void
mq_consumer_start(struct mq_consumer *c)
{
	if (c->state != STOPPED || !mq_is_up(c->channel->mq))
		return;
	c->waits = c->unsettled >= (size_t)c->prefetch;
	if (c->waits)
		return;
	c->state = STARTING;
	if (c->channel->state == CHANNEL_OPEN)
		consume(c);
	else
		mq_channel_open(c->channel);
}

void
mq_consumer_free(struct mq_consumer *c)
{
	mq_channel_free(c->channel);
	free(c->ring);
	free(c->queue);
	free(c);
}

int
mq_consumer_runs(const struct mq_consumer *c)
{
	return c->state == RUNNING;
}

const char *
mq_consumer_queue(const struct mq_consumer *c)
{
	return c->queue;
}

void *
mq_consumer_data(const struct mq_consumer *c)
{
	return c->data;
}
