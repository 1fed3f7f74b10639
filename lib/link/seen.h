/* SPDX-License-Identifier: ISC */
#ifndef SEEN_H
#define SEEN_H

/*
 * What was made of what: frames that carry "of" are known by it over all
 * links, so that a repeat that comes another way (a new rk-route evaluates
 * again what the old one had) is recognised.
 *
 *  - One that is open again under a new link is settled there instead.
 *  - Of the settled ones the last SEEN_MAX are remembered: far more than a
 *    window holds, and only what is in a window can be repeated.
 */

#include <stdint.h>

#define SEEN_MAX	65536
#define SEEN_BOOT	14	/* bytes of a boot, padded with NUL */

struct seen {
	char boot[SEEN_BOOT];
	uint32_t k;
	uint64_t seq;
	void *open;		/* the frame in hand; NULL: settled */
	struct seen *chain, *younger;
};

/* The entry for this identity; *fresh says whether it was made just now.
 * The caller sets open before anything else happens. */
struct seen *seen_get(const char boot[static SEEN_BOOT], uint64_t seq,
	    uint32_t k, int *fresh);
void	 seen_settled(struct seen *);	/* remember it */
void	 seen_forget(struct seen *);	/* refused: a repeat is tried again */

#endif
