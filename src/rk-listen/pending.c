/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdlib.h>

#include "endpoint.h"
#include "event.h"
#include "grant.h"
#include "loop.h"
#include "pending.h"
#include "state.h"
#include "web.h"

struct pending_counts pending_counts;

const struct figure pending_figures[] = {
	{ "late_total", &pending_counts.late,
	    "requests and opens that were not answered in time" },
	{ "pending_refused_total", &pending_counts.refused,
	    "requests and opens that the router refused" },
	{ NULL, NULL, NULL }
};

/* ---- waiting --------------------------------------------------------- */

static void	late(struct deadline *);

static struct deadlines all = DEADLINES(all, late);

static struct conn *
conn_of(struct deadline *d)
{
	return (struct conn *)((char *)d - offsetof(struct conn, answer));
}

void
pending_wait(struct conn *c)
{
	if (!c->in)
		conn_enter(c);
	deadline_begin(&all, &c->answer);
	event_release(c);
}

void
pending_over(struct conn *c)
{
	if (c->answer.earlier != NULL)
		deadline_end(&all, &c->answer);
}

static void
give_up(struct conn *c, int status)
{
	pending_over(c);
	c->pending = 0;
	if (c->endpoint->dialect->refuse != NULL)
		c->endpoint->dialect->refuse(c, NULL, status);
	else
		web_answer(c->ws, status, "");
}

static void
late(struct deadline *d)
{
	pending_counts.late++;
	give_up(conn_of(d), 503);
}

void
pending_refused(struct conn *c)
{
	if (c->answer.earlier == NULL)
		return;
	pending_counts.refused++;
	give_up(c, c->kind == KIND_HTTP ? 500 : 403);
}

void
pending_refuse_all(void)
{
	while (all.oldest != NULL)
		give_up(conn_of(all.oldest), 503);
}

/* ---- answers --------------------------------------------------------- */

/* What we say ourselves. */
static int
is_ours(struct str name)
{
	return http_same(name, "connection") ||
	    http_same(name, "content-length") ||
	    http_same(name, "transfer-encoding");
}

/* Headers of a frame as lines: NULL, or what is wrong. */
static const char *
header_lines(struct buf *b, struct str object, int *typed)
{
	struct json_walk w;
	struct json_member m;
	struct str name, value;
	size_t from, colon;

	if (object.p == NULL)
		return NULL;
	if (!json_walk(&w, object) || !w.object)
		return "headers is an object";
	while (json_next(&w, &m) == 1) {
		if (json_kind(m.value) != 's')
			return "headers are strings";
		from = b->len;
		json_unquote(b, m.key);
		colon = b->len;
		buf_adds(b, STR(": "));
		json_unquote(b, (struct str){ m.value.p + 1, m.value.n - 2 });
		name = (struct str){ b->data + from, colon - from };
		value = (struct str){ b->data + colon + 2,
		    b->len - colon - 2 };
		if (!http_sound(name, value) || is_ours(name))
			return "a header cannot be sent";
		*typed |= http_same(name, "content-type");
		buf_adds(b, STR("\r\n"));
	}
	return NULL;
}

static int
has_body(const struct frame *f)
{
	const char *none;

	return frame_payload(f, &none) != -1 || frame_has(f, K_CLAIMS);
}

static const char *
type_of(const struct frame *f)
{
	return frame_has(f, K_DATA) ? "Content-Type: application/json\r\n" :
	    frame_has(f, K_TEXT) ||
	    frame_has(f, K_CLAIMS) ? "Content-Type: text/plain; charset=utf-8"
	    "\r\n" : "Content-Type: application/octet-stream\r\n";
}

/* What the answer is: its payload, or a token with its claims. */
static const char *
body_of(struct buf *body, const struct conn *c, const struct frame *f)
{
	const char *none;
	int binary;

	body->max = link_line_max();
	buf_clear(body);
	if (frame_payload(f, &none) != -1)
		return frame_payload_bytes(f, body, &binary) == 1 ? NULL :
		    "malformed text or base64";
	if (c == NULL || c->pending || !frame_has(f, K_CLAIMS))
		return NULL;
	return grant_sign(body, c->endpoint, f);
}

/* Answers c (NULL: only checks) with what the frame says. */
static const char *
respond(struct conn *c, const struct frame *f, int64_t status)
{
	static struct buf lines, body;
	const char *why;
	int typed = 0;

	lines.max = link_line_max();
	buf_clear(&lines);
	if (frame_has(f, K_STATUS) && (!frame_int(f, K_STATUS, &status) ||
	    status < 200 || status > 599))
		return "status is from 200 to 599";
	if ((why = header_lines(&lines, f->v[K_HEADERS], &typed)) != NULL)
		return why;
	if ((why = body_of(&body, c, f)) != NULL)
		return why;
	if (!typed && has_body(f))
		buf_adds(&lines, str_of(type_of(f)));
	buf_addc(&lines, '\0');
	if (c == NULL)
		return NULL;
	pending_over(c);
	c->pending = 0;
	if (c->endpoint->dialect->refuse != NULL)
		c->endpoint->dialect->refuse(c, f, (int)status);
	else
		ws_respond(c->ws, (int)status, lines.data, buf_str(&body));
	return NULL;
}

/* One that waits for this kind of answer; NULL: nobody does any more. */
static struct conn *
waiting(const struct target *t, int pending)
{
	struct conn *c = t->conn;

	if (c != NULL && c->answer.earlier != NULL && c->pending == pending)
		return c;
	command_counts.dead += c != NULL;
	return NULL;
}

const char *
pending_respond(struct command *k)
{
	struct target t;
	const char *why = target_read(&t, k->frame, TO_CONN);

	return why != NULL ? why : respond(waiting(&t, 0), k->frame, 200);
}

const char *
pending_reject(struct command *k)
{
	struct target t;
	const char *why = target_read(&t, k->frame, TO_CONN);

	return why != NULL ? why : respond(waiting(&t, 1), k->frame, 403);
}

static char *
object_of(const struct frame *f, enum key k, const char **why)
{
	if (!frame_has(f, k))
		return NULL;
	if (json_kind(f->v[k]) != 'o' || f->v[k].n > STATE_MAX) {
		*why = "state and claims are objects of up to 64 KiB";
		return NULL;
	}
	return mem_strn(f->v[k].p, f->v[k].n);
}

static void
set(char **at, char *object)
{
	if (object == NULL)
		return;
	free(*at);
	*at = object;
}

static void
let_in(struct conn *c, const struct str *user, char *state, char *claims)
{
	if (user->n > 0)
		user_set(c, user);
	set(&c->state, state);
	set(&c->claims, claims);
	c->pending = 0;
	pending_over(c);
	c->endpoint->dialect->accept(c);
}

const char *
pending_accept(struct command *k)
{
	static struct buf b = { .max = 4096 };
	struct target t;
	struct conn *c;
	struct str user;
	char *state = NULL, *claims = NULL;
	const char *why = target_read(&t, k->frame, TO_CONN);

	if (why == NULL && command_string(k->frame, K_USER, &b, &user) != 0 &&
	    !name_sound(user))
		why = "user is a string of 1 to 255 bytes";
	if (why == NULL)
		state = object_of(k->frame, K_STATE, &why);
	if (why == NULL)
		claims = object_of(k->frame, K_CLAIMS, &why);
	c = why == NULL ? waiting(&t, 1) : NULL;
	if (c != NULL) {
		let_in(c, &user, state, claims);
		return NULL;
	}
	free(state);
	free(claims);
	return why;
}
