/* SPDX-License-Identifier: ISC */
#ifndef BRIDGE_H
#define BRIDGE_H

/*
 * rk-amqp-bridge: RabbitMQ on one side, frames on the other.
 *
 *	main.c		options, the end
 *	broker.c	the two connections, and that all stands at the broker
 *	items.c		exchanges, queues, bindings out of options and frames
 *	commands.c	frames in: publish, consume, declare, bind, unbind
 *	events.c	frames out: delivery, returned, link, drop
 *
 *  - One connection publishes, the other consumes and declares, so that a
 *    broker that blocks publishers goes on delivering.
 *  - Custody: a delivery is acknowledged when its frame is settled, rejected
 *    without requeue when it is refused.  A frame is settled when the broker
 *    confirmed what it asked for.
 *  - Bounds: unsettled deliveries by the prefetch, frames not confirmed yet by
 *    the window of the link they came on; an untracked link is held.
 *  - At the end consumers are not cancelled: what comes still is left alone,
 *    and goes back with all that is unsettled when the connection ends.  So
 *    who is next gets it in order; a cancel would let them in before that.
 *  - "Up" is all of it: the topology stands, every consumer runs, publishing
 *    works.  Before the topology stands nothing is published.
 */

#include "link/link.h"
#include "mq/mq.h"

enum unroutable { RETURN, REFUSE, DROP };

struct bridge {
	struct mq_url url;
	const char *exchange, *key;	/* NULL: a publish has to say */
	int prefetch;
	int transient, once;
	enum unroutable unroutable;
	int64_t retry;			/* longest pause, ms */
};

struct tally {
	uint64_t published, confirmed, returned, refused, deliveries,
	    acknowledged, rejected, dropped;
	uint64_t connects, losses;	/* of connections, and tries */
	uint64_t blocks;		/* times the broker took no messages */
	uint64_t stops, clashes;	/* of consumers, of declarations */
};

extern struct bridge bridge;
extern struct tally tally;
extern struct link *router;		/* the main link */
extern struct mq_publisher *publisher;
extern struct mq_topology *topology;
extern int draining;
extern int abandoned;			/* nothing more is published */
extern int pipeline;			/* plain stdin to stdout, maybe */

/* --- main.c --- */

void	 drain(void);
/* The router was killed: what it gave us its sender gives to the next of us,
 * and would be published twice.  Before drain(). */
void	 abandon(void);

/* --- broker.c --- */

void	 broker_open(void);
/* A queue to consume; job NULL: from the options.  1, or 0 with *why. */
int	 broker_consume(const char *queue, int prefetch, unsigned flags,
	    void *job, const char **why);
void	 broker_idle(void);		/* a frame's item is done */
int	 broker_is_up(void);
int	 broker_was_up(void);		/* at least once */
int	 broker_consumers(void);
void	 broker_drain(void);		/* no more consumers */
/* Its part of the callbacks below. */
void	 broker_publisher(struct mq_publisher *, int open);
int	 broker_missing(struct mq_publisher *, struct str exchange);
void	 broker_standing(struct mq_topology *);
void	 broker_failed(struct mq_topology *, const struct mq_item *, int,
	    const char *, int forgotten);
void	 broker_running(struct mq_consumer *);
void	 broker_stopped(struct mq_consumer *, int, const char *);
void	 broker_close(void (*done)(void));

/* --- items.c --- */

/* Texts of options; each ends the program (100) when it is not one. */
void	 item_exchange(const struct opts *, char *text);
void	 item_queue(const struct opts *, char *text);
void	 item_bind(const struct opts *, char *text, enum mq_what);
/* Declares what Piped's node N has; the queue to consume is the result. */
const char *item_piped(const struct opts *, int node);
/* What a declare, bind or unbind frame says, valid until the next call: 1, or
 * 0 with *why. */
int	 item_frame(const struct frame *, struct mq_item *, const char **why);
/* A string value of a frame as a C string of at most 255 bytes without
 * control characters, valid until the next but three calls: NULL with *why,
 * which names the key. */
const char *item_name(const struct frame *, enum key, const char **why);
/* A member of its "options". */
struct str item_option(const struct frame *, const char *name);

/* --- commands.c --- */

extern const struct link_ops commands;
extern const struct mq_publisher_ops publishing;
extern const struct mq_topology_ops declaring;
void	 job_done(void *job, int code, const char *why);
void	 job_end(void);			/* drains if this was the last one */
int	 job_input_ended(void);		/* and nothing is consumed */

/* --- events.c --- */

extern const struct mq_consumer_ops consuming;
void	 event_settled(void *owner, const char *why);
void	 event_state(void);		/* says how the broker is */
void	 event_figures(void);		/* what is counted can be told */
void	 event_returned(struct link *, const struct mq_message *,
	    struct str ref);

#endif
