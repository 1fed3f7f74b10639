/* SPDX-License-Identifier: ISC */

/*
 * Frames out.  A delivery's frame has its delivery as owner, and the broker
 * is told what became of it.  What is said about the bridge itself (how the
 * broker is, what could not be delivered) is one frame at a time of each
 * kind: while it is unsettled, the next is gathered.
 */

#include <stdio.h>

#include "block.h"
#include "json.h"
#include "log.h"

#include "bridge.h"

struct delivery {
	struct mq_consumer *consumer;
	uint64_t tag;
	uint32_t session;
};

static struct block *block;	/* of the next delivery */

static struct notice {
	int sent, due;
} state, drop;
static uint64_t drop_frames, drop_bytes;
static const char *drop_why;

/* --- what a message is as a frame --- */

/* Names in AMQP may be any bytes, 255 of them. */
static void
put_name(struct buf *b, const char *key, struct str s)
{
	char text[256];

	if (!utf8_check(s)) {
		for (size_t i = 0; i < s.n; i++)
			text[i] = (char)((unsigned char)s.p[i] < 0x80 ?
			    s.p[i] : '?');
		s.p = text;
	}
	frame_text(b, key, s);
}

/* 1, or 0: there is no room for it in a frame. */
static int
put_message(struct buf *b, const struct mq_message *m)
{
	if (m->headers.n > 0)
		frame_raw(b, "headers", m->headers);
	if (m->properties.n > 0)
		frame_raw(b, "properties", m->properties);
	if (m->redelivered)
		frame_flag(b, "redelivered");
	return frame_add_binary(b, m->body, 1) == 1 && frame_end(b) == 1;
}

static void
put_target(struct buf *b, const struct mq_message *m)
{
	put_name(b, "exchange", m->exchange);
	put_name(b, "key", m->key);
}

struct name {
	char raw[256];
	size_t n;
};

/* Is it the one that it was the last time? */
static int
name_again(struct name *last, struct str s)
{
	if (str_eq((struct str){ last->raw, last->n }, s))
		return 1;
	memcpy(last->raw, s.p, s.n);
	last->n = s.n;
	return 0;
}

/* How a delivery's frame begins; mostly as the last one's. */
static struct str
delivery_head(struct str queue, const struct mq_message *m)
{
	static struct name queues, exchanges, keys;
	static struct buf head = { .max = 8192 };
	int again = name_again(&queues, queue);

	again &= name_again(&exchanges, m->exchange);
	again &= name_again(&keys, m->key);
	if (!again) {
		frame_begin(&head, "delivery");
		put_name(&head, "queue", queue);
		put_target(&head, m);
	}
	return buf_str(&head);
}

/* --- notices --- */

static void
send_state(void)
{
	struct buf b = BUF(256);

	frame_begin(&b, "link");
	frame_text(&b, "name", STR("broker"));
	frame_text(&b, "state", broker_is_up() ? STR("up") : STR("down"));
	frame_end(&b);
	state = (struct notice){ .sent = 1 };
	link_send(router, buf_str(&b), &state, LINK_ANSWER);
	buf_free(&b);
}

static void
send_drop(void)
{
	struct buf b = BUF(256);

	frame_begin(&b, "drop");
	frame_text(&b, "why", str_of(drop_why));
	frame_num(&b, "frames", (int64_t)drop_frames);
	frame_num(&b, "bytes", (int64_t)drop_bytes);
	frame_end(&b);
	drop = (struct notice){ .sent = 1 };
	drop_frames = drop_bytes = 0;
	link_send(router, buf_str(&b), &drop, LINK_ANSWER);
	buf_free(&b);
}

void
event_state(void)
{
	if (router == NULL)
		return;
	state.due = 1;
	if (!state.sent)
		send_state();
}

static void
dropped(const struct mq_message *m, const char *why)
{
	tally.dropped++;
	drop_frames++;
	drop_bytes += m->size;
	drop_why = why;
	drop.due = 1;
	if (!drop.sent)
		send_drop();
}

