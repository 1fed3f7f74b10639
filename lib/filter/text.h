/* SPDX-License-Identifier: ISC */
#ifndef FILTER_TEXT_H
#define FILTER_TEXT_H

/*
 * What rules see of a frame, told from its text alone: which keys are theirs,
 * how deep a value is open, what a number or container is.  Both ways to run
 * a rule, libjq's and our own, ask here.
 */

#include "../buf.h"
#include "../frame.h"

#define LEVELS_ALL	(JSON_DEPTH + 1)	/* open: all levels there are */

/* Keys, by their number in the vocabulary; -1: not in it. */
int	 key_unseen(int key);		/* 1: rules do not see it */
int	 key_hidden(int key, int routing);	/* 1: they do not write it */
int	 key_levels(int key, int depth);	/* of its value are open */

/* Of a value's members, when so many of its levels are open. */
int	 levels_below(int levels, struct str key, int depth);

/* 1: the double next to a number is the number, as far as its spelling goes:
 * the same digits come back. */
int	 number_held(struct str, double *);

int	 container_empty(struct str);
int	 container_fits(struct str, int level);	/* within so many others */

/* A frame as it came, without what rules do not write: 1, or -1 ENOBUFS. */
int	 frame_seen(struct buf *, const struct frame *, int routing);

#endif
