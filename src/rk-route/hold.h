/* SPDX-License-Identifier: ISC */
#ifndef HOLD_H
#define HOLD_H

/*
 * What waits at an output is bounded: while some link has too much, nobody is
 * listened to but that one, when it is tracked.  For what it says may be what
 * its room waits for, as a router beyond it has our frames until we take its
 * own.  A plain one empties without us.
 */

#include "link/link.h"

extern uint64_t holds;		/* times that it began */

void	 hold_sent(struct link *);	/* it has more than before */
/* There is more room: goes on where there is no more than half of what is too
 * much. */
void	 hold_release(void);
void	 hold_passing(struct link *, int gone);	/* one comes, or went */
void	 hold_all(void);		/* from now on */

#endif
