/* SPDX-License-Identifier: ISC */
#ifndef EVENT_H
#define EVENT_H

/*
 * Events on their way to the router, and who answers for them.
 *
 *  - The owner of an event is its connection.  What a connection has on the
 *    link is at most 1/16 of the window, then its socket is not read; where
 *    the link has no room at all, connections take turns when it has.
 *  - What cannot leave yet waits with its connection, without its head: the
 *    head (user, state, channels) tells how things are when it leaves.
 *  - A connection whose socket is gone is in the roster until its close
 *    leaves, behind all it said before: so what the rules make of that still
 *    finds its state, and the close shows it.
 *  - --step: the next event leaves when the last one is settled.
 */

#include "link/link.h"
#include "roster.h"

extern struct link *router;

struct event_counts {
	uint64_t opens, closes, refused, dropped, waiting;
};
extern struct event_counts event_counts;
extern const struct figure event_figures[];

/* Begins the part of an event that is its own; the caller adds keys to the
 * buf, then calls one of the next two. */
struct buf *event_begin(const char *type);
/* Sends it or keeps it, in order: 1; -1: it is too big, and dropped. */
int	 event_post(struct conn *, enum link_how);
/* Keeps it until event_release(), which sends what can leave: 1; -1: it is too
 * big, and dropped. */
int	 event_keep(struct conn *);

/* May an event about it leave now?  If not, send_room() is called when it may
 * be so. */
int	 event_room_for(struct conn *);

/* These two destroy a connection that is gone and owes nothing. */
void	 event_release(struct conn *);
void	 event_forget(struct conn *);	/* nobody is told what was kept */

/* The roster forgets a connection, and what follows is told. */
void	 event_over(struct conn *);

/* About no single connection, at once. */
void	 event_note(const char *type, struct str channel);

/* Parts of frames: conn and n; user, and what an endpoint is --with. */
void	 event_put_id(struct buf *, const struct conn *);
void	 event_put_roster(struct buf *, const struct conn *, unsigned with);

/* From the link. */
void	 event_settled(struct link *, void *owner, size_t bytes,
	    const char *why);
void	 event_refused(struct link *, void *owner, struct str line,
	    const char *why);
void	 event_room(struct link *);

#endif
