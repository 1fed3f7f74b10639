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

#include "ask.h"
#include "client.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "speech.h"
#include "station.h"
#include "ws.h"

#define CLOSE_MS	5000
#define CLOSING		1000	/* that are hung up, besides --dials */

struct link *station_link;
static struct buf out;			/* the frame we write */
static int reading = 1;		/* the connections are read */
static int leaving, input_ended;
static ev_timer linger;

static const struct ws_ops ops;

static struct counts {
	uint64_t connections, up, dials, failures, downs, held;
} counts;

static const struct figure figures[] = {
	{ "connections", &counts.connections, "that were dialled" },
	{ "connections_up", &counts.up, "of them are up" },
	{ "dials_total", &counts.dials, "tries to connect" },
	{ "dials_failed_total", &counts.failures, "of them failed" },
	{ "downs_total", &counts.downs, "connections said to be down" },
	{ "held_bytes", &counts.held, "wait for their connection" },
	{ NULL, NULL, NULL }
};
static const struct figure *const tables[] = { figures, ask_figures,
    ws_figures, NULL };

static void
refresh(void)
{
	struct far *f;

	counts.connections = far_count();
	counts.held = 0;
	for (f = far_next(NULL); f != NULL; f = far_next(f))
		counts.held += f->held_bytes;
}

/* Out. */

static struct buf *
begin(const char *type, const struct far *f)
{
	frame_begin(&out, type);
	frame_text(&out, "conn", str_of(f->conn));
	if (f->user != NULL)
		frame_text(&out, "user", str_of(f->user));
	frame_num(&out, "at", loop_ms());
	return &out;
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
		link_send(station_link, buf_str(&out), NULL, how);
	if (reading && link_room(station_link) == 0)
		read_all(0);
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
}

/* The connections. */

int
station_dial(struct far *f)
{
	struct ws_dial d = { .url = f->dialled,
	    .origin = set.origin,
	    .subprotocol = f->protocol ? f->protocol : set.subprotocol,
	    .headers = (const char *const *)f->headers,
	    .timeout_ms = set.timeout };

	f->ws = NULL;
	if (!target_address(&f->target, &d.address))
		return 1;
	counts.dials++;
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
		if (h->taken != NULL)
			link_settle(h->taken);
		far_unhold(f);
	}
}

static void
put(struct far *f, struct ws_msg *msg, struct taken **taken)
{
	if (f->open && f->held == NULL && ws_send(f->ws, msg)) {
		ws_msg_drop(msg);
		return;
	}
	far_hold(f, msg, taken != NULL ? *taken : NULL);
	if (taken != NULL)
		*taken = NULL;
}

void
station_forget(struct far *f)
{
	ev_timer_stop(loop, &f->redial);
	while (f->held != NULL) {
		if (f->held->taken != NULL)
			link_refuse(f->held->taken, "the connection is over");
		far_unhold(f);
	}
	far_free(f);
}

/* Nothing is sent to it any more. */
static void
shut(struct far *f)
{
	counts.up -= (uint64_t)f->open;
	f->open = 0;
	speech_over(f);
}

