/* SPDX-License-Identifier: ISC */
/*
 * What a station is told: "dial", "send", "hangup".  Each returns NULL or why
 * it refuses; one that is settled later has taken the taken, and leaves NULL
 * there.
 */
#include "client.h"
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
	if (station_dial(new))
		return NULL;
	station_forget(new);
	return NOT_A_URL;
}

static void
no_answer(const struct far *to, const struct frame *f)
{
	station_begin("answer", to);
	frame_raw(&station_out, "ref", f->v[K_REF]);
	frame_text(&station_out, "error", STR("no answers on this connection"));
	station_emit(LINK_ANSWER);
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

/* RFC 6455, 7.4: what may stand in a close frame. */
static int
sendable(int64_t code)
{
	return (code >= 3000 && code <= 4999) ||
	    (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006));
}

static const char *
on_hangup(const struct frame *f)
{
	struct far *to = named(f);
	struct str reason = STR("");
	int64_t code = 1000;

	if (to == NULL)
		return NULL;	/* it is over, and that is what was asked */
	if (frame_has(f, K_CODE) &&
	    (!frame_int(f, K_CODE, &code) || !sendable(code)))
		return "code: not one that can be sent";
	frame_str(f, K_REASON, &text, &reason);
	to->hangup = 1;
	if (to->ws != NULL)
		ws_close(to->ws, (int)code, reason);
	else
		station_forget(to);
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
command(const struct frame *f, struct taken **taken)
{
	switch (f->type) {
	case T_DIAL:
		return on_dial(f);
	case T_SEND:
		return on_send(f, taken);
	case T_HANGUP:
		return on_hangup(f);
	default:
		return on_other(f);
	}
}
