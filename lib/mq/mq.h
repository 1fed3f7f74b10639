/* SPDX-License-Identifier: ISC */
#ifndef MQ_H
#define MQ_H

/*
 * AMQP 0-9-1 on our loop: connections to a RabbitMQ that never block and
 * come back by themselves.
 *
 *  - A struct mq is one connection of one purpose.  What is made on it (a
 *    publisher, consumers, a topology) outlives every break: it is restored
 *    when the connection is back, and its owners learn of it by callbacks.
 *  - Nothing is written where it is asked for.  Each channel says what it
 *    wants sent when the loop is about to sleep, as long as there is room,
 *    and all of it leaves in one write a turn.
 *  - A message is the publisher's until the broker confirmed it: a break
 *    repeats all unconfirmed in order, with the same message_id.
 *  - No callback comes from inside a call of ours, but for mq_publish()
 *    which says at once what can never be sent.
 *  - Every mq_*.. result lives as long as the program, but for consumers.
 */

#include <stdint.h>

#include "../buf.h"

struct mq;
struct mq_channel;
struct mq_publisher;
struct mq_consumer;
struct mq_topology;
struct tls_context;

/* amqp[s]://user:password@host:port/vhost?heartbeat=20&connection_timeout=10000
 * (rabbitmq.com/uri-spec.html), the parts %-decoded.  An empty vhost is "/".
 * 1, or -1 with *why set to a static reason. */
struct mq_url {
	char *user, *password, *host, *port, *vhost;
	int tls;			/* amqps */
	char *ca, *cert, *key;		/* PEM files; NULL: none given */
	int heartbeat;			/* seconds; 0: none */
	int64_t timeout;		/* ms to connect and shake hands */
};
int	 mq_url_parse(struct mq_url *, const char *, const char **why);
void	 mq_url_free(struct mq_url *);
/* For messages: the URL without its user and password; static. */
const char *mq_url_show(const struct mq_url *);

/* --- connections --------------------------------------------------------- */

struct mq_ops {
	void (*up)(struct mq *);
	/* It broke, or a try to connect failed: code is the broker's (320,
	 * 403, ...) or 0.  It is tried again, unless mq_close() asked. */
	void (*down)(struct mq *, int code, const char *why);
	/* The broker stopped reading from publishers (why), or reads again
	 * (why is NULL). */
	void (*blocked)(struct mq *, const char *why);
};

struct mq_settings {
	const struct mq_url *url;	/* kept, not copied */
	struct tls_context *tls;	/* the same; NULL: plain */
	const char *name;		/* the broker's name for us */
	size_t max;			/* largest body, bytes */
	int64_t retry;			/* longest pause between tries, ms */
};

struct mq *mq_open(const struct mq_settings *, const struct mq_ops *);
int	 mq_is_up(const struct mq *);
/* Says goodbye and waits for the broker's, or until limit: then down() comes
 * a last time. */
void	 mq_close(struct mq *, int64_t ms);

/* --- messages ------------------------------------------------------------ */

/* What came.  The bytes die with the callback; exchange and key may be any
 * bytes; headers and properties are JSON objects, empty when there are none. */
struct mq_message {
	struct str exchange, key, headers, properties, body;
	uint64_t size;		/* of the body */
	const char *bad;	/* why it cannot be read (too large, ...) */
	uint64_t tag;		/* deliveries: for mq_settle() */
	uint32_t session;
	int redelivered;
	int code;		/* returned: the broker's, and its words */
	struct str reason;
};

/* --- publishing, with confirms ------------------------------------------- */

struct mq_publish {
	struct str exchange, key;
	struct str headers;	/* a JSON object; p is NULL: none */
	struct str properties;	/* the same; what it has wins over: */
	struct str id;		/* message_id */
	struct str content_type;	/* n is 0: none */
	int persistent;		/* delivery_mode 2 */
	int mandatory;		/* an unroutable one is returned */
	struct str body;
};

struct mq_publisher_ops {
	/* It may publish, or not now. */
	void (*open)(struct mq_publisher *, int);
	/* The broker took it over (why NULL), or refused it. */
	void (*confirmed)(struct mq_publisher *, void *owner,
	    const char *why);
	/* A mandatory one found no queue; confirmed() comes next. */
	void (*returned)(struct mq_publisher *, void *owner,
	    const struct mq_message *);
	/* The broker knows no such exchange.  1: it will be there again, and
	 * what was for it is sent again (hold the publisher until then); 0:
	 * what was for it is refused. */
	int (*missing)(struct mq_publisher *, struct str exchange);
};

