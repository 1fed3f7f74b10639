/* SPDX-License-Identifier: ISC */

/*
 * Publishing with confirms.
 *
 *  - What is not confirmed stands in a ring, encoded, in the order of the
 *    calls: [0, sent) is in flight, the rest waits.  The delivery tag of entry
 *    0 is tag0, so a tag is an index.
 *  - A new channel begins at tag 1 with all of the ring, in its order.
 *  - One bad message makes the broker close the channel, and it does not say
 *    which it was.  When its words name an exchange that is not there, all in
 *    flight to that exchange are refused, unless its owner makes it again; else
 *    those in flight are sent again one at a time, until the one that closes
 *    the channel is known.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../block.h"
#include "../json.h"
#include "conn.h"

/* Where the exchange stands in an encoded basic.publish: behind the frame's
 * header, the method's number and the ticket. */
#define EXCHANGE_AT	13
#define GIVEN		4096	/* longer properties are not kept */

struct entry {
	void *owner;
	uint64_t number;
	int mandatory, returned, done;
	size_t header;		/* size of the content header's frame */
	struct str id;		/* in bytes, as all of these */
	struct str frames;	/* method and content header */
	struct str body;
	char bytes[];
};

struct given {			/* properties and headers of the last message */
	int holds;
	struct buf properties, headers;		/* as they came, and encoded: */
	amqp_basic_properties_t to;
	amqp_pool_t pool;
};

struct mq_publisher {
	struct mq_channel *channel;
	const struct mq_publisher_ops *ops;
	struct block *block;	/* of the next entry */
	struct entry **ring;
	size_t cap, head, count, sent;	/* cap: a power of 2 */
	uint64_t tag0;
	uint64_t next, limit;	/* numbers: of the next entry, where to stop */
	size_t bytes;
	size_t careful;		/* so many are sent one at a time */
	int open, works, held;	/* works: but for a new channel */
	struct given given;
	amqp_pool_t pool;	/* of what was returned */
	struct buf scratch;
};

static struct entry *
at(const struct mq_publisher *p, size_t i)
{
	return p->ring[(p->head + i) & (p->cap - 1)];
}

static void
grow(struct mq_publisher *p)
{
	size_t cap = p->cap ? p->cap * 2 : 64, i;
	struct entry **ring = mem_new(cap * sizeof *ring);

	for (i = 0; i < p->count; i++)
		ring[i] = at(p, i);
	free(p->ring);
	p->ring = ring;
	p->cap = cap;
	p->head = 0;
}

/* --- what comes back --- */

static void
finish(struct mq_publisher *p, struct entry *e, const char *why)
{
	e->done = 1;
	p->bytes -= e->frames.n + e->body.n;
	p->ops->confirmed(p, e->owner, why);
}

/* Forgets what is done at the front. */
static void
pop(struct mq_publisher *p)
{
	while (p->count > 0 && at(p, 0)->done) {
		block_free(&p->block, at(p, 0));
		p->head = (p->head + 1) & (p->cap - 1);
		p->count--;
		p->tag0++;
		if (p->sent > 0)
			p->sent--;
		if (p->careful > 0)
			p->careful--;
	}
}

static int
confirm(struct mq_publisher *p, uint64_t tag, int multiple, const char *why)
{
	uint64_t last = tag == 0 && multiple ? p->sent : tag - p->tag0 + 1;
	uint64_t i;

	if (last == 0 || last > p->sent)
		return 0;
	for (i = multiple ? 0 : last - 1; i < last; i++)
		if (!at(p, i)->done)
			finish(p, at(p, i), why);
	pop(p);
	return 1;
}

/* Closes the gaps that single confirms left, so that all is sent again. */
static void
rewind_ring(struct mq_publisher *p)
{
	size_t i, kept = 0;
	struct entry *e;

	for (i = 0; i < p->count; i++) {
		e = at(p, i);
		if (e->done) {
			block_free(&p->block, e);
			continue;
		}
		e->returned = 0;
		p->ring[(p->head + kept++) & (p->cap - 1)] = e;
	}
	p->count = kept;
	p->sent = 0;
	p->tag0 = 1;
}

/* --- the channel --- */

static int
names(const char *why, struct str exchange)
{
	char needle[SHORT_MAX + 16];

	snprintf(needle, sizeof needle, "no exchange '%.*s' in",
	    (int)exchange.n, exchange.p);
	return strstr(why, needle) != NULL;
}

static struct str
exchange_of(const struct entry *e)
{
	const char *p = e->frames.p + EXCHANGE_AT;

	return (struct str){ p + 1, (unsigned char)*p };
}

/* The exchange in flight that the broker says is not there; n is 0: none. */
static struct str
missing(struct mq_publisher *p, int code, const char *why)
{
	for (size_t i = 0; code == 404 && i < p->sent; i++)
		if (!at(p, i)->done && names(why, exchange_of(at(p, i))))
			return exchange_of(at(p, i));
	return STR("");
}

