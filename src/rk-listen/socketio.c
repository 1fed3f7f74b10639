/* SPDX-License-Identifier: ISC */

/*
 * Socket.IO on Engine.IO sessions: a namespace that a client joins is a
 * connection of the roster (rk-frame(5), Dialects; codec/socketio.h).
 *
 *  - A connection's way of writing is the version and the namespace.
 *  - Its socket id, which the client knows: in version 4 the name of the
 *    connection, in version 3 the session's sid (with the namespace before).
 *  - Who breaks the protocol is closed, as the real servers do.
 */

#include "ask.h"
#include "attachments.h"
#include "client.h"
#include "codec/payload.h"
#include "codec/socketio.h"
#include "dialect.h"
#include "endpoint.h"
#include "engine.h"
#include "event.h"
#include "head.h"
#include "roster.h"
#include "written.h"

#define SOCKETS_MAX	64		/* namespaces of one session */

static struct buf text;

static void
send_packet(struct session *s, const struct sio_packet *p)
{
	struct ws_msg *m;

	text.max = link_line_max();
	buf_clear(&text);
	eio_begin(&text, s->version, EIO_MESSAGE, 0);
	sio_write(&text, p);
	m = ws_msg_new(WS_TEXT, buf_str(&text));
	ws_send(s->ws, m);
	ws_msg_drop(m);
}

static struct str
namespace(const struct socket *k)
{
	return str_of(k->way + 1);
}

static struct socket *
find(struct session *s, struct str ns)
{
	struct socket *k = s->sockets;

	while (k != NULL && (k->over || !str_eq(namespace(k), ns)))
		k = k->next;
	return k;
}

/* ---- joining --------------------------------------------------------- */

/* Why nobody may join it, or NULL. */
static const char *
unwelcome(struct session *s, struct str ns)
{
	const char *list = s->endpoint->namespaces;
	const struct socket *k;
	int n = 0;

	for (k = s->sockets; k != NULL; k = k->next)
		n++;
	if (n >= SOCKETS_MAX)
		return "Too many namespaces";
	if (!name_sound(ns) || (strcmp(list, "*") != 0 &&
	    !endpoint_lists(list, ns)))
		return "Invalid namespace";
	return NULL;
}

/* 44: {"message":M,"data":D} in version 4; D or "M" in version 3. */
static void
send_error(struct session *s, struct str ns, struct str message,
    struct str data)
{
	static struct buf b;
	struct sio_packet p = { .type = SIO_ERROR, .id = -1, .ns = ns };

	b.max = link_line_max();
	buf_clear(&b);
	if (s->version == 4) {
		buf_adds(&b, STR("{\"message\":"));
		json_quote(&b, message);
		if (data.n > 0) {
			buf_adds(&b, STR(",\"data\":"));
			buf_adds(&b, data);
		}
		buf_addc(&b, '}');
	} else if (data.n > 0)
		buf_adds(&b, data);
	else
		json_quote(&b, message);
	p.data = buf_str(&b);
	send_packet(s, &p);
}

/* "boot.n"; in version 3 the sid, "/admin#sid" in another namespace. */
static void
put_id(struct buf *b, const struct socket *k)
{
	const struct session *s = k->session;

	buf_clear(b);
	if (s->version == 4)
		buf_addf(b, "%s.%llu", link_boot(),
		    (unsigned long long)k->conn->n);
	else if (namespace(k).n > 1)
		buf_addf(b, "%s#%.*s", k->way + 1, SID, s->sid);
	else
		buf_addf(b, "%.*s", SID, s->sid);
}

/* The packet that lets it in. */
static void
welcome(struct conn *c)
{
	static struct buf id = { .max = 512 }, b = { .max = 1024 };
	struct socket *k = c->socket;
	struct sio_packet p = { .type = SIO_CONNECT, .id = -1,
	    .ns = namespace(k) };

	c->open = 1;
	event_counts.opens++;
	if (k->session->version == 4) {
		put_id(&id, k);
		buf_clear(&b);
		buf_adds(&b, STR("{\"sid\":"));
		json_quote(&b, buf_str(&id));
		buf_addc(&b, '}');
		p.data = buf_str(&b);
	}
	send_packet(k->session, &p);
}

static void
enter(struct socket *k, const struct sio_packet *p)
{
	static struct buf id = { .max = 512 };
	struct session *s = k->session;
	struct buf *b = event_begin("open");

	frame_text(b, "proto", STR("socketio"));
	frame_text(b, "ns", namespace(k));
	put_id(&id, k);
	frame_text(b, "sid", buf_str(&id));
	if (s->version == 4 && p->data.n > 0)
		frame_json(b, "auth", p->data);
	if (p->query.n > 0)
		head_put_query(b, p->query);
	socket_enter(k, b);
}

