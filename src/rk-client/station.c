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
 *  - What comes in is in command.c.
 */
#include <stdlib.h>

#include "client.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "station.h"
#include "ws.h"

#define CLOSE_MS	5000

struct link *station_link;
struct buf station_out;			/* the frame we write */
static int reading = 1;		/* the connections are read */
static int leaving, input_ended;
static ev_timer linger;

static const struct ws_ops ops;

/* Out. */

void
station_begin(const char *type, const struct far *f)
{
	frame_begin(&station_out, type);
	frame_text(&station_out, "conn", str_of(f->conn));
	if (f->user != NULL)
		frame_text(&station_out, "user", str_of(f->user));
	frame_num(&station_out, "at", loop_ms());
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

void
station_emit(enum link_how how)
{
	if (frame_end(&station_out) == -1)
		warn("a frame is over the bound and lost");
	else
		link_send(station_link, buf_str(&station_out), NULL, how);
	if (reading && link_room(station_link) == 0)
		read_all(0);
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
}

/* The connections. */

int
station_dial(struct far *f)
{
	struct ws_dial d = { .url = f->url, .origin = set.origin,
	    .subprotocol = f->protocol ? f->protocol : set.subprotocol,
	    .headers = (const char *const *)f->headers,
	    .timeout_ms = set.timeout };

	f->ws = NULL;
	if (!target_address(&f->target, &d.address))
		return 1;
	f->ws = ws_dial(&d, &ops, f);
	return f->ws != NULL;
}

static void
on_redial(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)events;
	station_dial(t->data);
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

void
station_forget(struct far *f)
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
		station_forget(f);
		return;
	}
	f->pause.first = FIRST_PAUSE;
	f->pause.longest = set.pause;
	ev_timer_init(&f->redial, on_redial, pause_next(&f->pause), 0);
	f->redial.data = f;
	ev_timer_start(loop, &f->redial);
}

static void
on_open(struct ws_conn *c)
{
	struct far *f = ws_data(c);

	f->open = 1;
	pause_forget(&f->pause);
	f->told = 0;
	station_begin("up", f);
	if (*ws_subprotocol(c) != '\0')
		frame_text(&station_out, "protocol", str_of(ws_subprotocol(c)));
	station_emit(LINK_WORK);
	if (!reading)
		ws_read(c, 0);
	deliver(f);
}

static void
on_message(struct ws_conn *c, struct str bytes, int binary)
{
	station_begin("message", ws_data(c));
	if (binary)
		frame_add_binary(&station_out, bytes, 0);
	else
		frame_add_text(&station_out, bytes);
	station_emit(LINK_WORK);
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
	station_begin("down", f);
	frame_num(&station_out, "code", end->code);
	if (end->reason.n > 0)
		frame_text(&station_out, "reason", end->reason);
	frame_text(&station_out, "by", str_of(by(end)));
	station_emit(LINK_WORK);
	over(f);
}

/* Said once: the dials after it that fail as well are no news. */
static void
failed(struct far *f, int status, const char *why)
{
	if (!f->told) {
		station_begin("down", f);
		if (status != 0)
			frame_num(&station_out, "status", status);
		frame_text(&station_out, "error", str_of(failure(status, why)));
		station_emit(LINK_WORK);
	}
	f->told = 1;
	over(f);
}

static void
on_failed(struct ws_conn *c, int status, const char *why)
{
	struct far *f = ws_data(c);

	if (status == 0 && !f->hangup && !leaving && target_next(&f->target))
		station_dial(f);
	else
		failed(f, status, why);
}

static void
on_found(const char *host, const char *why)
{
	struct far *f, *next;

	for (f = far_next(NULL); f != NULL; f = next) {
		next = far_next(f);
		if (!f->target.waiting || strcmp(f->target.host, host) != 0)
			continue;
		f->target.waiting = 0;
		if (why == NULL && station_dial(f))
			continue;
		f->hangup |= why == NULL;	/* no other try will do */
		failed(f, 0, why != NULL ? why : NOT_A_URL);
	}
}

static const struct ws_ops ops = { .open = on_open, .message = on_message,
    .drained = on_drained, .close = on_close, .failed = on_failed };

/* The link. */

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	const char *why = command(f, &taken);

	(void)l;
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
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
			station_forget(f);
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
	names_open(on_found);
	station_out = BUF(link_line_max());
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	station_link = link_station(o, &link_ops);
	link_ready();
}
