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

/* Where n bytes of payload go, in a frame that is whole with them; NULL: it
 * does not fit. */
static char *
add_frame(struct buf *b, int type, uint16_t channel, size_t n)
{
	char *p;

	if (buf_room(b, n + FRAME_OVERHEAD) == -1)
		return NULL;
	p = b->data + b->len;
	p[0] = (char)type;
	p[1] = (char)(channel >> 8);
	p[2] = (char)channel;
	put32(p + 3, (uint32_t)n);
	p[HEADER + n] = (char)END;
	b->len += n + FRAME_OVERHEAD;
	return p + HEADER;
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
	size_t begin = HEADER + prefix.n, room;
	int n = -1;

	for (room = ROOM; n < 0 && room <= FRAME_MAX; room *= 16) {
		if (buf_room(b, begin + room + 1) == -1)
			return -1;
		n = encode(type, id, decoded,
		    (amqp_bytes_t){ room, b->data + b->len + begin });
	}
	if (n < 0)
		return -1;
	memcpy(add_frame(b, type, channel, prefix.n + (size_t)n), prefix.p,
	    prefix.n);
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

static char *
put_short(char *p, struct str s)
{
	*p++ = (char)s.n;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

/* By hand: it is in front of every message. */
int
mq_put_publish(struct buf *b, uint16_t channel, struct str exchange,
    struct str key, int mandatory)
{
	char *p = add_frame(b, AMQP_FRAME_METHOD, channel,
	    4 + 2 + 1 + exchange.n + 1 + key.n + 1);

	if (p == NULL)
		return -1;
	put32(p, AMQP_BASIC_PUBLISH_METHOD);
	p[4] = p[5] = 0;	/* the ticket */
	p = put_short(p + 6, exchange);
	p = put_short(p, key);
	*p = mandatory != 0;
	return 1;
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
	char *p;

	for (; body.n > 0; body.p += n, body.n -= n) {
		n = body.n < most ? body.n : most;
		p = add_frame(b, AMQP_FRAME_BODY, channel, n);
		if (p == NULL) {
			b->len = b->pos + before;
			return -1;
		}
		memcpy(p, body.p, n);
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
