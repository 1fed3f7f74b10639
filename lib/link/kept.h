/* SPDX-License-Identifier: ISC */
#ifndef KEPT_H
#define KEPT_H

/*
 * Frames that are kept until they are settled, in blocks: mostly they come and
 * go in order, and thousands of them wait.  A block is freed with the last
 * frame in it; one is small, so that a frame that waits long holds little.
 */

#include "../buf.h"

struct block;

struct kept {
	struct block *block;
	void *owner;
	size_t n;		/* of line */
	size_t bytes;		/* of the window */
	unsigned char answer, sent, again;
	char line[];
};

/* *newest is where the next frame goes; NULL at first. */
struct kept *kept_new(struct block **newest, struct str line);
void	 kept_free(struct block **newest, struct kept *);
void	 kept_end(struct block **newest);	/* all were freed */

#endif
