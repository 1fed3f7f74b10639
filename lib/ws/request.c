/* SPDX-License-Identifier: ISC */

/*
 * The HTTP request that every server connection begins with.  We read and
 * check it ourselves: what libwebsockets 4.1 does with pipelined, chunked,
 * dripping and half-known requests is a list of traps; here it gets the socket
 * when the upgrade is decided, with a head that holds nothing of the peer's but
 * its 24-letter key.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"

#define READ_SIZE	4096

static int
head_seconds(void)
{
	return config.head_ms > 0 ? (int)((config.head_ms + 999) / 1000) : 10;
}

/* ---- deciding -------------------------------------------------------- */

/* RFC 6455 4.1: 16 bytes in base64. */
static int
is_key(struct str s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	return s.n == 24 && memcmp(s.p + 22, "==", 2) == 0 &&
	    strspn(s.p, digits) == 22;
}

static void
upgrade(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;
	struct str key = http_header(h, "sec-websocket-key");

	tally.upgrades++;
	r->upgrade = 1;
	if (!str_eq(h->method, STR("GET"))) {
		request_refuse(c, 405, "Allow: GET\r\n");
		return;
	}
	if (!str_eq(http_header(h, "sec-websocket-version"), STR("13"))) {
		request_refuse(c, 426, "Upgrade: websocket\r\n"
		    "Sec-WebSocket-Version: 13\r\n");
		return;
	}
	if (h->minor < 1 || h->length > 0 || !is_key(key) ||
	    !http_has_token(h, "connection", "upgrade")) {
		request_refuse(c, 400, "");
		return;
	}
	memcpy(r->key, key.p, 24);
	c->state = CONN_ASKED;
	timer_set(c, 60);
	if (c->ops->upgrade != NULL)
		c->ops->upgrade(c, h);
	else
		request_refuse(c, 404, "");
}

static void
ask(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;
	struct str body = { r->in.data + r->in.pos + r->head,
	    h->length > 0 ? (size_t)h->length : 0 };

	tally.requests++;
	request_want(r, 0);
	c->state = CONN_ASKED;
	timer_set(c, 60);
	if (c->ops->request != NULL)
		c->ops->request(c, h, body);
	else
		request_refuse(c, 404, "");
}

static void
body_next(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;
	size_t max = 0, n = h->length > 0 ? (size_t)h->length : 0;

	if (c->state == CONN_HEAD && n > 0) {
		if (c->ops->body != NULL)
			max = c->ops->body(c, h);
		if (n > max) {
			request_refuse(c, 413, "");
			return;
		}
		r->in.max = r->head + n;
	}
	c->state = CONN_BODY;
	if (buf_size(&r->in) >= r->head + n)
		ask(c, h);
}

/* Looks at all that has come; the head is parsed again when its body grows,
 * for its spans may have moved. */
static void
look(struct ws_conn *c)
{
	struct request *r = c->request;
	struct http_head h;
	int status;
	ssize_t n;

	if (c->state == CONN_BODY &&
	    buf_size(&r->in) < r->in.max)
		return;
	n = http_parse(&h, buf_str(&r->in), &status);
	if (n == 0)
		return;
	r->no_body = n > 0 && str_eq(h.method, STR("HEAD"));
	r->head = n > 0 ? (size_t)n : 0;
	if (n == -1)
		request_refuse(c, status, "");
	else if (c->state == CONN_HEAD &&
	    http_has_token(&h, "upgrade", "websocket"))
		upgrade(c, &h);
	else
		body_next(c, &h);
}

/* ---- reading --------------------------------------------------------- */

static void
read_more(struct ws_conn *c)
{
	struct request *r = c->request;
	ssize_t n = buf_read(&r->in, r->fd, READ_SIZE);

	if (n > 0)
		look(c);
	else if (n == 0 || errno != EAGAIN)
		request_hang_up(c, "connection lost");
}

