/* SPDX-License-Identifier: ISC */
/*
 * Any bytes, as what a broker says: the handshake, or a channel that is open.
 * What is no AMQP ends the connection and nothing else; a message is handed
 * over with JSON beside it.  The first byte says where we are.
 */
#include <stdlib.h>

#include "json.h"
#include "loop.h"
#include "mq/conn.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
quiet(struct mq *mq)
{
	(void)mq;
}

static void
down(struct mq *mq, int code, const char *why)
{
	(void)mq;
	(void)code;
	MUST(why != NULL);
}

static void
blocked(struct mq *mq, const char *why)
{
	(void)mq;
	(void)why;
}

static void
channel_quiet(struct mq_channel *c)
{
	(void)c;
}

static void
channel_closed(struct mq_channel *c, int code, const char *why)
{
	(void)c;
	(void)code;
	MUST(why != NULL);
}

static int
channel_method(struct mq_channel *c, uint32_t id, void *decoded)
{
	(void)c;
	(void)decoded;
	return id == AMQP_BASIC_ACK_METHOD;
}

static void
content(struct mq_channel *c, struct mq_message *m)
{
	const char *why;

	MUST(m->bad != NULL || m->body.n == m->size);
	MUST(m->body.n <= c->mq->set.max);
	MUST(m->headers.n == 0 || json_check(m->headers, &why));
	MUST(m->properties.n == 0 || json_check(m->properties, &why));
}

static const struct mq_ops ops = { quiet, down, blocked };
static const struct mq_channel_ops channel_ops = { channel_quiet,
    channel_quiet, channel_closed, channel_method, content, channel_quiet };
static const struct loop_ops loop_ops;

static void
no_timer(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
}

static void
begin(struct mq *mq, struct mq_url *url, enum mq_state state)
{
	*mq = (struct mq){ .ops = &ops, .state = state, .fd = -1,
	    .set = { .url = url, .name = "fuzz", .max = 4096 },
	    .in = BUF(FRAME_MAX), .out = BUF(1 << 20),
	    .frame_max = FRAME_MAX, .channel_max = CHANNELS };
	ev_init(&mq->fall, no_timer);
	ev_init(&mq->limit, no_timer);
	ev_init(&mq->beat, no_timer);
	init_amqp_pool(&mq->pool, 4096);
	for (int i = 0; i < 3; i++)
		mq_channel_new(mq, &channel_ops, NULL);
	mq->channels[0]->state = CHANNEL_OPEN;
	mq->channels[1]->state = CHANNEL_OPENING;
}

static void
finish(struct mq *mq)
{
	ev_timer_stop(loop, &mq->fall);
	ev_timer_stop(loop, &mq->beat);
	for (int i = 0; i < 3; i++)
		mq_channel_free(mq->channels[i]);
	empty_amqp_pool(&mq->pool);
	buf_free(&mq->in);
	buf_free(&mq->out);
}

/* As a URL, too: what is taken has all its parts. */
static void
as_url(const uint8_t *data, size_t n)
{
	char *text = mem_strn((const char *)data, n);
	struct mq_url u;
	const char *why = NULL;

	if (mq_url_parse(&u, text, &why) == 1) {
		MUST(u.user && u.password && u.host && u.port && u.vhost);
		mq_url_show(&u);
		mq_url_free(&u);
	} else
		MUST(why != NULL);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum mq_state states[] = { MQ_START, MQ_TUNE, MQ_OPEN_OK,
	    MQ_UP, MQ_CLOSING };
	static struct mq mq;
	struct mq_url url = { .user = (char[]){ "u" },
	    .password = (char[]){ "p" }, .vhost = (char[]){ "/" },
	    .heartbeat = 20 };
	size_t from, piece;

	if (loop == NULL)
		loop_open(&loop_ops);
	if (n == 0)
		return 0;
	as_url(data + 1, n - 1);
	begin(&mq, &url, states[data[0] % 5]);
	for (from = 1; from < n && !mq.lost; from += piece) {
		piece = data[0] & 0x80 ? 1 : n - from;
		if (buf_add(&mq.in, (const char *)data + from, piece) == -1)
			break;
		MUST(mq_parse(&mq) == (mq.lost ? -1 : 1));
	}
	finish(&mq);
	return 0;
}
