/* SPDX-License-Identifier: ISC */

/*
 * Channel 0: the protocol header, Start, Tune, Open (AMQP 0-9-1, section
 * 2.2.4), then what the broker says about the connection, then Close.  Login
 * is PLAIN; the password goes nowhere but into Start-Ok.
 */

#include <stdio.h>

#include "conn.h"

#define ENTRY(name, k, ...) \
	{ .key = { sizeof(name) - 1, (void *)(uintptr_t)(name) }, \
	  .value = { .kind = (k), .value = { __VA_ARGS__ } } }
#define YES(name)	ENTRY(name, AMQP_FIELD_KIND_BOOLEAN, .boolean = 1)

static amqp_bytes_t
bytes(const char *s)
{
	return bytes_of(str_of(s));
}

void
mq_handshake(struct mq *mq)
{
	static const char header[] = "AMQP\0\0\11\1";

	mq->state = MQ_START;
	buf_add(&mq->out, header, 8);
}

/* \0user\0password (RFC 4616) */
static void
plain(struct buf *b, const struct mq_url *u)
{
	buf_addc(b, '\0');
	buf_adds(b, str_of(u->user));
	buf_addc(b, '\0');
	buf_adds(b, str_of(u->password));
}

static int
start(struct mq *mq, const amqp_connection_start_t *m)
{
	amqp_table_entry_t can[] = {
		YES("connection.blocked"), YES("consumer_cancel_notify"),
		YES("basic.nack"), YES("publisher_confirms"),
		YES("exchange_exchange_bindings"),
		YES("authentication_failure_close")
	};
	amqp_table_entry_t we[] = {
		ENTRY("product", AMQP_FIELD_KIND_UTF8,
		    .bytes = bytes("rouket")),
		ENTRY("connection_name", AMQP_FIELD_KIND_UTF8,
		    .bytes = bytes(mq->set.name)),
		ENTRY("capabilities", AMQP_FIELD_KIND_TABLE,
		    .table = { sizeof can / sizeof can[0], can })
	};
	const struct mq_url *u = mq->set.url;
	struct buf response = BUF(strlen(u->user) + strlen(u->password) + 2);
	amqp_connection_start_ok_t ok = {
		.client_properties = { sizeof we / sizeof we[0], we },
		.mechanism = bytes("PLAIN"), .locale = bytes("en_US")
	};
	int r;

	if (memmem(m->mechanisms.bytes, m->mechanisms.len, "PLAIN", 5) == NULL)
		return mq_lost(mq, 0, "the broker does not offer PLAIN login");
	plain(&response, u);
	ok.response = bytes_of(buf_str(&response));
	r = mq_send(mq, 0, AMQP_CONNECTION_START_OK_METHOD, &ok);
	explicit_bzero(response.data, response.cap);
	buf_free(&response);
	mq->state = MQ_TUNE;
	return r;
}

/* The lower of two limits, 0 being none. */
static uint32_t
lower(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static int
tune(struct mq *mq, const amqp_connection_tune_t *m)
{
	amqp_connection_tune_ok_t ok = {
		.channel_max = (uint16_t)lower(m->channel_max, CHANNELS),
		.frame_max = lower(m->frame_max, FRAME_MAX),
		.heartbeat = (uint16_t)lower(m->heartbeat,
		    (uint32_t)mq->set.url->heartbeat)
	};
	amqp_connection_open_t open = {
		.virtual_host = bytes(mq->set.url->vhost),
		.capabilities = amqp_empty_bytes, .insist = 1
	};

	if (mq->set.url->heartbeat == 0)
		ok.heartbeat = 0;
	mq->frame_max = ok.frame_max;
	mq->channel_max = ok.channel_max;
	mq->heartbeat = ok.heartbeat;
	mq->state = MQ_OPEN_OK;
	if (mq->frame_max < AMQP_FRAME_MIN_SIZE)
		return mq_lost(mq, 0, "frames too small to work with");
	if (mq->channel_max < mq->nchannels)
		return mq_lost(mq, 0, "too few channels for us");
	if (mq_send(mq, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok) == -1)
		return -1;
	return mq_send(mq, 0, AMQP_CONNECTION_OPEN_METHOD, &open);
}

/* The broker says why; we answer as well as we can, and go. */
static int
closed(struct mq *mq, const amqp_connection_close_t *m)
{
	amqp_connection_close_ok_t ok = { 0 };

	mq->culprit = (uint32_t)m->class_id << 16 | m->method_id;
	mq_send(mq, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
	mq_wire_write(mq);
	return mq_lost(mq, m->reply_code, "%.*s", (int)m->reply_text.len,
	    (const char *)m->reply_text.bytes);
}

static void
blocked(struct mq *mq, const amqp_connection_blocked_t *m)
{
	char why[SHORT_MAX + 1];

	snprintf(why, sizeof why, "%.*s", (int)m->reason.len,
	    (const char *)m->reason.bytes);
	mq->blocked = 1;
	mq->ops->blocked(mq, why);
}

/* What the broker may say while we are up. */
static int
notice(struct mq *mq, uint32_t id, void *decoded)
{
	switch (id) {
	case AMQP_CONNECTION_BLOCKED_METHOD:
		blocked(mq, decoded);
		return 1;
	case AMQP_CONNECTION_UNBLOCKED_METHOD:
		mq->blocked = 0;
		mq->ops->blocked(mq, NULL);
		return 1;
	default:
		return mq_lost(mq, 0, "unexpected method 0x%x", (unsigned)id);
	}
}

int
mq_method(struct mq *mq, uint32_t id, void *decoded)
{
	if (id == AMQP_CONNECTION_CLOSE_METHOD)
		return closed(mq, decoded);
	if (mq->state == MQ_START && id == AMQP_CONNECTION_START_METHOD)
		return start(mq, decoded);
	if (mq->state == MQ_TUNE && id == AMQP_CONNECTION_TUNE_METHOD)
		return tune(mq, decoded);
	if (mq->state == MQ_OPEN_OK && id == AMQP_CONNECTION_OPEN_OK_METHOD) {
		mq_shaken(mq);
		return 1;
	}
	if (mq->state == MQ_CLOSING && id == AMQP_CONNECTION_CLOSE_OK_METHOD)
		return mq_lost(mq, 0, "closed");
	return notice(mq, id, decoded);
}

int
mq_goodbye(struct mq *mq)
{
	amqp_connection_close_t m = { .reply_code = 200,
	    .reply_text = bytes("goodbye") };

	return mq_send(mq, 0, AMQP_CONNECTION_CLOSE_METHOD, &m);
}
