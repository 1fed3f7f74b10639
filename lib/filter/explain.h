/* SPDX-License-Identifier: ISC */
#ifndef FILTER_EXPLAIN_H
#define FILTER_EXPLAIN_H

#include "tree.h"

/* For each part of a rule its line and name, and each construct in it that is
 * libjq's, or once NULL: there is none. */
typedef void explain_say(void *ctx, int line, const char *part,
	    int what_line, const char *what);
void	 tree_explain(const struct tree *, explain_say *, void *ctx);

#endif
