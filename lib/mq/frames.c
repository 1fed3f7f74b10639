/* SPDX-License-Identifier: ISC */

/*
 * AMQP frames (AMQP 0-9-1, section 4.2.3): type 1, channel 2, size 4, the
 * payload, 0xCE.  Incomplete is not wrong: what is no whole frame yet stays
 * in the buffer, which holds the largest frame and no more.
 */

#include <arpa/inet.h>

#include "../log.h"
#include "conn.h"

#define HEADER		7
#define END		0xCE
#define ROOM		512	/* tried for a method, then 16 times that */

static uint32_t
get32(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof n);
	return ntohl(n);
}

static void
put32(char *p, uint32_t n)
{
	n = htonl(n);
	memcpy(p, &n, sizeof n);
}

static uint16_t
get16(const char *p)
{
	uint16_t n;

	memcpy(&n, p, sizeof n);
	return ntohs(n);
}

/* --- reading --- */

static int
method(struct mq *mq, uint16_t channel, struct str s)
{
	struct mq_channel *c;
	void *decoded;
	uint32_t id;

	if (s.n < 4)
		return mq_lost(mq, 0, "a method too short");
	id = get32(s.p);
	s = (struct str){ s.p + 4, s.n - 4 };
	recycle_amqp_pool(&mq->pool);
	if (amqp_decode_method(id, &mq->pool, bytes_of(s), &decoded) < 0)
		return mq_lost(mq, 0, "a method that is no AMQP 0-9-1");
	if (channel == 0)
		return mq_method(mq, id, decoded);
	c = channel <= mq->nchannels ? mq->channels[channel - 1] : NULL;
	return c == NULL ? 1 : mq_channel_method(c, id, decoded);
}

static int
frame(struct mq *mq, int type, uint16_t channel, struct str s)
{
	struct mq_channel *c;

	if (type == AMQP_FRAME_HEARTBEAT)
		return 1;
	if (type == AMQP_FRAME_METHOD)
		return method(mq, channel, s);
	c = channel > 0 && channel <= mq->nchannels ?
	    mq->channels[channel - 1] : NULL;
	if (c == NULL)
		return 1;	/* freed; the broker does not know yet */
	if (type == AMQP_FRAME_HEADER)
		return mq_channel_header(c, s);
	if (type == AMQP_FRAME_BODY)
		return mq_channel_body(c, s);
	return mq_lost(mq, 0, "a frame of an unknown type");
}

int
mq_parse(struct mq *mq)
{
	struct buf *b = &mq->in;
	const char *p;
	size_t n;

	while (buf_size(b) >= HEADER + 1) {
		p = b->data + b->pos;
		if (p[0] == 'A')
			return mq_lost(mq, 0, "not an AMQP 0-9-1 broker");
		n = get32(p + 3);
		if (n > mq->frame_max - FRAME_OVERHEAD)
			return mq_lost(mq, 0, "a frame too large, or no AMQP");
		if (buf_size(b) < n + FRAME_OVERHEAD)
			return 1;
		if ((unsigned char)p[HEADER + n] != END)
			return mq_lost(mq, 0, "a frame without its end");
		if (frame(mq, p[0], get16(p + 1),
		    (struct str){ p + HEADER, n }) == -1)
			return -1;
		buf_take(b, n + FRAME_OVERHEAD);
	}
	return 1;
}

/* --- writing --- */

static int
open_frame(struct buf *b, int type, uint16_t channel)
{
	char head[HEADER] = { (char)type, (char)(channel >> 8),
	    (char)channel };

	return buf_add(b, head, sizeof head);
}

/* The frame that begins size bytes before the end is whole. */
static int
close_frame(struct buf *b, size_t size)
{
	put32(b->data + b->len - size + 3, (uint32_t)(size - HEADER));
	return buf_addc(b, (char)END);
}

/* Takes back what was added after size: -1. */
static int
take_back(struct buf *b, size_t size)
{
	b->len = b->pos + size;
	return -1;
}

static int
encode(int type, uint32_t id, void *decoded, amqp_bytes_t room)
{
	if (type == AMQP_FRAME_METHOD)
		return amqp_encode_method(id, decoded, room);
	return amqp_encode_properties(AMQP_BASIC_CLASS, decoded, room);
}

/* A frame of a prefix and what librabbitmq encodes, whose size it tells only
 * by failing. */
static int
put_encoded(struct buf *b, int type, uint16_t channel, struct str prefix,
    uint32_t id, void *decoded)
{
	size_t before = buf_size(b), room;
	int n = -1;

	if (open_frame(b, type, channel) == -1 || buf_adds(b, prefix) == -1)
		return take_back(b, before);
	for (room = ROOM; n < 0 && room <= FRAME_MAX; room *= 16) {
		if (buf_room(b, room) == -1)
			return take_back(b, before);
		n = encode(type, id, decoded,
		    (amqp_bytes_t){ room, b->data + b->len });
	}
	if (n < 0)
		return take_back(b, before);
	b->len += (size_t)n;
	if (close_frame(b, HEADER + prefix.n + (size_t)n) == -1)
		return take_back(b, before);
	return 1;
}

int
mq_put_method(struct buf *b, uint16_t channel, uint32_t id, void *decoded)
{
	char prefix[4];

	put32(prefix, id);
	return put_encoded(b, AMQP_FRAME_METHOD, channel,
	    (struct str){ prefix, sizeof prefix }, id, decoded);
}

int
mq_put_header(struct buf *b, uint16_t channel, size_t body,
    amqp_basic_properties_t *p)
{
	/* class, weight, size */
	char prefix[12] = { 0, AMQP_BASIC_CLASS };

	put32(prefix + 4, (uint32_t)((uint64_t)body >> 32));
	put32(prefix + 8, (uint32_t)body);
	return put_encoded(b, AMQP_FRAME_HEADER, channel,
	    (struct str){ prefix, sizeof prefix }, 0, p);
}

int
mq_put_bodies(struct buf *b, uint16_t channel, struct str body,
    size_t frame_max)
{
	size_t most = frame_max - FRAME_OVERHEAD, n, before = buf_size(b);

	for (; body.n > 0; body.p += n, body.n -= n) {
		n = body.n < most ? body.n : most;
		if (open_frame(b, AMQP_FRAME_BODY, channel) == -1 ||
		    buf_add(b, body.p, n) == -1 ||
		    close_frame(b, HEADER + n) == -1)
			return take_back(b, before);
	}
	return 1;
}

void
mq_put_heartbeat(struct buf *b)
{
	static const unsigned char beat[] = { AMQP_FRAME_HEARTBEAT, 0, 0, 0, 0,
	    0, 0, END };

	buf_add(b, beat, sizeof beat);	/* full: then it is not idle */
}