/* The broker closed the channel over one of those in flight. */
static void
blame(struct mq_publisher *p, int code, const char *why)
{
	size_t i, n = 0, found = 0, flying = p->sent;
	struct str exchange = missing(p, code, why);
	char text[SHORT_MAX + 16];

	if (exchange.n > 0 && p->ops->missing(p, exchange))
		return;
	snprintf(text, sizeof text, "%d %s", code, why);
	for (i = 0; i < flying; i++)
		n += !at(p, i)->done;
	for (i = 0; i < flying; i++)
		if (!at(p, i)->done && (n == 1 || (exchange.n > 0 &&
		    names(why, exchange_of(at(p, i)))))) {
			finish(p, at(p, i), text);
			found++;
		}
	if (found == 0)
		p->careful = n;
	else if (p->careful > 0)
		p->careful--;
}

static void
closed(struct mq_channel *c, int code, const char *why)
{
	struct mq_publisher *p = c->data;
	p->open = 0;
	if (code != 0 && p->sent > 0)
		blame(p, code, why);
	else if (code != 0)
		mq_lost(c->mq, code, "%s", why);	/* a pause helps */
	rewind_ring(p);
	mq_channel_open(c);	/* when only the channel was lost */
	if (mq_is_up(c->mq) || !p->works)
		return;
	p->works = 0;
	p->ops->open(p, 0);
}

static void
opened(struct mq_channel *c)
{
	amqp_confirm_select_t m = { .nowait = 0 };

	mq_send(c->mq, c->id, AMQP_CONFIRM_SELECT_METHOD, &m);
}

/* This broker may take smaller frames than the one these were made for. */
static void
refuse_too_large(struct mq_publisher *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (at(p, i)->header > p->channel->mq->frame_max)
			finish(p, at(p, i), "headers too large");
	rewind_ring(p);
}

static int
method(struct mq_channel *c, uint32_t id, void *decoded)
{
	struct mq_publisher *p = c->data;
	amqp_basic_ack_t *ack = decoded;
	amqp_basic_nack_t *nack = decoded;

	switch (id) {
	case AMQP_CONFIRM_SELECT_OK_METHOD:
		p->open = p->works = 1;
		refuse_too_large(p);
		p->ops->open(p, 1);
		return 1;
	case AMQP_BASIC_ACK_METHOD:
		return confirm(p, ack->delivery_tag, ack->multiple, NULL);
	case AMQP_BASIC_NACK_METHOD:
		return confirm(p, nack->delivery_tag, nack->multiple,
		    "the broker could not take it");
	default:
		return 0;
	}
}

/* The message_id of what was returned, as we sent it. */
static struct str
id_of(const struct mq_message *m, amqp_pool_t *pool)
{
	struct json_walk w;
	struct json_member member;
	amqp_bytes_t id;

	recycle_amqp_pool(pool);
	json_walk(&w, m->properties);
	while (json_next(&w, &member) == 1)
		if (str_eq(member.key, STR("message_id")) &&
		    mq_text(pool, member.value, &id))
			return str_of_bytes(id);
	return STR("");
}

static void
returned(struct mq_channel *c, struct mq_message *m)
{
	struct mq_publisher *p = c->data;
	struct str id = id_of(m, &p->pool);
	struct entry *e;

	for (size_t i = 0; i < p->sent; i++) {
		e = at(p, i);
		if (e->done || e->returned || !e->mandatory ||
		    !str_eq(e->id, id))
			continue;
		e->returned = 1;
		p->ops->returned(p, e->owner, m);
		return;
	}
}

static int
put(struct mq_publisher *p, const struct entry *e)
{
	struct mq *mq = p->channel->mq;
	struct buf *b = &mq->out;
	size_t before = buf_size(b);

	if (buf_adds(b, e->frames) == 1 && mq_put_bodies(b, p->channel->id,
	    e->body, mq->frame_max) == 1)
		return 1;
	b->len = b->pos + before;
	return 0;
}

static void
pump(struct mq_channel *c)
{
	struct mq_publisher *p = c->data;

	if (!p->open || p->held || c->mq->blocked)
		return;
	while (p->sent < p->count && mq_room(c->mq) &&
	    at(p, p->sent)->number < p->limit &&
	    (p->careful == 0 || p->sent == 0) && put(p, at(p, p->sent)))
		p->sent++;
}

static const struct mq_channel_ops channel_ops = {
	.connected = mq_channel_open, .open = opened, .closed = closed,
	.method = method, .content = returned, .pump = pump
};

/* --- the outside --- */

