/* SPDX-License-Identifier: ISC */

/*
 * The two connections, and that all of what was asked for stands and runs.
 *
 *  - Connections come back by themselves.  Then the topology is declared
 *    again, and when it stands the consumers start.
 *  - What a broker that is there refuses (a clash, a queue that is gone, or
 *    that another consumes exclusively) is tried again from the topology on,
 *    after a pause that doubles: retry().
 */

#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "tls.h"
#include "pause.h"

#include "bridge.h"

#define PAUSE		500	/* ms, the first */
#define CLOSE		2000	/* ms for the goodbye */

struct consumer {
	struct consumer *next;
	struct mq_consumer *mq;
	void *job;		/* the consume frame that waits; or NULL */
};

static struct mq *in, *out;	/* consumes and declares; publishes */
static struct consumer *consumers;
static ev_timer again;
static struct pause pauses = { .first = PAUSE };
static int up, was_up;
static void (*closed)(void);

/* --- is all well? --- */

static int
all_well(void)
{
	struct consumer *c;

	for (c = consumers; c != NULL; c = c->next)
		if (!mq_consumer_runs(c->mq) && c->job == NULL)
			return 0;
	return mq_topology_stands(topology) && mq_publisher_open(publisher);
}

static void
check(void)
{
	mq_publisher_hold(publisher, abandoned ||
	    !mq_topology_stands(topology));
	if (draining || up == all_well())
		return;
	up = !up;
	info("%s: %s", mq_url_show(&bridge.url), up ? "up" : "down");
	if (up) {
		pause_forget(&pauses);
		was_up = 1;
		link_ready();
	}
	event_state();
	job_end();
}

int
broker_is_up(void)
{
	return up;
}

int
broker_was_up(void)
{
	return was_up;
}

/* --- trying again --- */

/* One of a frame waits for what frames before it declared. */
static void
start_consumers(void)
{
	struct consumer *c;

	for (c = consumers; c != NULL; c = c->next)
		if (c->job == NULL || mq_topology_idle(topology))
			mq_consumer_start(c->mq);
}

void
broker_idle(void)
{
	if (mq_topology_idle(topology))
		start_consumers();
}

static void
try_again(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	mq_topology_again(topology);
	if (mq_topology_stands(topology))
		start_consumers();
}

static void
retry(void)
{
	if (bridge.once)
		die(111, "%s: gave up", mq_url_show(&bridge.url));
	if (draining || ev_is_active(&again))
		return;
	pauses.longest = bridge.retry;
	ev_timer_set(&again, pause_next(&pauses), 0.);
	ev_timer_start(loop, &again);
}

/* --- connections --- */

static void
connected(struct mq *mq)
{
	tally.connects++;
	info("%s: connected, to %s", mq_url_show(&bridge.url),
	    mq == in ? "consume" : "publish");
}

static void
finished(struct mq *mq)
{
	if (mq == in)
		in = NULL;
	else
		out = NULL;
	if (in == NULL && out == NULL)
		closed();
}

static void
disconnected(struct mq *mq, int code, const char *why)
{
	char number[16] = "";

	if (closed != NULL) {
		finished(mq);
		return;
	}
	tally.losses++;
	if (code != 0)
		snprintf(number, sizeof number, "%d ", code);
	if (bridge.once && !draining)
		die(111, "%s: %s%s", mq_url_show(&bridge.url), number, why);
	/* both fall together as a rule: one says so */
	if (mq == in || mq_is_up(in))
		warn("%s: %s%s", mq_url_show(&bridge.url), number, why);
	if (mq == in)
		ev_timer_stop(loop, &again);
	check();
}

static void
blocked(struct mq *mq, const char *why)
{
	if (mq == in)
		return;
	tally.blocks += why != NULL;
	if (why != NULL)
		warn("%s: takes no messages: %s",
		    mq_url_show(&bridge.url), why);
	else
		warn("%s: takes messages again", mq_url_show(&bridge.url));
}

static const struct mq_ops connection = { connected, disconnected, blocked };

