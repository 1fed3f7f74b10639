/* SPDX-License-Identifier: ISC */

/*
 * The socket of a connection, and time.
 *
 *  - A try is: resolve, connect, shake hands, all within the URL's timeout.
 *    A name's addresses are tried one after the other; each try begins with
 *    another one, so that a silent one does not stand before the rest.
 *  - The next try comes after a pause of 0.5 s that doubles up to the longest
 *    one, of which a random half is left out, so that a broker that comes back
 *    is not met by all its clients at once.
 *  - mq_lost() only marks; take_down() runs from the loop, so that nobody's
 *    connection ends below his feet.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../loop.h"
#include "conn.h"

#define PAUSE		500	/* ms, the first */
#define STEADY		10	/* up for so many seconds: forget the pause */
#define OUT_SLACK	4194304	/* what comes on top of OUT_HIGH and a body */

static struct mq *all;
static struct before_sleep hook;

/* --- the end of a try --- */

int
mq_lost(struct mq *mq, int code, const char *fmt, ...)
{
	va_list ap;

	if (mq->lost)
		return -1;
	mq->lost = 1;
	mq->code = code;
	va_start(ap, fmt);
	vsnprintf(mq->why, sizeof mq->why, fmt, ap);
	va_end(ap);
	ev_timer_set(&mq->fall, 0., 0.);
	ev_timer_start(loop, &mq->fall);
	return -1;
}

static void
close_socket(struct mq *mq)
{
	resolve_stop(&mq->resolver);
	ev_timer_stop(loop, &mq->limit);
	ev_timer_stop(loop, &mq->beat);
	ev_io_stop(loop, &mq->readable);
	ev_io_stop(loop, &mq->writable);
	mq_wire_end(mq);
	if (mq->fd != -1)
		close(mq->fd);
	mq->fd = -1;
	buf_clear(&mq->in);
	buf_clear(&mq->out);
	mq->blocked = 0;
}

static void
wait_for_next(struct mq *mq)
{
	ev_timer_set(&mq->retry, pause_next(&mq->pause), 0.);
	ev_timer_start(loop, &mq->retry);
}

static void
take_down(struct ev_loop *l, ev_timer *w, int events)
{
	struct mq *mq = w->data;
	int was_up = mq->state >= MQ_UP;

	(void)l;
	(void)events;
	close_socket(mq);
	if (was_up && ev_now(loop) - mq->since > STEADY)
		pause_forget(&mq->pause);
	mq->state = mq->ending ? MQ_DEAD : MQ_WAITING;
	mq->lost = 0;
	if (!mq->ending)
		wait_for_next(mq);
	if (was_up)
		mq_channels_lost(mq, mq->why);
	mq->ops->down(mq, mq->code, mq->why);
}

/* --- reading and writing --- */

int
mq_room(const struct mq *mq)
{
	return mq->state == MQ_UP && !mq->lost &&
	    buf_size(&mq->out) < OUT_HIGH;
}

int
mq_send(struct mq *mq, uint16_t channel, uint32_t id, void *decoded)
{
	if (mq->lost)
		return -1;
	if (mq_put_method(&mq->out, channel, id, decoded) == -1)
		return mq_lost(mq, 0, "too much to say at once");
	return 1;
}

static void
write_out(struct mq *mq)
{
	ssize_t n;

	if (mq->lost || mq->state < MQ_START || buf_size(&mq->out) == 0)
		return;
	n = mq_wire_write(mq);
	if (n > 0)
		mq->spoke = ev_now(loop);
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		mq_lost(mq, 0, "%s", mq_wire_why(mq));
	if (buf_size(&mq->out) > 0)
		ev_io_start(loop, &mq->writable);
	else
		ev_io_stop(loop, &mq->writable);
}

static void
pump(struct mq *mq)
{
	for (uint16_t i = 0; i < mq->nchannels; i++)
		if (mq->channels[i] != NULL &&
		    mq->channels[i]->state == CHANNEL_OPEN)
			mq->channels[i]->ops->pump(mq->channels[i]);
}

