/* SPDX-License-Identifier: ISC */
#include "ask.h"
#include "endpoint.h"
#include "event.h"
#include "loop.h"
#include "send.h"
#include "written.h"

#define WAYS	8		/* remembered of one send */

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
	struct written {		/* the ways of writing it so far */
		const struct dialect *dialect;
		struct str way;
		struct ws_msg *msg;
	} ways[WAYS];
	size_t n;
	int policy;			/* of this frame; -1: the endpoint's */
	struct conn *except;
	int64_t took;
};

/* ---- framing --------------------------------------------------------- */

static struct buf bytes;

static const char *
prepare(struct outgoing *o, const struct frame *f)
{
	const char *why = written_wrong(f);
	struct str policy;

	*o = (struct outgoing){ .frame = f, .policy = -1 };
	if (why != NULL)
		return why;
	if (command_string(f, K_POLICY, &bytes, &policy) != 0) {
		o->policy = endpoint_choose(endpoint_policies, policy);
		if (o->policy == -1)
			return "policy is close, drop-oldest or drop-newest";
	}
	return NULL;
}

/* The message for this connection.  Of more ways than are remembered the last
 * one is forgotten. */
static struct ws_msg *
written(struct outgoing *o, const struct conn *c)
{
	const struct dialect *d = c->endpoint->dialect;
	struct str way = d->way(c);
	struct written *w;

	for (w = o->ways; w < o->ways + o->n; w++)
		if (w->dialect == d && str_eq(w->way, way))
			return w->msg;
	if (o->n == WAYS)
		ws_msg_drop(o->ways[--o->n].msg);
	w = &o->ways[o->n++];
	*w = (struct written){ d, way, d->write(way, o->frame) };
	return w->msg;
}

static void
done(struct outgoing *o)
{
	while (o->n > 0)
		ws_msg_drop(o->ways[--o->n].msg);
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

static int
is_there(const struct conn *c)
{
	return !c->pending && !c->left && ws_is_open(c->ws);
}

/* 1 when it was queued. */
static int
put(struct conn *c, struct ws_msg *m, int policy)
{
	if (!ws_send(c->ws, m) && !too_slow(c, m, policy != -1 ? policy :
	    (int)c->endpoint->slow))
		return 0;
	send_counts.sent++;
	return 1;
}

static void
to_one(struct conn *c, void *arg)
{
	struct outgoing *o = arg;

	if (is_there(c))
		o->took += put(c, written(o, c), o->policy);
}

/* ---- the command ----------------------------------------------------- */

/* It will not be answered, and why. */
static void
no_answer(const struct command *k, const struct conn *c, const char *why)
{
	struct buf *b = answer_begin(k, "answer");

	if (c != NULL)
		event_put_id(b, c);
	else
		frame_raw(b, "conn", k->frame->v[K_CONN]);
	frame_num(b, "at", loop_ms());
	if (c != NULL)
		event_put_roster(b, c, 0);
	frame_text(b, "error", str_of(why));
	answer_end(k);
}

static void
send_asking(const struct command *k, struct conn *c, int policy)
{
	const struct dialect *d = c->endpoint->dialect;
	int64_t id = ask_new(c, k);
	struct ws_msg *m;

	if (id == -1) {
		no_answer(k, c, "too many refs are open");
		return;
	}
	m = d->ask(d->way(c), k->frame, id);
	if (!put(c, m, policy))
		ask_fail(c, id, "it did not keep up");
	ws_msg_drop(m);
}

/* To one, who is to answer. */
static void
ask(const struct command *k, struct conn *c, struct outgoing *o)
{
	if (c == NULL || c->ws == NULL || c == o->except)
		no_answer(k, NULL, "the connection is gone");
	else if (c->endpoint->dialect->ask == NULL) {
		to_one(c, o);
		no_answer(k, c, "no answers on this endpoint");
	} else if (!is_there(c))
		no_answer(k, c, "the connection is gone");
	else
		send_asking(k, c, o->policy);
}

const char *
send_command(struct command *k)
{
	int has_ref = frame_has(k->frame, K_REF);
	struct target t;
	struct outgoing o;
	const char *why = target_read(&t, k->frame,
	    TO_CONN | TO_USER | TO_CHANNEL | TO_ALL);

	if (why != NULL || (why = prepare(&o, k->frame)) != NULL)
		return why;
	o.except = t.except;
	if (has_ref && t.kind == TO_CONN)
		ask(k, t.conn, &o);
	else
		target_each(&t, to_one, &o);
	if (has_ref && t.kind != TO_CONN) {
		frame_num(answer_begin(k, "sent"), "conns", o.took);
		answer_end(k);
	}
	done(&o);
	return NULL;
}

/* To what had that ref; NULL, or why there is none to it. */
static const char *
answer_ref(struct conn *c, const struct frame *f)
{
	const struct dialect *d = c->endpoint->dialect;
	const char *why = NULL;
	struct ws_msg *m;

	if (d->reply == NULL || c->ws == NULL || !is_there(c)) {
		command_counts.dead++;
		return NULL;
	}
	if ((m = d->reply(c, f, &why)) == NULL)
		return why;
	put(c, m, -1);
	ws_msg_drop(m);
	return NULL;
}

void
send_refusal(struct conn *c, struct str ref)
{
	static struct buf reply = { .max = 4096 };
	struct frame f;
	const char *why;

	frame_begin(&reply, "reply");
	frame_raw(&reply, "ref", ref);
	frame_text(&reply, "error", STR("refused"));
	if (frame_end(&reply) == 1 &&
	    frame_scan(&f, buf_str(&reply), &why) == 1)
		answer_ref(c, &f);
}

const char *
send_reply(struct command *k)
{
	const struct frame *f = k->frame;
	struct target t;
	const char *why = target_read(&t, f, TO_CONN), *none;

	if (why == NULL && !frame_has(f, K_REF))
		why = "ref is missing";
	if (why == NULL && frame_payload(f, &none) != -1)
		why = written_wrong(f);
	if (why != NULL || t.conn == NULL)
		return why;
	return answer_ref(t.conn, f);
}
