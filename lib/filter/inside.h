/* SPDX-License-Identifier: ISC */
#ifndef FILTER_INSIDE_H
#define FILTER_INSIDE_H

/*
 * A filter, inside: filter.c makes it of a rule, run.c runs it.
 *
 *	source.c	the rule's text, and what it includes
 *	native.c	runs it without libjq, where it can; see native.h
 *	prelude.c	what rules find defined, in jq; host.c: the same in C
 *	value.c		a frame's text as jv, known again; label.c: of handles
 *	print.c		jv as the text of a frame
 *	mask.c		what jq says, without what it says it of
 *	watchdog.c	stops what runs too long
 */

#include "../filter.h"
#include "host.h"
#include "native.h"
#include "source.h"
#include "value.h"

#define WHY_MAX		300	/* bytes of a reason */

struct filter {
	jq_state *jq;			/* NULL: not needed so far */
	jv args;			/* for its compiler */
	int impure;
	struct native *native;		/* NULL: libjq runs all */
	struct source source;
	struct values known;		/* of the frame in hand */
	struct host host;
	int64_t budget;
	size_t outputs, line_max;
	int routing;
	struct buf lines;		/* of the outputs, end to end */
	struct filter_out *out;
	jv *made;			/* they borrow from these */
	size_t n, cap;
	struct buf why;
	char **wrong;			/* while it compiles */
};

/* Has libjq compile the rule, unless it has: 1, or -1 with *why to free(). */
int	 filter_compile(struct filter *, char **why);
void	 filter_forget(struct filter *);	/* the last frame's */
/* Adds a reason of jq's, with no more than 4 characters of what it quotes. */
void	 mask_quoted(struct buf *, const char *);

#endif
