/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "client.h"
#include "frame.h"
#include "json.h"
#include "link/link.h"
#include "loop.h"
#include "talk.h"

#define LONGEST_MS	86400000	/* that a server may promise */

static struct buf text;

static int
is_root(const struct talk *t)
{
	return t->ns == NULL || t->ns[1] == '\0';
}

static struct str
namespace(const struct talk *t)
{
	return t->ns != NULL ? str_of(t->ns) : STR("/");
}

/* ---- how it ends ------------------------------------------------------ */

static void
end(struct talk *t, const char *by, const char *why, int code)
{
	t->ending->by = by;
	t->ending->why = why;
	ev_timer_stop(loop, &t->timer);
	ws_close(t->ws, code, STR(""));
}

static void
malformed(struct talk *t, const char *why)
{
	end(t, "error", why, 1002);
}

/* ---- out ---------------------------------------------------------------- */

static struct buf *
begin(const struct talk *t, enum eio_type type, int binary)
{
	text.max = 2 * link_line_max();
	buf_clear(&text);
	eio_begin(&text, t->version, type, binary);
	return &text;
}

struct ws_msg *
talk_packet(const struct talk *t, struct sio_packet *p)
{
	struct buf *b = begin(t, EIO_MESSAGE, 0);

	p->ns = namespace(t);
	sio_write(b, p);
	return ws_msg_new(WS_TEXT, buf_str(b));
}

struct ws_msg *
talk_bytes(const struct talk *t, struct str base64)
{
	struct buf *b = begin(t, EIO_MESSAGE, 1);

	base64_decode(b, base64);
	return ws_msg_new(WS_BINARY, buf_str(b));
}

static void
hand(struct talk *t, struct ws_msg *m)
{
	ws_send(t->ws, m);
	ws_msg_drop(m);
}

static void
send_bare(struct talk *t, enum eio_type type)
{
	hand(t, ws_msg_new(WS_TEXT, buf_str(begin(t, type, 0))));
}

/* Version 4 has its auth here; in version 3 "/" is joined by the server, and
 * another namespace has no more than its name. */
static void
ask_to_join(struct talk *t)
{
	struct sio_packet p = { .type = SIO_CONNECT, .id = -1 };

	if (t->version == 3 && is_root(t))
		return;
	if (t->version == 4 && t->auth != NULL)
		p.data = str_of(t->auth);
	hand(t, talk_packet(t, &p));
}

/* ---- time --------------------------------------------------------------- */

static void
wait_for(struct talk *t, double seconds)
{
	ev_timer_stop(loop, &t->timer);
	ev_timer_set(&t->timer, seconds, 0);
	ev_timer_start(loop, &t->timer);
}

static void
expired(struct ev_loop *l, ev_timer *w, int events)
{
	struct talk *t = w->data;

	(void)l;
	(void)events;
	if (!t->joined) {
		end(t, "timeout", "not joined in time", 1000);
	} else if (t->version == 3 && !t->waits) {
		t->waits = 1;
		send_bare(t, EIO_PING);
		wait_for(t, t->silence);
	} else {
		end(t, "timeout", "the server is silent", 1000);
	}
}

/* Anything that came is a sign of life only in the heartbeat's own words, as
 * in the real clients. */
static void
alive(struct talk *t)
{
	if (!t->joined)
		return;		/* the time to join goes on */
	t->waits = 0;
	wait_for(t, t->version == 3 ? t->interval : t->interval + t->silence);
}

/* ---- in ----------------------------------------------------------------- */

static void
forget_parts(struct talk *t)
{
	if (t->parts != NULL)
		sio_assembly_free(t->parts);
	free(t->parts);
	t->parts = NULL;
}

static int
is_ours(const struct talk *t, const struct sio_packet *p)
{
	return str_eq(p->ns, namespace(t));
}

static void
on_joined(struct talk *t)
{
	if (t->joined)
		return;
	t->joined = 1;
	alive(t);
	t->ops->joined(t);
}

