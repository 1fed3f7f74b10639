/* SPDX-License-Identifier: ISC */
#ifndef BLOCK_H
#define BLOCK_H

/*
 * Memory for small things of which thousands wait, and mostly come and go in
 * order: they are cut from blocks.  A block is freed with the last thing in
 * it; one is small, so that a thing that waits long holds little.
 */

#include <stddef.h>

struct block;

/* Not zeroed, and aligned for pointers and numbers of 64 bits.  *newest is
 * where the next one is cut from; NULL at first. */
void	*block_cut(struct block **newest, size_t);
void	 block_free(struct block **newest, void *);
void	 block_end(struct block **newest);	/* no more is cut from it */

#endif
