/* SPDX-License-Identifier: ISC */
#ifndef PAUSE_H
#define PAUSE_H

/*
 * Pauses between tries of the same thing.  Each is twice as long as the one
 * before, up to the longest; half of it is chance, so that many who lost the
 * same peer do not come back at once.
 */

#include <stdint.h>

struct pause {
	int64_t first, longest;		/* ms; the caller's */
	int64_t next;			/* 0: the first */
};

double	 pause_next(struct pause *);	/* seconds */
void	 pause_forget(struct pause *);	/* it worked: the first comes next */

#endif
