/* SPDX-License-Identifier: ISC */
#ifndef FILTER_ARENA_H
#define FILTER_ARENA_H

/*
 * Memory that is given back all at once: a rule's tree, what is made of one
 * frame.  What was given back is given out again; only what is more than
 * ARENA_KEEP is freed.
 */

#include <stddef.h>

#include "../buf.h"

#define ARENA_KEEP	(256 << 10)

struct chunk;

struct arena {
	struct chunk *first, *at;
	size_t size;			/* of all chunks */
};

void	*arena_get(struct arena *, size_t);	/* not zeroed; aligned */
void	*arena_new(struct arena *, size_t);	/* zeroed */
void	 arena_reset(struct arena *);
void	 arena_free(struct arena *);

/* A buf of so many bytes at most, in the arena: it never grows. */
struct buf arena_buf(struct arena *, size_t);
struct str arena_str(struct arena *, struct str);	/* a copy */
struct str arena_quote(struct arena *, struct str);	/* as JSON */
/* What is between the quotes of a checked string, decoded. */
struct str arena_unquote(struct arena *, struct str raw);

#endif
