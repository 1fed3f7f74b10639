/* SPDX-License-Identifier: ISC */
/*
 * A tap: a copy of what passes a socket of the kit, shown.  It slows nobody:
 * while we cannot write, the other end counts what we miss, and says so.
 */
#include "client.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "script.h"

static struct link *tapped;
static const char *where;
static ev_timer limit;

static void
finish(int status)
{
	ev_timer_stop(loop, &limit);
	output_end(status);
}

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	output_show('|', f->line, 0);
	link_settle(taken);
	if (output_full())
		link_hold(l, 1);
	if (script_seen(f->line, 0))
		finish(0);
}

static void
on_state(struct link *l, enum link_state state)
{
	if (state == LINK_UP || state == LINK_NEW) {
		info("%s: attached to %s", where, link_name(l));
		if (!script_waits())
			ev_timer_stop(loop, &limit);
		loop_ready();
	} else if (set.pause == 0) {
		output_last("%s: the peer left", where);
		finish(script_waits() ? 1 : 111);
	}
}

static const struct link_ops ops = { .frame = on_frame, .state = on_state };

static void
on_room(void)
{
	link_hold(tapped, 0);
}

static void
on_limit(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	if (!link_present(tapped))
		die(111, "%s: nobody is there", where);
	output_last("not seen in time: %s", script_missing());
	finish(1);
}

void
tap_leave(void)
{
	finish(script_waits() ? 1 : 0);
}

void
tap_start(struct opts *o)
{
	(void)o;
	where = set.url + strlen("unix:");
	output_open(on_room);
	link_tap_filter(set.user, set.conn, set.types);
	tapped = link_connect("tap", LINK_TAP, where, &ops);
	ev_timer_init(&limit, on_limit, (double)set.timeout / 1000, 0);
	if (set.timeout > 0 && (set.pause == 0 || script_waits()))
		ev_timer_start(loop, &limit);
}