struct mq_publisher *mq_publisher(struct mq *, const struct mq_publisher_ops *);
/* 1: copied, owner comes back through confirmed() exactly once.  0: it can
 * never be sent, *why says (static); nothing comes back. */
int	 mq_publish(struct mq_publisher *, const struct mq_publish *,
	    void *owner, const char **why);
/* While held, what was not sent yet waits. */
void	 mq_publisher_hold(struct mq_publisher *, int);
/* Messages are numbered; from a limit on (UINT64_MAX: none) they wait. */
uint64_t mq_publisher_next(const struct mq_publisher *);
void	 mq_publisher_limit(struct mq_publisher *, uint64_t);
int	 mq_publisher_open(const struct mq_publisher *);
size_t	 mq_unconfirmed(const struct mq_publisher *);	/* messages */
size_t	 mq_unconfirmed_bytes(const struct mq_publisher *);

/* --- consuming ----------------------------------------------------------- */

enum mq_flag {			/* of consumers, exchanges, queues */
	MQ_DURABLE = 1, MQ_EXCLUSIVE = 2, MQ_AUTO_DELETE = 4,
	MQ_INTERNAL = 8, MQ_PASSIVE = 16
};

struct mq_consumer_ops {
	void (*delivery)(struct mq_consumer *, const struct mq_message *);
	void (*running)(struct mq_consumer *);
	/* It runs no more: code and words of the broker; code is 0 when its
	 * connection broke.  Only mq_consumer_start() makes it run again. */
	void (*stopped)(struct mq_consumer *, int code, const char *why);
};

struct mq_consumer *mq_consumer(struct mq *, const char *queue, int prefetch,
	    unsigned flags, const struct mq_consumer_ops *, void *);
/* A no-op when it runs.  While as many as its prefetch of older sessions are
 * not settled, it waits for them: so no more than twice that are unsettled. */
void	 mq_consumer_start(struct mq_consumer *);
void	 mq_consumer_free(struct mq_consumer *);	/* a stopped one */
int	 mq_consumer_runs(const struct mq_consumer *);
const char *mq_consumer_queue(const struct mq_consumer *);
void	*mq_consumer_data(const struct mq_consumer *);
/* ok: acknowledged; else rejected without requeue.  A delivery of a session
 * that is over is the broker's again: nothing happens. */
void	 mq_settle(struct mq_consumer *, uint64_t tag, uint32_t session,
	    int ok);

/* --- topology ------------------------------------------------------------ */

enum mq_what { MQ_EXCHANGE, MQ_QUEUE, MQ_BIND_QUEUE, MQ_BIND_EXCHANGE };

struct mq_item {
	enum mq_what what;
	const char *name;	/* exchange or queue; bindings: the source */
	const char *to;		/* bindings: the destination */
	const char *key;	/* bindings: "" or the key */
	const char *kind;	/* exchanges: fanout, topic, ... */
	unsigned flags;
	const char *arguments;	/* a JSON object, or NULL */
};

struct mq_topology_ops {
	/* All that was asked for stands at the broker (again). */
	void (*standing)(struct mq_topology *);
	/* An item of mq_declare() with an owner: done (why NULL), or refused
	 * and forgotten. */
	void (*done)(struct mq_topology *, void *owner, int code,
	    const char *why);
	/* What stood, or must stand, cannot be declared: mq_topology_again()
	 * tries again, unless it was of mq_declare() with an owner and is
	 * forgotten. */
	void (*failed)(struct mq_topology *, const struct mq_item *, int code,
	    const char *why, int forgotten);
};

/* At most this many items stand at a time. */
#define MQ_ITEMS	1048576

struct mq_topology *mq_topology(struct mq *, const struct mq_topology_ops *);
/* Copies the item and declares it now and after every break, in the order of
 * the calls.  owner NULL: it must stand.  1, or 0 with *why (static). */
int	 mq_declare(struct mq_topology *, const struct mq_item *, void *owner,
	    const char **why);
/* Takes a binding away, for now and for later. */
int	 mq_unbind(struct mq_topology *, const struct mq_item *, void *owner,
	    const char **why);
void	 mq_topology_again(struct mq_topology *);
int	 mq_topology_stands(const struct mq_topology *);
/* It stands, and nothing is asked for besides. */
int	 mq_topology_idle(const struct mq_topology *);
/* An exchange of this name is declared in every connection. */
int	 mq_topology_has(const struct mq_topology *, struct str exchange);

#endif
