/* SPDX-License-Identifier: ISC */

/*
 * What goes out.
 *
 *  - A queue leaves in one gathered write as LWS_WRITE_RAW: whole frames
 *    only, and nothing while libwebsockets still holds the rest of a cut
 *    write (it is then asked to say when it is writable).  So its own pongs
 *    and close frames fall between ours.
 *  - A client masks (5.3): each message is copied into the gathered write
 *    under a fresh mask.
 */

#include <stdlib.h>
#include <sys/random.h>

#include <libwebsockets.h>

#include "../log.h"
#include "conn.h"

#define GATHER		(256 << 10)	/* bytes of one gathered write */

static unsigned char gathered[GATHER];

/* ---- the queue ------------------------------------------------------- */

int
ws_send(struct ws_conn *c, struct ws_msg *m)
{
	size_t queued = ws_queued(c);

	if (!ws_is_open(c) ||
	    (queued > 0 && m->n > config.max_queue - queued))
		return 0;
	queue_push(&c->queue, m);
	conn_mark(c);
	return 1;
}

size_t
ws_queued(const struct ws_conn *c)
{
	size_t n = c->queue.bytes;

	if (c->begun > 0 && c->wsi != NULL && lws_partial_buffered(c->wsi))
		n += c->begun;
	return n < config.max_queue ? n : config.max_queue;
}

size_t
ws_unqueue(struct ws_conn *c, size_t *messages)
{
	return queue_trim(&c->queue, 0, messages);
}

void
out_free(struct ws_conn *c)
{
	size_t messages;

	queue_trim(&c->queue, 0, &messages);
}

/* ---- writing --------------------------------------------------------- */

/* Four bytes nobody can foresee (RFC 6455 10.3), 4 KiB a system call. */
static uint32_t
new_mask(void)
{
	static uint32_t random[1024];
	static size_t left;

	if (left == 0) {
		if (getrandom(random, sizeof random, 0) != sizeof random)
			die(111, "getrandom");
		left = sizeof random / sizeof *random;
	}
	return random[--left];
}

/* The frame of a client: its head with the mask bit, the mask, the payload
 * under it. */
static size_t
put_masked(unsigned char *to, const struct ws_msg *m)
{
	const unsigned char *from = m->frame + m->head;
	uint32_t mask = new_mask();
	uint64_t mask8 = (uint64_t)mask << 32 | mask, word;
	size_t n = m->n - m->head, i = 0;

	memcpy(to, m->frame, m->head);
	to[1] |= 0x80;
	to += m->head;
	memcpy(to, &mask, 4);
	to += 4;
	for (; n - i >= 8; i += 8) {
		memcpy(&word, from + i, 8);
		word ^= mask8;
		memcpy(to + i, &word, 8);
	}
	for (; i < n; i++)
		to[i] = from[i] ^ ((unsigned char *)&mask)[i & 3];
	return m->n + 4;
}

static size_t
put(struct ws_conn *c, unsigned char *to, const struct ws_msg *m)
{
	if (c->client)
		return put_masked(to, m);
	memcpy(to, m->frame, m->n);
	return m->n;
}

static int
write_raw(struct ws_conn *c, unsigned char *p, size_t n)
{
	tally.writes++;
	tally.bytes_out += n;
	c->begun = (uint32_t)n;
	return lws_write(c->wsi, p, n, LWS_WRITE_RAW) < 0 ? -1 : 1;
}

/* One message, which may be larger than the gathering buffer. */
static int
write_one(struct ws_conn *c)
{
	struct ws_msg *m = queue_shift(&c->queue);
	unsigned char *copy = NULL;
	int r;

	if (c->client) {
		copy = mem_grow(NULL, m->n + 4);
		put_masked(copy, m);
	}
	r = copy != NULL ? write_raw(c, copy, m->n + 4) :
	    write_raw(c, m->frame, m->n);
	tally.messages_out++;
	free(copy);
	ws_msg_drop(m);
	return r;
}

static int
write_many(struct ws_conn *c)
{
	struct ws_msg *m;
	size_t n = 0;

	while ((m = queue_front(&c->queue)) != NULL &&
	    m->n + 4 <= GATHER - n) {
		n += put(c, gathered + n, m);
		ws_msg_drop(queue_shift(&c->queue));
		tally.messages_out++;
	}
	return write_raw(c, gathered, n);
}

int
out_flush(struct ws_conn *c)
{
	struct ws_msg *m;

	while ((m = queue_front(&c->queue)) != NULL &&
	    !lws_partial_buffered(c->wsi)) {
		int alone = c->queue.bytes == m->n && !c->client;

		if ((alone || m->n + 4 > GATHER ? write_one(c) :
		    write_many(c)) == -1)
			return -1;
	}
	if (c->queue.first != NULL || lws_partial_buffered(c->wsi)) {
		c->blocked = 1;
		lws_callback_on_writable(c->wsi);
		return 0;
	}
	c->begun = 0;
	if (c->state == CONN_CLOSING)
		lws_callback_on_writable(c->wsi);
	else if (c->blocked) {
		c->blocked = 0;
		if (c->ops->drained != NULL)
			c->ops->drained(c);
	}
	return 0;
}

/* lws 4.1.6 tells nobody of a pong without payload. */
void
out_ping(struct ws_conn *c)
{
	static struct ws_msg *ping;

	if (ping == NULL)
		ping = queue_frame(0x9, STR("?"));
	queue_push(&c->queue, ping);
	tally.pings++;
	conn_mark(c);
}
