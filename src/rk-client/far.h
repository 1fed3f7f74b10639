/* SPDX-License-Identifier: ISC */
#ifndef FAR_H
#define FAR_H

/*
 * The far ends a station has dialled, by conn.  Data only: what happens to
 * them is in station.c.
 */

#include <ev.h>

#include "ending.h"
#include "frame.h"
#include "link/link.h"
#include "names.h"
#include "pause.h"
#include "ws.h"

#define AUTH_MAX	4096	/* bytes of the auth of a dial */
#define CHANNELS_MAX	64	/* that one is subscribed to */
#define NAME_MAX_BYTES	255	/* of names: conn, user, channels */

struct ask;
struct cluster;
struct talk;
struct voice;

struct held {			/* waits for the connection */
	struct held *next;
	struct ws_msg *msg;	/* ours: one reference */
	struct taken *taken;	/* NULL: of the one behind it, or of none */
};

struct channel {		/* that it is subscribed to */
	char *name;		/* quoted */
	int64_t id;		/* of the subscription, until it is answered */
};

struct far {
	struct far *next;	/* in its bucket */
	char *conn, *user, *url, *protocol;	/* user, protocol: or NULL */
	const struct voice *voice;
	char *dialled;		/* the URL of the WebSocket */
	struct talk *talk;	/* of voices on Socket.IO */
	struct cluster *cluster;	/* of SocketCluster's */
	char *auth;		/* JSON; or NULL */
	struct channel *channels;
	size_t nchannels;
	struct ask *asks;	/* ask.c */
	int64_t asked;		/* so many, of all kinds */
	struct ending ending;
	char **headers;		/* "Name: value", NULL at the end */
	struct target target;
	struct ws_conn *ws;	/* NULL: between dials */
	int open;
	int hangup;		/* not dialled again; far_hangup() */
	int told;		/* "down" was said, and no "up" since */
	struct pause pause;	/* between dials that fail */
	ev_timer redial;
	struct held *held, **held_end;
	size_t held_bytes;
};

struct far *far_find(struct str conn);	/* not one that was hung up */
/* What a dial frame says, not dialled yet; NULL and why. */
struct far *far_new(const struct frame *, const char **why);
int	 far_same(const struct far *, const struct frame *);	/* same url */
void	 far_free(struct far *);	/* nothing is held any more */
void	 far_hangup(struct far *);	/* found and counted no more */
size_t	 far_count(void);
/* All of them, also those; NULL begins and ends.  One may be freed once the
 * next was asked for. */
struct far *far_next(const struct far *);

/* A channel, quoted: 1; 0: there, or not there, already; -1: too many. */
int	 far_join(struct far *, struct str quoted);
int	 far_leave(struct far *, struct str quoted);
struct channel *far_channel(const struct far *, struct str quoted);

/* A string of a frame, copied; NULL: absent, no string, longer than max, or it
 * holds a control character. */
char	*far_word(const struct frame *, enum key, size_t max);

/* Takes the taken, and the caller's reference of the message. */
void	 far_hold(struct far *, struct ws_msg *, struct taken *);
void	 far_unhold(struct far *);	/* the first one: it was dealt with */

#endif
