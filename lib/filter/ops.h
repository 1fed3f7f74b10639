/* SPDX-License-Identifier: ISC */
#ifndef FILTER_OPS_H
#define FILTER_OPS_H

/*
 * What jq's operators and builtins make of values.  Each: 1 and *out, or -1:
 * not for us, because jq would fail, or because only jq can say.
 */

#include "operate.h"

int	 op_text(struct desk *, struct val *);		/* tostring, in place */
int	 op_join(struct desk *, const struct val *strings, size_t,
	    struct val *out);
int	 op_plus(struct desk *, const struct val v[2], struct val *out);
int	 op_compare(struct desk *, enum op, const struct val v[2],
	    struct val *out);
int	 op_index(struct desk *, const struct val *of, const struct val *key,
	    struct val *out);
int	 op_set(struct desk *, const struct val *of, const struct word *path,
	    size_t n, const struct val *, struct val *out);
int	 op_place(struct desk *, const struct val *in, const struct val *what,
	    struct val *out);
int	 op_starts(struct desk *, const struct val *in, const struct val *what,
	    int ends, struct val *out);
int	 op_trim(struct desk *, const struct val *in, const struct val *what,
	    struct val *out);

/* Of the input alone; the words are the node's. */
operation op_delete, op_take, op_has, op_not, op_type, op_open, op_first,
	    op_tostring, op_whole;

#endif
