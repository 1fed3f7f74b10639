/* SPDX-License-Identifier: ISC */

/*
 * Engine.IO over HTTP requests: the handshake, the GET that waits until there
 * is something to fetch, the POST that brings something, and the WebSocket
 * that may take over.
 *
 *  - All that a GET can be told is told once in a turn of the loop.
 *  - A POST is answered when all of its packets were taken; while a socket's
 *    events wait for the router the rest of its body does, too.
 *  - CORS and cookies are those of each version's server.
 */

#include <stdlib.h>

#include "client.h"
#include "dialect.h"
#include "endpoint.h"
#include "engine.h"
#include "head.h"
#include "link/link.h"
#include "loop.h"
#include "web.h"

#define ANSWER_MESSAGES	1024	/* in one answer */
#define ANSWER_BYTES	(4u << 20)
#define NOOP_PAUSE	0.1	/* seconds that a GET lives during a probe */

static struct buf lines = { .max = 3 * HTTP_HEAD_MAX }, body, bytes;

/* ---- answering ------------------------------------------------------- */

/* Who may read the answers: whoever asks, as in each version's server, with
 * cookies where that knows whom it lets in. */
static void
put_cors(const struct endpoint *e, int version, const struct http_head *h)
{
	struct str origin = http_header(h, "origin");

	buf_clear(&lines);
	if (origin.n == 0 || (version == 4 && e->origins == NULL)) {
		buf_adds(&lines, STR("Access-Control-Allow-Origin: *\r\n"));
		return;
	}
	buf_adds(&lines, STR("Access-Control-Allow-Credentials: true\r\n"
	    "Access-Control-Allow-Origin: "));
	buf_adds(&lines, origin);
	buf_adds(&lines, STR("\r\nVary: Origin\r\n"));
}

static const char *
headers(void)
{
	buf_addc(&lines, '\0');
	return lines.data + lines.pos;
}

/* Headers are in lines. */
static void
refuse(struct ws_conn *ws, enum eio_error why)
{
	body.max = link_line_max();
	buf_clear(&body);
	eio_error_write(&body, why);
	buf_adds(&lines, STR("Content-Type: application/json\r\n"));
	ws_respond(ws, why == EIO_FORBIDDEN ? 403 : 400, headers(),
	    buf_str(&body));
}

/* A request that may be asked across origins? */
static void
preflight(struct ws_conn *ws, const struct http_head *h)
{
	struct str wanted = http_header(h, "access-control-request-headers");

	buf_adds(&lines, STR("Access-Control-Allow-Methods: GET,POST\r\n"));
	if (wanted.n > 0) {
		buf_adds(&lines, STR("Access-Control-Allow-Headers: "));
		buf_adds(&lines, wanted);
		buf_adds(&lines, STR("\r\n"));
	}
	ws_respond(ws, 204, headers(), STR(""));
}

/* The request is no more the session's. */
static struct ws_conn *
release(struct ws_conn **at)
{
	struct ws_conn *ws = *at;

	*at = NULL;
	ws_set_data(ws, NULL);
	return ws;
}

static int
is_binary(const struct ws_msg *m)
{
	struct str payload;
	enum ws_kind kind;
	size_t at = 0;
	int binary = 0;

	while (ws_msg_next(m, &at, &kind, &payload))
		binary |= kind == WS_BINARY;
	return binary;
}

/* What is in the queue, in body; its form. */
static enum eio_form
put_queue(struct session *s)
{
	struct ws_msg *m[ANSWER_MESSAGES];
	struct str payload;
	enum eio_form form;
	enum ws_kind kind;
	size_t n, sum = 0, at, i;
	int binary = 0;

	for (n = 0; n < ANSWER_MESSAGES && sum < ANSWER_BYTES; n++) {
		if ((m[n] = ws_take(s->ws)) == NULL)
			break;
		sum += ws_msg_size(m[n]);
		binary |= is_binary(m[n]);
	}
	form = eio_form(s->version, binary && !s->polling->base64);
	for (i = 0; i < n; i++) {
		for (at = 0; ws_msg_next(m[i], &at, &kind, &payload); )
			eio_add(&body, form, payload, kind == WS_BINARY);
		ws_msg_drop(m[i]);
	}
	return form;
}

/* With what is in the queue, and with a packet of our own, which may be
 * NULL. */
static void
answer_get(struct session *s, int queue, const char *last)
{
	struct polling *x = s->polling;
	struct ws_conn *ws = release(&x->get);
	enum eio_form form;

	engine_counts.waiting--;
	buf_free(&body);
	body.max = 3 * (ANSWER_BYTES + link_line_max());
	form = queue ? put_queue(s) : eio_form(s->version, 0);
	if (last != NULL)
		eio_add(&body, form, str_of(last), 0);
	buf_clear(&lines);
	buf_adds(&lines, str_of(x->headers));
	buf_adds(&lines, form == EIO_BYTES ?
	    STR("Content-Type: application/octet-stream\r\n") :
	    STR("Content-Type: text/plain; charset=UTF-8\r\n"));
	ws_respond(ws, 200, headers(), buf_str(&body));
	x->noop = 0;
}

