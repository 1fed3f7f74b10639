/* SPDX-License-Identifier: ISC */
#ifndef FILTER_EVAL_H
#define FILTER_EVAL_H

/*
 * A tree over a frame.
 *
 *  - An expression makes any number of values; each goes to a sink as soon as
 *    it is made, so nothing is collected that jq would not collect.
 *  - Where the order of several values in an operand would matter, only one is
 *    taken: more is not for us.
 *  - The C stack holds the environment.  It grows with the rule's own nesting,
 *    up to DEEPEST calls, never with an input's.
 */

#include "val.h"

struct sink {			/* 1: go on; 0: not for us */
	int (*put)(struct desk *, const struct val *, struct sink *);
};

/* 1, or 0: not for us, and what was put is worth nothing. */
int	 eval_tree(struct desk *, const struct tree *, struct sink *);

#endif
