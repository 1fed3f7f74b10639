/* SPDX-License-Identifier: ISC */
#ifndef FILTER_NATIVE_H
#define FILTER_NATIVE_H

/*
 * The native evaluator: runs over the scanner's spans what routing is mostly
 * made of, about thirty times faster than libjq.
 *
 *	lex.c parse.c		the rule as a tree (tree.h)
 *	fold.c			the tree as it runs
 *	val.c equal.c skim.c	values, which are text
 *	ops.c			what operators and builtins make of them
 *	eval.c direct.c operate.c	the tree over a frame
 *	native.c		its outputs, as lines
 *	explain.c		which parts of a rule go which way
 *
 *  - It makes of a frame what libjq makes of it, byte for byte, or nothing:
 *    then the frame is libjq's, from the start.  Rules are pure, so nothing of
 *    a first try is left.  It gives up where the tree has no node, where jq
 *    would fail or refuse, so that all reasons are jq's, where it is not sure,
 *    and where it would take long, so that the watchdog is libjq's alone.
 *  - As it reads the whole rule, it knows of most that libjq will compile them.
 *  - tests/unit/native.c holds both against each other.
 */

#include "../filter.h"
#include "explain.h"

struct native;

struct native_rule {
	struct str text;	/* borrowed, as are all */
	int line;		/* of its beginning, in the whole source */
	const struct filter_rule *rule;
	int depth;
	size_t outputs;
};

struct native *native_open(const struct native_rule *);
void	 native_close(struct native *);		/* NULL is nothing */

/* 1 with the result, valid until the next call, or 0: not for us. */
int	 native_run(struct native *, const struct frame *, const char *from,
	    struct filter_result *);

/* 1: libjq compiles the rule; 0: ask it. */
int	 native_compiles(const struct native *);
void	 native_explain(const struct native *, explain_say *, void *ctx);

#endif