static void
answer_post(struct polling *x, const char *cors)
{
	struct ws_conn *ws = release(&x->post);

	engine_counts.posting--;
	buf_clear(&lines);
	buf_adds(&lines, str_of(cors));
	buf_adds(&lines, STR("Content-Type: text/html\r\n"));
	ws_respond(ws, 200, headers(), STR("ok"));
	buf_free(&x->rest);
}

/* ---- packets --------------------------------------------------------- */

/* Takes packets while nobody waits: 1 when all were. */
static int
take_packets(struct session *s)
{
	struct polling *x = s->polling;
	struct eio_body b = { x->form, buf_str(&x->rest),
	    x->rest.pos > 0 };
	struct eio_packet p;
	int r = 1, open = 1;

	bytes.max = (size_t)s->endpoint->max_payload;
	while (open && s->paused == 0 &&
	    (r = eio_next(&b, &p, &bytes)) == 1)
		open = engine_packet(s, &p);
	if (r == -1)
		engine_fail(s, "no packets");
	if (r != 1 || !open || b.rest.n == 0)
		return 1;
	buf_take(&x->rest, buf_size(&x->rest) - b.rest.n);
	return 0;
}

void
polling_turn(struct session *s)
{
	struct polling *x = s->polling;
	int over = !ws_is_open(s->ws);

	if (x->post != NULL && (over || take_packets(s)))
		answer_post(x, x->post_headers);
	over = !ws_is_open(s->ws);
	if (x->get != NULL && (over || ws_queued(s->ws) > 0)) {
		answer_get(s, 1, over ? "1" : NULL);
		if (over)
			ws_release(s->ws);
	}
}

void
polling_tick(struct session *s, double t)
{
	struct polling *x = s->polling;

	if (x->probe != NULL && x->until <= t)
		ws_close(x->probe, 1000, STR("upgrade timeout"));
	if (x->noop > 0 && x->noop <= t) {
		x->noop = 0;
		if (x->get != NULL)
			answer_get(s, 0, "6");
	}
}

/* ---- requests -------------------------------------------------------- */

static void
overlap(struct session *s, struct ws_conn *ws)
{
	engine_counts.overlaps++;
	web_answer(ws, s->version == 3 ? 500 : 400, "");
	engine_close(s, 1002, STR("two requests at once"), "server");
}

static void
keep(char **at)
{
	free(*at);
	*at = mem_strn(lines.data + lines.pos, buf_size(&lines));
}

static void
get(struct session *s, struct ws_conn *ws, const struct eio_query *q)
{
	struct polling *x = s->polling;

	if (x->get != NULL) {
		overlap(s, ws);
		return;
	}
	keep(&x->headers);
	x->get = ws;
	engine_counts.waiting++;
	x->base64 = q->base64 != 0;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	ws_watch(ws);
	if (x->probe != NULL && x->probed) {
		x->noop = ev_now(loop) + NOOP_PAUSE;
		engine_arm(s);
	}
	ws_turn(s->ws);
}

static void
post(struct session *s, struct ws_conn *ws, const struct http_head *h,
    struct str content)
{
	struct polling *x = s->polling;
	int is_bytes = str_eq(http_header(h, "content-type"),
	    STR("application/octet-stream"));

	if (x->post != NULL) {
		overlap(s, ws);
		return;
	}
	keep(&x->post_headers);
	x->post = ws;
	engine_counts.posting++;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	x->form = eio_form(s->version, is_bytes);
	buf_clear(&x->rest);
	if ((is_bytes && s->version == 4) ||
	    (!is_bytes && !utf8_check(content)) ||
	    buf_adds(&x->rest, content) == -1)
		engine_fail(s, "no packets");
	polling_turn(s);
}

/* What the `open` of its first connection says of the request. */
static void
keep_head(struct session *s, struct ws_conn *ws, const struct http_head *h)
{
	static const struct captures none = { .user = { .max = 1 } };
	struct buf b = BUF(link_line_max());

	buf_addc(&b, '{');		/* a frame that has begun */
	head_put(&b, ws, h, &none);
	if (buf_size(&b) > 0)
		s->head = mem_strn(b.data + 1, b.len - 1);
	buf_free(&b);
	if (s->endpoint->with & WITH_HEADERS)
		s->headers = head_headers(h);
}

static void
handshake(struct ws_conn *ws, const struct endpoint *e,
    const struct eio_query *q, const struct http_head *h)
{
	struct session *s = engine_new(e, q->version, ws, 1);

	if (s == NULL) {
		web_answer(ws, 503, "");
		return;
	}
	keep_head(s, ws, h);
	if (q->version == 3) {
		buf_adds(&lines, STR("Set-Cookie: io="));
		buf_add(&lines, s->sid, SID);
		buf_adds(&lines,
		    STR("; Path=/; HttpOnly; SameSite=Strict\r\n"));
	}
	get(s, ws, q);
	engine_begin(s);
}

/* The session that is meant, or NULL and why not. */
static struct session *
find(const struct endpoint *e, struct str sid, int fetches,
    enum eio_error *why)
{
	struct session *s = engine_find(sid);

