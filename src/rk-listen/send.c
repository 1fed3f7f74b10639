/* SPDX-License-Identifier: ISC */
#include "endpoint.h"
#include "event.h"
#include "loop.h"
#include "send.h"

struct send_counts send_counts;

const struct figure send_figures[] = {
	{ "messages_out_total", &send_counts.sent,
	    "messages queued for clients" },
	{ "lost_total", &send_counts.lost,
	    "messages that were queued and not written, or not queued" },
	{ "slow_total", &send_counts.slow,
	    "closed because they did not keep up" },
	{ NULL, NULL, NULL }
};

struct outgoing {
	const struct frame *frame;
	struct ws_msg *plain, *wrapped;
	int drop, close;		/* policy of this frame */
	int64_t took;
};

/* ---- framing --------------------------------------------------------- */

static struct buf bytes;

static struct ws_msg *
plain(const struct frame *f)
{
	int binary = 0;

	if (frame_has(f, K_DATA))
		return ws_msg_new(WS_TEXT, f->v[K_DATA]);
	bytes.max = link_line_max();
	buf_clear(&bytes);
	if (frame_payload_bytes(f, &bytes, &binary) != 1)
		return NULL;
	return ws_msg_new(binary ? WS_BINARY : WS_TEXT, buf_str(&bytes));
}

/* {"event":E,"data":D}; a text is data, too; base64 keeps its name. */
static struct ws_msg *
wrapped(const struct frame *f)
{
	const char *why;
	int k = frame_payload(f, &why);

	bytes.max = link_line_max() + 64;
	buf_clear(&bytes);
	buf_addc(&bytes, '{');
	if (frame_has(f, K_EVENT)) {
		buf_adds(&bytes, STR("\"event\":"));
		buf_adds(&bytes, f->v[K_EVENT]);
		buf_addc(&bytes, ',');
	}
	buf_adds(&bytes, k == K_BASE64 ? STR("\"base64\":") :
	    STR("\"data\":"));
	buf_adds(&bytes, f->v[k]);
	buf_addc(&bytes, '}');
	return ws_msg_new(WS_TEXT, buf_str(&bytes));
}

static const char *
prepare(struct outgoing *o, const struct frame *f)
{
	const char *why;
	struct str policy;

	*o = (struct outgoing){ .frame = f };
	if (frame_payload(f, &why) == -1)
		return why;
	if (command_string(f, K_POLICY, &bytes, &policy) != 0) {
		o->drop = str_eq(policy, STR("drop"));
		o->close = str_eq(policy, STR("close"));
		if (!o->drop && !o->close)
			return "policy is close or drop";
	}
	o->plain = plain(f);
	return o->plain == NULL ? "malformed text or base64" : NULL;
}

static void
done(struct outgoing *o)
{
	if (o->plain != NULL)
		ws_msg_drop(o->plain);
	if (o->wrapped != NULL)
		ws_msg_drop(o->wrapped);
}

/* ---- to one ---------------------------------------------------------- */

void
send_lost(struct conn *c, size_t frames, size_t n)
{
	send_counts.lost += frames;
	c->lost_frames += (uint32_t)frames;
	c->lost_bytes += n;
}

void
send_tell_lost(struct conn *c, const char *why)
{
	struct buf *b;

	if (c->lost_frames == 0)
		return;
	b = event_begin("drop");
	frame_text(b, "why", str_of(why));
	frame_num(b, "frames", c->lost_frames);
	frame_num(b, "bytes", (int64_t)c->lost_bytes);
	c->lost_frames = 0;
	c->lost_bytes = 0;
	event_post(c, LINK_ANSWER);
}

void
send_drained(struct ws_conn *ws)
{
	send_tell_lost(ws_data(ws), "slow");
}

static void
too_slow(struct conn *c, const struct ws_msg *m, int drop)
{
	size_t frames, n;

	send_lost(c, 1, ws_msg_size(m));
	if (drop)
		return;
	send_counts.slow++;
	n = ws_unqueue(c->ws, &frames);
	send_lost(c, frames, n);
	send_tell_lost(c, "slow");
	ws_close(c->ws, 1013, STR("too slow"));
}

static void
to_one(struct conn *c, void *arg)
{
	struct outgoing *o = arg;
	struct ws_msg *m = o->plain;

	if (!ws_is_open(c->ws))
		return;
	if (c->endpoint->wrap) {
		if (o->wrapped == NULL)
			o->wrapped = wrapped(o->frame);
		m = o->wrapped;
	}
	if (ws_send(c->ws, m)) {
		o->took++;
		send_counts.sent++;
	} else
		too_slow(c, m, o->drop || (c->endpoint->drop && !o->close));
}

/* ---- the command ----------------------------------------------------- */

/* Raw clients have no way to answer. */
static void
no_answer(const struct command *k, const struct conn *c)
{
	struct buf *b = answer_begin(k, "answer");

	if (c != NULL)
		event_put_id(b, c);
	else
		frame_raw(b, "conn", k->frame->v[K_CONN]);
	frame_num(b, "at", loop_ms());
	if (c != NULL)
		event_put_roster(b, c, 0);
	frame_text(b, "error", c == NULL ? STR("the connection is gone") :
	    STR("no answers on this endpoint"));
	answer_end(k);
}

const char *
send_command(struct command *k)
{
	struct target t;
	struct outgoing o;
	const char *why = target_read(&t, k->frame,
	    TO_CONN | TO_USER | TO_CHANNEL | TO_ALL);

	if (why != NULL)
		return why;
	if ((why = prepare(&o, k->frame)) == NULL) {
		target_each(&t, to_one, &o);
		if (frame_has(k->frame, K_REF) && t.kind == TO_CONN)
			no_answer(k, t.conn);
		else if (frame_has(k->frame, K_REF)) {
			frame_num(answer_begin(k, "sent"), "conns", o.took);
			answer_end(k);
		}
	}
	done(&o);
	return why;
}
