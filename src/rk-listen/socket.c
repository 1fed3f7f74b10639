/* SPDX-License-Identifier: ISC */

/*
 * Connections of the roster that live on a session (engine.h): they come, and
 * they are gone in the turn after they were over, or with their session.
 */

#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "dialect.h"
#include "endpoint.h"
#include "engine.h"
#include "event.h"
#include "pending.h"
#include "roster.h"

struct socket *
socket_new(struct session *s, struct str way)
{
	struct socket *k = mem_grow(NULL, sizeof *k + way.n + 1), **at;

	*k = (struct socket){ .session = s };
	memcpy(k->way, way.p, way.n);
	k->way[way.n] = '\0';
	for (at = &s->sockets; *at != NULL; at = &(*at)->next)
		;
	*at = k;
	k->conn = conn_make(s->ws, s->endpoint, KIND_WS);
	k->conn->socket = k;
	k->conn->pending = s->endpoint->ask != 0;
	grant_share(k->conn, &s->grant);
	if (s->headers != NULL)
		k->conn->headers = mem_str(s->headers);
	s->lonely = 0;
	return k;
}

void
socket_enter(struct socket *k, struct buf *open)
{
	struct session *s = k->session;
	struct conn *c = k->conn;

	if (c->pending)
		frame_flag(open, "pending");
	if (s->head != NULL)
		frame_more(open, str_of(s->head));
	free(s->head);		/* the first one tells it */
	s->head = NULL;
	if (event_keep(c) == -1) {
		engine_close(s, 1009, STR("message too big"), "server");
		return;
	}
	conn_enter(c);
	if (c->pending) {
		pending_wait(c);
		return;
	}
	c->endpoint->dialect->accept(c);
	event_release(c);
}

void
socket_over(struct socket *k, int code, const char *by)
{
	if (k->over)
		return;
	k->over = 1;
	k->code = (uint16_t)code;
	k->by = by;
	k->conn->left = 1;
	k->session->reap = 1;
	ws_turn(k->session->ws);
}

struct str
socket_way(const struct conn *c)
{
	return str_of(c->socket->way);
}

void
socket_read(struct conn *c, int on)
{
	struct session *s = c->socket->session;

	s->paused += on ? -1 : 1;
	if (s->polling == NULL)
		ws_read(s->ws, s->paused == 0);
	else if (s->paused == 0 && s->polling->post != NULL)
		ws_turn(s->ws);
}

/* ---- going ----------------------------------------------------------- */

static void
gone(struct session *s, struct socket *k, const struct ws_end *end)
{
	struct conn *c = k->conn;

	ask_forget(c);
	pending_over(c);
	c->pending = 0;
	s->paused -= c->paused;
	c->paused = 0;
	c->socket = NULL;
	if (c->in)
		client_gone(c, end);
	else			/* nobody was told of it */
		conn_destroy(c);
	free(k);
}

/* Those that are over. */
void
socket_reap(struct session *s)
{
	struct socket **at = &s->sockets, *k;

	s->reap = 0;
	while ((k = *at) != NULL) {
		struct ws_end end = { .code = k->code, .by = k->by };

		if (!k->over) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		gone(s, k, &end);
	}
	if (s->sockets == NULL && s->lonely == 0)
		engine_lonely(s);
}

void
socket_end_all(struct session *s, struct ws_end e)
{
	struct socket *k;

	while ((k = s->sockets) != NULL) {
		s->sockets = k->next;
		gone(s, k, &e);
		e.messages = e.bytes = 0;	/* told once */
	}
}
