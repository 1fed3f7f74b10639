/* SPDX-License-Identifier: ISC */
#ifndef FILTER_OPERATE_H
#define FILTER_OPERATE_H

/* Evaluation, inside: expressions that make one value at most (operate.c), and
 * those that make any number (eval.c). */

#include "eval.h"

struct env {			/* an entry: a variable, or an argument */
	const struct env *up;
	int level;
	struct val v;
	const struct node *body;
	const struct env *of;	/* the argument's own environment */
};

/* The entry of this level; that around it, where there is none. */
const struct env *env_entry(const struct env *, int level);

struct here {			/* at a place in the tree */
	struct desk *desk;
	const struct env *env;
};

/* Each value goes to the sink: 1, or 0: not for us. */
int	 eval(const struct here *, const struct node *, const struct val *in,
	    struct sink *);
/* The only value: 1, 0: there is none, -1: not for us. */
int	 eval_one(const struct here *, const struct node *,
	    const struct val *in, struct val *out);
int	 eval_operation(const struct here *, const struct node *,
	    const struct val *in, struct val *out);

#endif
