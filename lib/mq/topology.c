/* SPDX-License-Identifier: ISC */

/*
 * What has to stand at the broker: exchanges, queues, bindings.
 *
 *  - One list of steps, in the order of the calls: those that stand, then
 *    those that were asked for just now (fresh).  The broker has confirmed
 *    those before `answered` in this connection, and those before `sent` are
 *    in flight; it answers in order, so a closed channel means the step at
 *    answered.
 *  - Those that stand are in a table, too: there may be a binding for each of
 *    very many clients, who come and go.
 *  - A fresh step that was confirmed stands; the list is gone through again
 *    in every new connection, and when mq_topology_again() asks.
 *  - Unbinding takes the binding out of the list, and is then forgotten.
 */

#include <stdlib.h>

#include "../json.h"
#include "../table.h"
#include "conn.h"

struct step {
	struct node node;		/* in standing, unless fresh; first */
	struct step *prev, *next;
	struct mq_item item;		/* its strings are in text */
	struct str same;		/* what makes it this one, there */
	void *owner;
	int must, fresh, unbind;
	char text[];
};

struct mq_topology {
	struct mq_channel *channel;
	const struct mq_topology_ops *ops;
	struct step *first, *last, *answered, *sent;	/* NULL: all are */
	struct table standing;
	size_t count;
	int stands, paused, again;
	amqp_pool_t pool;
};

/* --- steps --- */

static size_t
size(const char *s)
{
	return s ? strlen(s) + 1 : 1;
}

static const char *
copy(char **at, const char *s)
{
	char *p = *at;
	size_t n = size(s);

	memcpy(p, s ? s : "", n);
	*at += n;
	return p;
}

static struct step *
step_new(const struct mq_item *i, void *owner, int unbind)
{
	struct step *s = mem_new(sizeof *s + size(i->name) + size(i->to) +
	    size(i->key) + size(i->arguments) + size(i->kind));
	char *at = s->text;

	s->item = (struct mq_item){ .what = i->what, .flags = i->flags };
	s->item.name = copy(&at, i->name);
	s->item.to = copy(&at, i->to);
	s->item.key = copy(&at, i->key);
	s->item.arguments = copy(&at, i->arguments);
	s->same = (struct str){ s->text, (size_t)(at - s->text) };
	s->item.kind = copy(&at, i->kind);
	s->owner = owner;
	s->unbind = unbind;
	s->must = owner == NULL;
	s->fresh = !s->must;
	return s;
}

static uint64_t
hash(const struct step *s)
{
	return table_hash(s->same) + s->item.what;
}

/* The one that stands and is the same, or NULL. */
static struct step *
twin_of(const struct mq_topology *t, const struct step *s)
{
	struct node *x = table_find(&t->standing, hash(s));
	struct step *other;

	for (; x != NULL; x = table_again(x)) {
		other = (struct step *)x;
		if (other->item.what == s->item.what &&
		    str_eq(other->same, s->same))
			return other;
	}
	return NULL;
}

static void
stand(struct mq_topology *t, struct step *s)
{
	s->fresh = 0;
	table_add(&t->standing, &s->node, hash(s));
}

static void
append(struct mq_topology *t, struct step *s)
{
	s->prev = t->last;
	*(t->last ? &t->last->next : &t->first) = s;
	t->last = s;
	t->count++;
	if (t->answered == NULL)
		t->answered = s;
	if (t->sent == NULL)
		t->sent = s;
	if (s->must)
		stand(t, s);
}

static void
forget(struct mq_topology *t, struct step *s)
{
	*(s->prev ? &s->prev->next : &t->first) = s->next;
	*(s->next ? &s->next->prev : &t->last) = s->prev;
	if (t->answered == s)
		t->answered = s->next;
	if (t->sent == s)
		t->sent = s->next;
	if (!s->fresh)
		table_remove(&t->standing, &s->node);
	t->count--;
	free(s);
}

/* Back to the begin. */
static void
rewind_steps(struct mq_topology *t)
{
	t->answered = t->sent = t->first;
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
	if (s->item.arguments[0] != '\0')
		mq_table_encode(&t->pool, str_of(s->item.arguments), &a, &why);
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

	if (t->again && t->answered == t->sent) {
		t->again = 0;
		rewind_steps(t);
	}
	while (!t->paused && !t->again && t->sent != NULL &&
	    mq_room(c->mq) && send_step(t, t->sent) == 1)
		t->sent = t->sent->next;
}

/* --- what comes back --- */

/* Something has to stand. */
static int
has_standing(const struct mq_topology *t)
{
	return t->first != NULL && !t->first->fresh;
}

static void
check_standing(struct mq_topology *t)
{
	if (t->stands || t->paused || t->again ||
	    t->channel->state != CHANNEL_OPEN ||
	    (t->answered != NULL && !t->answered->fresh))
		return;
	t->stands = 1;
	t->ops->standing(t);
}

/* A fresh step was confirmed: it stands, or what it undoes does no more. */
static void
settle(struct mq_topology *t, struct step *s)
{
	struct step *twin = twin_of(t, s);
	void *owner = s->owner;

	if (s->unbind && twin != NULL)
		forget(t, twin);
	if (s->unbind || twin != NULL) {
		forget(t, s);
	} else {
		stand(t, s);
		t->answered = s->next;
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
	if (t->answered->fresh)
		settle(t, t->answered);
	else
		t->answered = t->answered->next;
	check_standing(t);
	return 1;
}

/* --- the channel --- */

static void
refused(struct mq_topology *t, int code, const char *why)
{
	struct step *s = t->answered;
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
		forget(t, s);
	if (fresh)
		t->ops->done(t, owner, code, why);
}

/* Some mistakes cost the whole connection, and would again (an unknown type of
 * exchange). */
static int
was_fatal(const struct mq_topology *t)
{
	uint32_t class_id = t->channel->mq->culprit >> 16;

	return t->answered->fresh &&
	    (class_id == AMQP_EXCHANGE_CLASS || class_id == AMQP_QUEUE_CLASS);
}

static void
closed(struct mq_channel *c, int code, const char *why)
{
	struct mq_topology *t = c->data;
	int flying = t->sent != t->answered;

	t->sent = t->answered;
	if (code == 0) {
		if (flying && was_fatal(t))
			refused(t, c->mq->code, why);
		rewind_steps(t);
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
	append(t, step_new(i, owner, unbind));
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

	for (s = t->first; s != NULL; s = s->next)
		if (!s->fresh && s->item.what == MQ_EXCHANGE &&
		    str_eq(str_of(s->item.name), exchange))
			return 1;
	return 0;
}

int
mq_topology_idle(const struct mq_topology *t)
{
	return t->stands && t->answered == NULL;
}
