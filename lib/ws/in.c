/* SPDX-License-Identifier: ISC */

/*
 * What comes in: pieces become messages, bounded one by one and, so that many
 * slow senders cannot fill the memory together, all at once.
 */

#include <stdlib.h>

#include "../json.h"
#include "conn.h"

#define ALL_PIECES	(256u << 20)	/* bytes waiting for their rest */

static size_t waiting;

void
in_free(struct ws_conn *c)
{
	if (c->in == NULL)
		return;
	waiting -= buf_size(c->in);
	buf_free(c->in);
	free(c->in);
	c->in = NULL;
}

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

static void
collect(struct ws_conn *c, struct str piece)
{
	if (c->in == NULL) {
		c->in = mem_new(sizeof *c->in);
		c->in->max = config.max_message;
	}
	buf_adds(c->in, piece);
	waiting += piece.n;
}

void
in_piece(struct ws_conn *c, struct str piece, int binary, int final,
    size_t remaining)
{
	size_t have = c->in != NULL ? buf_size(c->in) : 0;

	if (have + piece.n > config.max_message ||
	    remaining > config.max_message - have - piece.n) {
		conn_fail(c, 1009, "message too big");
		return;
	}
	if (final && have == 0) {
		deliver(c, piece, binary);
		return;
	}
	if (waiting + piece.n > ALL_PIECES) {
		conn_fail(c, 1013, "try again later");
		return;
	}
	collect(c, piece);
	if (final) {
		deliver(c, buf_str(c->in), binary);
		in_free(c);
	}
}
