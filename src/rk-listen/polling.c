/* SPDX-License-Identifier: ISC */

/*
 * Engine.IO over HTTP requests: the GET that waits until there is something to
 * fetch, and the POST that brings something.
 *
 *  - All that a GET can be told is told once in a turn of the loop.
 *  - A POST is answered when all of its packets were taken; while a socket's
 *    events wait for the router the rest of its body does, too.
 */

#include <stdlib.h>

#include "endpoint.h"
#include "engine.h"
#include "link/link.h"
#include "loop.h"
#include "web.h"

#define ANSWER_MESSAGES	1024	/* in one answer */
#define ANSWER_BYTES	(4u << 20)
#define NOOP_PAUSE	0.1	/* seconds that a GET lives during a probe */

static struct buf lines = { .max = 3 * HTTP_HEAD_MAX }, body, bytes;

/* ---- answering ------------------------------------------------------- */

static const char *
headers(void)
{
	buf_addc(&lines, '\0');
	return lines.data + lines.pos;
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
answer_post(struct session *s)
{
	struct polling *x = s->polling;
	struct ws_conn *ws = release(&x->post);

	engine_counts.posting--;
	buf_clear(&lines);
	buf_adds(&lines, str_of(x->post_headers));
	buf_adds(&lines, STR("Content-Type: text/html\r\n"));
	if (s->broken)
		ws_respond(ws, 400, headers(),
		    str_of(eio_reason(EIO_BAD_REQUEST)));
	else
		ws_respond(ws, 200, headers(), STR("ok"));
	buf_free(&x->rest);
}

/* The last packet of a session: who ended it himself is not told so. */
static const char *
farewell(const struct session *s)
{
	return ws_is_open(s->ws) || (s->by != NULL &&
	    strcmp(s->by, "client") == 0) ? "6" : "1";
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
		engine_break(s, "no packets");
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
		answer_post(s);
	over = !ws_is_open(s->ws);
	if (x->get != NULL && (over || ws_queued(s->ws) > 0)) {
		answer_get(s, 1, over ? farewell(s) : NULL);
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
keep(char **at, const char *lines_of_headers)
{
	free(*at);
	*at = mem_str(lines_of_headers);
}

void
polling_get(struct session *s, struct ws_conn *ws, int base64, const char *cors)
{
	struct polling *x = s->polling;

	if (x->get != NULL) {
		overlap(s, ws);
		return;
	}
	keep(&x->headers, cors);
	x->get = ws;
	engine_counts.waiting++;
	x->base64 |= base64 != 0;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	ws_watch(ws);
	if (x->probe != NULL && x->probed) {
		x->noop = ev_now(loop) + NOOP_PAUSE;
		engine_arm(s);
	}
	ws_turn(s->ws);
}

void
polling_post(struct session *s, struct ws_conn *ws, const struct http_head *h,
    struct str content, const char *cors)
{
	struct polling *x = s->polling;
	int is_bytes = str_eq(http_header(h, "content-type"),
	    STR("application/octet-stream"));

	if (x->post != NULL) {
		overlap(s, ws);
		return;
	}
	keep(&x->post_headers, cors);
	x->post = ws;
	engine_counts.posting++;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	x->form = eio_form(s->version, is_bytes);
	buf_clear(&x->rest);
	if ((is_bytes && s->version == 4) ||
	    (!is_bytes && !utf8_check(content)) ||
	    buf_adds(&x->rest, content) == -1)
		engine_break(s, "no packets");
	polling_turn(s);
}

/* ---- the end --------------------------------------------------------- */

int
polling_forgotten(const struct session *s)
{
	return s->polling != NULL && s->polling->get == NULL &&
	    (s->broken || strcmp(s->by, "server") != 0);
}

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
		answer_get(s, 0, farewell(s));
	if (x->post != NULL)
		answer_post(s);
	if (x->probe != NULL)
		ws_close(release(&x->probe), 1000, STR(""));
	engine_counts.polling--;
	buf_free(&x->rest);
	free(x->headers);
	free(x->post_headers);
	free(x);
	s->polling = NULL;
}
