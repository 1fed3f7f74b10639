/* SPDX-License-Identifier: ISC */

/*
 * Options, and the end.  What is declared and consumed by options is kept in
 * its order until all options are known.
 */

#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "opt.h"
#include "bridge.h"

#define DRAIN		5000	/* ms for what was sent to be settled */
#define CONFIRMS	2000	/* ms for what was published, after that */
#define PREFETCH	200
#define RETRY		30000	/* ms */
#define RETRY_PIPED	5000	/* ms */

enum {
	URL = OPT_LONG, PIPED, CONSUME, PREFETCH_, EXCLUSIVE, PUBLISH,
	TRANSIENT, UNROUTABLE, EXCHANGE, QUEUE, BIND, BIND_EXCHANGE,
	RECONNECT, ONCE, CA, CERT, KEY
};

static const struct opt options[] = {
	{ URL, "url", "URL", "the broker (amqp://localhost)" },
	{ CA, "ca", "FILE", "amqps: trust these certificates, in PEM" },
	{ CERT, "cert", "FILE", "amqps: our certificates" },
	{ KEY, "key", "FILE", "amqps: their key" },
	{ PIPED, "piped", "N", "exchanges and queues of Piped's node N" },
	{ CONSUME, "consume", "QUEUE", "deliver what is there" },
	{ PREFETCH_, "prefetch", "N", "unsettled deliveries a queue (200)" },
	{ EXCLUSIVE, "exclusive", "[QUEUE]", "be the only consumer, or none" },
	{ PUBLISH, "publish", "EXCHANGE[:KEY]", "where publish frames go" },
	{ TRANSIENT, "transient", NULL, "messages that a restart loses" },
	{ UNROUTABLE, "unroutable", "WHAT", "return, refuse or drop (return)" },
	{ EXCHANGE, "exchange", "SPEC", "declare NAME[:TYPE[:FLAG,...]]" },
	{ QUEUE, "queue", "SPEC", "declare NAME[:FLAG,...]" },
	{ BIND, "bind", "SPEC", "bind EXCHANGE:KEY:QUEUE" },
	{ BIND_EXCHANGE, "bind-exchange", "SPEC", "bind SOURCE:KEY:EXCHANGE" },
	{ RECONNECT, "reconnect", "TIME", "longest pause between tries (30s)" },
	{ ONCE, "once", NULL, "exit 111 when the broker is lost" },
	LINK_OPTS,
	LINK_OPTS_CHILD,
	LINK_OPTS_SERVE,
	OPT_END
};

struct bridge bridge = { .prefetch = PREFETCH, .retry = RETRY };
struct tally tally;
struct link *router;
struct mq_publisher *publisher;
struct mq_topology *topology;
int draining, abandoned, pipeline;

/* --- the end: links, then confirms, then the broker --- */

static ev_timer confirms;
static ev_tstamp confirms_until;

/* Who only had something to put in, by standard input, asks whether it is. */
static int
complaints(void)
{
	return job_input_ended() &&
	    (tally.refused > 0 || link_counts()->bad_lines > 0);
}

static void
gone(void)
{
	loop_stop(complaints() ? 1 : 0);
}

static void
wait_for_confirms(struct ev_loop *l, ev_timer *t, int events)
{
	size_t left = mq_unconfirmed(publisher);

	(void)events;
	if (left > 0 && !abandoned && ev_now(l) < confirms_until)
		return;
	if (left > 0 && !abandoned)
		warn("%zu messages were not confirmed", left);
	ev_timer_stop(l, t);
	broker_close(gone);
}

static void
links_closed(void)
{
	confirms_until = ev_now(loop) + CONFIRMS / 1000.;
	ev_timer_init(&confirms, wait_for_confirms, 0., 0.02);
	ev_timer_start(loop, &confirms);
}

void
abandon(void)
{
	size_t left = mq_unconfirmed(publisher);

	abandoned = 1;
	mq_publisher_hold(publisher, 1);
	if (left > 0)
		warn("%s: is gone, %zu messages are its sender's again",
		    link_name(router), left);
}

void
drain(void)
{
	if (draining)
		return;
	draining = 1;
	broker_drain();
	link_close_all(DRAIN, links_closed);
}

/* --- options --- */

struct spec {
	int key;
	char *text;
};

static struct spec *specs;
static size_t nspecs;

static void
keep(int key, const char *text)
{
	specs = mem_grow(specs, (nspecs + 1) * sizeof *specs);
	specs[nspecs++] = (struct spec){ key, mem_str(text) };
}

static void
publish_to(const char *text)
{
	char *exchange = mem_str(text), *colon = strchr(exchange, ':');

	if (colon != NULL)
		*colon++ = '\0';
	bridge.exchange = exchange;
	bridge.key = colon ? colon : "";
}

static void
unroutable(const struct opts *o)
{
	static const char *const words[] = { [RETURN] = "return",
	    [REFUSE] = "refuse", [DROP] = "drop" };

	for (int i = RETURN; i <= DROP; i++)
		if (strcmp(o->arg, words[i]) == 0) {
			bridge.unroutable = (enum unroutable)i;
			return;
		}
	opt_usage(o, "%s: not return, refuse or drop", o->arg);
}

