/* SPDX-License-Identifier: ISC */
#ifndef KEPT_H
#define KEPT_H

/* A frame that is kept, in a block of its track's, until it is settled. */

#include "../block.h"

struct kept {
	void *owner;
	size_t n;		/* of line */
	size_t bytes;		/* of the window */
	unsigned char answer, sent, again;
	char line[];
};

#endif
