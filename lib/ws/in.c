/* SPDX-License-Identifier: ISC */

/*
 * What comes in: pieces become messages.  Bounded one by one in bytes, in
 * fragments and in time and, so that many slow senders cannot fill the memory
 * together, in bytes all at once.
 *
 * Those that are not whole stand in a list in the order of their deadlines,
 * which is the one they began in: each has the same time.
 */

#include <stdlib.h>

#include "../json.h"
#include "conn.h"

struct message {
	struct buf bytes;
	struct ws_conn *conn;
	uint32_t due;			/* second of the wheel */
	int fragments;
	struct message *next, **prev;
};

static struct message *oldest, **youngest = &oldest;

/* ---- those that are not whole ---------------------------------------- */

static void
enqueue(struct message *m)
{
	m->due = timer_now() + (uint32_t)((config.message_ms + 999) / 1000);
	m->next = NULL;
	m->prev = youngest;
	*youngest = m;
	youngest = &m->next;
}

static void
dequeue(struct message *m)
{
	*m->prev = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	else
		youngest = m->prev;
}

static void
in_begin(struct ws_conn *c)
{
	c->in = mem_new(sizeof *c->in);
	c->in->bytes.max = config.max_message;
	c->in->conn = c;
	enqueue(c->in);
}

void
in_free(struct ws_conn *c)
{
	if (c->in == NULL)
		return;
	limit_forget(buf_size(&c->in->bytes));
	dequeue(c->in);
	buf_free(&c->in->bytes);
	free(c->in);
	c->in = NULL;
}

static void
refuse(struct ws_conn *c, enum limit_reason reason, int code, const char *why)
{
	limit_conn(reason, c);
	conn_fail(c, code, why);
	in_free(c);
}

/* Whom we do not read cannot go on: his time begins again. */
void
in_expire(void)
{
	struct message *m;

	if (config.message_ms == 0)
		return;
	while ((m = oldest) != NULL &&
	    (int32_t)(m->due - timer_now()) <= 0) {
		if (m->conn->paused) {
			dequeue(m);
			enqueue(m);
		} else if (m->conn->state == CONN_OPEN)
			refuse(m->conn, LIMIT_MESSAGE_TIME, 1008,
			    "message too slow");
		else
			in_free(m->conn);
	}
}

/* ---- pieces ---------------------------------------------------------- */

static void
deliver(struct ws_conn *c, struct str bytes, int binary)
{
	if (!binary && !utf8_check(bytes)) {
		conn_fail(c, 1007, "not UTF-8");
		return;
	}
	c->missed = 0;
	tally.messages_in++;
	tally.bytes_in += bytes.n;
	if (c->ops->message != NULL)
		c->ops->message(c, bytes, binary);
}

/* remaining: bytes of the frame that have not come yet. */
static void
collect(struct ws_conn *c, struct str piece, size_t remaining)
{
	if (!limit_keep(piece.n)) {
		refuse(c, LIMIT_UNFINISHED, 1013, "try again later");
		return;
	}
	if (c->in == NULL)
		in_begin(c);
	buf_adds(&c->in->bytes, piece);
	c->in->fragments += remaining == 0;
	if (config.max_fragments > 0 &&
	    c->in->fragments > config.max_fragments)
		refuse(c, LIMIT_FRAGMENTS, 1008, "too many fragments");
}

void
in_piece(struct ws_conn *c, struct str piece, int binary, int final,
    size_t remaining)
{
	size_t have = c->in != NULL ? buf_size(&c->in->bytes) : 0;

	c->heard = timer_now();
	if (have + piece.n > config.max_message ||
	    remaining > config.max_message - have - piece.n) {
		refuse(c, LIMIT_MESSAGE, 1009, "message too big");
		return;
	}
	if (final && c->in == NULL) {
		deliver(c, piece, binary);
		return;
	}
	collect(c, piece, remaining);
	if (final && c->in != NULL) {
		deliver(c, buf_str(&c->in->bytes), binary);
		in_free(c);
	}
}