/* Somebody waits to be accepted: has he left? */
static void
look_for_end(struct ws_conn *c)
{
	char byte;
	ssize_t n = recv(c->request->fd, &byte, 1, MSG_PEEK);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		request_hang_up(c, "connection lost");
	else if (n == 1)
		request_want(c->request, 0);
}

static void
discard(struct ws_conn *c)
{
	static char nothing[16384];
	ssize_t n = read(c->request->fd, nothing, sizeof nothing);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		request_hang_up(c, NULL);
}

static void
event(struct ev_loop *l, ev_io *w, int events)
{
	struct ws_conn *c = w->data;

	(void)l;
	(void)events;
	switch (c->state) {
	case CONN_HEAD:
	case CONN_BODY:
		read_more(c);
		break;
	case CONN_ASKED:
		look_for_end(c);
		break;
	case CONN_ANSWER:
		conn_mark(c);
		break;
	case CONN_LINGER:
		discard(c);
		break;
	default:
		break;
	}
}

/* ---- life ------------------------------------------------------------ */

void
request_want(struct request *r, int events)
{
	ev_io_stop(loop, &r->io);
	ev_io_set(&r->io, r->fd, events);
	if (events != 0)
		ev_io_start(loop, &r->io);
}

void
request_hang_up(struct ws_conn *c, const char *why)
{
	struct request *r = c->request;

	ev_io_stop(loop, &r->io);
	close(r->fd);
	r->fd = -1;
	conn_over(c, why);
}

void
request_new(int fd, const struct ws_ops *ops)
{
	struct ws_conn *c = conn_new(ops, CONN_HEAD);
	struct request *r = mem_new(sizeof *r);

	tally.accepted++;
	c->request = r;
	r->fd = fd;
	r->file = -1;
	r->in.max = HTTP_HEAD_MAX;
	ev_io_init(&r->io, event, fd, EV_READ);
	r->io.data = c;
	ev_io_start(loop, &r->io);
	timer_set(c, head_seconds());
}

void
ws_accept(struct ws_conn *c, const char *subprotocol)
{
	if (c->state != CONN_ASKED || !c->request->upgrade)
		return;
	if (subprotocol != NULL)
		c->request->subprotocol = mem_str(subprotocol);
	c->state = CONN_UPGRADE;
	timer_set(c, head_seconds());
	conn_mark(c);
}

/* What came behind the head goes along. */
void
request_upgrade(struct ws_conn *c)
{
	struct request *r = c->request;
	struct str rest = buf_str(&r->in);
	struct buf head = BUF(512 + HTTP_HEAD_MAX);
	int fd = r->fd;

	buf_addf(&head, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %s\r\n\r\n", r->key);
	buf_add(&head, rest.p + r->head, rest.n - r->head);
	ev_io_stop(loop, &r->io);
	r->fd = -1;
	conn_adopt(c, fd, buf_str(&head));
	buf_free(&head);
}

void
request_expired(struct ws_conn *c)
{
	struct request *r = c->request;

	if (c->state == CONN_ASKED)
		timer_set(c, 60);	/* the program has its own deadline */
	else if (c->state == CONN_UPGRADE)
		conn_kill(c);
	else if (c->state <= CONN_BODY && buf_size(&r->in) > 0)
		request_refuse(c, 408, "");
	else
		request_hang_up(c,
		    c->state == CONN_LINGER ? NULL : "timed out");
}

void
request_drop(struct ws_conn *c)
{
	if (c->request->fd != -1)
		request_hang_up(c, "stopping");
}

void
request_free(struct ws_conn *c)
{
	struct request *r = c->request;

	if (r == NULL)
		return;
	c->request = NULL;
	ev_io_stop(loop, &r->io);
	if (r->fd != -1)
		close(r->fd);
	if (r->file != -1)
		close(r->file);
	buf_free(&r->in);
	buf_free(&r->out);
	free(r->subprotocol);
	free(r);
}

const char *
request_subprotocol(const struct ws_conn *c)
{
	return c->request != NULL ? c->request->subprotocol : NULL;
}

int
request_fd(const struct ws_conn *c)
{
	return c->request->fd;
}
