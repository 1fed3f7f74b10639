/* SPDX-License-Identifier: ISC */
/*
 * A station with outgoing connections (--frames): "dial", "send" and
 * "hangup" come in; "up", "message" and "down" go out.
 *
 *  - A connection is known by the conn that its dial gave it, from the dial
 *    to its last "down".  A second dial of the same changes nothing.
 *  - What is sent before it is up, or while its queue is full, is held, not
 *    settled, and bounded; it is refused when the connection is over.
 *  - With --reconnect a connection is dialled again until "hangup".
 *  - While the link has no room, no connection is read.
 */
#include <stdlib.h>

#include "client.h"
#include "far.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "ws.h"

#define CLOSE_MS	5000

static struct link *up;
static struct buf out, text;	/* a frame we write; a value we read */
static int reading = 1;		/* the connections are read */
static int leaving, input_ended;
static ev_timer linger;

static const struct ws_ops ops;

/* Out. */

static void
begin(const char *type, const struct far *f)
{
	frame_begin(&out, type);
	frame_text(&out, "conn", str_of(f->conn));
	if (f->user != NULL)
		frame_text(&out, "user", str_of(f->user));
	frame_num(&out, "at", loop_ms());
}

static void
read_all(int on)
{
	struct far *f;

	reading = on;
	for (f = far_next(NULL); f != NULL; f = far_next(f))
		if (f->open)
			ws_read(f->ws, on);
}

static void
emit(enum link_how how)
{
	if (frame_end(&out) == -1)
		warn("a frame is over the bound and lost");
	else
		link_send(up, buf_str(&out), NULL, how);
	if (reading && link_room(up) == 0)
		read_all(0);
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
}

/* The connections. */

static void
dial(struct far *f)
{
	struct ws_dial d = { .url = f->url, .origin = set.origin,
	    .subprotocol = f->protocol ? f->protocol : set.subprotocol,
	    .headers = (const char *const *)f->headers,
	    .timeout_ms = set.timeout };

	f->ws = ws_dial(&d, &ops, f);
}

static void
on_redial(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)events;
	dial(t->data);
}

static void
deliver(struct far *f)
{
	struct held *h;

	while (f->open && (h = f->held) != NULL && ws_send(f->ws, h->msg)) {
		link_settle(h->taken);
		far_unhold(f);
	}
}

static void
forget(struct far *f)
{
	ev_timer_stop(loop, &f->redial);
	while (f->held != NULL) {
		link_refuse(f->held->taken, "the connection is over");
		far_unhold(f);
	}
	far_free(f);
}

static void
over(struct far *f)
{
	f->ws = NULL;
	f->open = 0;
	if (f->hangup || leaving || set.pause == 0) {
		forget(f);
		return;
	}
	ev_timer_set(&f->redial, (double)pause_after(f->tries++) / 1000, 0);
	ev_timer_start(loop, &f->redial);
}

static void
on_open(struct ws_conn *c)
{
	struct far *f = ws_data(c);

	f->open = 1;
	f->tries = 0;
	f->told = 0;
	begin("up", f);
	if (*ws_subprotocol(c) != '\0')
		frame_text(&out, "protocol", str_of(ws_subprotocol(c)));
	emit(LINK_WORK);
	if (!reading)
		ws_read(c, 0);
	deliver(f);
}

static void
on_message(struct ws_conn *c, struct str bytes, int binary)
{
	begin("message", ws_data(c));
	if (binary)
		frame_add_binary(&out, bytes, 0);
	else
		frame_add_text(&out, bytes);
	emit(LINK_WORK);
}

static void
on_drained(struct ws_conn *c)
{
	deliver(ws_data(c));
}

/* To the rules "client" is us, as we are the server's. */
static const char *
by(const struct ws_end *end)
{
	if (strcmp(end->by, "client") == 0)
		return "server";
	return strcmp(end->by, "server") == 0 ? "client" : end->by;
}

static void
on_close(struct ws_conn *c, const struct ws_end *end)
{
	struct far *f = ws_data(c);

	f->told = 1;
	begin("down", f);
	frame_num(&out, "code", end->code);
	if (end->reason.n > 0)
		frame_text(&out, "reason", end->reason);
	frame_text(&out, "by", str_of(by(end)));
	emit(LINK_WORK);
	over(f);
}

/* Said once: the dials after it that fail as well are no news. */
static void
on_failed(struct ws_conn *c, int status, const char *why)
{
	struct far *f = ws_data(c);

	if (!f->told) {
		begin("down", f);
		if (status != 0)
			frame_num(&out, "status", status);
		frame_text(&out, "error", str_of(failure(status, why)));
		emit(LINK_WORK);
	}
	f->told = 1;
	over(f);
}

static const struct ws_ops ops = { .open = on_open, .message = on_message,
    .drained = on_drained, .close = on_close, .failed = on_failed };

/* In: each returns NULL, or why it refuses; a NULL that means "later" has
 * taken the taken. */

