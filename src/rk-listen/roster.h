/* SPDX-License-Identifier: ISC */
#ifndef ROSTER_H
#define ROSTER_H

/*
 * The roster: who is connected, under which name, in which channels, with
 * which state.  No I/O: what must be told is told by who changes it.
 *
 *  - A conn lives from its request until its last event was settled; in the
 *    roster it is until its close has left.  Once its socket is gone (ws is
 *    NULL) its state can still be merged, but it is nobody that is meant,
 *    listed or told.
 *  - Everything is found in O(1); leaving costs what there is to leave.
 *  - Lists of users and channels are in no order; roster_sort() makes the
 *    one that answers are in: by n.
 */

#include <stdint.h>

#include "deadline.h"
#include "table.h"
#include "ws.h"

#define NAME_BYTES	255	/* of a user or a channel */
#define CHANNELS_MAX	1024	/* of one connection */

struct ask;
struct endpoint;
struct event;
struct member;
struct throttle;

enum kind {
	KIND_WS,
	KIND_HTTP		/* a plain request, which waits for an answer */
};

struct name {			/* a user or a channel */
	struct node node;
	struct member *members;
	size_t count;
	struct str name;	/* behind the struct, and terminated */
};

/* One connection in one name. */
struct member {
	struct conn *conn;
	struct name *of;
	struct member *next, **prev;	/* of the name */
	struct member *more;		/* the connection's next channel */
};

struct conn {
	struct node node;		/* by n */
	uint64_t n;
	struct ws_conn *ws;		/* NULL: gone */
	const struct endpoint *endpoint;
	struct conn *next, **prev;	/* of all that are in, by n */
	struct socket *socket;		/* on a session: engine.h; or NULL */
	struct member *user, *channels;
	char *state, *claims, *headers;	/* JSON objects; NULL: {}, none */
	int64_t expires;		/* its claims, in seconds; 0: never */
	char *subprotocol;		/* until it is open */
	struct throttle *throttle;	/* what it has credit for */
	struct ask *asks;		/* sends that wait for an answer */
	uint32_t asked;			/* how many were sent */
	/* custody: event.c */
	struct event *first, *last;	/* not sent yet */
	struct conn *waiting;		/* next that waits for room */
	uint32_t unsettled;		/* bytes that the router has */
	uint32_t events;		/* frames of them */
	/* what was not written and not told: send.c */
	uint64_t lost_frames, lost_bytes;
	struct deadline answer;		/* until when it waits: pending.c */
	unsigned kind : 1;
	unsigned in : 1;		/* in the roster */
	unsigned pending : 1;		/* waits for accept or reject */
	unsigned open : 1;		/* a WebSocket by now */
	unsigned left : 1;		/* it is closing: nothing is for it */
	unsigned paused : 1;
	unsigned throttled : 1;		/* it has no credit */
	unsigned waits : 1;		/* in the list of who waits for room */
};

extern struct conn *roster_first;	/* of all that are in, by n */

struct conn *conn_make(struct ws_conn *, const struct endpoint *, enum kind);
void	 conn_enter(struct conn *);	/* the roster knows it */
void	 conn_leave(struct conn *);	/* no more; names must be left before */
void	 conn_destroy(struct conn *);

/* "boot.n" of one that is in, or NULL. */
struct conn *conn_named(struct str id);
/* The n of an id of this process: 1, or 0. */
int	 conn_number(struct str id, uint64_t *n);

struct name *user_named(struct str);		/* NULL: not there */
struct name *channel_named(struct str);
/* 1 to 255 bytes of UTF-8 without control characters. */
int	 name_sound(struct str);

/* The former name is given up.  NULL: none. */
void	 user_set(struct conn *, const struct str *);
/* 1: the channel is there since now; 0: it was, or he is in; -1: too many. */
int	 channel_join(struct conn *, struct str);
int	 channel_has(const struct conn *, struct str);	/* he is in: 1 or 0 */
/* 1: it is empty now and gone; 0: not, or he was not in. */
int	 channel_leave(struct conn *, struct str);
/* Leaves any one: 1 and its name, if it is gone now; 0: nobody is told; -1:
 * there was none. */
int	 channel_leave_one(struct conn *, char gone[static NAME_BYTES + 1]);

extern const struct figure roster_figures[];

/* The connections of a name in the order of n, in an array that is valid
 * until the next call. */
struct conn **roster_sort(const struct name *, size_t *n);

#endif
