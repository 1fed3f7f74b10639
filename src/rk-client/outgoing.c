/* SPDX-License-Identifier: ISC */
#include "ask.h"
#include "client.h"
#include "log.h"
#include "loop.h"
#include "outgoing.h"
#include "speech.h"
#include "station.h"
#include "told.h"
#include "ws.h"

static int reading = 1;			/* they are read */
static int leaving;

static const struct ws_ops ops;

static struct counts {
	uint64_t connections, up, dials, failures, downs, held;
} counts;

const struct figure outgoing_figures[] = {
	{ "connections", &counts.connections, "that were dialled" },
	{ "connections_up", &counts.up, "of them are up" },
	{ "dials_total", &counts.dials, "tries to connect" },
	{ "dials_failed_total", &counts.failures, "of them failed" },
	{ "downs_total", &counts.downs, "connections said to be down" },
	{ "held_bytes", &counts.held, "wait for their connection" },
	{ NULL, NULL, NULL }
};

void
outgoing_refresh(void)
{
	struct far *f;

	counts.connections = far_count();
	counts.held = 0;
	for (f = far_next(NULL); f != NULL; f = far_next(f))
		counts.held += f->held_bytes;
}

/* ---- what comes is read, or not ---------------------------------- */

void
outgoing_read(int on)
{
	struct far *f;

	if (reading == on)
		return;
	reading = on;
	for (f = far_next(NULL); f != NULL; f = far_next(f))
		if (f->open)
			ws_read(f->ws, on);
}

void
outgoing_gate(void)
{
	if (reading && link_room(station_link) == 0)
		outgoing_read(0);
}

/* ---- dialling ---------------------------------------------------- */

int
outgoing_dial(struct far *f)
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
	outgoing_dial(t->data);
}

/* ---- what is sent ------------------------------------------------ */

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

/* ---- the end of one ---------------------------------------------- */

void
outgoing_forget(struct far *f)
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
		outgoing_forget(f);
		return;
	}
	f->pause.first = FIRST_PAUSE;
	f->pause.longest = set.pause;
	ev_timer_init(&f->redial, on_redial, pause_next(&f->pause), 0);
	f->redial.data = f;
	ev_timer_start(loop, &f->redial);
}

/* A connection that is down is said to be once: the dials after it that fail
 * as well are no news. */
static int
is_news(struct far *f)
{
	if (f->told)
		return 0;
	f->told = 1;
	counts.downs++;
	return 1;
}

static void
failed(struct far *f, int status, const char *why)
{
	counts.failures++;
	if (is_news(f))
		told_failed(f, status, why);
	over(f);
}

/* Who hangs up is told at once, and hears no more of it: its name is free. */
void
outgoing_hangup(struct far *f, int code, struct str reason)
{
	if (is_news(f))
		told_hung_up(f, code, reason);
	if (f->open)
		speech_bye(f);
	shut(f);
	far_hangup(f);
	if (f->ws != NULL)
		ws_close(f->ws, code, reason);
	else
		outgoing_forget(f);
}

int
outgoing_leave(void)
{
	struct far *f, *next;

	if (leaving)
		return 0;
	leaving = 1;
	for (f = far_next(NULL); f != NULL; f = next) {
		next = far_next(f);
		if (f->ws == NULL)
			outgoing_forget(f);
		else if (!f->open)
			ws_close(f->ws, 1001, STR(""));
	}
	return 1;
}

/* ---- what happens to them ---------------------------------------- */

static void
up(struct far *f, struct str more)
{
	f->open = 1;
	counts.up++;
	pause_forget(&f->pause);
	f->told = 0;
	told_up(f, more);
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

static void
on_close(struct ws_conn *c, const struct ws_end *end)
{
	struct far *f = ws_data(c);

	if (f->hangup) {
		over(f);
	} else if (!f->open) {
		failed(f, 0, f->ending.why);
	} else {
		if (is_news(f))
			told_closed(f, end);
		over(f);
	}
}

static void
on_failed(struct ws_conn *c, int status, const char *why)
{
	struct far *f = ws_data(c);

	if (f->hangup)
		over(f);
	else if (status == 0 && !leaving && target_next(&f->target))
		outgoing_dial(f);
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
		if (why == NULL && outgoing_dial(f))
			continue;
		if (why == NULL)
			far_hangup(f);		/* no other try will do */
		failed(f, 0, why != NULL ? why : NOT_A_URL);
	}
}

static const struct ws_ops ops = { .open = on_open, .message = on_message,
    .drained = on_drained, .close = on_close, .failed = on_failed };

void
outgoing_open(void)
{
	static const struct speech_ops said = { .begin = told_begin,
	    .end = told_end, .put = put, .up = up };

	names_open(on_found);
	told_open();
	speech = &said;
}
