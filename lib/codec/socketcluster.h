/* SPDX-License-Identifier: ISC */
#ifndef SOCKETCLUSTER_H
#define SOCKETCLUSTER_H

/*
 * SocketCluster: what is inside a WebSocket message.  Protocol 2 (clients 15
 * to 20) and protocol 1 (up to 14); both roles.
 *
 *	{"event":E,"data":D}		somebody says something
 *	{"event":E,"data":D,"cid":N}	and wants an answer:
 *	{"rid":N,"data":D}		or {"rid":N,"error":{"message","name"}}
 *	[packet, packet]		a batch
 *
 *  - Pure: spans point into the input, JSON stays as it was spelled, and so do
 *    the numbers of questions.
 *  - Of equal keys the last one counts, as in the peers' parser.
 *  - What is no packet is raw: nobody listens to it; before the handshake it
 *    ends the connection.  So does JSON deeper than JSON_DEPTH.
 *  - Sources: socketcluster-server 14 to 20, seeds.md P2, and shared/wire.
 */

#include <stdint.h>

#include "json.h"

/* Events of the protocol itself. */
#define SC_EVENTS(X) \
	X(HANDSHAKE, "#handshake") X(AUTHENTICATE, "#authenticate") \
	X(SET_TOKEN, "#setAuthToken") X(REMOVE_TOKEN, "#removeAuthToken") \
	X(SUBSCRIBE, "#subscribe") X(UNSUBSCRIBE, "#unsubscribe") \
	X(PUBLISH, "#publish") X(KICK_OUT, "#kickOut") \
	X(DISCONNECT, "#disconnect")

enum sc_type {
	SC_RAW,			/* no packet */
	SC_ANSWER,
	SC_EVENT,		/* one of the application */
#define X(id, name)	SC_##id,
	SC_EVENTS(X)
#undef X
	SC_TYPES
};

struct sc_packet {
	enum sc_type type;
	struct str id;		/* cid, or of an answer rid; .n is 0: none */
	struct str event;	/* quoted */
	struct str data;	/* .n is 0: none, as below */
	struct str error;	/* of an answer; null is none */
	/* Read out of data: */
	struct str channel;	/* quoted; none: malformed */
	struct str payload;	/* what is published; what a subscription
				   says */
	struct str token;	/* quoted; null is none */
	struct str reason;	/* of a disconnect, quoted */
	int64_t code;		/* of a disconnect; 0: none */
	int waits;		/* a subscription is for who is authenticated */
};

/* The messages that ask for a sign of life, and are one. */
struct str sc_ping(int protocol);
struct str sc_pong(int protocol);

/* The packets of a message, one after another. */
struct sc_message {
	int protocol;
	struct str one;			/* .n is 0: it is a batch, or done */
	struct json_walk batch;
};

/* 1; 0: the message is raw. */
int	 sc_begin(struct sc_message *, int protocol, struct str text);
int	 sc_next(struct sc_message *, struct sc_packet *);	/* 1, or 0 */

/* Each of these adds what it is about: 1, or -1 ENOBUFS. */

/* A packet, of its type, event (when it is the application's), id, data and
 * error.  Servers of protocol 2 put the cid before the data. */
int	 sc_write(struct buf *, int protocol, int server,
	    const struct sc_packet *);
/* An answer's error.  Both are quoted. */
int	 sc_write_error(struct buf *, struct str message, struct str name);

/* Data of a handshake, either way; token: quoted, or none. */
int	 sc_write_handshake(struct buf *, struct str token);
struct sc_status {
	struct str id;			/* of the socket: no escapes in it */
	int64_t ping_timeout;		/* ms */
	int authenticated;
	struct str error;		/* why not; or none */
};
int	 sc_write_status(struct buf *, const struct sc_status *);
int	 sc_read_status(struct sc_status *, struct str data);	/* 1 or -1 */

/* Data of a publish, and of a subscription. */
int	 sc_write_channel(struct buf *, const struct sc_packet *);
/* Data of a kick-out; reason: quoted, or none. */
int	 sc_write_kick(struct buf *, int protocol, struct str channel,
	    struct str reason);
/* Data that sets a token, which is quoted. */
int	 sc_write_token(struct buf *, struct str token);
/* The answer to #authenticate; error: none, or an object. */
int	 sc_write_auth(struct buf *, int authenticated, struct str error);

/* What is wrong with a token, as an error. */
enum sc_wrong { SC_INVALID, SC_EXPIRED, SC_EARLY, SC_NO_STRING };
/* message: plain; at: when it expired, or will be valid, in seconds. */
int	 sc_write_wrong(struct buf *, enum sc_wrong, const char *message,
	    int64_t at);

#endif
