/* SPDX-License-Identifier: ISC */
#include "endpoint.h"
#include "event.h"
#include "loop.h"
#include "send.h"

struct send_counts send_counts;

const struct figure send_figures[] = {
	{ "messages_out_total", &send_counts.sent,
	    "messages queued for clients" },
#define LOST(name, member, help) \
	{ name "{why=\"close\"}", &send_counts.lost[POLICY_CLOSE].member, \
	    help }, \
	{ name "{why=\"drop-oldest\"}", \
	    &send_counts.lost[POLICY_OLDEST].member, help }, \
	{ name "{why=\"drop-newest\"}", \
	    &send_counts.lost[POLICY_NEWEST].member, help }, \
	{ name "{why=\"closed\"}", &send_counts.lost[LOST_CLOSED].member, \
	    help }
	LOST("lost_total", frames, "messages for clients, not written"),
	LOST("lost_bytes_total", bytes, "their bytes, with their framing"),
#undef LOST
	{ "slow_total", &send_counts.slow,
	    "closed because they did not keep up" },
	{ NULL, NULL, NULL }
};

struct outgoing {
	const struct frame *frame;
	struct ws_msg *plain, *wrapped;
	int policy;			/* of this frame; -1: the endpoint's */
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

	*o = (struct outgoing){ .frame = f, .policy = -1 };
	if (frame_payload(f, &why) == -1)
		return why;
	if (command_string(f, K_POLICY, &bytes, &policy) != 0) {
		o->policy = endpoint_choose(endpoint_policies, policy);
		if (o->policy == -1)
			return "policy is close, drop-oldest or drop-newest";
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
send_lost(struct conn *c, int why, size_t frames, size_t n)
{
	send_counts.lost[why].frames += frames;
	send_counts.lost[why].bytes += n;
	c->lost_frames += frames;
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
	frame_num(b, "frames", (int64_t)c->lost_frames);
	frame_num(b, "bytes", (int64_t)c->lost_bytes);
	c->lost_frames = 0;
	c->lost_bytes = 0;
	event_post(c, LINK_ANSWER);
}

void
send_room(struct conn *c)
{
	if (c->lost_frames > 0 && c->ws != NULL && ws_queued(c->ws) == 0 &&
	    event_room_for(c))
		send_tell_lost(c, "slow");
}

void
send_drained(struct ws_conn *ws)
{
	send_room(ws_data(ws));
}

static void
close_slow(struct conn *c)
{
	size_t frames, n = ws_unqueue(c->ws, &frames);

	send_counts.slow++;
	send_lost(c, POLICY_CLOSE, frames, n);
	send_tell_lost(c, "slow");
	ws_close(c->ws, 1013, STR("too slow"));
}

/* There is no room for it: 1 when it was queued all the same. */
static int
too_slow(struct conn *c, struct ws_msg *m, int policy)
{
	size_t frames, n;

	if (policy == POLICY_OLDEST) {
		n = ws_make_room(c->ws, m, &frames);
		send_lost(c, policy, frames, n);
		if (ws_send(c->ws, m))
			return 1;
	}
	send_lost(c, policy, 1, ws_msg_size(m));
	if (policy == POLICY_CLOSE)
		close_slow(c);
	return 0;
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
	if (ws_send(c->ws, m) || too_slow(c, m, o->policy != -1 ? o->policy :
	    (int)c->endpoint->slow)) {
		o->took++;
		send_counts.sent++;
	}
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