static void
over(struct far *f)
{
	f->ws = NULL;
	shut(f);
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
up(struct far *f, struct str more)
{
	f->open = 1;
	counts.up++;
	pause_forget(&f->pause);
	f->told = 0;
	begin("up", f);
	if (*ws_subprotocol(f->ws) != '\0')
		frame_text(&out, "protocol",
		    str_of(ws_subprotocol(f->ws)));
	if (more.n > 0)
		frame_json(&out, "data", more);
	emit(LINK_WORK);
	if (!reading)
		ws_read(f->ws, 0);
	deliver(f);
}

static void
on_open(struct ws_conn *c)
{
	speech_open(ws_data(c));
}

static void
on_message(struct ws_conn *c, struct str bytes, int binary)
{
	struct far *f = ws_data(c);

	if (!f->hangup)
		speech_heard(f, bytes, binary);
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

/* Said once: the dials after it that fail as well are no news. */
static void
down_begin(struct far *f)
{
	f->told = 1;
	counts.downs++;
	begin("down", f);
}

/* What a server says when it refuses: a message, with more or without. */
static void
put_refusal(struct str s)
{
	static struct buf message = { .max = 1024 };
	struct str words = STR("refused");
	struct json_walk w;
	struct json_member m;

	buf_clear(&message);
	if (s.n > 0 && json_kind(s) == 's')
		words = (struct str){ s.p + 1, s.n - 2 };
	else if (s.n > 0 && json_walk(&w, s) && w.object)
		while (json_next(&w, &m) == 1)
			if (str_eq(m.key, STR("message")) &&
			    json_kind(m.value) == 's')
				words = (struct str){ m.value.p + 1,
				    m.value.n - 2 };
	frame_text(&out, "error", json_unquote(&message, words) == 1 ?
	    buf_str(&message) : STR("refused"));
	if (s.n > 0)
		frame_json(&out, "data", s);
}

static void
failed(struct far *f, int status, const char *why)
{
	counts.failures++;
	if (!f->told) {
		down_begin(f);
		if (status != 0)
			frame_num(&out, "status", status);
		if (f->ending.refusal.len > 0)
			put_refusal(buf_str(&f->ending.refusal));
		else
			frame_text(&out, "error",
			    str_of(failure(status, why)));
		emit(LINK_WORK);
	}
	over(f);
}

static void
tell_close(struct far *f, const struct ws_end *end)
{
	const char *why = f->ending.why;

	down_begin(f);
	frame_num(&out, "code", end->code);
	if (why != NULL)
		frame_text(&out, "reason", str_of(why));
	else if (end->reason.n > 0)
		frame_text(&out, "reason", end->reason);
	frame_text(&out, "by",
	    str_of(why != NULL ? f->ending.by : by(end)));
	emit(LINK_WORK);
}

static void
on_close(struct ws_conn *c, const struct ws_end *end)
{
	struct far *f = ws_data(c);

	if (f->hangup) {
		over(f);
	} else if (!f->open) {
		failed(f, 0, f->ending.why);
	} else {
		tell_close(f, end);
		over(f);
	}
}

/* Who hangs up is told at once, and hears no more of it: its name is free. */
void
station_hangup(struct far *f, int code, struct str reason)
{
	if (!f->told) {
		down_begin(f);
		frame_num(&out, "code", code);
		if (reason.n > 0)
			frame_text(&out, "reason", reason);
		frame_text(&out, "by", STR("client"));
		emit(LINK_WORK);
	}
	if (f->open)
		speech_bye(f);
	shut(f);
	far_hangup(f);
	if (f->ws != NULL)
		ws_close(f->ws, code, reason);
	else
		station_forget(f);
}

static void
on_failed(struct ws_conn *c, int status, const char *why)
{
	struct far *f = ws_data(c);

	if (f->hangup)
		over(f);
	else if (status == 0 && !leaving && target_next(&f->target))
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
		if (f->ws != NULL)
			continue;
		if (why == NULL && station_dial(f))
			continue;
		if (why == NULL)
			far_hangup(f);		/* no other try will do */
		failed(f, 0, why != NULL ? why : NOT_A_URL);
	}
}

static const struct ws_ops ops = { .open = on_open, .message = on_message,
    .drained = on_drained, .close = on_close, .failed = on_failed };

/* The link. */

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	const char *why = command(l, f, &taken);

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

static const struct speech_ops speech_ops = { .begin = begin, .end = emit,
    .put = put, .up = up };

static const struct link_ops link_ops = { .frame = on_frame,
    .settled = on_settled, .room = on_room, .end = on_end };

void
station_start(struct opts *o)
{
	struct ws_config config = { .tls = 1, .max_message = link_max(),
	    .max_conns = (int)set.dials + CLOSING,
	    .max_queue = HIGH_BYTES + link_max() +
		CHANNELS_MAX * (AUTH_MAX + 2048), .ping_ms = set.ping,
	    .insecure = set.insecure, .ca_file = set.ca_file };

	ws_start(&config);
	link_tells(tables, refresh);
	names_open(on_found);
	out = BUF(link_line_max());
	speech = &speech_ops;
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	station_link = link_station(o, &link_ops);
	link_ready();
}
