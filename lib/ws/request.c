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

#define READ_SIZE	16384

static int
seconds(int64_t ms, int otherwise)
{
	return ms > 0 ? (int)((ms + 999) / 1000) : otherwise;
}

int
request_body_seconds(void)
{
	return seconds(config.body_ms, 30);
}

int
request_keep(struct request *r)
{
	size_t n = buf_size(&r->in) + buf_size(&r->out);

	if (n > r->kept && !limit_keep(n - r->kept))
		return 0;
	if (n < r->kept)
		limit_forget(r->kept - n);
	r->kept = n;
	return 1;
}

static void
is_whole(struct request *r)
{
	limit_forget(r->kept);
	r->kept = 0;
}

/* The program has seen it. */
static void
forget(struct request *r, size_t n)
{
	buf_take(&r->in, n);
	if (buf_size(&r->in) == 0)
		buf_free(&r->in);
	request_keep(r);
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
	if (h->minor < 1 || h->length > 0 || h->chunked || !is_key(key) ||
	    !http_has_token(h, "connection", "upgrade")) {
		request_refuse(c, 400, "");
		return;
	}
	if (!admit_handshake()) {
		request_put_off(c, LIMIT_RATE);
		return;
	}
	memcpy(r->key, key.p, 24);
	is_whole(r);
	c->state = CONN_ASKED;
	timer_set(c, 60);
	if (c->ops->upgrade != NULL)
		c->ops->upgrade(c, h);
	else
		request_refuse(c, 404, "");
	forget(r, r->head);
}

static void
ask(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;
	struct str body = { r->in.data + r->in.pos + r->head, r->body };

	tally.requests++;
	is_whole(r);
	request_want(r, 0);
	c->state = CONN_ASKED;
	timer_set(c, 60);
	if (c->ops->request != NULL)
		c->ops->request(c, h, body);
	else
		request_refuse(c, 404, "");
	forget(r, buf_size(&r->in));
}

static void
body_too_large(struct ws_conn *c)
{
	limit_conn(LIMIT_BODY, c);
	request_refuse(c, 413, "");
}

/* What came of a body in chunks, decoded where it is: 1: it is whole. */
static int
unchunk(struct ws_conn *c)
{
	struct request *r = c->request;
	size_t before = r->head + r->body, size = buf_size(&r->in) - before;
	int over = http_unchunk(&r->chunks, r->in.data + r->in.pos + before,
	    &size);

	r->body += size;
	r->in.len = r->in.pos + before + size;
	request_keep(r);
	if (over == -1)
		request_refuse(c, 400, "");
	else if (r->chunks.left > r->body_max ||
	    r->body > r->body_max - r->chunks.left)
		body_too_large(c);
	else
		return over;
	return 0;
}

static void
body_begin(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;

	r->body = h->length > 0 ? (size_t)h->length : 0;
	r->chunked = h->chunked;
	c->state = CONN_BODY;
	if (r->body == 0 && !r->chunked)
		return;
	if (c->ops->body != NULL)
		r->body_max = c->ops->body(c, h);
	if (r->body > r->body_max) {
		body_too_large(c);
		return;
	}
	r->in.max = r->head + (r->chunked ? r->body_max + READ_SIZE : r->body);
	timer_set(c, request_body_seconds());
}

static int
body_is_there(struct ws_conn *c)
{
	struct request *r = c->request;

	if (c->state != CONN_BODY)
		return 0;
	return r->chunked ? unchunk(c) :
	    buf_size(&r->in) >= r->head + r->body;
}

/* Whose it is is known now, when it came through a proxy. */
static int
admitted(struct ws_conn *c, const struct http_head *h)
{
	struct request *r = c->request;

	if (!networks_have(config.trusted, &r->address))
		return 1;
	r->address = address_forwarded(config.trusted, r->address, h);
	return admit_peer(c, &r->address);
}

static void
read_head(struct ws_conn *c, const struct http_head *h)
{
	if (!admitted(c, h))
		request_put_off(c, LIMIT_PEER);
	else if (http_has_token(h, "upgrade", "websocket"))
		upgrade(c, h);
	else {
		body_begin(c, h);
		if (body_is_there(c))
			ask(c, h);
	}
}

static void
bad_head(struct ws_conn *c, int status)
{
	if (status == 414 || status == 431)
		limit_conn(LIMIT_HEAD, c);
	request_refuse(c, status, "");
}

