/* SPDX-License-Identifier: ISC */

/*
 * Frames in.  Each that asks the broker for something becomes a job, which
 * has the frame's custody and its ref, and ends with the broker's word: a
 * ref is answered with done or error, and settled; without one the frame is
 * settled or refused.
 *
 * What a frame publishes or consumes comes after what frames before it
 * declared, though that goes another way: each declaration is a barrier to the
 * messages behind it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "block.h"
#include "json.h"
#include "log.h"

#include "bridge.h"

struct job {
	struct taken *taken;
	struct str ref;			/* n is 0: none; in text */
	enum unroutable unroutable;
	int returned;
	struct job *next;		/* of the declarations */
	uint64_t barrier;		/* the first message behind it */
	char text[];
};

static size_t jobs;
static struct block *block;	/* of the next one */
static int ended;		/* standard input */
static struct job *declarations, **declarations_end = &declarations;

/* --- jobs --- */

static struct job *
job_new(const struct frame *f, struct taken *t)
{
	struct str ref = frame_has(f, K_REF) ? f->v[K_REF] : STR("");
	struct job *j = block_cut(&block, sizeof *j + ref.n);

	*j = (struct job){ .taken = t, .ref = { j->text, ref.n } };
	memcpy(j->text, ref.p, ref.n);
	jobs++;
	return j;
}

static void
answer(struct link *l, struct str ref, int code, const char *why)
{
	struct buf b = BUF(link_line_max());

	frame_begin(&b, why ? "error" : "done");
	frame_raw(&b, "ref", ref);
	if (code != 0)
		frame_num(&b, "code", code);
	if (why != NULL)
		frame_text(&b, "why", str_of(why));
	if (frame_end(&b) == 1)
		link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	buf_free(&b);
}

/* When standard input ended and nothing is consumed, we are done when all that
 * was asked for is. */
void
job_end(void)
{
	if (ended && jobs == 0 && broker_was_up())
		drain();
}

int
job_input_ended(void)
{
	return ended;
}

void
job_done(void *owner, int code, const char *why)
{
	struct job *j = owner;
	struct link *l = taken_link(j->taken);
	char text[512];

	if (why != NULL)
		tally.refused++;
	if (j->ref.n > 0 && l != NULL) {
		answer(l, j->ref, code, why);
		link_settle(j->taken);
	} else if (why != NULL) {
		snprintf(text, sizeof text, code ? "%d %s" : "%.0d%s", code,
		    why);
		link_refuse(j->taken, text);
	} else {
		link_settle(j->taken);
	}
	block_free(&block, j);
	jobs--;
	job_end();
}

/* Untracked links have no window of their own: ours bounds them.  In a
 * pipeline, what is passed on waits for its reader, too. */
static int held;

static void
hold(struct link *l)
{
	if (!link_tracked(l))
		link_hold(l, held ||
		    (l == router && pipeline && !link_room(l)));
}

static void
check_hold(void)
{
	size_t n = mq_unconfirmed_bytes(publisher);
	int before = held;
	struct link *l;

	if (n >= link_window())
		held = 1;
	else if (n < link_window() / 2)
		held = 0;
	if (held == before) {
		hold(router);
		return;
	}
	for (l = link_next(NULL); l != NULL; l = link_next(l))
		hold(l);
}

/* --- publish --- */

/* The frame's own words, or what --unroutable said. */
static int
policy(const struct frame *f, struct job *j)
{
	static const char *const words[] = { [RETURN] = "\"return\"",
	    [REFUSE] = "\"refuse\"", [DROP] = "\"drop\"" };

	j->unroutable = bridge.unroutable;
	if (!frame_has(f, K_POLICY))
		return 1;
	for (int i = RETURN; i <= DROP; i++)
		if (str_eq(f->v[K_POLICY], str_of(words[i]))) {
			j->unroutable = (enum unroutable)i;
			return 1;
		}
	return 0;
}

/* A string that may be any bytes; NULL: absent, otherwise stands. */
static int
word(const struct frame *f, enum key k, const char *otherwise, struct buf *b,
    struct str *out)
{
	*out = str_of(otherwise ? otherwise : "");
	return frame_has(f, k) ? frame_str(f, k, b, out) : otherwise != NULL;
}

static const char *
target(const struct frame *f, struct mq_publish *p)
{
	static struct buf exchange, key;
	int named = frame_has(f, K_EXCHANGE);

	exchange.max = key.max = 255;
	if (!word(f, K_EXCHANGE, bridge.exchange, &exchange, &p->exchange))
		return named ? "exchange: not a name" :
		    "exchange: neither in the frame nor by --publish";
	if (!word(f, K_KEY, named ? "" : bridge.key, &key, &p->key))
		return "key: not a string of at most 255 bytes";
	return NULL;
}

/* What was not made by rules is known by its place on its link, else by
 * ours. */
static struct str
message_id(const struct frame *f, const struct taken *t)
{
	static struct buf id = { .max = 80 };
	static int64_t n;
	struct str made = link_made_of(f, t);
	const char *peer;
	uint64_t place;

	if (made.n > 0)
		return made;
	buf_clear(&id);
	if (taken_of(t, &peer, &place)) {
		buf_adds(&id, str_of(peer));
		buf_addc(&id, '-');
		buf_addn(&id, (int64_t)place);
	} else {
		buf_adds(&id, str_of(link_boot()));
		buf_addc(&id, '.');
		buf_addn(&id, ++n);
	}
	return buf_str(&id);
}

