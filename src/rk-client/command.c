/* SPDX-License-Identifier: ISC */
/*
 * What a station is told: "dial", "send", "reply", "join", "leave", "hangup"
 * and "stats".  Each returns NULL or why it refuses; one that is settled later
 * has taken the taken, and leaves NULL there.
 */
#include "client.h"
#include "far.h"
#include "outgoing.h"
#include "speech.h"
#include "station.h"

static struct buf text = { .max = SIZE_MAX / 2 };	/* a value of a frame */

static struct far *
named(const struct frame *f)
{
	struct str conn;

	return frame_str(f, K_CONN, &text, &conn) ? far_find(conn) : NULL;
}

static const char *
on_dial(const struct frame *f)
{
	const char *why;
	struct far *old = named(f), *new;

	if (old != NULL)
		return far_same(old, f) ? NULL :
		    "this conn is dialled to another url";
	if (far_count() >= (size_t)set.dials)
		return "too many connections (--dials)";
	new = far_new(f, &why);
	if (new == NULL)
		return why;
	if (outgoing_dial(new))
		return NULL;
	outgoing_forget(new);
	return NOT_A_URL;
}

/* What goes to one connection that is there. */
static const char *
on_said(const struct frame *f, struct taken **taken)
{
	struct far *to = named(f);

	if (to == NULL)
		return "no such connection";
	if (to->held_bytes > link_window() / 16)
		return "the connection does not keep up";
	return f->type == T_SEND ? speech_send(to, f, taken) :
	    f->type == T_REPLY ? speech_reply(to, f, taken) :
	    speech_member(to, f);
}

/* RFC 6455, 7.4: what may stand in a close frame. */
static int
sendable(int64_t code)
{
	return (code >= 3000 && code <= 4999) ||
	    (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006));
}

static void
hang_up_all(int code, struct str reason)
{
	struct far *f, *next;

	for (f = far_next(NULL); f != NULL; f = next) {
		next = far_next(f);
		if (!f->hangup)
			outgoing_hangup(f, code, reason);
	}
}

/* One that is over is what was asked for. */
static const char *
on_hangup(const struct frame *f)
{
	struct far *to = named(f);
	struct str reason = STR("");
	int64_t code = 1000;

	if (frame_has(f, K_CODE) &&
	    (!frame_int(f, K_CODE, &code) || !sendable(code)))
		return "code: not one that can be sent";
	frame_str(f, K_REASON, &text, &reason);
	if (frame_true(f, K_ALL))
		hang_up_all((int)code, reason);
	else if (to != NULL)
		outgoing_hangup(to, (int)code, reason);
	return NULL;
}

/* In a plain line of stations, frames of the others pass by. */
static const char *
on_other(const struct frame *f)
{
	if (f->type == T_UNKNOWN || link_tracked(station_link) ||
	    !link_present(station_link))
		return "not for this station";
	link_send(station_link, f->line, NULL, LINK_WORK);
	return NULL;
}

const char *
command(struct link *l, const struct frame *f, struct taken **taken)
{
	switch (f->type) {
	case T_DIAL:
		return on_dial(f);
	case T_SEND:
	case T_REPLY:
	case T_JOIN:
	case T_LEAVE:
		return on_said(f, taken);
	case T_HANGUP:
		return on_hangup(f);
	case T_STATS:
		link_stats(l, f);
		return NULL;
	default:
		return on_other(f);
	}
}
