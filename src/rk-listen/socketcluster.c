/* SPDX-License-Identifier: ISC */

/*
 * SocketCluster: what a client's packets mean (rk-frame(5), Dialects), and
 * what the router says as packets.  A connection's way of writing is its
 * protocol; a send to a channel is a publish, any other an event.
 */

#include <stdio.h>

#include "ask.h"
#include "client.h"
#include "cluster.h"
#include "codec/payload.h"
#include "dialect.h"
#include "endpoint.h"
#include "event.h"
#include "roster.h"

/* ---- saying ------------------------------------------------------------ */

static void
post_event(struct cluster *k, struct buf *b, const struct sc_packet *p,
    struct str data)
{
	payload_of_socketcluster(b, data);
	if (p->id.n > 0)
		frame_raw(b, "ref", p->id);
	if (data.n > link_max() || event_post(k->conn, LINK_WORK) == -1)
		client_too_big(k->conn);
}

static void
event(struct cluster *k, const struct sc_packet *p)
{
	struct buf *b = event_begin("message");

	frame_json(b, "event", p->event);
	post_event(k, b, p, p->data);
}

static int
is_name(struct str quoted)
{
	static struct buf b = { .max = 8 * NAME_BYTES };

	buf_clear(&b);
	return quoted.n > 0 && quoted.n <= 6 * NAME_BYTES + 2 &&
	    json_unquote(&b, (struct str){ quoted.p + 1, quoted.n - 2 }) == 1 &&
	    name_sound(buf_str(&b));
}

static void
publish(struct cluster *k, const struct sc_packet *p)
{
	struct buf *b;

	if (!is_name(p->channel)) {
		cluster_fail(k, p->id, "InvalidActionError",
		    STR("Publish channel name was malformatted"));
		return;
	}
	b = event_begin("post");
	frame_raw(b, "channel", p->channel);
	post_event(k, b, p, p->payload);
}

/* Our questions are numbered from 1. */
static void
answer(struct cluster *k, const struct sc_packet *p)
{
	struct buf *b;
	int64_t id;

	if (!json_int(p->id, &id))
		return;
	if (p->data.n > link_max() || p->error.n > link_max())
		ask_fail(k->conn, id - 1, "the answer is too big");
	else if ((b = ask_begin(k->conn, id - 1)) != NULL) {
		if (p->error.n > 0)
			frame_json(b, "error", p->error);
		else
			payload_of_socketcluster(b, p->data);
		ask_end(k->conn);
	}
}

/* Of a client that is in. */
static void
packet(struct cluster *k, const struct sc_packet *p)
{
	claims_expire(k);
	switch (p->type) {
	case SC_SUBSCRIBE:
		wanted_subscribe(k, p);
		break;
	case SC_UNSUBSCRIBE:
		wanted_unsubscribe(k, p);
		break;
	case SC_PUBLISH:
		publish(k, p);
		break;
	case SC_AUTHENTICATE:
		if (p->id.n == 0 && cluster_protocol(k) != 1)
			greet_reject(k);
		else
			claims_authenticate(k, p);
		break;
	case SC_REMOVE_TOKEN:
		claims_remove(k, 0);
		break;
	case SC_ANSWER:
		answer(k, p);
		break;
	case SC_EVENT:
		event(k, p);
		break;
	case SC_DISCONNECT:
		if (cluster_protocol(k) == 1)
			ws_close(k->ws, 1000, STR(""));
		break;
	default:
		cluster_counts.raw++;
	}
}

static int
is_in(const struct cluster *k)
{
	return k->conn != NULL && k->conn->open;
}

static void
too_early(struct cluster *k)
{
	cluster_counts.early++;
	cluster_close(k, 4009);
}

/* 1; 0: nothing more is read of this message. */
static int
take(struct cluster *k, const struct sc_packet *p, size_t n)
{
	if (p->type == SC_HANDSHAKE)
		greet_handshake(k, p);
	else if (!is_in(k))
		too_early(k);
	else if (client_may_say(k->conn, n))
		packet(k, p);
	return ws_is_open(k->ws);
}