struct mq_publisher *
mq_publisher(struct mq *mq, const struct mq_publisher_ops *ops)
{
	struct mq_publisher *p = mem_new(sizeof *p);

	p->ops = ops;
	p->tag0 = 1;
	p->limit = UINT64_MAX;
	p->scratch.max = (size_t)4 * FRAME_MAX;
	p->given.properties.max = p->given.headers.max = GIVEN;
	init_amqp_pool(&p->given.pool, 4096);
	init_amqp_pool(&p->pool, 4096);
	p->channel = mq_channel_new(mq, &channel_ops, p);
	mq_channel_open(p->channel);
	return p;
}

static int
encode(struct given *g, const struct mq_publish *m, const char **why)
{
	g->to = (amqp_basic_properties_t){ ._flags = 0 };
	if (m->properties.p != NULL &&
	    !mq_properties_encode(&g->pool, m->properties, &g->to, why))
		return 0;
	if (m->headers.p == NULL)
		return 1;
	*why = "headers: not an object";
	g->to._flags |= AMQP_BASIC_HEADERS_FLAG;
	return json_kind(m->headers) == 'o' &&
	    mq_table_encode(&g->pool, m->headers, &g->to.headers, why);
}

/* They are mostly the last message's, which are encoded. */
static int
give(struct given *g, const struct mq_publish *m, const char **why)
{
	if (g->holds && str_eq(buf_str(&g->properties), m->properties) &&
	    str_eq(buf_str(&g->headers), m->headers))
		return 1;
	recycle_amqp_pool(&g->pool);
	buf_clear(&g->properties);
	buf_clear(&g->headers);
	g->holds = 0;
	if (!encode(g, m, why))
		return 0;
	g->holds = buf_adds(&g->properties, m->properties) == 1 &&
	    buf_adds(&g->headers, m->headers) == 1;
	return 1;
}

static int
properties(struct mq_publisher *p, const struct mq_publish *m,
    amqp_basic_properties_t *to, const char **why)
{
	if (!give(&p->given, m, why))
		return 0;
	*to = p->given.to;
	if (!(to->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) && m->id.n > 0) {
		to->message_id = bytes_of(m->id);
		to->_flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
	}
	if (!(to->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG) &&
	    m->content_type.n > 0) {
		to->content_type = bytes_of(m->content_type);
		to->_flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
	}
	if (!(to->_flags & AMQP_BASIC_DELIVERY_MODE_FLAG) && m->persistent) {
		to->delivery_mode = 2;
		to->_flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
	}
	return 1;
}

static struct str
keep(char **to, struct str s)
{
	struct str kept = { *to, s.n };

	if (s.n > 0)
		memcpy(*to, s.p, s.n);
	*to += s.n;
	return kept;
}

static struct entry *
entry_new(struct mq_publisher *p, struct str id, struct str frames,
    struct str body)
{
	struct entry *e = block_cut(&p->block,
	    sizeof *e + id.n + frames.n + body.n);
	char *to = e->bytes;

	*e = (struct entry){ .number = p->next++ };
	e->id = keep(&to, id);
	e->frames = keep(&to, frames);
	e->body = keep(&to, body);
	return e;
}

int
mq_publish(struct mq_publisher *p, const struct mq_publish *m, void *owner,
    const char **why)
{
	amqp_basic_properties_t props;
	struct entry *e;
	size_t n;

	*why = "an exchange or key is longer than 255 bytes";
	if (m->exchange.n > SHORT_MAX || m->key.n > SHORT_MAX ||
	    m->id.n > SHORT_MAX)
		return 0;
	if (!properties(p, m, &props, why))
		return 0;
	buf_clear(&p->scratch);
	*why = "headers too large";
	if (mq_put_publish(&p->scratch, p->channel->id, m->exchange, m->key,
	    m->mandatory) == -1)
		return 0;
	n = buf_size(&p->scratch);
	if (mq_put_header(&p->scratch, p->channel->id, m->body.n,
	    &props) == -1 || buf_size(&p->scratch) - n >
	    p->channel->mq->frame_max)
		return 0;
	e = entry_new(p, str_of_bytes(props.message_id),
	    buf_str(&p->scratch), m->body);
	e->owner = owner;
	e->mandatory = m->mandatory;
	e->header = buf_size(&p->scratch) - n;
	if (p->count == p->cap)
		grow(p);
	p->ring[(p->head + p->count++) & (p->cap - 1)] = e;
	p->bytes += e->frames.n + e->body.n;
	return 1;
}

void
mq_publisher_hold(struct mq_publisher *p, int held)
{
	p->held = held;
}

uint64_t
mq_publisher_next(const struct mq_publisher *p)
{
	return p->next;
}

void
mq_publisher_limit(struct mq_publisher *p, uint64_t number)
{
	p->limit = number;
}

int
mq_publisher_open(const struct mq_publisher *p)
{
	return p->works;
}

size_t
mq_unconfirmed(const struct mq_publisher *p)
{
	return p->count;
}

size_t
mq_unconfirmed_bytes(const struct mq_publisher *p)
{
	return p->bytes;
}
