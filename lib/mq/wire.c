/* SPDX-License-Identifier: ISC */

/*
 * The bytes of a connection, plain or under TLS (amqps://), which is between
 * connecting and the greeting.  A session is of one try.
 */

#include <errno.h>

#include "../loop.h"
#include "../tls.h"
#include "conn.h"

#define READ	65536	/* bytes at a time */

/* What broke a write may be told by an alert that was not read yet: so a
 * certificate is refused in TLS 1.3. */
const char *
mq_wire_why(const struct mq *mq)
{
	int error = errno;
	char last;

	if (mq->tls == NULL)
		return strerror(error);
	if (error == EPROTO || (tls_read(mq->tls, &last, 1) == -1 &&
	    errno == EPROTO))
		return tls_why(mq->tls);
	return strerror(error);
}

ssize_t
mq_wire_read(struct mq *mq)
{
	ssize_t n;

	if (mq->tls == NULL)
		return buf_read(&mq->in, mq->fd, READ);
	if (buf_room(&mq->in, TLS_RECORD) == -1)
		return -1;
	n = tls_read(mq->tls, mq->in.data + mq->in.len, TLS_RECORD);
	if (n > 0)
		mq->in.len += (size_t)n;
	return n;
}

/* A record takes 16 KiB: as many as the socket does. */
ssize_t
mq_wire_write(struct mq *mq)
{
	ssize_t n, all = 0;
	struct str s;

	if (mq->tls == NULL)
		return buf_write(&mq->out, mq->fd);
	do {
		s = buf_str(&mq->out);
		n = tls_write(mq->tls, s.p, s.n);
		if (n == -1)
			return all > 0 ? all : -1;
		buf_take(&mq->out, (size_t)n);
		all += n;
	} while (buf_size(&mq->out) > 0);
	return all;
}

/* The socket is connected: greets, or shakes hands first. */
void
mq_wire_begin(struct mq *mq)
{
	if (mq->set.tls != NULL) {
		mq->tls = tls_connect(mq->set.tls, mq->fd, mq->set.url->host);
		mq->state = MQ_SECURING;
	}
	mq_wire_secure(mq);
}

void
mq_wire_secure(struct mq *mq)
{
	int done = mq->tls == NULL ? 1 : tls_handshake(mq->tls);

	if (done == -1) {
		mq_lost(mq, 0, "TLS: %s", tls_why(mq->tls));
		return;
	}
	if (done == 0 && tls_wants_write(mq->tls))
		ev_io_start(loop, &mq->writable);
	else
		ev_io_stop(loop, &mq->writable);
	ev_io_start(loop, &mq->readable);
	if (done == 1)
		mq_handshake(mq);
}

void
mq_wire_end(struct mq *mq)
{
	if (mq->tls != NULL && mq->state > MQ_SECURING)
		tls_goodbye(mq->tls);
	tls_free(mq->tls);
	mq->tls = NULL;
}