	*why = EIO_UNKNOWN_SID;
	if (s == NULL || s->endpoint != e || (!fetches && !ws_is_open(s->ws)))
		return NULL;
	*why = EIO_BAD_REQUEST;
	return s->polling == NULL ? NULL : s;
}

static int
is_forbidden(const struct endpoint *e, const struct http_head *h)
{
	struct str origin = http_header(h, "origin");

	return e->origins != NULL && origin.p != NULL &&
	    !endpoint_origin(e->origins, origin);
}

/* What there is to say against a request, before a session is looked for. */
static enum eio_error
unwelcome(const struct endpoint *e, const struct http_head *h,
    struct eio_query *q)
{
	enum eio_error why = eio_query_read(q, h->query);

	if (why != EIO_FINE)
		return why;
	if (is_forbidden(e, h))
		return EIO_FORBIDDEN;
	return q->sid.p == NULL && q->version == 0 ? EIO_BAD_VERSION :
	    EIO_FINE;
}

void
polling_request(struct ws_conn *ws, const struct endpoint *e,
    const struct http_head *h, struct str content)
{
	struct eio_query q;
	enum eio_error why = unwelcome(e, h, &q);
	int reads = str_eq(h->method, STR("GET"));
	struct session *s = NULL;

	put_cors(e, q.version, h);
	if (draining && q.sid.p == NULL)
		web_answer(ws, 503, "");
	else if (str_eq(h->method, STR("OPTIONS")) && why == EIO_FINE &&
	    http_header(h, "access-control-request-method").n > 0)
		preflight(ws, h);
	else if (why != EIO_FINE)
		refuse(ws, why);
	else if (q.sid.p != NULL &&
	    (s = find(e, q.sid, reads, &why)) == NULL)
		refuse(ws, why);
	else if (s == NULL && reads && q.websocket)
		refuse(ws, EIO_BAD_REQUEST);
	else if (s == NULL && reads)
		handshake(ws, e, &q, h);
	else if (s == NULL || (!reads && !str_eq(h->method, STR("POST"))))
		refuse(ws, EIO_BAD_METHOD);
	else if (q.websocket)
		refuse(ws, EIO_BAD_REQUEST);
	else if (reads)
		get(s, ws, &q);
	else
		post(s, ws, h, content);
}

/* ---- WebSockets ------------------------------------------------------ */

static void
refuse_upgrade(struct ws_conn *ws, enum eio_error why)
{
	ws_respond(ws, why == EIO_FORBIDDEN ? 403 : 400,
	    "Content-Type: text/html\r\n", str_of(eio_reason(why)));
}

static void
probe(struct session *s, struct ws_conn *ws)
{
	struct polling *x = s->polling;

	x->probe = ws;
	x->probed = 0;
	x->until = ev_now(loop) +
	    (double)s->endpoint->upgrade_timeout / 1000;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	engine_arm(s);
	ws_accept(ws, NULL);
}

void
polling_upgrade(struct ws_conn *ws, const struct endpoint *e,
    const struct http_head *h)
{
	struct eio_query q;
	enum eio_error why = unwelcome(e, h, &q);
	struct session *s = NULL;

	if (draining)
		web_answer(ws, 503, "");
	else if (why != EIO_FINE)
		refuse_upgrade(ws, why);
	else if (!q.websocket)
		refuse_upgrade(ws, EIO_BAD_REQUEST);
	else if (q.sid.p != NULL &&
	    (s = find(e, q.sid, 0, &why)) == NULL)
		refuse_upgrade(ws, why);
	else if (s != NULL && s->polling->probe != NULL)
		refuse_upgrade(ws, EIO_BAD_REQUEST);
	else if (s != NULL)
		probe(s, ws);
	else {
		s = engine_new(e, q.version, ws, 0);
		keep_head(s, ws, h);
		ws_accept(ws, NULL);
	}
}

/* ---- the end --------------------------------------------------------- */

/* One of its requests, or the probe, is over; why: it was not answered. */
void
polling_over(struct session *s, struct ws_conn *ws, const char *why)
{
	struct polling *x = s->polling;

	if (x == NULL)
		return;
	if (ws == x->post) {
		x->post = NULL;
		engine_counts.posting--;
	} else if (ws == x->probe) {
		x->probe = NULL;
		x->noop = 0;
	} else if (ws == x->get) {
		x->get = NULL;
		engine_counts.waiting--;
		if (why != NULL)
			ws_release(s->ws);	/* it will not come back */
	}
}

void
polling_end(struct session *s)
{
	struct polling *x = s->polling;

	if (x->get != NULL)
		answer_get(s, 0, ws_is_open(s->ws) ? "6" : "1");
	if (x->post != NULL)
		answer_post(x, x->post_headers);
	if (x->probe != NULL)
		ws_close(release(&x->probe), 1000, STR(""));
	engine_counts.polling--;
	buf_free(&x->rest);
	free(x->headers);
	free(x->post_headers);
	free(x);
	s->polling = NULL;
}