static void
url(const struct opts *o, const char *text, const char *where)
{
	const char *why;

	if (mq_url_parse(&bridge.url, text, &why) == -1)
		opt_usage(o, "%s: %s", where, why);
}

static char *ca, *cert, *pem_key;	/* given by options */
static const char *exclusive;		/* a queue; "": every one; NULL: none */

/* Options win over what the URL says. */
static void
files(const struct opts *o)
{
	struct mq_url *u = &bridge.url;

	if (!u->tls && (ca != NULL || cert != NULL || pem_key != NULL))
		opt_usage(o, "--ca, --cert and --key are for amqps://");
	u->ca = ca != NULL ? ca : u->ca;
	u->cert = cert != NULL ? cert : u->cert;
	u->key = pem_key != NULL ? pem_key : u->key;
	if ((u->cert == NULL) != (u->key == NULL))
		opt_usage(o, "a certificate and a key go together");
}

/* An argument is seen by everybody (ps), for the moment until this is done. */
static void
hide(const char *text)
{
	char *p = strstr(text, "://"), *at = strrchr(text, '@');

	if (at == NULL)
		return;
	warn("--url: everybody can see a password that stands there; "
	    "AMQP_URL hides it");
	for (p += 3; p < at; p++)
		*p = '*';
}

static void
option(const struct opts *o, int key)
{
	static int piped;

	switch (key) {
	case URL:
		url(o, o->arg, "--url");
		hide(o->arg);
		break;
	case CA:
		ca = mem_str(o->arg);
		break;
	case CERT:
		cert = mem_str(o->arg);
		break;
	case KEY:
		pem_key = mem_str(o->arg);
		break;
	case PIPED:
		if (piped++)
			opt_usage(o, "--piped: one node only");
		opt_number(o, o->arg, 1, 999999999);
		bridge.retry = bridge.retry == RETRY ? RETRY_PIPED :
		    bridge.retry;
		/* FALLTHROUGH */
	case CONSUME:
	case EXCHANGE:
	case QUEUE:
	case BIND:
	case BIND_EXCHANGE:
		keep(key, o->arg);
		break;
	case PREFETCH_:
		bridge.prefetch = (int)opt_number(o, o->arg, 1, 65535);
		break;
	case EXCLUSIVE:
		exclusive = o->arg != NULL ? mem_str(o->arg) : "";
		break;
	case PUBLISH:
		publish_to(o->arg);
		break;
	case TRANSIENT:
		bridge.transient = 1;
		break;
	case UNROUTABLE:
		unroutable(o);
		break;
	case RECONNECT:
		bridge.retry = opt_ms(o, o->arg);
		break;
	case ONCE:
		bridge.once = 1;
		break;
	default:
		link_option(o, key);
	}
}

static void
consume(const struct opts *o, const char *queue, unsigned flags)
{
	const char *why;

	if (queue[0] == '\0' || strlen(queue) > 255)
		opt_usage(o, "--consume: a queue's name has 1 to 255 bytes");
	if (!broker_consume(queue, bridge.prefetch, flags, NULL, &why))
		opt_usage(o, "--consume %s: %s", queue, why);
}

static int
is_exclusive(const char *queue)
{
	return exclusive != NULL &&
	    (exclusive[0] == '\0' || strcmp(exclusive, queue) == 0);
}

static void
specify(const struct opts *o, const struct spec *s)
{
	switch (s->key) {
	case PIPED:
		consume(o, item_piped(o, atoi(s->text)), MQ_EXCLUSIVE);
		break;
	case CONSUME:
		consume(o, s->text, is_exclusive(s->text) ? MQ_EXCLUSIVE : 0);
		break;
	case EXCHANGE:
		item_exchange(o, s->text);
		break;
	case QUEUE:
		item_queue(o, s->text);
		break;
	case BIND:
		item_bind(o, s->text, MQ_BIND_QUEUE);
		break;
	case BIND_EXCHANGE:
		item_bind(o, s->text, MQ_BIND_EXCHANGE);
		break;
	}
}

static const struct loop_ops signals = { .term = drain, .hup = link_hup };

int
main(int argc, char *argv[])
{
	struct opts o;
	int key;
	size_t i;

	opt_start(&o, argc, argv, "[option ...] [-- command ...]", options);
	while ((key = opt_next(&o)) != -1)
		option(&o, key);
	if (o.nargs > 0)
		opt_usage(&o, "an operand is not expected");
	if (bridge.url.host == NULL)
		url(&o, getenv("AMQP_URL") ? getenv("AMQP_URL") :
		    "amqp://localhost", "AMQP_URL");
	files(&o);
	loop_open(&signals);
	broker_open();
	event_figures();
	for (i = 0; i < nspecs; i++)
		specify(&o, &specs[i]);
	router = link_station(&o, &commands);
	pipeline = o.child == NULL;
	return loop_run();
}