/* What is verified, and who we are; NULL: not under TLS. */
static struct tls_context *
secured(void)
{
	const struct mq_url *u = &bridge.url;
	struct tls_context *x;
	const char *why;

	if (!u->tls)
		return NULL;
	x = tls_client(u->ca, u->cert, u->key, &why);
	if (x == NULL)
		die(100, "%s", why);
	return x;
}

void
broker_open(void)
{
	static char names[2][80];
	struct mq_settings set = { .url = &bridge.url, .tls = secured(),
	    .max = link_max(), .retry = bridge.retry };

	ev_init(&again, try_again);
	snprintf(names[0], sizeof names[0], "%s %s in", log_program(),
	    link_boot());
	snprintf(names[1], sizeof names[1], "%s %s out", log_program(),
	    link_boot());
	set.name = names[0];
	in = mq_open(&set, &connection);
	set.name = names[1];
	out = mq_open(&set, &connection);
	topology = mq_topology(in, &declaring);
	publisher = mq_publisher(out, &publishing);
	mq_publisher_hold(publisher, 1);
}

void
broker_close(void (*done)(void))
{
	closed = done;
	mq_close(in, CLOSE);
	mq_close(out, CLOSE);
}

/* --- publishing and topology, as far as it is ours --- */

void
broker_publisher(struct mq_publisher *p, int open)
{
	(void)p;
	(void)open;
	check();
}

/* One of ours was deleted.  What was bound to it is gone, too. */
int
broker_missing(struct mq_publisher *p, struct str exchange)
{
	(void)p;
	if (!mq_topology_has(topology, exchange))
		return 0;
	tally.clashes++;
	warn("%.*s: 404 deleted", (int)exchange.n, exchange.p);
	mq_topology_again(topology);
	check();
	return 1;
}

void
broker_standing(struct mq_topology *t)
{
	(void)t;
	if (!draining)
		start_consumers();
	check();
}

void
broker_failed(struct mq_topology *t, const struct mq_item *i, int code,
    const char *why, int forgotten)
{
	(void)t;
	tally.clashes++;
	warn("%s: %d %s", i->what == MQ_BIND_QUEUE ||
	    i->what == MQ_BIND_EXCHANGE ? i->to : i->name, code, why);
	check();
	if (!forgotten)
		retry();
}

/* --- consumers --- */

static void
forget(struct mq_consumer *mq)
{
	struct consumer **p = &consumers, *c;

	while ((*p)->mq != mq)
		p = &(*p)->next;
	c = *p;
	*p = c->next;
	mq_consumer_free(mq);
	free(c);
}

void
broker_running(struct mq_consumer *mq)
{
	struct consumer *c = mq_consumer_data(mq);
	void *job = c->job;

	c->job = NULL;
	info("%s: consuming", mq_consumer_queue(mq));
	if (job != NULL)
		job_done(job, 0, NULL);
	check();
}

void
broker_stopped(struct mq_consumer *mq, int code, const char *why)
{
	struct consumer *c = mq_consumer_data(mq);

	if (draining || code == 0) {
		check();
		return;
	}
	if (c->job != NULL) {
		job_done(c->job, code, why);
		forget(mq);
		return;
	}
	tally.stops++;
	warn("%s: %d %s", mq_consumer_queue(mq), code, why);
	check();
	retry();
}

static struct consumer *
find(const char *queue)
{
	struct consumer *c = consumers;

	while (c != NULL && strcmp(mq_consumer_queue(c->mq), queue) != 0)
		c = c->next;
	return c;
}

int
broker_consume(const char *queue, int prefetch, unsigned flags, void *job,
    const char **why)
{
	struct consumer *c = find(queue);

	*why = "it is consumed already";
	if (c != NULL && (job == NULL || c->job != NULL))
		return 0;
	if (c != NULL) {	/* as good as done */
		job_done(job, 0, NULL);
		return 1;
	}
	c = mem_new(sizeof *c);
	c->mq = mq_consumer(in, queue, prefetch, flags, &consuming, c);
	if (c->mq == NULL) {
		free(c);
		*why = "too many consumers";
		return 0;
	}
	c->job = job;
	c->next = consumers;
	consumers = c;
	broker_idle();
	return 1;
}

int
broker_consumers(void)
{
	return consumers != NULL;
}

void
broker_drain(void)
{
	ev_timer_stop(loop, &again);
}
