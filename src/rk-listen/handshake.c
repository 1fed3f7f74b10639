/* SPDX-License-Identifier: ISC */

/*
 * Who comes to an endpoint of Engine.IO: handshakes, the requests of sessions
 * that poll, WebSockets that begin a session or take one over, and what is
 * said to those who are not let in.  CORS and cookies are those of each
 * version's server.
 */

#include "client.h"
#include "dialect.h"
#include "endpoint.h"
#include "engine.h"
#include "head.h"
#include "link/link.h"
#include "loop.h"
#include "web.h"

static struct buf lines = { .max = 3 * HTTP_HEAD_MAX }, body;

/* ---- answering ------------------------------------------------------- */

/* Nobody may keep the answers, which are one session's.  Who may read them:
 * whoever asks, as in each version's server, with cookies where that knows
 * whom it lets in. */
static void
begin(const struct endpoint *e, int version, const struct http_head *h)
{
	struct str origin = http_header(h, "origin");

	buf_clear(&lines);
	buf_adds(&lines, STR("Cache-Control: no-store\r\n"));
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

/* What the `open` of its first connection says of the request, and what all
 * of its connections have of it. */
static void
keep_head(struct session *s, struct ws_conn *ws, const struct http_head *h,
    const struct grant *g)
{
	s->grant = *g;
	s->head = head_keep(ws, h);
	if (s->endpoint->with & WITH_HEADERS)
		s->headers = head_headers(h);
}

static void
handshake(struct ws_conn *ws, const struct endpoint *e,
    const struct eio_query *q, const struct http_head *h)
{
	struct session *s;
	struct grant grant;

	if (!grant_read(&grant, e, h)) {
		ws_respond(ws, 401, headers(), STR("401 Unauthorized\n"));
		return;
	}
	s = engine_new(e, q->version, ws, 1);
	if (s == NULL) {
		grant_drop(&grant);
		web_answer(ws, 503, "");
		return;
	}
	keep_head(s, ws, h, &grant);
	if (q->version == 3) {
		buf_adds(&lines, STR("Set-Cookie: io="));
		buf_add(&lines, s->sid, SID);
		buf_adds(&lines,
		    STR("; Path=/; HttpOnly; SameSite=Strict\r\n"));
	}
	polling_get(s, ws, q->base64, headers());
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
	return s;
}

static struct session *
find_polling(const struct endpoint *e, struct str sid, int fetches,
    enum eio_error *why)
{
	struct session *s = find(e, sid, fetches, why);

	if (s == NULL || s->polling != NULL)
		return s;
	*why = EIO_BAD_REQUEST;
	return NULL;
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
handshake_request(struct ws_conn *ws, const struct endpoint *e,
    const struct http_head *h, struct str content)
{
	struct eio_query q;
	enum eio_error why = unwelcome(e, h, &q);
	int reads = str_eq(h->method, STR("GET"));
	struct session *s = NULL;

	begin(e, q.version, h);
	if (draining && q.sid.p == NULL)
		web_answer(ws, 503, "");
	else if (str_eq(h->method, STR("OPTIONS")) && why == EIO_FINE &&
	    http_header(h, "access-control-request-method").n > 0)
		preflight(ws, h);
	else if (why != EIO_FINE)
		refuse(ws, why);
	else if (q.sid.p != NULL &&
	    (s = find_polling(e, q.sid, reads, &why)) == NULL)
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
		polling_get(s, ws, q.base64, headers());
	else
		polling_post(s, ws, h, content, headers());
}

/* ---- WebSockets ------------------------------------------------------ */

static void
refuse_upgrade(struct ws_conn *ws, enum eio_error why)
{
	ws_respond(ws, why == EIO_FORBIDDEN ? 403 : 400,
	    "Content-Type: text/html\r\n", str_of(eio_reason(why)));
}

/* A session has one WebSocket: another is let in and closed, as the real
 * servers do, and their clients know. */
static void
hang_up(struct ws_conn *ws)
{
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, NULL);
	ws_accept(ws, NULL);
	ws_close(ws, 1000, STR(""));
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
handshake_upgrade(struct ws_conn *ws, const struct endpoint *e,
    const struct http_head *h)
{
	struct eio_query q;
	enum eio_error why = unwelcome(e, h, &q);
	struct session *s = NULL;
	struct grant grant;

	if (draining)
		web_answer(ws, 503, "");
	else if (why != EIO_FINE)
		refuse_upgrade(ws, why);
	else if (!q.websocket)
		refuse_upgrade(ws, EIO_BAD_REQUEST);
	else if (q.sid.p != NULL &&
	    (s = find(e, q.sid, 0, &why)) == NULL)
		refuse_upgrade(ws, why);
	else if (s != NULL && (s->polling == NULL || s->polling->probe != NULL))
		hang_up(ws);
	else if (s != NULL)
		probe(s, ws);
	else if (!grant_read(&grant, e, h))
		web_answer(ws, 401, "");
	else {
		s = engine_new(e, q.version, ws, 0);
		keep_head(s, ws, h, &grant);
		ws_accept(ws, NULL);
	}
}
