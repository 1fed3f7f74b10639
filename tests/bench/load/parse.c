/* SPDX-License-Identifier: ISC */

/* What comes in: the answer to the upgrade, frames, answers to HTTP. */

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "load.h"

#define ROOM	(256 << 10)	/* of the buffer that all read into */
#define WHOLE	(32 << 10)	/* a larger payload is looked at in pieces */
/* of the nonce that RFC 6455 gives as its example */
#define ACCEPT	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void
message(struct conn *c, struct str s)
{
	const struct script *g = c->script;

	if (set.ping.p != NULL && c->number != PUBLISHER &&
	    str_eq(set.ping, s)) {
		conn_message(c, set.pong);
		return;
	}
	if (c->step == g->n) {
		deliver_bytes(c, s);
		return;
	}
	if (memmem(s.p, s.n, g->step[c->step].text.p,
	    g->step[c->step].text.n) != NULL) {
		c->step++;
		conn_greet(c);
	}
}

struct head {
	int opcode;
	size_t n;		/* of the head */
	uint64_t payload;
};

static int
head_read(struct head *h, const unsigned char *p, size_t n)
{
	size_t wide, i;

	if (n < 2)
		return 0;
	h->opcode = p[0] & 15;
	h->payload = p[1] & 127;
	wide = h->payload == 126 ? 2 : h->payload == 127 ? 8 : 0;
	h->n = 2 + wide;
	if (n < h->n)
		return 0;
	if (wide > 0)
		h->payload = 0;
	for (i = 0; i < wide; i++)
		h->payload = h->payload << 8 | p[2 + i];
	return 1;
}

static void
frame(struct conn *c, const struct head *h, struct str payload)
{
	if (h->opcode == 8)
		conn_fail(c, "the server sent a close frame");
	else if (h->opcode == 9)
		conn_pong(c, payload);
	else if (h->opcode < 8)
		message(c, payload);
}

/* Returns what was used of it. */
static size_t
frames(struct conn *c, const char *p, size_t n)
{
	struct head h;
	size_t at = 0, take;

	while (at < n && c->state != DEAD) {
		if (c->skip > 0) {
			take = c->skip < n - at ? (size_t)c->skip : n - at;
			deliver_bytes(c, (struct str){ p + at, take });
			c->skip -= take;
			at += take;
			continue;
		}
		if (!head_read(&h, (const unsigned char *)p + at, n - at))
			break;
		if (h.payload > WHOLE && h.opcode < 8) {
			c->skip = h.payload;
			at += h.n;
			continue;
		}
		if (n - at - h.n < h.payload)
			break;
		frame(c, &h, (struct str){ p + at + h.n, (size_t)h.payload });
		at += h.n + (size_t)h.payload;
	}
	return at;
}

static size_t
upgrade(struct conn *c, const char *p, size_t n)
{
	static char why[80];
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	size_t head;

	if (end == NULL)
		return 0;
	head = (size_t)(end - p) + 4;
	if (n > 12 && memcmp(p + 9, "101", 3) == 0 &&
	    memmem(p, head, ACCEPT, sizeof ACCEPT - 1) != NULL) {
		c->state = GREETING;
		conn_greet(c);
		return head;
	}
	snprintf(why, sizeof why, "the upgrade is refused: %.30s", p);
	why[strcspn(why, "\r\n")] = '\0';
	conn_fail(c, why);
	return n;
}

/* Answers are counted, not read. */
static size_t
answers(struct conn *c, const char *p, size_t n)
{
	size_t at = 0;
	const char *s;

	while ((s = memmem(p + at, n - at, "HTTP/1.", 7)) != NULL &&
	    n - (size_t)(s - p) >= 12) {
		sum.http_errors += s[9] != '2';
		c->inflight -= c->inflight > 0;
		at = (size_t)(s - p) + 12;
	}
	return s == NULL && n - at > 12 ? n - 12 : at;
}

static size_t
use(struct conn *c, const char *p, size_t n)
{
	size_t used = 0;

	if (c->state == UPGRADING)
		used = upgrade(c, p, n);
	if (c->state != GREETING && c->state != OPEN)
		return used;
	switch (c->to->transport) {
	case WS:
		return used + frames(c, p + used, n - used);
	case HTTP:
		return answers(c, p, n);
	default:
		message(c, (struct str){ p, n });
		return n;
	}
}

/* What is left for the next time; an idle connection keeps nothing. */
static void
keep(struct conn *c, const char *p, size_t n)
{
	buf_clear(&c->in);
	if (n > 0)
		buf_add(&c->in, p, n);
	else if (c->in.cap > 2048)
		buf_free(&c->in);
}

static ssize_t
receive(struct conn *c, char *p, size_t n)
{
	if (c->to->transport == PIPE)
		return -1;
	return c->tls != NULL ? tls_read(c, p, n) : recv(c->fd, p, n, 0);
}

void
parse_readable(struct conn *c)
{
	static char room[ROOM];
	size_t have, n, used;
	ssize_t r;

	do {
		have = buf_size(&c->in);
		if (have == ROOM) {
			conn_fail(c, "too much input");
			return;
		}
		if (have > 0)
			memcpy(room, buf_str(&c->in).p, have);
		r = receive(c, room + have, ROOM - have);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == 0)
			conn_fail(c, "the server closed it");
		else if (r == -1 && errno != EAGAIN &&
		    c->to->transport != PIPE)
			conn_fail(c, strerror(errno));
		if (r <= 0)
			return;
		sum.bytes += (uint64_t)r;
		sum.latest = now_ns();
		n = have + (size_t)r;
		used = use(c, room, n);
		keep(c, room + used, n - used);
		if (buf_size(&c->out) > 0)
			conn_flush(c);
	} while (c->state != DEAD && (c->tls != NULL ||
	    have + (size_t)r == ROOM));
}
