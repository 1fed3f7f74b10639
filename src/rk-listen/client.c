/* SPDX-License-Identifier: ISC */
#include "client.h"
#include "endpoints.h"
#include "event.h"
#include "grant.h"
#include "head.h"
#include "log.h"
#include "pending.h"
#include "send.h"
#include "throttle.h"
#include "web.h"

/*
 * WebSocket clients, from the request to the last frame.  A connection is in
 * the roster from its `open` (or its question, with --ask) to its `close`.
 */

int draining;

const struct endpoint *
client_endpoint(struct str path, int http, struct captures **found,
    int *sound)
{
	static struct captures c = { .user = { .max = NAME_BYTES },
	    .params = { .max = 6 * HTTP_HEAD_MAX } };
	const struct endpoint *e;
	int r;

	*found = &c;
	for (e = endpoints; e != NULL; e = e->next) {
		if (e->http != http)
			continue;
		r = endpoint_match(e, path, &c);
		*sound = r == 1;
		if (r != 0)
			return e;
	}
	return NULL;
}

/* ---- coming ---------------------------------------------------------- */

int
client_unwelcome(const struct endpoint *e, const struct http_head *h, int sound)
{
	struct str origin = http_header(h, "origin");

	if (e == NULL)
		return 404;
	if (!sound)
		return 400;
	if (draining)
		return 503;
	if (e->origins != NULL && origin.p != NULL &&
	    !endpoint_origin(e->origins, origin))
		return 403;
	return 0;
}

static void
tell_open(struct conn *c, const struct http_head *h,
    const struct captures *found)
{
	struct buf *b = event_begin("open");

	frame_text(b, "proto", str_of(c->endpoint->dialect->proto));
	if (c->pending)
		frame_flag(b, "pending");
	head_put(b, c->ws, h, found);
	event_keep(c);
}

static void
upgrade(struct ws_conn *ws, const struct http_head *h)
{
	struct captures *found;
	struct str chosen = { NULL, 0 };
	int sound = 0, status, r;
	const struct endpoint *e = client_endpoint(h->path, 0, &found, &sound);
	struct grant grant;
	struct conn *c;

	if (e != NULL && e->dialect->upgrade != NULL) {
		e->dialect->upgrade(ws, e, h);
		return;
	}
	status = client_unwelcome(e, h, sound);
	if (status == 0) {
		r = endpoint_subprotocol(e,
		    http_header(h, "sec-websocket-protocol"), &chosen);
		status = r == -1 ? 400 : 0;
	}
	if (status == 0 && !grant_read(&grant, e, h))
		status = 401;
	if (status != 0) {
		web_answer(ws, status, "");
		return;
	}
	c = conn_make(ws, e, KIND_WS);
	ws_set_data(ws, c);
	grant_take(c, &grant);
	if (chosen.p != NULL)
		c->subprotocol = mem_strn(chosen.p, chosen.n);
	if (e->with & WITH_HEADERS)
		c->headers = head_headers(h);
	if (buf_size(&found->user) > 0) {
		struct str user = buf_str(&found->user);
		user_set(c, &user);
	}
	c->pending = e->ask != 0;
	conn_enter(c);
	tell_open(c, h, found);
	if (c->pending)
		pending_wait(c);
	else
		ws_accept(ws, c->subprotocol);
}

static void
opened(struct ws_conn *ws)
{
	struct conn *c = ws_data(ws);

	c->open = 1;
	event_counts.opens++;
	event_release(c);
}

/* ---- saying ---------------------------------------------------------- */

/* Bytes of a payload as it stands in a frame: behind the colon of its key. */
static size_t
payload_size(const struct buf *b, size_t from)
{
	const char *colon = memchr(b->data + from, ':', b->len - from);

	return (size_t)(b->data + b->len - colon) - 1;
}

int
client_may_say(struct conn *c, size_t n)
{
	if (throttle_said(c, n))
		return 1;
	ws_close(c->ws, 1008, STR("too fast"));
	return 0;
}

void
client_too_big(struct conn *c)
{
	ws_close(c->ws, 1009, STR("message too big"));
}

void
client_said(struct conn *c, struct str bytes, int binary)
{
	struct buf *b;
	size_t from;
	int r;

	if (!client_may_say(c, bytes.n))
		return;
	b = event_begin("message");
	from = buf_size(b);
	r = binary ? frame_add_binary(b, bytes, c->endpoint->binary_json) :
	    frame_add_text(b, bytes);
	if (r == -1 || payload_size(b, from) > link_max() ||
	    event_post(c, LINK_WORK) == -1)
		client_too_big(c);
}

