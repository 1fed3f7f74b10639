/* SPDX-License-Identifier: ISC */

/*
 * What has to stand at the broker: exchanges, queues, bindings.
 *
 *  - One list of steps, in the order of the calls: those that stand, then
 *    those that were asked for just now (fresh).  [0, answered) the broker has
 *    confirmed in this connection, [answered, sent) are in flight; it answers
 *    in order, so a closed channel means the step at answered.
 *  - A fresh step that was confirmed stands; the list is gone through again
 *    in every new connection, and when mq_topology_again() asks.
 *  - Unbinding takes the binding out of the list, and is then forgotten.
 */

#include <stdlib.h>

#include "../json.h"
#include "conn.h"

struct step {
	struct mq_item item;		/* its strings are ours */
	struct str arguments;
	void *owner;
	int must, fresh, unbind;
};

struct mq_topology {
	struct mq_channel *channel;
	const struct mq_topology_ops *ops;
	struct step **steps;
	size_t count, cap, answered, sent;
	int stands, paused, again;
	amqp_pool_t pool;
};

/* --- steps --- */

static char *
copy(const char *s)
{
	return mem_str(s ? s : "");
}

static struct step *
step_new(const struct mq_item *i, void *owner, int unbind)
{
	struct step *s = mem_new(sizeof *s);

	s->item = (struct mq_item){ .what = i->what, .flags = i->flags,
	    .name = copy(i->name), .to = copy(i->to), .key = copy(i->key),
	    .kind = copy(i->kind), .arguments = copy(i->arguments) };
	s->arguments = str_of(s->item.arguments);
	s->owner = owner;
	s->unbind = unbind;
	s->must = owner == NULL;
	s->fresh = !s->must;
	return s;
}

static void
step_free(struct step *s)
{
	free((char *)(uintptr_t)s->item.name);
	free((char *)(uintptr_t)s->item.to);
	free((char *)(uintptr_t)s->item.key);
	free((char *)(uintptr_t)s->item.kind);
	free((char *)(uintptr_t)s->item.arguments);
	free(s);
}

static int
same(const struct mq_item *a, const struct mq_item *b)
{
	return a->what == b->what && strcmp(a->key, b->key) == 0 &&
	    strcmp(a->name, b->name) == 0 && strcmp(a->to, b->to) == 0 &&
	    strcmp(a->arguments, b->arguments) == 0;
}

static void
forget(struct mq_topology *t, size_t i)
{
	step_free(t->steps[i]);
	memmove(t->steps + i, t->steps + i + 1,
	    (t->count - i - 1) * sizeof t->steps[0]);
	t->count--;
	t->answered -= i < t->answered;
	t->sent -= i < t->sent;
}

/* --- what is sent --- */

static amqp_bytes_t
bytes(const char *s)
{
	return bytes_of(str_of(s));
}

static int
send_exchange(struct mq_channel *c, const struct mq_item *i, amqp_table_t a)
{
	amqp_exchange_declare_t m = { .exchange = bytes(i->name),
	    .type = bytes(i->kind), .arguments = a,
	    .passive = (i->flags & MQ_PASSIVE) != 0,
	    .durable = (i->flags & MQ_DURABLE) != 0,
	    .auto_delete = (i->flags & MQ_AUTO_DELETE) != 0,
	    .internal = (i->flags & MQ_INTERNAL) != 0 };

	return mq_send(c->mq, c->id, AMQP_EXCHANGE_DECLARE_METHOD, &m);
}

static int
send_queue(struct mq_channel *c, const struct mq_item *i, amqp_table_t a)
{
	amqp_queue_declare_t m = { .queue = bytes(i->name), .arguments = a,
	    .passive = (i->flags & MQ_PASSIVE) != 0,
	    .durable = (i->flags & MQ_DURABLE) != 0,
	    .auto_delete = (i->flags & MQ_AUTO_DELETE) != 0,
	    .exclusive = (i->flags & MQ_EXCLUSIVE) != 0 };

	return mq_send(c->mq, c->id, AMQP_QUEUE_DECLARE_METHOD, &m);
}

