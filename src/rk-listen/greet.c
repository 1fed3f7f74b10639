/* SPDX-License-Identifier: ISC */

/*
 * The handshake of a SocketCluster client: who it is, what becomes of its
 * token, and whether the router lets it in.
 */

#include <stdio.h>
#include <stdlib.h>

#include "cluster.h"
#include "endpoint.h"
#include "event.h"
#include "pending.h"
#include "roster.h"
#include "state.h"

static void
put_id(struct buf *b, const struct conn *c)
{
	buf_clear(b);
	buf_addf(b, "%s.%llu", link_boot(), (unsigned long long)c->n);
}

/* Its answer: who it is, and what became of its token. */
static void
greet(struct cluster *k, struct str id)
{
	static struct buf name = { .max = 64 }, b = { .max = 4096 };
	struct sc_status s = { .ping_timeout = k->endpoint->ping_timeout,
	    .authenticated = k->conn->claims != NULL };

	if (k->bad && cluster_protocol(k) == 1)
		claims_tell_removed(k);
	put_id(&name, k->conn);
	s.id = buf_str(&name);
	if (k->error != NULL)
		s.error = str_of(k->error);
	buf_clear(&b);
	sc_write_status(&b, &s);
	cluster_answer(k, id, buf_str(&b));
	if (k->bad && cluster_protocol(k) != 1)
		claims_tell_removed(k);
	free(k->error);
	k->error = NULL;
	k->bad = 0;
}

void
greet_welcome(struct conn *c)
{
	struct cluster *k = cluster_of(c);

	c->open = 1;
	event_counts.opens++;
	greet(k, str_of(k->id));
	free(k->id);
	k->id = NULL;
	cluster_begin(k);
}

static int
tell_open(struct cluster *k)
{
	static struct buf id = { .max = 64 };
	struct buf *b = event_begin("open");

	frame_text(b, "proto", STR("socketcluster"));
	put_id(&id, k->conn);
	frame_text(b, "sid", buf_str(&id));
	if (k->conn->pending)
		frame_flag(b, "pending");
	if (k->head != NULL)
		frame_more(b, str_of(k->head));
	free(k->head);
	k->head = NULL;
	return event_keep(k->conn);
}

void
greet_reject(struct cluster *k)
{
	cluster_counts.rejected++;
	cluster_close(k, 4008);
}

static void
enter(struct cluster *k, struct str token)
{
	struct conn *c = conn_make(k->ws, k->endpoint, KIND_WS);

	k->conn = c;
	c->headers = k->headers;
	k->headers = NULL;
	c->pending = k->endpoint->ask != 0;
	claims_greet(k, token);
	if (tell_open(k) == -1) {
		ws_close(k->ws, 1009, STR("message too big"));
		return;
	}
	conn_enter(c);
	if (c->pending) {
		pending_wait(c);
		return;
	}
	greet_welcome(c);
	event_release(c);
}

void
greet_handshake(struct cluster *k, const struct sc_packet *p)
{
	if (p->id.n == 0 && cluster_protocol(k) != 1)
		greet_reject(k);
	else if (k->conn == NULL) {
		k->id = mem_strn(p->id.p, p->id.n);
		enter(k, p->token);
	} else if (k->conn->open)
		greet(k, p->id);
}

/* Clients of protocol 1 hear the code as data. */
static void
refused(struct cluster *k, struct str error, int64_t code)
{
	char data[32];
	struct sc_packet p = { .type = SC_ANSWER, .id = str_of(k->id),
	    .error = error };

	snprintf(data, sizeof data, "{\"code\":%d}", (int)code);
	if (cluster_protocol(k) == 1)
		p.data = str_of(data);
	if (p.id.n > 0)
		cluster_send(k, &p);
}

/* {"message":M,"name":N}, unless the payload is an error of its own; with the
 * code, which the client closes with. */
void
greet_refuse(struct conn *c, const struct frame *f, int status)
{
	static struct buf b = { .max = 4096 }, out, code_text = { .max = 64 };
	struct cluster *k = cluster_of(c);
	struct str reason = str_of(http_reason(status)), error, s;
	int64_t code = 4008;

	if (f != NULL && frame_str(f, K_REASON, &b, &s))
		reason = s;
	if (f != NULL && (!frame_int(f, K_CODE, &code) || code < 3000 ||
	    code > 4999))
		code = 4008;
	error = f != NULL && frame_has(f, K_DATA) &&
	    json_kind(f->v[K_DATA]) == 'o' ? f->v[K_DATA] :
	    cluster_words("Error", reason);
	buf_clear(&code_text);
	buf_addf(&code_text, "{\"statusCode\":%d}", (int)code);
	out.max = 2 * link_line_max();
	buf_clear(&out);
	if (state_merge(&out, error, buf_str(&code_text)) == 1)
		refused(k, buf_str(&out), code);
	cluster_counts.rejected++;
	cluster_close(k, (int)code);
}
