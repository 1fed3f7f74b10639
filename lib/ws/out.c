/* SPDX-License-Identifier: ISC */

/*
 * What goes out.
 *
 *  - A message is framed once (RFC 6455 5.2) and shared.  A queue is a list
 *    of chunks of pointers out of one pool: nothing is allocated for a
 *    recipient, and an idle connection holds none.
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

#define CHUNK		15
#define POOL		4096		/* chunks kept for later */
#define GATHER		(256 << 10)	/* bytes of one gathered write */
#define HEAD		14		/* of a frame, with a mask, at most */

struct ws_msg {
	uint32_t refs;
	uint32_t head;			/* bytes of the frame's head */
	size_t n;			/* of the whole frame */
	unsigned char frame[];
};

struct chunk {
	struct ws_msg *msg[CHUNK];
	struct chunk *next;
};

static struct chunk *pool;
static size_t pooled;
static unsigned char gathered[GATHER];

/* ---- messages -------------------------------------------------------- */

static size_t
put_head(unsigned char *p, int opcode, uint64_t n)
{
	size_t wide = n < 126 ? 0 : n < 65536 ? 2 : 8, i;

	p[0] = (unsigned char)(0x80 | opcode);
	p[1] = (unsigned char)(wide == 0 ? n : wide == 2 ? 126 : 127);
	for (i = 0; i < wide; i++)
		p[2 + i] = (unsigned char)(n >> 8 * (wide - 1 - i));
	return 2 + wide;
}

static struct ws_msg *
frame(int opcode, struct str payload)
{
	struct ws_msg *m = malloc(sizeof *m + HEAD + payload.n);

	if (m == NULL)
		die(111, "out of memory");
	m->refs = 1;
	m->head = (uint32_t)put_head(m->frame, opcode, payload.n);
	m->n = m->head + payload.n;
	if (payload.n > 0)
		memcpy(m->frame + m->head, payload.p, payload.n);
	return m;
}

struct ws_msg *
ws_msg_new(enum ws_kind kind, struct str payload)
{
	return frame(kind, payload);
}

void
ws_msg_drop(struct ws_msg *m)
{
	if (--m->refs == 0)
		free(m);
}

size_t
ws_msg_size(const struct ws_msg *m)
{
	return m->n;
}

/* ---- the queue ------------------------------------------------------- */

static struct chunk *
chunk_new(void)
{
	struct chunk *k = pool;

	if (k == NULL)
		k = mem_grow(NULL, sizeof *k);
	else {
		pool = k->next;
		pooled--;
	}
	k->next = NULL;
	return k;
}

static void
chunk_free(struct chunk *k)
{
	if (pooled == POOL) {
		free(k);
		return;
	}
	k->next = pool;
	pool = k;
	pooled++;
}

static void
push(struct ws_conn *c, struct ws_msg *m)
{
	if (c->last == NULL) {
		c->first = c->last = chunk_new();
		c->head = c->tail = 0;
	} else if (c->tail == CHUNK) {
		c->last->next = chunk_new();
		c->last = c->last->next;
		c->tail = 0;
	}
	c->last->msg[c->tail++] = m;
	m->refs++;
	c->queued += (uint32_t)m->n;
}

static struct ws_msg *
front(const struct ws_conn *c)
{
	return c->first == NULL ? NULL : c->first->msg[c->head];
}

/* Takes the front message away; the caller owns its reference. */
static struct ws_msg *
shift(struct ws_conn *c)
{
	struct chunk *k = c->first;
	struct ws_msg *m = k->msg[c->head++];

	c->queued -= (uint32_t)m->n;
	if (c->head == CHUNK || (k == c->last && c->head == c->tail)) {
		c->first = k->next;
		c->head = 0;
		if (k == c->last)
			c->last = NULL;
		chunk_free(k);
	}
	return m;
}

int
ws_send(struct ws_conn *c, struct ws_msg *m)
{
	size_t queued = ws_queued(c);

	if (!ws_is_open(c) ||
	    (queued > 0 && m->n > config.max_queue - queued))
		return 0;
	push(c, m);
	conn_mark(c);
	return 1;
}

size_t
ws_queued(const struct ws_conn *c)
{
	size_t n = c->queued;

	if (c->begun > 0 && c->wsi != NULL && lws_partial_buffered(c->wsi))
		n += c->begun;
	return n < config.max_queue ? n : config.max_queue;
}

size_t
ws_unqueue(struct ws_conn *c, size_t *messages)
{
	size_t bytes = c->queued, n = 0;

	for (; c->first != NULL; n++)
		ws_msg_drop(shift(c));
	if (messages != NULL)
		*messages = n;
	return bytes;
}

void
out_free(struct ws_conn *c)
{
	ws_unqueue(c, NULL);
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
	struct ws_msg *m = shift(c);
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

	while ((m = front(c)) != NULL && m->n + 4 <= GATHER - n) {
		n += put(c, gathered + n, m);
		ws_msg_drop(shift(c));
		tally.messages_out++;
	}
	return write_raw(c, gathered, n);
}

int
out_flush(struct ws_conn *c)
{
	struct ws_msg *m;

	while ((m = front(c)) != NULL && !lws_partial_buffered(c->wsi)) {
		int alone = c->queued == m->n && !c->client;

		if ((alone || m->n + 4 > GATHER ? write_one(c) :
		    write_many(c)) == -1)
			return -1;
	}
	if (c->first != NULL || lws_partial_buffered(c->wsi)) {
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
		ping = frame(0x9, STR("?"));
	push(c, ping);
	tally.pings++;
	conn_mark(c);
}
