/* SPDX-License-Identifier: ISC */
#ifndef GATHER_H
#define GATHER_H

/*
 * The messages of a queue side by side, for one write.  Those of the last
 * queue are still there: who is to get the same, as most have after a
 * broadcast, gets them without a copy.
 */

#include "queue.h"

#define GATHER		(256 << 10)	/* bytes of one gathered write */

/* From the front, as many whole messages as find room, unmasked.  The bytes
 * are valid until the next call. */
struct str gather(const struct queue *);
void	 gather_forget(void);		/* holds no message any more */

#endif
