/* SPDX-License-Identifier: ISC */

/*
 * What goes out.
 *
 *  - A queue leaves in one gathered write, past libwebsockets, and keeps what
 *    the kernel did not take: so it is known what was not written.  Only the
 *    rest of a message that was cut is libwebsockets' (LWS_WRITE_RAW), and
 *    nothing is written while it has that; it then says when it is writable.
 *    So its own pongs and close frames fall between ours.  Under TLS all that
 *    is said of the kernel and of libwebsockets is true of the relay.
 *  - A client masks (5.3): each message is copied into the gathered write
 *    under a fresh mask.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <libwebsockets.h>

#include "../log.h"
#include "conn.h"
#include "gather.h"

#define MASK		4		/* bytes of a client's mask */
#define MUCH		(64 << 10)	/* bytes queued: drained is told */

static unsigned char masked[GATHER];

/* ---- the queue ------------------------------------------------------- */

size_t
ws_send_some(struct ws_conn *c, struct ws_msg *const *m, size_t n)
{
	size_t queued = ws_queued(c), i;

	if (!ws_is_open(c))
		return 0;
	for (i = 0; i < n && (queued == 0 ||
	    queued + m[i]->n <= config.max_queue); i++)
		queued += m[i]->n;
	queue_push(&c->queue, m, i);
	/* whoever fed it may have stopped, and waits to hear of it */
	if (i > 0 && queued >= MUCH)
		c->blocked = 1;
	if (i > 0)
		conn_mark(c);
	return i;
}

int
ws_send(struct ws_conn *c, struct ws_msg *m)
{
	return ws_send_some(c, &m, 1) == 1;
}

size_t
ws_queued(const struct ws_conn *c)
{
	size_t n = c->queue.bytes + out_cut(c);

	return n < config.max_queue ? n : config.max_queue;
}

size_t
ws_unqueue(struct ws_conn *c, size_t *messages)
{
	return queue_trim(&c->queue, 0, messages);
}

size_t
ws_make_room(struct ws_conn *c, const struct ws_msg *m, size_t *messages)
{
	size_t taken = out_cut(c) + m->n;

	return queue_trim(&c->queue, taken < config.max_queue ?
	    config.max_queue - taken : 0, messages);
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
	memcpy(to, &mask, MASK);
	to += MASK;
	for (; n - i >= 8; i += 8) {
		memcpy(&word, from + i, 8);
		word ^= mask8;
		memcpy(to + i, &word, 8);
	}
	for (; i < n; i++)
		to[i] = from[i] ^ ((unsigned char *)&mask)[i & 3];
	return m->n + MASK;
}

static size_t
mask_size(const struct ws_conn *c)
{
	return c->client ? MASK : 0;
}

/* Bytes of whole frames that left; the rest is ours still.  -1: the socket is
 * broken.  Of TLS that was dialled libwebsockets takes all, and holds the
 * rest. */
static ssize_t
write_some(struct ws_conn *c, unsigned char *p, size_t n)
{
	ssize_t r;

	tally.writes++;
	if (c->fd != -1)
		r = send(c->fd, p, n, MSG_NOSIGNAL);
	else if (c->relay != NULL)
		r = relay_write(c->relay, p, n);
	else
		r = lws_write(c->wsi, p, n, LWS_WRITE_RAW) < 0 ? -1 :
		    (ssize_t)n;
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (r > 0)
		tally.bytes_out += (uint64_t)r;
	return r;
}

/* Nothing can be written now. */
static int
busy(const struct ws_conn *c)
{
	return c->relay != NULL ? relay_busy(c->relay) :
	    lws_partial_buffered(c->wsi);
}

/* The rest of a message that was cut: libwebsockets keeps it, and puts
 * nothing of its own between. */
static int
write_rest(struct ws_conn *c, unsigned char *p, size_t n)
{
	tally.bytes_out += n;
	if (c->relay != NULL)
		relay_keep(c->relay, p, n);
	else if (lws_write(c->wsi, p, n, LWS_WRITE_RAW) < 0)
		return -1;
	return !busy(c);
}