static void
look_at_head(struct ws_conn *c)
{
	struct request *r = c->request;
	struct http_head h;
	int status;
	ssize_t n = http_parse(&h, buf_str(&r->in), &status);

	if (n == 0 && buf_size(&r->in) < r->in.max)
		return;
	r->no_body = n > 0 && str_eq(h.method, STR("HEAD"));
	r->head = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		bad_head(c, status);
	else
		read_head(c, &h);
}

/* The head is parsed again when its body is whole, for its spans have
 * moved. */
static void
look_at_body(struct ws_conn *c)
{
	struct request *r = c->request;
	struct str head = { r->in.data + r->in.pos, r->head };
	struct http_head h;
	int status;

	if (body_is_there(c) && http_parse(&h, head, &status) > 0)
		ask(c, &h);
}

/* ---- reading --------------------------------------------------------- */

/* No more room is made than has come: many who say little take little.  A
 * head is looked at when it has a line more. */
static void
read_more(struct ws_conn *c)
{
	static char bytes[READ_SIZE];
	struct request *r = c->request;
	size_t room = r->in.max - buf_size(&r->in);
	ssize_t n = read(r->fd, bytes, room < sizeof bytes ? room :
	    sizeof bytes);

	if (n == 0 || (n == -1 && errno != EAGAIN)) {
		request_hang_up(c, "connection lost");
		return;
	}
	if (n == -1)
		return;
	buf_add(&r->in, bytes, (size_t)n);
	if (!request_keep(r))
		request_put_off(c, LIMIT_UNFINISHED);
	else if (c->state == CONN_BODY)
		look_at_body(c);
	else if ((size_t)n == room || memchr(bytes, '\n', (size_t)n) != NULL)
		look_at_head(c);
}

void
ws_watch(struct ws_conn *c)
{
	if (c->state == CONN_ASKED)
		request_want(c->request, EV_READ);
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

struct ws_conn *
request_new(int fd, const struct ws_ops *ops, const struct address *from)
{
	struct ws_conn *c = conn_new(ops, CONN_HEAD);
	struct request *r = mem_new(sizeof *r);

	tally.accepted++;
	c->request = r;
	r->fd = fd;
	r->file = -1;
	r->address = *from;
	r->in.max = config.max_head > 0 ? config.max_head : HTTP_HEAD_MAX;
	ev_io_init(&r->io, event, fd, EV_READ);
	r->io.data = c;
	ev_io_start(loop, &r->io);
	timer_set(c, seconds(config.head_ms, 10));
	if (!networks_have(config.trusted, from))
		admit_peer(c, from);
	return c;
}

void
ws_accept(struct ws_conn *c, const char *subprotocol)
{
	if (c->state != CONN_ASKED || !c->request->upgrade)
		return;
	if (subprotocol != NULL)
		c->request->subprotocol = mem_str(subprotocol);
	c->state = CONN_UPGRADE;
	timer_set(c, seconds(config.head_ms, 10));
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
	buf_adds(&head, rest);
	ev_io_stop(loop, &r->io);
	r->fd = -1;
	conn_adopt(c, fd, buf_str(&head));
	buf_free(&head);
}

void
request_expired(struct ws_conn *c)
{
	static const enum limit_reason reasons[] = {
		[CONN_HEAD] = LIMIT_HEAD_TIME, [CONN_BODY] = LIMIT_BODY_TIME,
		[CONN_ANSWER] = LIMIT_ANSWER_TIME
	};
	struct request *r = c->request;

	switch (c->state) {
	case CONN_ASKED:
		timer_set(c, 60);	/* the program has its own deadline */
		return;
	case CONN_UPGRADE:
		conn_kill(c);
		return;
	case CONN_LINGER:
		request_hang_up(c, NULL);
		return;
	}
	limit_conn(reasons[c->state], c);
	if (c->state != CONN_ANSWER && buf_size(&r->in) > 0)
		request_refuse(c, 408, "");
	else
		request_hang_up(c, "timed out");
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
	request_keep(r);
	free(r->subprotocol);
	free(r);
}

const char *
request_subprotocol(const struct ws_conn *c)
{
	return c->request != NULL ? c->request->subprotocol : NULL;
}

struct address
request_address(const struct ws_conn *c)
{
	return c->request->address;
}
