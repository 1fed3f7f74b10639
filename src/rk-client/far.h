/* SPDX-License-Identifier: ISC */
#ifndef FAR_H
#define FAR_H

/*
 * The far ends a station has dialled, by conn.  Data only: what happens to
 * them is in station.c.
 */

#include <ev.h>

#include "frame.h"
#include "link/link.h"
#include "names.h"
#include "pause.h"
#include "ws.h"

struct held {			/* waits for the connection */
	struct held *next;
	struct ws_msg *msg;	/* ours: one reference */
	struct taken *taken;
};

struct far {
	struct far *next;	/* in its bucket */
	char *conn, *user, *url, *protocol;	/* user, protocol: or NULL */
	char **headers;		/* "Name: value", NULL at the end */
	struct target target;
	struct ws_conn *ws;	/* NULL: between dials */
	int open;
	int hangup;		/* not dialled again */
	int told;		/* "down" was said, and no "up" since */
	struct pause pause;	/* between dials that fail */
	ev_timer redial;
	struct held *held, **held_end;
	size_t held_bytes;
};

struct far *far_find(struct str conn);
/* What a dial frame says, not dialled yet; NULL and why. */
struct far *far_new(const struct frame *, const char **why);
int	 far_same(const struct far *, const struct frame *);	/* same url */
void	 far_free(struct far *);	/* nothing is held any more */
size_t	 far_count(void);
/* All of them; NULL begins and ends.  One may be freed once the next was
 * asked for. */
struct far *far_next(const struct far *);

/* Takes the taken, and the caller's reference of the message. */
void	 far_hold(struct far *, struct ws_msg *, struct taken *);
void	 far_unhold(struct far *);	/* the first one: it was dealt with */

#endif
