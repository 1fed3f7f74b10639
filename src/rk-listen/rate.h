/* SPDX-License-Identifier: ISC */
#ifndef RATE_H
#define RATE_H

/*
 * Rates as buckets of credit, which fill steadily up to a burst.
 *
 *  - What is taken may be more than there is: the rest is a debt, and there
 *    is credit again when it is paid.  So nothing is cut in two, and nothing
 *    is too large.
 *  - A bucket is one number, the time at which it is full: ns of any clock
 *    that never goes back.  0 is a full one.
 */

#include "opt.h"

struct rate {
	int64_t per_second;	/* 0: there is no limit */
	int64_t burst;		/* what a full bucket has, at least 1 */
};

/* "N[,BURST]" of an option, or sizes; the burst of a second.  Ends the program
 * (100) when it is not that. */
struct rate rate_option(const struct opts *, int sizes);

/* The bucket when n were taken from it. */
int64_t	 rate_take(int64_t bucket, const struct rate *, int64_t now, int64_t n);
/* ns until there is credit for one; 0: there is. */
int64_t	 rate_wait(int64_t bucket, const struct rate *, int64_t now);

#endif
