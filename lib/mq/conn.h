/* SPDX-License-Identifier: ISC */
#ifndef MQ_CONN_H
#define MQ_CONN_H

/*
 * Inside lib/mq: a connection, its channels, and frames in and out.
 *
 * librabbitmq is the codec of methods and properties; it never sees a
 * socket.  Who does what:
 *
 *	url.c		the URL
 *	conn.c		the socket, time, trying again
 *	wire.c		its bytes, and TLS
 *	handshake.c	channel 0: login, heartbeat, blocked, goodbye
 *	frames.c	bytes to frames and back
 *	channel.c	opening channels, and contents put together
 *	encode.c decode.c	field tables as JSON, both ways
 *	properties.c	properties as JSON, both ways
 *	publish.c consume.c topology.c	what a channel is used for
 */

#include <stdint.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <ev.h>

#include "../pause.h"
#include "../resolve.h"
#include "mq.h"

#define FRAME_MAX	131072	/* what we propose; RabbitMQ's default */
#define FRAME_OVERHEAD	8	/* type, channel, size; end */
#define OUT_HIGH	262144	/* written out before more is encoded */
#define CHANNELS	1024	/* a connection's, at most */
#define SHORT_MAX	255	/* a short string's bytes */

/* --- channels --- */

struct tls;

struct mq_channel_ops {
	void (*connected)(struct mq_channel *);	/* it may be opened */
	void (*open)(struct mq_channel *);
	void (*closed)(struct mq_channel *, int code, const char *why);
	int (*method)(struct mq_channel *, uint32_t id, void *); /* 0: what? */
	void (*content)(struct mq_channel *, struct mq_message *);
	void (*pump)(struct mq_channel *);	/* send what there is */
};

enum channel_state {
	CHANNEL_CLOSED, CHANNEL_OPENING, CHANNEL_OPEN,
	CHANNEL_CLOSING		/* we asked for it */
};

struct content {		/* being put together */
	enum { CONTENT_NONE, CONTENT_HEADER, CONTENT_BODY } wants;
	struct mq_message m;
	char exchange[SHORT_MAX], key[SHORT_MAX], reason[SHORT_MAX];
	struct buf properties, body;
	uint64_t left;
};

struct mq_channel {
	struct mq *mq;
	uint16_t id;
	enum channel_state state;
	const struct mq_channel_ops *ops;
	void *data;
	struct content in;
	int code;		/* why we asked, for closed() */
	const char *why;
};

struct mq_channel *mq_channel_new(struct mq *, const struct mq_channel_ops *,
	    void *);			/* NULL: too many */
void	 mq_channel_free(struct mq_channel *);	/* a closed one */
void	 mq_channel_open(struct mq_channel *);
/* closed() comes with this code and reason (static). */
void	 mq_channel_close(struct mq_channel *, int code, const char *why);
int	 mq_channel_method(struct mq_channel *, uint32_t id, void *decoded);
int	 mq_channel_header(struct mq_channel *, struct str);
int	 mq_channel_body(struct mq_channel *, struct str);
void	 mq_channels_lost(struct mq *, const char *why);

/* --- connections --- */

enum mq_state {
	MQ_WAITING,		/* for the next try */
	MQ_RESOLVING, MQ_CONNECTING,
	MQ_SECURING,		/* TLS */
	MQ_START, MQ_TUNE, MQ_OPEN_OK,	/* the broker's next method */
	MQ_UP,
	MQ_CLOSING,		/* we said goodbye */
	MQ_DEAD			/* closed for good */
};

struct mq {
	struct mq *next;
	struct mq_settings set;
	const struct mq_ops *ops;
	enum mq_state state;
	struct resolver resolver;
	int turn, tried;	/* which address is next, how many were */
	int fd;
	struct tls *tls;	/* NULL: plain */
	ev_io readable, writable;
	ev_timer limit, retry, beat, fall;
	ev_tstamp heard, spoke, since;
	struct pause pause;	/* before the next try */
	struct buf in, out;
	size_t frame_max;
	int heartbeat;
	int blocked;
	int ending;		/* mq_close() was called */
	int lost, code;		/* it is being taken down, and why */
	uint32_t culprit;	/* the method that the broker closed it for */
	char why[256];
	struct mq_channel *channels[CHANNELS];	/* 1 .. */
	uint16_t nchannels, channel_max;
	amqp_pool_t pool;
};

void	 mq_handshake(struct mq *);		/* bytes may flow */
int	 mq_method(struct mq *, uint32_t id, void *decoded);	/* channel 0 */
int	 mq_goodbye(struct mq *);
void	 mq_shaken(struct mq *);		/* the handshake is over */
/* Marks the connection as lost, with the reason: returns -1.  Nothing is read
 * or written any more, and the loop's next turn takes it down. */
int	 mq_lost(struct mq *, int code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* More may be encoded in this turn. */
int	 mq_room(const struct mq *);

/* --- wire.c --- */

void	 mq_wire_begin(struct mq *);		/* the socket is connected */
void	 mq_wire_secure(struct mq *);		/* the next step of TLS */
void	 mq_wire_end(struct mq *);		/* before it is closed */
ssize_t	 mq_wire_read(struct mq *);		/* as buf_read, buf_write */
ssize_t	 mq_wire_write(struct mq *);
const char *mq_wire_why(const struct mq *);	/* of the last -1 */

/* --- frames.c --- */

int	 mq_parse(struct mq *);		/* 1, or -1: lost */
void	 mq_put_heartbeat(struct buf *);
/* Each adds a frame: 1, or -1 when it does not fit. */
int	 mq_put_method(struct buf *, uint16_t channel, uint32_t id, void *);
int	 mq_put_publish(struct buf *, uint16_t channel, struct str exchange,
	    struct str key, int mandatory);	/* basic.publish */
int	 mq_put_header(struct buf *, uint16_t channel, size_t body,
	    amqp_basic_properties_t *);
int	 mq_put_bodies(struct buf *, uint16_t channel, struct str body,
	    size_t frame_max);
/* The same into the connection's buffer. */
int	 mq_send(struct mq *, uint16_t channel, uint32_t id, void *decoded);

static inline amqp_bytes_t
bytes_of(struct str s)
{
	return (amqp_bytes_t){ s.n, (void *)(uintptr_t)s.p };
}

static inline struct str
str_of_bytes(amqp_bytes_t b)
{
	return (struct str){ b.bytes, b.len };
}

/* --- encode.c, decode.c, properties.c --- */

/* A JSON object as a table: 1, or 0 with *why (static).  A table's bytes,
 * without their length, as a JSON object: 1, or 0: malformed. */
int	 mq_table_encode(amqp_pool_t *, struct str json, amqp_table_t *,
	    const char **why);
int	 mq_table_decode(struct buf *, struct str);
int	 mq_properties_encode(amqp_pool_t *, struct str json,
	    amqp_basic_properties_t *, const char **why);
int	 mq_properties_decode(struct buf *props, struct buf *headers,
	    struct str);

/* Bytes as a JSON string, or as $base64 where they are not UTF-8, and back. */
int	 mq_put_text(struct buf *, struct str);
int	 mq_text(amqp_pool_t *, struct str json, amqp_bytes_t *);
/* From the front of s: a number of so many bytes, bytes behind their length of
 * so many bytes: 1, or 0: there are less. */
int	 mq_number(struct str *, size_t, uint64_t *);
int	 mq_sized(struct str *, size_t, struct str *);

#endif