/* n bytes at p left of what the queue holds: it forgets these messages. */
static int
written(struct ws_conn *c, unsigned char *p, size_t n)
{
	struct ws_msg *m;
	size_t size;
	int r = 1;

	if (n == c->queue.bytes && !c->client) {
		tally.messages_out += queue_clear(&c->queue);
		return 1;
	}
	for (; r == 1 && n > 0; p += size, n -= size) {
		m = queue_shift(&c->queue);
		size = m->n + mask_size(c);
		c->begun = queue_is_control(m) ? 0 : (uint32_t)m->n;
		if (n < size) {
			r = write_rest(c, p + n, size - n);
			n = size;
		}
		tally.messages_out++;
		ws_msg_drop(m);
	}
	return r;
}

/* One message, which may be larger than the gathering buffer. */
static int
write_one(struct ws_conn *c)
{
	struct ws_msg *m = queue_front(&c->queue);
	unsigned char *copy = NULL, *p = m->frame;
	ssize_t r;

	if (c->client) {
		p = copy = mem_grow(NULL, m->n + MASK);
		put_masked(copy, m);
	}
	r = write_some(c, p, m->n + mask_size(c));
	if (r > 0)
		r = written(c, p, (size_t)r);
	free(copy);
	return (int)r;
}

static int
write_masked(struct ws_conn *c)
{
	struct queue_at at = { 0 };
	struct ws_msg *m;
	size_t n = 0;
	ssize_t r;

	while ((m = queue_next(&c->queue, &at)) != NULL &&
	    m->n + MASK <= GATHER - n)
		n += put_masked(masked + n, m);
	r = write_some(c, masked, n);
	return r > 0 ? written(c, masked, (size_t)r) : (int)r;
}

static int
write_shared(struct ws_conn *c)
{
	struct str s = gather(&c->queue);
	unsigned char *p = (unsigned char *)s.p;
	ssize_t r = write_some(c, p, s.n);

	return r > 0 ? written(c, p, (size_t)r) : (int)r;
}

/* From the front of the queue: 1; 0: the kernel takes no more; -1. */
static int
write_front(struct ws_conn *c)
{
	const struct ws_msg *m = queue_front(&c->queue);
	int alone = c->queue.bytes == m->n && !c->client, r;

	r = alone || m->n + MASK > GATHER ? write_one(c) :
	    c->client ? write_masked(c) : write_shared(c);
	return r == 1 && c->fd == -1 ? !busy(c) : r;
}

void
out_open(struct ws_conn *c)
{
	c->fd = c->relay != NULL || lws_is_ssl(c->wsi) ? -1 :
	    lws_get_socket_fd(c->wsi);
}

void
out_look_ahead(const struct ws_conn *c)
{
	__builtin_prefetch(c->wsi);
	__builtin_prefetch(c->queue.first);
	__builtin_prefetch(c->relay);
}

void
out_look_closer(const struct ws_conn *c)
{
	if (c->relay != NULL)
		relay_look_ahead(c->relay);
}

int
out_flush(struct ws_conn *c)
{
	int r = !busy(c);

	while (r == 1 && c->queue.first != NULL)
		r = write_front(c);
	if (r == -1)
		return -1;
	if (r == 0) {
		c->blocked = 1;
		if (c->relay == NULL)
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

size_t
out_cut(const struct ws_conn *c)
{
	if (c->begun == 0)
		return 0;
	if (c->relay != NULL)
		return relay_holds(c->relay) ? c->begun : 0;
	return c->wsi != NULL && lws_partial_buffered(c->wsi) ? c->begun : 0;
}

/* lws 4.1.6 tells nobody of a pong without payload. */
void
out_ping(struct ws_conn *c)
{
	static struct ws_msg *ping;

	if (ping == NULL)
		ping = queue_frame(0x9, STR("?"));
	queue_push(&c->queue, &ping, 1);
	tally.pings++;
	conn_mark(c);
}