static void
whole(struct talk *t, const struct sio_packet *p, struct str list)
{
	if (!is_ours(t, p))
		return;
	switch (p->type) {
	case SIO_CONNECT:
		on_joined(t);
		break;
	case SIO_DISCONNECT:
		end(t, "server", "disconnected by the server", 1000);
		break;
	case SIO_ERROR:
		buf_adds(&t->ending->refusal, p->data);
		end(t, "server", "refused", 1000);
		break;
	default:
		if (t->joined)
			t->ops->said(t, p, list);
	}
}

static void
packet(struct talk *t, struct str message)
{
	struct sio_packet p;
	int r = sio_read(&p, t->version, message);

	if (r == -1)
		malformed(t, "malformed packet");
	else if (r == 1 && p.attachments > 0) {
		t->parts = mem_new(sizeof *t->parts);
		if (sio_begin(t->parts, message, p.attachments, t->max) == -1)
			end(t, "error", "message too big", 1009);
	} else if (r == 1)
		whole(t, &p, STR(""));
}

static void
attachment(struct talk *t, struct str bytes)
{
	struct sio_packet p;
	int r = sio_attach(t->parts, bytes);

	if (r == -1)
		end(t, "error", "message too big", 1009);
	if (r != 1)
		return;
	sio_read(&p, t->version, buf_str(&t->parts->text));
	whole(t, &p, buf_str(&t->parts->list));
	forget_parts(t);
}

static double
seconds(int64_t ms)
{
	return (double)(ms < 1 ? 1 : ms > LONGEST_MS ? LONGEST_MS : ms) / 1000;
}

static void
open_packet(struct talk *t, struct str json)
{
	struct eio_open o;

	if (t->opened || eio_open_read(&o, json) == -1) {
		malformed(t, "malformed handshake");
		return;
	}
	t->opened = 1;
	t->interval = seconds(o.interval);
	t->silence = seconds(o.timeout);
	ask_to_join(t);
}

static void
message(struct talk *t, const struct eio_packet *p)
{
	if (!t->opened || p->binary != (t->parts != NULL))
		malformed(t, p->binary ? "bytes that belong to nothing" :
		    "attachments are missing");
	else if (p->binary)
		attachment(t, p->data);
	else
		packet(t, p->data);
}

void
talk_message(struct talk *t, struct str bytes, int binary)
{
	struct eio_packet p;

	if (t->ending->why != NULL)
		return;
	text.max = 2 * link_line_max();
	if (eio_read(&p, t->version, bytes, binary, &text) == -1) {
		malformed(t, "malformed packet");
		return;
	}
	switch (p.type) {
	case EIO_OPEN:
		open_packet(t, p.data);
		break;
	case EIO_CLOSE:
		end(t, "server", "closed by the server", 1000);
		break;
	case EIO_PING:
		if (t->version == 4)
			send_bare(t, EIO_PONG);
		alive(t);
		break;
	case EIO_PONG:
		alive(t);
		break;
	case EIO_MESSAGE:
		message(t, &p);
		break;
	default:
		break;
	}
}

/* ---- the beginning and the end ------------------------------------------ */

char *
talk_url(const char *url, int version)
{
	return url_websocket(url, "/socket.io/", version == 3 ?
	    "EIO=3&transport=websocket" : "EIO=4&transport=websocket");
}

void
talk_start(struct talk *t, struct ws_conn *ws)
{
	t->ws = ws;
	t->opened = t->joined = t->waits = 0;
	ev_init(&t->timer, expired);
	t->timer.data = t;
	wait_for(t, t->timeout > 0 ? (double)t->timeout / 1000 : 20);
}

void
talk_stop(struct talk *t)
{
	if (ev_is_active(&t->timer))
		ev_timer_stop(loop, &t->timer);
	t->joined = 0;
	forget_parts(t);
}