static struct far *
named(const struct frame *f)
{
	struct str conn;

	return frame_str(f, K_CONN, &text, &conn) ? far_find(conn) : NULL;
}

static const char *
on_dial(const struct frame *f, struct taken **taken)
{
	const char *why;
	struct far *old = named(f), *new;

	(void)taken;
	if (old != NULL)
		return far_same(old, f) ? NULL :
		    "this conn is dialled to another url";
	if (far_count() >= (size_t)set.dials)
		return "too many connections (--dials)";
	new = far_new(f, &why);
	if (new == NULL)
		return why;
	ev_init(&new->redial, on_redial);
	new->redial.data = new;
	dial(new);
	if (new->ws != NULL)
		return NULL;
	forget(new);
	return "url: not a ws:, wss: or ws+unix: URL";
}

static void
no_answer(const struct far *to, const struct frame *f)
{
	begin("answer", to);
	frame_raw(&out, "ref", f->v[K_REF]);
	frame_text(&out, "error", STR("no answers on this connection"));
	emit(LINK_ANSWER);
}

static const char *
on_send(const struct frame *f, struct taken **taken)
{
	struct far *to = named(f);
	struct ws_msg *msg;
	int binary;

	if (to == NULL || to->hangup)
		return "no such connection";
	buf_clear(&text);
	if (frame_payload_bytes(f, &text, &binary) != 1)
		return "the payload is missing or malformed";
	if (to->held_bytes > link_window() / 16)
		return "the connection does not keep up";
	if (frame_has(f, K_REF))
		no_answer(to, f);
	msg = ws_msg_new(binary || set.binary ? WS_BINARY : WS_TEXT,
	    buf_str(&text));
	if (to->open && to->held == NULL && ws_send(to->ws, msg)) {
		ws_msg_drop(msg);
	} else {
		far_hold(to, msg, *taken);
		*taken = NULL;
	}
	return NULL;
}

static const char *
on_hangup(const struct frame *f, struct taken **taken)
{
	struct far *to = named(f);
	struct str reason = STR("");
	int64_t code = 1000;

	(void)taken;
	if (to == NULL)
		return NULL;	/* it is over, and that is what was asked */
	if (frame_has(f, K_CODE) && (!frame_int(f, K_CODE, &code) ||
	    code < 1000 || code > 4999))
		return "code: not from 1000 to 4999";
	frame_str(f, K_REASON, &text, &reason);
	to->hangup = 1;
	if (to->ws != NULL)
		ws_close(to->ws, (int)code, reason);
	else
		forget(to);
	return NULL;
}

/* In a plain line of stations, frames of the others pass by. */
static const char *
on_other(const struct frame *f, struct taken **taken)
{
	(void)taken;
	if (f->type == T_UNKNOWN || link_tracked(up))
		return "not for this station";
	link_send(up, f->line, NULL, LINK_WORK);
	return NULL;
}

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	const char *why;

	(void)l;
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
	if (f->type == T_DIAL)
		why = on_dial(f, &taken);
	else if (f->type == T_SEND)
		why = on_send(f, &taken);
	else if (f->type == T_HANGUP)
		why = on_hangup(f, &taken);
	else
		why = on_other(f, &taken);
	if (why != NULL)
		link_refuse(taken, why);
	else if (taken != NULL)
		link_settle(taken);
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)owner;
	(void)bytes;
	if (why != NULL)
		warn("an event was refused: %s", why);
}

static void
on_room(struct link *l)
{
	(void)l;
	if (!reading)
		read_all(1);
}

/* The end. */

static void
closed(void)
{
	loop_stop(0);
}

static void
drained(void)
{
	link_close_all(CLOSE_MS, closed);
}

void
station_leave(void)
{
	struct far *f, *next;

	if (leaving)
		return;
	leaving = 1;
	ev_timer_stop(loop, &linger);
	for (f = far_next(NULL); f != NULL; f = next) {
		next = far_next(f);
		if (f->ws == NULL)
			forget(f);
		else if (!f->open)
			ws_close(f->ws, 1001, STR(""));
	}
	ws_drain(1001, "", 0, CLOSE_MS, drained);
}

static void
on_linger(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	station_leave();
}

static void
on_end(struct link *l)
{
	(void)l;
	input_ended = 1;
	ev_timer_again(loop, &linger);
}

static const struct link_ops link_ops = { .frame = on_frame,
    .settled = on_settled, .room = on_room, .end = on_end };

void
station_start(struct opts *o)
{
	struct ws_config config = { .tls = 1, .max_message = link_max(),
	    .max_queue = HIGH_BYTES + link_max(), .ping_ms = set.ping,
	    .insecure = set.insecure, .ca_file = set.ca_file };

	ws_start(&config);
	out = BUF(link_line_max());
	text = BUF(link_max());
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	up = link_station(o, &link_ops);
	link_ready();
}
