/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "client.h"
#include "docroot.h"
#include "event.h"
#include "grant.h"
#include "head.h"
#include "metrics.h"
#include "pending.h"
#include "web.h"

#define IGNORED_BODY	(64 << 10)	/* read of what nobody wants */

static uint64_t requests;

const struct figure web_figures[] = {
	{ "requests_total", &requests, "HTTP requests put to the router" },
	{ NULL, NULL, NULL }
};

void
web_answer(struct ws_conn *ws, int status, const char *headers)
{
	char body[64], all[256], later[64] = "";

	if (status == 503)
		snprintf(later, sizeof later, "Retry-After: %d\r\n",
		    ws_retry_after());
	snprintf(body, sizeof body, "%d %s\n", status, http_reason(status));
	snprintf(all, sizeof all, "Content-Type: text/plain\r\n%s%s", later,
	    headers);
	ws_respond(ws, status, all, str_of(body));
}

static void
ask(struct ws_conn *ws, const struct endpoint *e, const struct http_head *h,
    const struct captures *found, struct str body)
{
	struct grant grant;
	struct conn *c;
	struct buf *b;

	if (!grant_read(&grant, e, h)) {
		web_answer(ws, 401, "WWW-Authenticate: Bearer\r\n");
		return;
	}
	c = conn_make(ws, e, KIND_HTTP);
	grant_take(c, &grant);
	b = event_begin("request");
	requests++;
	ws_set_data(ws, c);
	frame_text(b, "method", h->method);
	head_put(b, ws, h, found);
	if (body.n > 0 && utf8_check(body))
		frame_add_text(b, body);
	else if (body.n > 0)
		frame_add_binary(b, body, 0);
	if (buf_size(b) == 0 || buf_size(b) > link_line_max() - 1024) {
		web_answer(ws, 413, "");
		return;
	}
	event_keep(c);
	pending_wait(c);
}

static int
is(struct str s, const char *what)
{
	return str_eq(s, str_of(what));
}

static int
reads(const struct http_head *h)
{
	return is(h->method, "GET") || is(h->method, "HEAD");
}

static void
health(struct ws_conn *ws)
{
	if (draining || !link_present(router))
		web_answer(ws, 503, "");
	else
		ws_respond(ws, 200, "Content-Type: text/plain\r\n",
		    STR("ok\n"));
}

/* Pages of our own: 1, or 0 when there is none. */
static int
own(struct ws_conn *ws, const struct http_head *h)
{
	if (!reads(h))
		return 0;
	if (is(h->path, "/healthz"))
		health(ws);
	else if (is(h->path, "/metrics"))
		metrics_answer(ws);
	else
		return 0;
	return 1;
}

/* Nobody's, but perhaps a file's. */
static void
other(struct ws_conn *ws, const struct http_head *h)
{
	struct captures *found;
	int sound;

	if (reads(h) && docroot_answer(ws, h->path))
		return;
	if (client_endpoint(h->path, 0, &found, &sound) != NULL)
		web_answer(ws, 426, "Upgrade: websocket\r\n"
		    "Sec-WebSocket-Version: 13\r\n");
	else
		web_answer(ws, 404, "");
}

/* The endpoint whose dialect takes plain requests, or NULL. */
static const struct endpoint *
dialect_of(const struct http_head *h)
{
	struct captures *found;
	int sound;
	const struct endpoint *e = client_endpoint(h->path, 0, &found, &sound);

	return e != NULL && e->dialect->request != NULL ? e : NULL;
}

size_t
web_body(struct ws_conn *ws, const struct http_head *h)
{
	const struct endpoint *e;
	struct captures *found;
	int sound;

	(void)ws;
	if ((e = dialect_of(h)) != NULL)
		return (size_t)e->max_payload;
	return client_endpoint(h->path, 1, &found, &sound) != NULL ?
	    link_max() : IGNORED_BODY;
}

void
web_came(struct ws_conn *ws, const struct http_head *h, struct str body)
{
	struct captures *found;
	int sound = 0;
	/* in this order: what was found is the last one's */
	const struct endpoint *d = dialect_of(h),
	    *e = client_endpoint(h->path, 1, &found, &sound);

	if (own(ws, h))
		return;
	if (d != NULL)
		d->dialect->request(ws, d, h, body);
	else if (e == NULL)
		other(ws, h);
	else if (!sound)
		web_answer(ws, 400, "");
	else if (draining || !link_present(router) || link_room(router) == 0)
		web_answer(ws, 503, "");
	else
		ask(ws, e, h, found, body);
}
