/* SPDX-License-Identifier: ISC */

/*
 * TLS before everything else: a relay owns the network's socket and one end
 * of a pair of Unix sockets, whose other end goes on as a plain connection
 * does, through request.c to libwebsockets, which cannot be given a session
 * that we began.
 *
 *  - What comes is decrypted into the pair.  What the pair's other end writes
 *    (answers to requests, libwebsockets' pongs and close frames) is
 *    encrypted.  Messages do not take that way: out.c writes them straight
 *    into the session, by relay_write().
 *  - Both go between the same frames: libwebsockets writes a short frame in
 *    one piece, and the pair is read to its end, or nothing is written
 *    meanwhile (cut).
 *  - Bounded: one record each way, the pair, and one write of out.c.  What is
 *    full one side is not read on the other.
 *  - It begins with the connection, whose time limit for the head is the one
 *    of the handshake (handshake.c), too.  It may outlive it: last bytes have
 *    END_SECONDS.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../loop.h"
#include "../tls.h"
#include "conn.h"

#define PAIR		32768	/* bytes of the pair; the kernel takes twice */
#define READS		4	/* records in one event */
#define END_SECONDS	30

struct relay {
	struct tls *tls;	/* a write needs this, out and the flags */
	struct ws_conn *conn;	/* NULL: it is over, last bytes leave */
	unsigned up : 1;	/* the handshake is done */
	unsigned cut : 1;	/* the rest of what was read may follow; at
				   first the answer to the upgrade */
	unsigned eof : 1;	/* the network will say nothing more */
	unsigned fin : 1;	/* the pair will not */
	unsigned said : 1;	/* and neither do we */
	struct buf out, in;	/* what the network, the pair did not take */
	ev_io net, pair;
	ev_timer limit;
	struct relay *next, **prev;	/* all of them */
};

static struct relay *relays;
static char record[TLS_RECORD];

/* ---- the end --------------------------------------------------------- */

static void
end(struct relay *r)
{
	if (r->conn != NULL)
		r->conn->relay = NULL;
	else
		tally.leaving--;
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	ev_io_stop(loop, &r->net);
	ev_io_stop(loop, &r->pair);
	ev_timer_stop(loop, &r->limit);
	close(r->net.fd);
	close(r->pair.fd);
	tls_free(r->tls);
	buf_free(&r->in);
	buf_free(&r->out);
	free(r);
	listen_update();
}

static void
too_late(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)events;
	end(w->data);
	drain_update();
}

/* ---- what is waited for ---------------------------------------------- */

static void
watch(ev_io *w, int events)
{
	if (ev_is_active(w) && w->events == events)
		return;
	ev_io_stop(loop, w);
	ev_io_set(w, w->fd, events);
	if (events != 0)
		ev_io_start(loop, w);
}

/* While hands are shaken the other end of the pair writes nothing. */
static void
update(struct relay *r)
{
	int talks = buf_size(&r->out) > 0 || (r->fin && !r->said);
	int hears = !r->eof && r->conn != NULL && buf_size(&r->in) == 0;

	if (!r->up) {
		watch(&r->net, tls_wants_write(r->tls) ? EV_WRITE : EV_READ);
		return;
	}
	watch(&r->net, (hears ? EV_READ : 0) | (talks ? EV_WRITE : 0));
	watch(&r->pair, (!talks && !r->fin ? EV_READ : 0) |
	    (buf_size(&r->in) > 0 ? EV_WRITE : 0));
}

/* ---- from the network to the pair ------------------------------------ */

/* How many bytes it took.  Who has closed the other end hears nothing more,
 * but what he said last is still in there. */
static size_t
pair_send(struct relay *r, const char *p, size_t n)
{
	ssize_t sent = send(r->pair.fd, p, n, 0);

	if (sent >= 0)
		return (size_t)sent;
	if (errno == EAGAIN)
		return 0;
	r->eof = 1;
	return n;
}

static int
hear(struct relay *r)
{
	for (int i = 0; i < READS; i++) {
		ssize_t n = tls_read(r->tls, record, sizeof record);
		size_t sent;

		if (n == 0) {
			r->eof = 1;
			shutdown(r->pair.fd, SHUT_WR);
		}
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 1 : -1;
		sent = pair_send(r, record, (size_t)n);
		if (sent < (size_t)n) {
			r->in.max = TLS_RECORD;
			buf_add(&r->in, record + sent, (size_t)n - sent);
			return 1;
		}
	}
	return 1;
}

static void
pass_on(struct relay *r)
{
	struct str rest = buf_str(&r->in);

	buf_take(&r->in, pair_send(r, rest.p, rest.n));
	if (buf_size(&r->in) == 0)
		buf_free(&r->in);
}

/* ---- from the pair to the network ------------------------------------ */

static void
keep(struct relay *r, const char *p, size_t n)
{
	r->out.max = buf_size(&r->out) + n;
	buf_add(&r->out, p, n);
}

/* How many bytes it took: all, or as far as a record that the network did not
 * take, which is kept; -1: it is broken. */