void
cluster_said(struct cluster *k, struct str text)
{
	int is_pong = str_eq(text, sc_pong(cluster_protocol(k)));
	struct sc_message m;
	struct sc_packet p;

	if (!is_pong && sc_begin(&m, cluster_protocol(k), text)) {
		while (sc_next(&m, &p) && take(k, &p, text.n))
			text.n = 0;	/* its bytes count once */
		return;
	}
	if (!is_in(k))
		too_early(k);
	else if (is_pong)
		claims_expire(k);
	else
		cluster_counts.raw++;
}

/* ---- down ------------------------------------------------------------- */

static struct str
way(const struct conn *c)
{
	return c->endpoint->sc_protocol == 1 ? STR("1") : STR("2");
}

static struct ws_msg *
written(struct str protocol, struct sc_packet *p, const struct frame *f)
{
	static struct buf b, data, channel;

	b.max = data.max = channel.max = 2 * link_line_max();
	buf_clear(&b);
	p->data = payload_as_socketcluster(f, &data);
	if (p->type == SC_PUBLISH) {
		p->channel = f->v[K_CHANNEL];
		p->payload = p->data;
		buf_clear(&channel);
		sc_write_channel(&channel, p);
		p->data = buf_str(&channel);
	}
	sc_write(&b, protocol.p[0] - '0', 1, p);
	return ws_msg_new(WS_TEXT, buf_str(&b));
}

static struct str
event_of(const struct frame *f)
{
	return frame_has(f, K_EVENT) && json_kind(f->v[K_EVENT]) == 's' ?
	    f->v[K_EVENT] : STR("\"message\"");
}

static struct ws_msg *
write_send(struct str protocol, const struct frame *f)
{
	struct sc_packet p = { .type = frame_has(f, K_CHANNEL) ? SC_PUBLISH :
	    SC_EVENT, .event = event_of(f) };

	return written(protocol, &p, f);
}

static struct ws_msg *
write_ask(struct str protocol, const struct frame *f, int64_t id)
{
	char cid[24];
	struct sc_packet p = { .type = SC_EVENT, .event = event_of(f) };

	snprintf(cid, sizeof cid, "%lld", (long long)id + 1);
	p.id = str_of(cid);
	return written(protocol, &p, f);
}

/* An error in words becomes an object. */
static struct ws_msg *
write_reply(const struct conn *c, const struct frame *f, const char **why)
{
	static struct buf error;
	struct sc_packet p = { .type = SC_ANSWER, .id = f->v[K_REF],
	    .error = f->v[K_ERROR] };

	if (json_kind(p.id) != '0') {
		*why = "ref is not one of this client";
		return NULL;
	}
	if (frame_has(f, K_ERROR) && json_kind(p.error) == 's') {
		error.max = link_line_max();
		buf_clear(&error);
		sc_write_error(&error, p.error, STR("\"Error\""));
		p.error = buf_str(&error);
	}
	wanted_answered(cluster_of(c), p.id);
	return written(way(c), &p, f);
}

/* It is in a channel no more, and hears why. */
static void
kicked_out(struct conn *c, const struct frame *f)
{
	static struct buf b;
	struct sc_packet p = { .type = SC_KICK_OUT };

	b.max = link_line_max();
	buf_clear(&b);
	sc_write_kick(&b, c->endpoint->sc_protocol, f->v[K_CHANNEL],
	    frame_has(f, K_REASON) ? f->v[K_REASON] : STR(""));
	p.data = buf_str(&b);
	cluster_send(cluster_of(c), &p);
}

static void
kick(struct conn *c, int code, struct str reason)
{
	c->left = 1;
	ws_close(c->ws, code, reason);
}

static void
read_on(struct conn *c, int on)
{
	ws_read(c->ws, on);
}

const struct dialect socketcluster_dialect = {
	.proto = "socketcluster",
	.upgrade = cluster_upgrade,
	.way = way,
	.write = write_send,
	.ask = write_ask,
	.reply = write_reply,
	.joined = wanted_joined,
	.kicked_out = kicked_out,
	.set_claims = claims_set,
	.accept = greet_welcome,
	.refuse = greet_refuse,
	.kick = kick,
	.read = read_on
};