static int
send_bind(struct mq_channel *c, const struct mq_item *i, amqp_table_t a)
{
	amqp_queue_bind_t q = { .queue = bytes(i->to),
	    .exchange = bytes(i->name), .routing_key = bytes(i->key),
	    .arguments = a };
	amqp_exchange_bind_t e = { .destination = bytes(i->to),
	    .source = bytes(i->name), .routing_key = bytes(i->key),
	    .arguments = a };

	if (i->what == MQ_BIND_QUEUE)
		return mq_send(c->mq, c->id, AMQP_QUEUE_BIND_METHOD, &q);
	return mq_send(c->mq, c->id, AMQP_EXCHANGE_BIND_METHOD, &e);
}

static int
send_unbind(struct mq_channel *c, const struct mq_item *i, amqp_table_t a)
{
	amqp_queue_unbind_t q = { .queue = bytes(i->to),
	    .exchange = bytes(i->name), .routing_key = bytes(i->key),
	    .arguments = a };
	amqp_exchange_unbind_t e = { .destination = bytes(i->to),
	    .source = bytes(i->name), .routing_key = bytes(i->key),
	    .arguments = a };

	if (i->what == MQ_BIND_QUEUE)
		return mq_send(c->mq, c->id, AMQP_QUEUE_UNBIND_METHOD, &q);
	return mq_send(c->mq, c->id, AMQP_EXCHANGE_UNBIND_METHOD, &e);
}

static int
send_step(struct mq_topology *t, const struct step *s)
{
	amqp_table_t a = amqp_empty_table;
	const char *why;

	recycle_amqp_pool(&t->pool);
	if (s->arguments.n > 0)
		mq_table_encode(&t->pool, s->arguments, &a, &why);
	if (s->unbind)
		return send_unbind(t->channel, &s->item, a);
	switch (s->item.what) {
	case MQ_EXCHANGE:
		return send_exchange(t->channel, &s->item, a);
	case MQ_QUEUE:
		return send_queue(t->channel, &s->item, a);
	default:
		return send_bind(t->channel, &s->item, a);
	}
}

static void
pump(struct mq_channel *c)
{
	struct mq_topology *t = c->data;

	if (t->again && t->answered == t->sent)
		t->again = t->answered = t->sent = 0;
	while (!t->paused && !t->again && t->sent < t->count &&
	    mq_room(c->mq) && send_step(t, t->steps[t->sent]) == 1)
		t->sent++;
}

/* --- what comes back --- */

/* Something has to stand. */
static int
has_standing(const struct mq_topology *t)
{
	return t->count > 0 && !t->steps[0]->fresh;
}

static void
check_standing(struct mq_topology *t)
{
	if (t->stands || t->paused || t->again ||
	    t->channel->state != CHANNEL_OPEN ||
	    (t->answered < t->count && !t->steps[t->answered]->fresh))
		return;
	t->stands = 1;
	t->ops->standing(t);
}

/* The standing step that is the same as this one, or count. */
static size_t
find(const struct mq_topology *t, const struct step *s)
{
	size_t i = 0;

	while (i < t->answered && !same(&t->steps[i]->item, &s->item))
		i++;
	return i < t->answered ? i : t->count;
}

/* A fresh step was confirmed: it stands, or what it undoes does no more. */
static void
settle(struct mq_topology *t)
{
	struct step *s = t->steps[t->answered];
	size_t twin = find(t, s);
	void *owner = s->owner;
	int unbind = s->unbind;

	if (unbind || twin < t->count) {
		forget(t, t->answered);
		if (unbind && twin < t->count)
			forget(t, twin);
	} else {
		s->fresh = 0;
		t->answered++;
	}
	if (owner != NULL)
		t->ops->done(t, owner, 0, NULL);
}

static int
method(struct mq_channel *c, uint32_t id, void *decoded)
{
	struct mq_topology *t = c->data;

	(void)decoded;
	switch (id) {
	case AMQP_EXCHANGE_DECLARE_OK_METHOD:
	case AMQP_QUEUE_DECLARE_OK_METHOD:
	case AMQP_QUEUE_BIND_OK_METHOD:
	case AMQP_QUEUE_UNBIND_OK_METHOD:
	case AMQP_EXCHANGE_BIND_OK_METHOD:
	case AMQP_EXCHANGE_UNBIND_OK_METHOD:
		break;
	default:
		return 0;
	}
	if (t->answered == t->sent)
		return 0;
	if (t->steps[t->answered]->fresh)
		settle(t);
	else
		t->answered++;
	check_standing(t);
	return 1;
}

/* --- the channel --- */

