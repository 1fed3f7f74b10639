/* SPDX-License-Identifier: ISC */
#ifndef FILTER_PRINT_H
#define FILTER_PRINT_H

/*
 * What a rule made, as the line of a frame.
 *
 *  - "type" first, then the keys as they were put in; seq, again and of are
 *    the link's and never written, from and via, the router's, when asked.
 *  - A value that is known is its text.  A whole frame that is known is its
 *    line.
 *  - Numbers of the rule's own are written as jq 1.6 does: integers plain,
 *    the shortest digits that come back, no infinity, NaN as null.
 *  - What would not be a frame is refused: each function writes, or leaves a
 *    reason in why and writes no more.
 */

#include "value.h"

struct print {
	struct buf *out;
	const struct values *known;
	int routing;			/* write from and via */
	const char *why;		/* static; NULL: all is well */
};

void	 print_value(struct print *, jv v, int level);	/* v stays yours */
void	 print_object(struct print *, jv v);	/* a frame */
/* A frame as it came, without what rules do not see. */
void	 print_frame(struct print *, const struct frame *);

#endif
