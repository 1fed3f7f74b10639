/* SPDX-License-Identifier: ISC */
#ifndef FILTER_OPERATE_H
#define FILTER_OPERATE_H

/* Evaluation, inside: operations, which make one value at most (operate.c),
 * expressions that make any number (eval.c), and those of them that make one
 * at most, too (direct.c). */

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

/* What n, a binding, makes of a value is entered: 1, -1. */
int	 env_bind(struct here *, const struct node *n, const struct val *);
/* Inside of the definition that n calls: 1, -1. */
int	 env_call(struct here *inner, const struct here *, const struct node *n,
	    const struct val *in);

/* Each value goes to the sink: 1, or 0: not for us. */
int	 eval(const struct here *, const struct node *, const struct val *in,
	    struct sink *);
/* The only value: 1, 0: there is none, -1: not for us. */
static inline int
eval_one(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	return n->run(h, n, in, out);
}

/* What runs a node, as it is: of operate.c, direct.c, or eval_only(). */
operation *operation_of(const struct node *);
operation eval_only;
operation direct_pipe, direct_if, direct_alt, direct_as, direct_call;

#endif