static ssize_t
say(struct relay *r, const char *p, size_t n)
{
	size_t done = 0, left;
	ssize_t wrote;

	for (; (left = n - done) > 0; done += (size_t)wrote) {
		wrote = tls_write(r->tls, p + done, left);
		if (wrote == -1 && errno != EAGAIN)
			return -1;
		if (wrote == -1) {
			left = left < TLS_RECORD ? left : TLS_RECORD;
			keep(r, p + done, left);
			return (ssize_t)(done + left);
		}
	}
	return (ssize_t)n;
}

static int
say_rest(struct relay *r)
{
	while (buf_size(&r->out) > 0) {
		ssize_t n = tls_write(r->tls, r->out.data + r->out.pos,
		    buf_size(&r->out));

		if (n == -1)
			return errno == EAGAIN ? 1 : -1;
		buf_take(&r->out, (size_t)n);
	}
	buf_free(&r->out);
	return 1;
}

static int
say_goodbye(struct relay *r)
{
	if (tls_goodbye(r->tls) == -1)
		return errno == EAGAIN ? 1 : -1;
	r->said = 1;
	shutdown(r->net.fd, SHUT_WR);
	return 1;
}

/* A pair that was closed with bytes of ours in it ends in a reset. */
static int
take(struct relay *r)
{
	ssize_t n = recv(r->pair.fd, record, sizeof record, 0);

	if (n == -1 && errno == EAGAIN)
		return 1;
	if (n <= 0) {
		r->fin = 1;
		return 1;
	}
	r->cut = n == sizeof record;
	return say(r, record, (size_t)n) == -1 ? -1 : 1;
}

/* ---- events ---------------------------------------------------------- */

static int
net_ready(struct relay *r, int events)
{
	int done;

	if (!r->up) {
		done = handshake_step(r->tls, r->net.fd, r->conn);
		r->up = done == 1;
		return done;
	}
	if (events & EV_WRITE && say_rest(r) == -1)
		return -1;
	if (events & EV_READ && !r->eof && buf_size(&r->in) == 0)
		return hear(r);
	return 1;
}

static int
pair_ready(struct relay *r, int events)
{
	if (events & EV_WRITE && buf_size(&r->in) > 0)
		pass_on(r);
	if (events & EV_READ && !r->fin && buf_size(&r->out) == 0)
		return take(r);
	return 1;
}

/* What follows from it: -1: nothing more will happen. */
static int
follow(struct relay *r)
{
	struct ws_conn *c = r->conn;

	if (r->fin && !r->said && buf_size(&r->out) == 0 &&
	    say_goodbye(r) == -1)
		return -1;
	if (c != NULL && c->blocked && !relay_busy(r)) {
		c->missed = 0;
		conn_mark(c);
	}
	return c == NULL && r->said ? -1 : 1;
}

static void
event(struct ev_loop *l, ev_io *w, int events)
{
	struct relay *r = w->data;
	int ok = w == &r->net ? net_ready(r, events) : pair_ready(r, events);

	(void)l;
	if (ok != -1 && follow(r) != -1) {
		update(r);
		return;
	}
	end(r);
	drain_update();
}

/* ---- for the rest of the folder -------------------------------------- */

static void
start(struct relay *r, ev_io *w, int fd)
{
	ev_io_init(w, event, fd, 0);
	w->data = r;
}

static void
link_in(struct relay *r)
{
	r->next = relays;
	r->prev = &relays;
	if (r->next != NULL)
		r->next->prev = &r->next;
	relays = r;
}

struct relay *
relay_new(int *fd)
{
	const int size = PAIR;
	struct relay *r;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) == -1)
		return NULL;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	r = mem_new(sizeof *r);
	r->tls = handshake_new(*fd);
	r->cut = 1;
	start(r, &r->net, *fd);
	start(r, &r->pair, pair[0]);
	ev_timer_init(&r->limit, too_late, END_SECONDS, 0);
	r->limit.data = r;
	link_in(r);
	*fd = pair[1];
	return r;
}

void
relay_join(struct relay *r, struct ws_conn *c)
{
	r->conn = c;
	c->relay = r;
	update(r);
}

void
relay_leave(struct ws_conn *c)
{
	struct relay *r = c->relay;

	if (r == NULL)
		return;
	if (!r->up)
		handshake_late();
	if (!r->up || r->said) {
		end(r);
		return;
	}
	c->relay = NULL;
	r->conn = NULL;
	buf_free(&r->in);
	tally.leaving++;
	ev_timer_start(loop, &r->limit);
	update(r);
}

void
relay_stop(void)
{
	while (relays != NULL)
		end(relays);
}

int
relay_fd(const struct relay *r)
{
	return r->net.fd;
}

void
relay_look_ahead(const struct relay *r)
{
	tls_look_ahead(r->tls);
}

int
relay_busy(const struct relay *r)
{
	return r->cut || r->fin || relay_holds(r);
}

int
relay_holds(const struct relay *r)
{
	return buf_size(&r->out) > 0;
}

ssize_t
relay_write(struct relay *r, const unsigned char *p, size_t n)
{
	ssize_t took = say(r, (const char *)p, n);

	if (took == -1)
		end(r);
	else if (relay_holds(r))
		update(r);
	return took;
}

void
relay_keep(struct relay *r, const unsigned char *p, size_t n)
{
	keep(r, (const char *)p, n);
}
