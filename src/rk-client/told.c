/* SPDX-License-Identifier: ISC */
#include "client.h"
#include "loop.h"
#include "outgoing.h"
#include "station.h"
#include "told.h"
#include "log.h"
#include "ws.h"

static struct buf out;			/* the frame we write */

void
told_open(void)
{
	out = BUF(link_line_max());
}

struct buf *
told_begin(const char *type, const struct far *f)
{
	frame_begin(&out, type);
	frame_text(&out, "conn", str_of(f->conn));
	if (f->user != NULL)
		frame_text(&out, "user", str_of(f->user));
	frame_num(&out, "at", loop_ms());
	return &out;
}

void
told_end(enum link_how how)
{
	if (frame_end(&out) == -1)
		warn("a frame is over the bound and lost");
	else
		link_send(station_link, buf_str(&out), NULL, how);
	outgoing_gate();
	station_busy();
}

void
told_up(const struct far *f, struct str more)
{
	told_begin("up", f);
	if (*ws_subprotocol(f->ws) != '\0')
		frame_text(&out, "protocol",
		    str_of(ws_subprotocol(f->ws)));
	if (more.n > 0)
		frame_json(&out, "data", more);
	told_end(LINK_WORK);
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

void
told_failed(const struct far *f, int status, const char *why)
{
	told_begin("down", f);
	if (status != 0)
		frame_num(&out, "status", status);
	if (f->ending.refusal.len > 0)
		put_refusal(buf_str(&f->ending.refusal));
	else
		frame_text(&out, "error", str_of(failure(status, why)));
	told_end(LINK_WORK);
}

/* To the rules "client" is us, as we are the server's. */
static const char *
by(const struct ws_end *end)
{
	if (strcmp(end->by, "client") == 0)
		return "server";
	return strcmp(end->by, "server") == 0 ? "client" : end->by;
}

void
told_closed(const struct far *f, const struct ws_end *end)
{
	const char *why = f->ending.why;

	told_begin("down", f);
	frame_num(&out, "code", end->code);
	if (why != NULL)
		frame_text(&out, "reason", str_of(why));
	else if (end->reason.n > 0)
		frame_text(&out, "reason", end->reason);
	frame_text(&out, "by",
	    str_of(why != NULL ? f->ending.by : by(end)));
	told_end(LINK_WORK);
}

void
told_hung_up(const struct far *f, int code, struct str reason)
{
	told_begin("down", f);
	frame_num(&out, "code", code);
	if (reason.n > 0)
		frame_text(&out, "reason", reason);
	frame_text(&out, "by", STR("client"));
	told_end(LINK_WORK);
}