static void
said(struct ws_conn *ws, struct str bytes, int binary)
{
	client_said(ws_data(ws), bytes, binary);
}

/* ---- going ----------------------------------------------------------- */

static void
tell_close(struct conn *c, const struct ws_end *end)
{
	struct buf *b = event_begin("close");

	frame_num(b, "code", end->code);
	if (end->reason.n > 0)
		frame_text(b, "reason", end->reason);
	frame_text(b, "by", strcmp(end->by, "error") == 0 ? STR("server") :
	    str_of(end->by));
	event_post(c, LINK_ANSWER);
	event_counts.closes++;
}

void
client_gone(struct conn *c, const struct ws_end *end)
{
	c->open = 0;
	throttle_end(c);
	if (end->messages > 0)
		send_lost(c, LOST_CLOSED, end->messages, end->bytes);
	send_tell_lost(c, "closed");
	tell_close(c, end);
	c->ws = NULL;
	event_release(c);
}

static void
closed(struct ws_conn *ws, const struct ws_end *end)
{
	client_gone(ws_data(ws), end);
}

/* It never was open: nobody was told, unless somebody was asked. */
static void
failed(struct ws_conn *ws, int status, const char *why)
{
	static const struct ws_end end = { .code = 1006, .by = "client" };
	struct conn *c = ws_data(ws);

	(void)status;
	if (c == NULL)
		return;
	pending_over(c);
	if (c->kind == KIND_WS && c->endpoint->ask) {
		client_gone(c, &end);
		return;
	}
	if (why != NULL)
		info("request %llu: %s", (unsigned long long)c->n, why);
	event_over(c);
	c->ws = NULL;
	event_forget(c);
}

/* ---- raw WebSockets -------------------------------------------------- */

static void
accept_raw(struct conn *c)
{
	ws_accept(c->ws, c->subprotocol);
}

static void
kick_raw(struct conn *c, int code, struct str reason)
{
	ws_close(c->ws, code, reason);
}

static void
read_raw(struct conn *c, int on)
{
	ws_read(c->ws, on);
}

/* Its payload alone, or with --wrap. */
static struct str
way_raw(const struct conn *c)
{
	return c->endpoint->wrap ? STR("wrap") : STR("");
}

static struct buf bytes;

static struct ws_msg *
plain(const struct frame *f)
{
	int binary = 0;

	if (frame_has(f, K_DATA))
		return ws_msg_new(WS_TEXT, f->v[K_DATA]);
	bytes.max = link_line_max();
	buf_clear(&bytes);
	if (frame_payload_bytes(f, &bytes, &binary) != 1)
		return NULL;
	return ws_msg_new(binary ? WS_BINARY : WS_TEXT, buf_str(&bytes));
}

/* {"event":E,"data":D}; a text is data, too; base64 keeps its name. */
static struct ws_msg *
wrapped(const struct frame *f)
{
	const char *why;
	int k = frame_payload(f, &why);

	bytes.max = link_line_max() + 64;
	buf_clear(&bytes);
	buf_addc(&bytes, '{');
	if (frame_has(f, K_EVENT)) {
		buf_adds(&bytes, STR("\"event\":"));
		buf_adds(&bytes, f->v[K_EVENT]);
		buf_addc(&bytes, ',');
	}
	buf_adds(&bytes, k == K_BASE64 ? STR("\"base64\":") :
	    STR("\"data\":"));
	buf_adds(&bytes, f->v[k]);
	buf_addc(&bytes, '}');
	return ws_msg_new(WS_TEXT, buf_str(&bytes));
}

static struct ws_msg *
write_raw(struct str way, const struct frame *f)
{
	return way.n > 0 ? wrapped(f) : plain(f);
}

const struct dialect raw_dialect = {
	.proto = "ws",
	.way = way_raw,
	.write = write_raw,
	.accept = accept_raw,
	.kick = kick_raw,
	.read = read_raw
};

const struct ws_ops client_ops = {
	.request = web_came,
	.body = web_body,
	.upgrade = upgrade,
	.open = opened,
	.message = said,
	.drained = send_drained,
	.close = closed,
	.failed = failed
};
