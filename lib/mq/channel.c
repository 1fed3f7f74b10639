/* SPDX-License-Identifier: ISC */

/*
 * Channels: opening them, and the contents that come on them as a method, a
 * header and bodies, put together.  A body over the bound is counted off and
 * dropped; its message is handed over as bad, so that it can be rejected.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "conn.h"

#define HEADER_PREFIX	12	/* class, weight, body size */

struct mq_channel *
mq_channel_new(struct mq *mq, const struct mq_channel_ops *ops, void *data)
{
	struct mq_channel *c;
	uint16_t i = 0;

	while (i < mq->nchannels && mq->channels[i] != NULL)
		i++;
	if (i == CHANNELS || (mq->state == MQ_UP && i >= mq->channel_max))
		return NULL;
	if (i == mq->nchannels)
		mq->nchannels++;
	c = mem_new(sizeof *c);
	c->mq = mq;
	c->id = (uint16_t)(i + 1);
	c->ops = ops;
	c->data = data;
	c->in.properties.max = FRAME_MAX;
	c->in.body.max = mq->set.max;
	return mq->channels[i] = c;
}

void
mq_channel_free(struct mq_channel *c)
{
	c->mq->channels[c->id - 1] = NULL;
	buf_free(&c->in.properties);
	buf_free(&c->in.body);
	free(c);
}

void
mq_channel_open(struct mq_channel *c)
{
	amqp_channel_open_t m = { .out_of_band = amqp_empty_bytes };

	if (c->state != CHANNEL_CLOSED || !mq_is_up(c->mq))
		return;
	if (mq_send(c->mq, c->id, AMQP_CHANNEL_OPEN_METHOD, &m) == 1)
		c->state = CHANNEL_OPENING;
}

static void
closed(struct mq_channel *c, int code, const char *why)
{
	c->state = CHANNEL_CLOSED;
	c->in.wants = CONTENT_NONE;
	c->ops->closed(c, code, why);
}

void
mq_channel_close(struct mq_channel *c, int code, const char *why)
{
	amqp_channel_close_t m = { .reply_code = 200,
	    .reply_text = amqp_empty_bytes };

	c->code = code;
	c->why = why;
	if (mq_send(c->mq, c->id, AMQP_CHANNEL_CLOSE_METHOD, &m) == 1)
		c->state = CHANNEL_CLOSING;
}

/* Backwards: what a callback frees or adds is not met twice. */
void
mq_channels_lost(struct mq *mq, const char *why)
{
	for (int i = mq->nchannels; i-- > 0; )
		if (mq->channels[i] != NULL &&
		    mq->channels[i]->state != CHANNEL_CLOSED)
			closed(mq->channels[i], 0, why);
}

/* --- methods --- */

/* A broker that waits long for our answer may close it again; it takes one. */
static void
closed_by_broker(struct mq_channel *c, const amqp_channel_close_t *m)
{
	amqp_channel_close_ok_t ok = { 0 };
	char why[SHORT_MAX + 1];

	if (c->state == CHANNEL_CLOSED || c->state == CHANNEL_OPENING)
		return;
	snprintf(why, sizeof why, "%.*s", (int)m->reply_text.len,
	    (const char *)m->reply_text.bytes);
	mq_send(c->mq, c->id, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
	closed(c, m->reply_code, why);
}

/* A copy that lives until the content is whole. */
static struct str
keep(char *to, amqp_bytes_t b)
{
	memcpy(to, b.bytes, b.len);
	return (struct str){ to, b.len };
}

static int
begin_delivery(struct content *in, const amqp_basic_deliver_t *m)
{
	in->m = (struct mq_message){ .tag = m->delivery_tag,
	    .redelivered = m->redelivered,
	    .exchange = keep(in->exchange, m->exchange),
	    .key = keep(in->key, m->routing_key) };
	in->wants = CONTENT_HEADER;
	return 1;
}

static int
begin_return(struct content *in, const amqp_basic_return_t *m)
{
	in->m = (struct mq_message){ .code = m->reply_code,
	    .reason = keep(in->reason, m->reply_text),
	    .exchange = keep(in->exchange, m->exchange),
	    .key = keep(in->key, m->routing_key) };
	in->wants = CONTENT_HEADER;
	return 1;
}

int
mq_channel_method(struct mq_channel *c, uint32_t id, void *decoded)
{
	if (c->in.wants != CONTENT_NONE)
		return mq_lost(c->mq, 0, "a method within a content");
	if (id == AMQP_CHANNEL_CLOSE_METHOD) {
		closed_by_broker(c, decoded);
		return 1;
	}
	if (c->state == CHANNEL_CLOSING && id == AMQP_CHANNEL_CLOSE_OK_METHOD) {
		closed(c, c->code, c->why);
		return 1;
	}
	if (c->state == CHANNEL_OPENING && id == AMQP_CHANNEL_OPEN_OK_METHOD) {
		c->state = CHANNEL_OPEN;
		c->ops->open(c);
		return 1;
	}
	if (c->state != CHANNEL_OPEN)
		return 1;	/* sent before the broker saw our close, or
				   its answer when it closed, too */
	if (id == AMQP_BASIC_DELIVER_METHOD)
		return begin_delivery(&c->in, decoded);
	if (id == AMQP_BASIC_RETURN_METHOD)
		return begin_return(&c->in, decoded);
	if (c->ops->method(c, id, decoded))
		return 1;
	return mq_lost(c->mq, 0, "unexpected method 0x%x", (unsigned)id);
}

/* --- contents --- */

static void
whole(struct mq_channel *c, struct str body)
{
	static struct buf props, headers;	/* as JSON */
	struct content *in = &c->in;

	props.max = headers.max = (size_t)4 * FRAME_MAX;
	in->wants = CONTENT_NONE;
	if (!mq_properties_decode(&props, &headers, buf_str(&in->properties)))
		in->m.bad = "its properties are malformed";
	in->m.properties = buf_str(&props);
	in->m.headers = buf_str(&headers);
	in->m.body = body;
	c->ops->content(c, &in->m);
	buf_clear(&in->properties);
	buf_clear(&in->body);
}

int
mq_channel_header(struct mq_channel *c, struct str s)
{
	struct content *in = &c->in;
	uint32_t half[2];

	if (c->state != CHANNEL_OPEN)
		return 1;
	if (in->wants != CONTENT_HEADER || s.n < HEADER_PREFIX)
		return mq_lost(c->mq, 0, "an unexpected content header");
	memcpy(half, s.p + 4, sizeof half);
	in->m.size = (uint64_t)ntohl(half[0]) << 32 | ntohl(half[1]);
	in->left = in->m.size;
	if (in->m.size > in->body.max)
		in->m.bad = "it is too large";
	buf_clear(&in->properties);
	buf_clear(&in->body);
	buf_add(&in->properties, s.p + HEADER_PREFIX, s.n - HEADER_PREFIX);
	in->wants = CONTENT_BODY;
	if (in->left == 0)
		whole(c, STR(""));
	return 1;
}

int
mq_channel_body(struct mq_channel *c, struct str s)
{
	struct content *in = &c->in;

	if (c->state != CHANNEL_OPEN)
		return 1;
	if (in->wants != CONTENT_BODY || s.n > in->left)
		return mq_lost(c->mq, 0, "an unexpected content body");
	if (s.n == in->m.size) {	/* all of it, as it lies there */
		in->left = 0;
		whole(c, s);
		return 1;
	}
	if (in->m.bad == NULL)
		buf_adds(&in->body, s);
	in->left -= s.n;
	if (in->left == 0)
		whole(c, buf_str(&in->body));
	return 1;
}
