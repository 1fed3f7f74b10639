/* SPDX-License-Identifier: ISC */
/*
 * A station with outgoing connections (--frames): "dial", "send" and
 * "hangup" come in; "up", "message" and "down" go out.
 *
 *  - A connection is known by the conn that its dial gave it, from the dial
 *    to its last "down".  A second dial of the same changes nothing.
 *  - Here are its link and its end.  What comes in is in command.c, what goes
 *    out in told.c; the connections are in outgoing.c.
 */
#include "ask.h"
#include "client.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "outgoing.h"
#include "station.h"
#include "ws.h"

#define CLOSE_MS	5000
#define CLOSING		1000	/* that are hung up, besides --dials */

struct link *station_link;
static ev_timer linger;

void
station_busy(void)
{
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
}

/* ---- the link ---------------------------------------------------- */

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	const char *why = command(l, f, &taken);

	station_busy();
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
	outgoing_read(1);
}

/* ---- the end ----------------------------------------------------- */

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
	if (!outgoing_leave())
		return;
	ev_timer_stop(loop, &linger);
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
	ev_timer_again(loop, &linger);
}

/* ---- the beginning ------------------------------------------------ */

static const struct link_ops link_ops = { .frame = on_frame,
    .settled = on_settled, .room = on_room, .end = on_end };

void
station_start(struct opts *o)
{
	static const struct figure *const tables[] = { outgoing_figures,
	    ask_figures, ws_figures, NULL };
	struct ws_config config = { .tls = 1, .max_message = link_max(),
	    .max_conns = (int)set.dials + CLOSING,
	    .max_queue = HIGH_BYTES + link_max() +
		CHANNELS_MAX * (AUTH_MAX + 2048), .ping_ms = set.ping,
	    .insecure = set.insecure, .ca_file = set.ca_file };

	ws_start(&config);
	link_tells(tables, outgoing_refresh);
	outgoing_open();
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	station_link = link_station(o, &link_ops);
	link_ready();
}
