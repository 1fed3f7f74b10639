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

#define ARENA_ALIGN	16

struct arena {
	struct chunk *first, *at;
	char *p;			/* in the chunk at hand: free are */
	size_t left;			/* so many bytes */
	size_t size;			/* of all chunks */
};

void	 arena_more(struct arena *, size_t);	/* has so many left */

static inline void *				/* not zeroed; aligned */
arena_get(struct arena *a, size_t n)
{
	n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (a->left <= n)
		arena_more(a, n);
	a->p += n;
	a->left -= n;
	return a->p - n;
}

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
