/* SPDX-License-Identifier: ISC */
#ifndef OUTGOING_H
#define OUTGOING_H

/*
 * The connections of a station, from the dial to the last "down".
 *
 *  - What is sent before one is up, or while its queue is full, is held, not
 *    settled, and bounded; it is refused when the connection is over.
 *  - With --reconnect a connection is dialled again until "hangup".
 *  - While the link has no room, no connection is read.
 */

#include "far.h"
#include "figure.h"

#define NOT_A_URL	"url: not a ws:, wss: or ws+unix: URL"

void	 outgoing_open(void);
int	 outgoing_dial(struct far *);	/* 0: its URL is none */
/* Hung up: said, and closed when what was sent has left. */
void	 outgoing_hangup(struct far *, int code, struct str reason);
void	 outgoing_forget(struct far *);	/* refuses what it held */
void	 outgoing_read(int on);		/* all of them */
void	 outgoing_gate(void);		/* not, when the link has no room */
/* No dial any more; those that are not up yet are given up.  1; 0: it was
 * so already. */
int	 outgoing_leave(void);

extern const struct figure outgoing_figures[];
void	 outgoing_refresh(void);	/* brings them up to date */

#endif