/* What each channel has to say, then one write. */
static void
flush(struct before_sleep *b)
{
	struct mq *mq;

	(void)b;
	for (mq = all; mq != NULL; mq = mq->next) {
		pump(mq);
		if (!ev_is_active(&mq->writable))
			write_out(mq);
	}
}

static void
readable(struct ev_loop *l, ev_io *w, int events)
{
	struct mq *mq = w->data;
	ssize_t n;

	(void)l;
	(void)events;
	if (mq->lost)
		return;
	if (mq->state == MQ_SECURING) {
		mq_wire_secure(mq);
		return;
	}
	n = mq_wire_read(mq);
	if (n > 0) {
		mq->heard = ev_now(loop);
		mq_parse(mq);
	} else if (n == 0) {
		mq_lost(mq, 0, mq->state == MQ_TUNE ?
		    "closed at login: wrong user or password?" :
		    "closed without a goodbye");
	} else if (errno != EAGAIN && errno != EINTR) {
		mq_lost(mq, 0, "%s", mq_wire_why(mq));
	}
}

static void connect_next(struct mq *);

/* On to the next address, if there is one. */
static void
not_connected(struct mq *mq, int error)
{
	ev_io_stop(loop, &mq->writable);
	if (mq->fd != -1)
		close(mq->fd);
	mq->fd = -1;
	if (mq->tried < mq->resolver.n)
		connect_next(mq);
	else
		mq_lost(mq, 0, "%s", strerror(error));
}

static void
connected(struct mq *mq)
{
	int error = 0;
	socklen_t n = sizeof error;

	getsockopt(mq->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		not_connected(mq, error);
		return;
	}
	mq->heard = mq->spoke = ev_now(loop);
	mq_wire_begin(mq);
}

static void
writable(struct ev_loop *l, ev_io *w, int events)
{
	struct mq *mq = w->data;

	(void)l;
	(void)events;
	if (mq->lost)
		return;
	if (mq->state == MQ_CONNECTING)
		connected(mq);
	else if (mq->state == MQ_SECURING)
		mq_wire_secure(mq);
	else
		write_out(mq);
}

/* --- heartbeats (section 4.2.7): half as often again as agreed --- */

static void
beat(struct ev_loop *l, ev_timer *w, int events)
{
	struct mq *mq = w->data;
	ev_tstamp now = ev_now(loop);

	(void)l;
	(void)events;
	if (now - mq->heard > 2. * mq->heartbeat)
		mq_lost(mq, 0, "silent for two heartbeats of %d s",
		    mq->heartbeat);
	else if (now - mq->spoke >= mq->heartbeat / 2.)
		mq_put_heartbeat(&mq->out);
}

/* --- a try --- */

