/* SPDX-License-Identifier: ISC */

/*
 * Engine.IO alone: a session is one connection of the roster, its messages are
 * payloads as they stand.
 */

#include "client.h"
#include "dialect.h"
#include "endpoint.h"
#include "engine.h"
#include "event.h"
#include "roster.h"

static void
welcome(struct conn *c)
{
	c->open = 1;
	event_counts.opens++;
}

static void
begun(struct session *s)
{
	char way[2] = { (char)('0' + s->version), '\0' };
	struct socket *k = socket_new(s, str_of(way));
	struct buf *b = event_begin("open");

	frame_text(b, "proto", STR("engineio"));
	frame_text(b, "sid", (struct str){ s->sid, SID });
	socket_enter(k, b);
}

static void
said(struct session *s, const struct eio_packet *p)
{
	struct socket *k = s->sockets;

	if (k == NULL || k->over || !k->conn->open)
		return;
	client_said(k->conn, p->data, p->binary);
}

static void
ended(struct session *s)
{
	(void)s;
}

static struct ws_msg *
write_message(struct str way, const struct frame *f)
{
	static struct buf data, b;
	int binary = 0;

	data.max = b.max = link_line_max() + 1;
	buf_clear(&data);
	buf_clear(&b);
	frame_payload_bytes(f, &data, &binary);
	eio_begin(&b, way.p[0] - '0', EIO_MESSAGE, binary);
	buf_adds(&b, buf_str(&data));
	return ws_msg_new(binary ? WS_BINARY : WS_TEXT, buf_str(&b));
}

static void
kick(struct conn *c, int code, struct str reason)
{
	engine_close(c->socket->session, code, reason, "server");
}

static void
refuse(struct conn *c, const struct frame *f, int status)
{
	(void)f;
	kick(c, 1000, str_of(http_reason(status)));
}

static const struct engine_user user = { begun, said, ended };

const struct dialect engineio_dialect = {
	.proto = "engineio",
	.upgrade = handshake_upgrade,
	.request = handshake_request,
	.engine = &user,
	.way = socket_way,
	.write = write_message,
	.accept = welcome,
	.refuse = refuse,
	.kick = kick,
	.read = socket_read
};