static void
join(struct session *s, const struct sio_packet *p)
{
	static struct buf way = { .max = NAME_BYTES + 1 };
	const char *why = unwelcome(s, p->ns);

	if (why != NULL) {
		send_error(s, p->ns, str_of(why), STR(""));
		return;
	}
	buf_clear(&way);
	buf_addc(&way, (char)('0' + s->version));
	buf_adds(&way, p->ns);
	enter(socket_new(s, buf_str(&way)), p);
}

static void
begun(struct session *s)
{
	static const struct sio_packet root = { .type = SIO_CONNECT,
	    .ns = { "/", 1 } };

	if (s->version == 3)
		join(s, &root);
}

static void
refuse(struct conn *c, const struct frame *f, int status)
{
	static struct buf b = { .max = 4096 };
	struct socket *k = c->socket;
	struct str reason = str_of(http_reason(status)), data = STR(""), s;
	const char *why;
	int key;

	if (f != NULL && frame_str(f, K_REASON, &b, &s))
		reason = s;
	if (f != NULL && (key = frame_payload(f, &why)) != -1)
		data = f->v[key];
	send_error(k->session, namespace(k), reason, data);
	socket_over(k, 1000, "server");
}

/* ---- saying ---------------------------------------------------------- */

static int
is_big(const struct sio_packet *p, struct str list)
{
	return p->args.n + list.n + 2 > link_max();
}

static void
event(struct socket *k, const struct sio_packet *p, struct str list)
{
	struct buf *b;

	if (!client_may_say(k->conn, p->args.n + list.n))
		return;
	b = event_begin("message");
	frame_json(b, "event", p->event);
	payload_of_socketio(b, p, list);
	if (p->id != -1)
		frame_num(b, "ref", p->id);
	if (is_big(p, list) || event_post(k->conn, LINK_WORK) == -1)
		client_too_big(k->conn);
}

static void
ack(struct socket *k, const struct sio_packet *p, struct str list)
{
	struct buf *b;

	if (is_big(p, list))
		ask_fail(k->conn, p->id, "the answer is too big");
	else if ((b = ask_begin(k->conn, p->id)) != NULL) {
		payload_of_socketio(b, p, list);
		ask_end(k->conn);
	}
}

static void
whole(struct session *s, const struct sio_packet *p, struct str list)
{
	struct socket *k = find(s, p->ns);

	if (p->type == SIO_CONNECT && k == NULL) {
		join(s, p);
		return;
	}
	if (p->type == SIO_CONNECT)
		return;
	if (k == NULL || !k->conn->open) {
		if (s->version == 4)
			engine_fail(s, "not in this namespace");
		return;
	}
	switch (p->type) {
	case SIO_DISCONNECT:
		socket_over(k, 1000, "client");
		break;
	case SIO_EVENT:
		event(k, p, list);
		break;
	case SIO_ACK:
		ack(k, p, list);
		break;
	default:
		break;
	}
}

/* ---- packets --------------------------------------------------------- */

static void
attached(struct session *s, struct str bytes)
{
	struct sio_packet p;
	struct str list;

	if (!attachments_add(s, bytes, &p, &list))
		return;
	whole(s, &p, list);
	attachments_forget(s);
}

static void
packet(struct session *s, struct str message)
{
	struct sio_packet p;

	switch (sio_read(&p, s->version, message)) {
	case -1:
		engine_fail(s, "malformed packet");
		break;
	case 1:
		if (p.attachments > 0)
			attachments_wait(s, message, p.attachments);
		else
			whole(s, &p, STR(""));
		break;
	}
}

static void
said(struct session *s, const struct eio_packet *p)
{
	if (p->binary != (s->assembly != NULL))
		engine_fail(s, p->binary ? "bytes that belong to nothing" :
		    "attachments are missing");
	else if (p->binary)
		attached(s, p->data);
	else
		packet(s, p->data);
}

/* ---- down ------------------------------------------------------------ */

static struct ws_msg *
write_message(struct str way, const struct frame *f)
{
	return written_event(way, f, -1);
}

static struct ws_msg *
reply(const struct conn *c, const struct frame *f, const char **why)
{
	return written_ack(socket_way(c), f, why);
}

static void
kick(struct conn *c, int code, struct str reason)
{
	struct socket *k = c->socket;
	struct sio_packet p = { .type = SIO_DISCONNECT, .id = -1,
	    .ns = namespace(k) };

	(void)reason;
	if (k->over)
		return;
	send_packet(k->session, &p);
	socket_over(k, code, "server");
}

static const struct engine_user user = { begun, said, attachments_forget };

const struct dialect socketio_dialect = {
	.proto = "socketio",
	.upgrade = handshake_upgrade,
	.request = handshake_request,
	.engine = &user,
	.way = socket_way,
	.write = write_message,
	.ask = written_event,
	.reply = reply,
	.accept = welcome,
	.refuse = refuse,
	.kick = kick,
	.read = socket_read
};