/* 1: under way; else -1. */
static int
connect_to(struct mq *mq, const struct address *a)
{
	int on = 1;

	mq->fd = socket(a->sa.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (mq->fd == -1)
		return -1;
	setsockopt(mq->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(mq->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	ev_io_set(&mq->readable, mq->fd, EV_READ);
	ev_io_set(&mq->writable, mq->fd, EV_WRITE);
	if (connect(mq->fd, (const struct sockaddr *)&a->sa, a->len) == -1 &&
	    errno != EINPROGRESS)
		return -1;
	ev_io_start(loop, &mq->writable);
	return 1;
}

static void
connect_next(struct mq *mq)
{
	mq->state = MQ_CONNECTING;
	mq->tried++;
	if (connect_to(mq, &mq->resolver.list[mq->turn++ %
	    mq->resolver.n]) == -1)
		not_connected(mq, errno);
}

static void
resolved(struct resolver *r, const char *why)
{
	struct mq *mq = (struct mq *)((char *)r -
	    offsetof(struct mq, resolver));

	mq->tried = 0;
	if (why != NULL)
		mq_lost(mq, 0, "%s: %s", mq->set.url->host, why);
	else if (!mq->lost)
		connect_next(mq);
}

static void
try_next(struct mq *mq)
{
	const struct mq_url *u = mq->set.url;

	mq->state = MQ_RESOLVING;
	mq->frame_max = FRAME_MAX;
	mq->culprit = 0;
	ev_timer_set(&mq->limit, (double)u->timeout / 1000., 0.);
	ev_timer_start(loop, &mq->limit);
	if (resolve_literal(&mq->resolver, u->host, u->port))
		resolved(&mq->resolver, NULL);
	else if (resolve_start(&mq->resolver, u->host, u->port) == -1)
		mq_lost(mq, 0, "a child to resolve names: %s",
		    strerror(errno));
}

static void
retry(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)events;
	try_next(w->data);
}

static void
too_late(struct ev_loop *l, ev_timer *w, int events)
{
	static const char *const silent[] = {
		[MQ_RESOLVING] = "name resolution",
		[MQ_CONNECTING] = "connecting",
		[MQ_SECURING] = "the TLS handshake",
		[MQ_START] = "the greeting", [MQ_TUNE] = "the login",
		[MQ_OPEN_OK] = "the vhost", [MQ_CLOSING] = "the goodbye"
	};
	struct mq *mq = w->data;

	(void)l;
	(void)events;
	mq_lost(mq, 0, "no answer in time: %s", silent[mq->state]);
}

void
mq_shaken(struct mq *mq)
{
	ev_timer_stop(loop, &mq->limit);
	mq->state = MQ_UP;
	mq->since = ev_now(loop);
	if (mq->heartbeat > 0) {
		ev_timer_set(&mq->beat, mq->heartbeat / 2.,
		    mq->heartbeat / 2.);
		ev_timer_start(loop, &mq->beat);
	}
	for (uint16_t i = 0; i < mq->nchannels; i++)
		if (mq->channels[i] != NULL)
			mq->channels[i]->ops->connected(mq->channels[i]);
	mq->ops->up(mq);
}

/* --- the outside --- */

static void
init_timer(struct mq *mq, ev_timer *t,
    void (*run)(struct ev_loop *, ev_timer *, int))
{
	ev_init(t, run);
	t->data = mq;
}

struct mq *
mq_open(const struct mq_settings *set, const struct mq_ops *ops)
{
	struct mq *mq = mem_new(sizeof *mq);

	mq->set = *set;
	mq->ops = ops;
	mq->fd = -1;
	mq->pause = (struct pause){ .first = PAUSE, .longest = set->retry };
	mq->in.max = 2 * FRAME_MAX;
	mq->out.max = OUT_HIGH + set->max + OUT_SLACK;
	mq->resolver.done = resolved;
	init_amqp_pool(&mq->pool, 4096);
	init_timer(mq, &mq->limit, too_late);
	init_timer(mq, &mq->retry, retry);
	init_timer(mq, &mq->beat, beat);
	init_timer(mq, &mq->fall, take_down);
	ev_init(&mq->readable, readable);
	ev_init(&mq->writable, writable);
	mq->readable.data = mq->writable.data = mq;
	/* links settle what they write in the turn's end, and the broker is
	 * told in the same */
	if (hook.run == NULL) {
		hook.run = flush;
		hook.last = 1;
		loop_before_sleep(&hook);
	}
	mq->next = all;
	all = mq;
	ev_timer_set(&mq->retry, 0., 0.);
	ev_timer_start(loop, &mq->retry);
	return mq;
}

int
mq_is_up(const struct mq *mq)
{
	return mq->state == MQ_UP && !mq->lost;
}

void
mq_close(struct mq *mq, int64_t ms)
{
	if (mq->ending)
		return;
	mq->ending = 1;
	ev_timer_stop(loop, &mq->retry);
	ev_timer_stop(loop, &mq->limit);
	pump(mq);
	if (!mq_is_up(mq) || mq_goodbye(mq) == -1) {
		mq_lost(mq, 0, "closed");
		return;
	}
	mq->state = MQ_CLOSING;
	ev_timer_set(&mq->limit, (double)ms / 1000., 0.);
	ev_timer_start(loop, &mq->limit);
}