/* --- deliveries --- */

static void
delivery(struct mq_consumer *c, const struct mq_message *m)
{
	static struct buf b;
	const char *queue = mq_consumer_queue(c), *why = m->bad;
	struct delivery *d;

	if (draining)
		return;		/* it goes back to the queue */
	b.max = link_line_max();
	buf_clear(&b);
	tally.deliveries++;
	if (why == NULL) {
		buf_adds(&b, delivery_head(str_of(queue), m));
		if (!put_message(&b, m))
			why = "it is too large";
	}
	if (why != NULL) {
		warn("%s: a message is rejected: %s", queue, why);
		dropped(m, why);
		mq_settle(c, m->tag, m->session, 0);
		return;
	}
	d = block_cut(&block, sizeof *d);
	*d = (struct delivery){ c, m->tag, m->session };
	link_send(router, buf_str(&b), d, LINK_WORK);
}

void
event_settled(void *owner, const char *why)
{
	struct delivery *d = owner;

	if (owner == &state) {
		state.sent = 0;
		if (state.due)
			send_state();
	} else if (owner == &drop) {
		drop.sent = 0;
		if (drop.due)
			send_drop();
	} else {
		tally.acknowledged += why == NULL;
		tally.rejected += why != NULL;
		if (why != NULL)
			info("%s: rejected: %s",
			    mq_consumer_queue(d->consumer), why);
		mq_settle(d->consumer, d->tag, d->session, why == NULL);
		block_free(&block, d);
	}
}

const struct mq_consumer_ops consuming = {
	.delivery = delivery, .running = broker_running,
	.stopped = broker_stopped
};

/* --- returned --- */

void
event_returned(struct link *l, const struct mq_message *m, struct str ref)
{
	struct buf b = BUF(link_line_max());
	char why[256];

	if (l == NULL)
		l = router;
	snprintf(why, sizeof why, "%d %.*s", m->code, (int)m->reason.n,
	    m->reason.p);
	frame_begin(&b, "returned");
	if (ref.n > 0)
		frame_raw(&b, "ref", ref);
	frame_text(&b, "why", str_of(utf8_check(str_of(why)) ? why : "?"));
	put_target(&b, m);
	if (put_message(&b, m))
		link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	else
		dropped(m, "a returned message is too large");
	buf_free(&b);
}

/* --- stats --- */

static uint64_t unconfirmed, is_up;

static const struct figure figures[] = {
	{ "amqp_up", &is_up, "is all of it: connections, topology, consumers" },
	{ "amqp_published_total", &tally.published, "messages published" },
	{ "amqp_confirmed_total", &tally.confirmed, "that the broker took" },
	{ "amqp_unconfirmed", &unconfirmed, "that it has not taken yet" },
	{ "amqp_returned_total", &tally.returned, "that found no queue" },
	{ "amqp_refused_total", &tally.refused, "commands refused" },
	{ "amqp_deliveries_total", &tally.deliveries, "messages delivered" },
	{ "amqp_acknowledged_total", &tally.acknowledged, "taken over" },
	{ "amqp_rejected_total", &tally.rejected,
	    "refused by the rules, and rejected" },
	{ "amqp_dropped_total", &tally.dropped,
	    "that made no frame, and were rejected" },
	{ "amqp_connects_total", &tally.connects, "connections made" },
	{ "amqp_losses_total", &tally.losses,
	    "connections lost, and tries that failed" },
	{ "amqp_blocks_total", &tally.blocks,
	    "times that the broker took no messages" },
	{ "amqp_stops_total", &tally.stops,
	    "consumers that the broker stopped" },
	{ "amqp_clashes_total", &tally.clashes,
	    "declarations that the broker refused or took away" },
	{ NULL, NULL, NULL }
};

static void
refresh(void)
{
	unconfirmed = mq_unconfirmed(publisher);
	is_up = (uint64_t)broker_is_up();
}

void
event_figures(void)
{
	static const struct figure *const tables[] = { figures, NULL };

	link_tells(tables, refresh);
}