/* What may be wrong with the frame itself: NULL, or why. */
static const char *
read_publish(const struct frame *f, struct mq_publish *p)
{
	static struct buf body;
	const char *why;
	int binary;

	body.max = link_max();
	if ((why = target(f, p)) != NULL || frame_payload(f, &why) == -1)
		return why;
	buf_clear(&body);
	switch (frame_payload_bytes(f, &body, &binary)) {
	case 0:
		return "a malformed payload";
	case -1:
		return "the payload is too large";
	}
	p->body = buf_str(&body);
	if (frame_has(f, K_DATA))
		p->content_type = STR("application/json");
	p->headers = f->v[K_HEADERS];
	p->properties = f->v[K_PROPERTIES];
	return NULL;
}

static void
publish(const struct frame *f, struct taken *t)
{
	struct job *j = job_new(f, t);
	struct mq_publish p = { .id = message_id(f, t),
	    .persistent = !bridge.transient };
	const char *why = read_publish(f, &p);

	if (why == NULL && !policy(f, j))
		why = "policy: not return, refuse or drop";
	p.mandatory = j->unroutable != DROP;
	if (why != NULL || !mq_publish(publisher, &p, j, &why)) {
		job_done(j, 0, why);
		return;
	}
	tally.published++;
	check_hold();
}

static void
confirmed(struct mq_publisher *p, void *owner, const char *why)
{
	struct job *j = owner;

	(void)p;
	tally.confirmed += why == NULL;
	if (why == NULL && j->returned && j->unroutable == REFUSE)
		why = "no queue for it";
	job_done(j, 0, why);
	check_hold();
}

static void
returned(struct mq_publisher *p, void *owner, const struct mq_message *m)
{
	struct job *j = owner;

	(void)p;
	tally.returned++;
	j->returned = 1;
	if (j->unroutable == RETURN)
		event_returned(taken_link(j->taken), m, j->ref);
}

const struct mq_publisher_ops publishing = {
	.open = broker_publisher, .confirmed = confirmed,
	.returned = returned, .missing = broker_missing
};

/* --- topology and consumers --- */

static void
set_limit(void)
{
	mq_publisher_limit(publisher,
	    declarations ? declarations->barrier : UINT64_MAX);
}

static void
declare(const struct frame *f, struct taken *t)
{
	struct job *j = job_new(f, t);
	struct mq_item i;
	const char *why;
	int ok = item_frame(f, &i, &why);

	if (ok && f->type == T_UNBIND)
		ok = mq_unbind(topology, &i, j, &why);
	else if (ok)
		ok = mq_declare(topology, &i, j, &why);
	if (!ok) {
		job_done(j, 0, why);
		return;
	}
	j->barrier = mq_publisher_next(publisher);
	*declarations_end = j;
	declarations_end = &j->next;
	set_limit();
}

/* They are done in their order. */
static void
declared(struct mq_topology *t, void *owner, int code, const char *why)
{
	(void)t;
	declarations = declarations->next;
	if (declarations == NULL)
		declarations_end = &declarations;
	set_limit();
	job_done(owner, code, why);
	broker_idle();
}

const struct mq_topology_ops declaring = {
	.standing = broker_standing, .done = declared, .failed = broker_failed
};

static void
consume(const struct frame *f, struct taken *t)
{
	struct job *j = job_new(f, t);
	int64_t prefetch = bridge.prefetch;
	struct str option = item_option(f, "prefetch");
	unsigned flags = str_eq(item_option(f, "exclusive"), STR("true")) ?
	    MQ_EXCLUSIVE : 0;
	const char *why, *queue = item_name(f, K_QUEUE, &why);

	if (option.n > 0 && (!json_int(option, &prefetch) || prefetch < 1 ||
	    prefetch > 65535)) {
		queue = NULL;
		why = "options.prefetch: not from 1 to 65535";
	}
	if (queue == NULL ||
	    !broker_consume(queue, (int)prefetch, flags, j, &why))
		job_done(j, 0, why);
}

/* --- all frames --- */

/* For a frame that is not ours: passed on in a plain pipeline. */
static void
others(struct link *l, const struct frame *f, struct taken *t)
{
	if (f->type == T_UNKNOWN) {
		link_refuse(t, "unknown type");
	} else if (l == router && pipeline && !link_tracked(l)) {
		link_send(l, f->line, NULL, LINK_WORK);
		link_settle(t);
		hold(l);
	} else if (f->type == T_ERROR) {
		warn("%s: %.*s", link_name(l), (int)f->v[K_WHY].n,
		    frame_has(f, K_WHY) ? f->v[K_WHY].p : "");
		link_settle(t);
	} else {
		link_refuse(t, "not for this station");
	}
}

static void
frame(struct link *l, struct frame *f, struct taken *t)
{
	switch (f->type) {
	case T_PUBLISH:
		publish(f, t);
		break;
	case T_DECLARE:
	case T_BIND:
	case T_UNBIND:
		declare(f, t);
		break;
	case T_CONSUME:
		consume(f, t);
		break;
	case T_STATS:
		if (link_tracked(l)) {
			link_stats(l, f);
			link_settle(t);
			break;
		}
		/* FALLTHROUGH */
	default:
		others(l, f, t);
	}
}

static void
settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)bytes;
	event_settled(owner, why);
}

static void
state(struct link *l, enum link_state s)
{
	if (s == LINK_NEW && l == router)
		event_state();
	if (s == LINK_NEW)
		hold(l);
}

static void
end(struct link *l)
{
	if (!link_present(l)) {		/* nobody reads either */
		if (link_deserted(l))
			abandon();
		drain();
		return;
	}
	ended = !broker_consumers();
	job_end();
}

const struct link_ops commands = {
	.frame = frame, .settled = settled, .state = state, .room = hold,
	.end = end
};
