/* SPDX-License-Identifier: ISC */
#include "ask.h"
#include "endpoint.h"
#include "event.h"
#include "loop.h"
#include "send.h"
#include "written.h"

#define WAYS	8		/* remembered of one send */
#define RUN	64		/* sends that are queued together */
#define RETURN	-2		/* a policy: the endpoint's, and come back */

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
	{ "returned_total", &send_counts.returned,
	    "messages given back: nobody was there" },
	LOST("lost_total", frames, "messages for clients, not written"),
	LOST("lost_bytes_total", bytes, "their bytes, with their framing"),
#undef LOST
	{ "slow_total", &send_counts.slow,
	    "closed because they did not keep up" },
	{ NULL, NULL, NULL }
};

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
	if (!ws_send(c->ws, m) && !too_slow(c, m, policy >= 0 ? policy :
	    (int)c->endpoint->slow))
		return 0;
	send_counts.sent++;
	return 1;
}

/* ---- to many --------------------------------------------------------- */

/* Sends to the same, one after another.  The first is queued at once, and
 * shows which ways of writing there are; those that follow are written in each
 * and wait, as nothing else happens meanwhile, until all are queued together:
 * so that the many are gone through once. */
static struct {
	struct target to;
	int policy;			/* below 0: the endpoint's */
	int open;			/* others may follow */
	int64_t took;
	const struct frame *first;
	size_t n;			/* messages of each way, not queued */
	size_t nways;
	struct written {
		const struct dialect *dialect;
		struct str way;
		struct ws_msg *msg[RUN];
	} ways[WAYS];
} run;

/* Its way among those that are known, or one more; of more than are
 * remembered the last one is forgotten, and none can follow. */
static struct written *
way_of(const struct conn *c)
{
	const struct dialect *d = c->endpoint->dialect;
	struct str way = d->way(c);
	struct written *w;

	for (w = run.ways; w < run.ways + run.nways; w++)
		if (w->dialect == d && str_eq(w->way, way))
			return w;
	if (run.nways == WAYS) {
		ws_msg_drop((--w)->msg[0]);
		run.nways--;
		run.open = 0;
	}
	run.nways++;
	w->dialect = d;
	w->way = way;
	w->msg[0] = d->write(way, run.first);
	return w;
}

static void
to_one(struct conn *c, void *arg)
{
	struct written *w;
	size_t i;

	(void)arg;
	if (!is_there(c))
		return;
	w = way_of(c);
	i = ws_send_some(c->ws, w->msg, run.n);
	send_counts.sent += i;
	run.took += (int64_t)i;
	for (; i < run.n && is_there(c); i++)
		run.took += put(c, w->msg[i], run.policy);
}

static void
queue_run(void)
{
	struct written *w;
	size_t i;

	target_each(&run.to, to_one, NULL);
	for (w = run.ways; w < run.ways + run.nways; w++)
		for (i = 0; i < run.n; i++)
			ws_msg_drop(w->msg[i]);
	run.n = 0;
}

void
send_rest(void)
{
	if (run.n > 0)
		queue_run();
	run.open = 0;
}

/* How many took it. */
static int64_t
begin(const struct target *t, int policy, const struct frame *f)
{
	run.to = *t;
	run.policy = policy;
	run.open = 1;
	run.took = 0;
	run.first = f;
	run.n = 1;
	run.nways = 0;
	queue_run();
	return run.took;
}

static int
may_follow(const struct target *t, int policy)
{
	return run.open && policy == run.policy && t->kind == run.to.kind &&
	    t->conn == run.to.conn && t->name == run.to.name &&
	    t->except == run.to.except;
}

static void
follow(const struct frame *f)
{
	struct written *w;

	for (w = run.ways; w < run.ways + run.nways; w++)
		w->msg[run.n] = w->dialect->write(w->way, f);
	if (++run.n == RUN)
		queue_run();
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
ask(const struct command *k, const struct target *t, int policy)
{
	struct conn *c = t->conn;

	if (c == NULL || c->ws == NULL || c == t->except)
		no_answer(k, NULL, "the connection is gone");
	else if (c->endpoint->dialect->ask == NULL) {
		begin(t, policy, k->frame);
		no_answer(k, c, "no answers on this endpoint");
	} else if (!is_there(c))
		no_answer(k, c, "the connection is gone");
	else
		send_asking(k, c, policy);
}

static const char *
read_policy(const struct frame *f, int *policy)
{
	static struct buf b;
	struct str s;

	*policy = -1;
	if (command_string(f, K_POLICY, &b, &s) == 0)
		return NULL;
	if (str_eq(s, STR("return"))) {
		*policy = RETURN;
		return NULL;
	}
	*policy = endpoint_choose(endpoint_policies, s);
	return *policy != -1 ? NULL :
	    "policy is close, drop-oldest, drop-newest or return";
}

static void
found(struct conn *c, void *arg)
{
	*(int *)arg |= is_there(c);
}

/* Nobody took it.  Was there nobody?  Then it goes back as it came. */
static void
give_back(const struct command *k, const struct target *t)
{
	static const enum key keys[] = { K_CONN, K_USER, K_CHANNEL, K_ALL,
	    K_EXCEPT, K_EVENT, K_HEADERS, K_DATA, K_TEXT, K_BASE64, K_ARGS,
	    K_ATTACHMENTS };
	const struct frame *f = k->frame;
	struct buf *b;
	int any = 0;

	target_each(t, found, &any);
	if (any)
		return;
	b = answer_begin(k, "returned");
	frame_text(b, "why", STR("nobody is there"));
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (frame_has(f, keys[i]))
			frame_raw(b, frame_keys[keys[i]], f->v[keys[i]]);
	answer_end(k);
	send_counts.returned++;
}

/* What follows one that nobody took is looked at for itself. */
static int64_t
to_many(const struct command *k, const struct target *t, int policy)
{
	int64_t took = begin(t, policy, k->frame);

	if (took == 0 && policy == RETURN) {
		run.open = 0;
		give_back(k, t);
	}
	return took;
}

const char *
send_command(struct command *k)
{
	const struct frame *f = k->frame;
	struct target t;
	int64_t took;
	int policy;
	const char *why = target_read(&t, f,
	    TO_CONN | TO_USER | TO_CHANNEL | TO_ALL);

	if (why != NULL || (why = written_wrong(f)) != NULL ||
	    (why = read_policy(f, &policy)) != NULL)
		return why;
	if (!frame_has(f, K_REF) && may_follow(&t, policy)) {
		follow(f);
		return NULL;
	}
	send_rest();
	if (!frame_has(f, K_REF))
		to_many(k, &t, policy);
	else if (t.kind == TO_CONN)
		ask(k, &t, policy);
	else {
		took = to_many(k, &t, policy);
		frame_num(answer_begin(k, "sent"), "conns", took);
		answer_end(k);
	}
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