static void
refused(struct mq_topology *t, int code, const char *why)
{
	struct step *s = t->steps[t->answered];
	void *owner = s->owner;
	/* 405: in use by a connection of ours that the broker still believes
	 * in */
	int fresh = s->fresh, stays = s->must || (!fresh && code == 405);

	if (stays) {
		t->stands = 0;
		t->paused = 1;
	}
	if (!fresh)
		t->ops->failed(t, &s->item, code, why, !stays);
	if (!stays)
		forget(t, t->answered);
	if (fresh)
		t->ops->done(t, owner, code, why);
}

/* Some mistakes cost the whole connection, and would again (an unknown type of
 * exchange). */
static int
was_fatal(const struct mq_topology *t)
{
	uint32_t class_id = t->channel->mq->culprit >> 16;

	return t->steps[t->answered]->fresh &&
	    (class_id == AMQP_EXCHANGE_CLASS || class_id == AMQP_QUEUE_CLASS);
}

static void
closed(struct mq_channel *c, int code, const char *why)
{
	struct mq_topology *t = c->data;
	int flying = t->sent > t->answered;

	t->sent = t->answered;
	if (code == 0) {
		if (flying && was_fatal(t))
			refused(t, c->mq->code, why);
		t->answered = t->sent = 0;
		t->stands = t->paused = t->again = 0;
	} else if (flying) {
		refused(t, code, why);
		if (!t->paused)
			mq_channel_open(c);
	} else {
		mq_lost(c->mq, code, "%s", why);	/* a pause helps */
	}
}

static void
opened(struct mq_channel *c)
{
	struct mq_topology *t = c->data;

	check_standing(t);
}

static const struct mq_channel_ops channel_ops = {
	.connected = mq_channel_open, .open = opened, .closed = closed,
	.method = method, .pump = pump
};

/* --- the outside --- */

struct mq_topology *
mq_topology(struct mq *mq, const struct mq_topology_ops *ops)
{
	struct mq_topology *t = mem_new(sizeof *t);

	t->ops = ops;
	init_amqp_pool(&t->pool, 4096);
	t->channel = mq_channel_new(mq, &channel_ops, t);
	mq_channel_open(t->channel);
	return t;
}

static int
too_long(const char *s)
{
	return s != NULL && strlen(s) > SHORT_MAX;
}

static int
add(struct mq_topology *t, const struct mq_item *i, void *owner, int unbind,
    const char **why)
{
	struct str arguments = str_of(i->arguments ? i->arguments : "");
	amqp_table_t ignored;

	*why = "a name or key is longer than 255 bytes";
	if (too_long(i->name) || too_long(i->to) || too_long(i->key))
		return 0;
	*why = "arguments: not an object";
	if (arguments.n > 0 && json_kind(arguments) != 'o')
		return 0;
	recycle_amqp_pool(&t->pool);
	if (arguments.n > 0 &&
	    !mq_table_encode(&t->pool, arguments, &ignored, why))
		return 0;
	*why = "too many exchanges, queues and bindings";
	if (t->count == MQ_ITEMS)
		return 0;
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->steps = mem_grow(t->steps, t->cap * sizeof t->steps[0]);
	}
	t->steps[t->count++] = step_new(i, owner, unbind);
	return 1;
}

int
mq_declare(struct mq_topology *t, const struct mq_item *i, void *owner,
    const char **why)
{
	return add(t, i, owner, 0, why);
}

int
mq_unbind(struct mq_topology *t, const struct mq_item *i, void *owner,
    const char **why)
{
	return add(t, i, owner, 1, why);
}

void
mq_topology_again(struct mq_topology *t)
{
	if (!has_standing(t))
		return;
	t->stands = 0;
	t->again = 1;
	t->paused = 0;
	mq_channel_open(t->channel);	/* when it was closed */
}

int
mq_topology_stands(const struct mq_topology *t)
{
	return t->stands;
}

int
mq_topology_has(const struct mq_topology *t, struct str exchange)
{
	const struct step *s;

	for (size_t i = 0; i < t->count; i++) {
		s = t->steps[i];
		if (!s->fresh && s->item.what == MQ_EXCHANGE &&
		    str_eq(str_of(s->item.name), exchange))
			return 1;
	}
	return 0;
}

int
mq_topology_idle(const struct mq_topology *t)
{
	return t->stands && t->answered == t->count;
}
