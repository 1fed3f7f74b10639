/* SPDX-License-Identifier: ISC */
#include <stdalign.h>
#include <stdlib.h>

#include "kept.h"

#define ROOM	4000		/* bytes of a block, but for a large frame */

struct block {
	size_t used, room;
	unsigned live;
	alignas(max_align_t) char data[];
};

static struct block *
block_for(struct block **newest, size_t n)
{
	struct block *b = *newest;

	if (b != NULL && b->room - b->used >= n)
		return b;
	kept_end(newest);
	b = mem_grow(NULL, sizeof *b + (n < ROOM ? ROOM : n));
	*b = (struct block){ .room = n < ROOM ? ROOM : n };
	return *newest = b;
}

struct kept *
kept_new(struct block **newest, struct str line)
{
	size_t align = alignof(struct kept);
	size_t n = (sizeof(struct kept) + line.n + align - 1) / align * align;
	struct block *b = block_for(newest, n);
	struct kept *k = (void *)(b->data + b->used);

	b->used += n;
	b->live++;
	*k = (struct kept){ .block = b, .n = line.n };
	if (line.n > 0)
		memcpy(k->line, line.p, line.n);
	return k;
}

void
kept_free(struct block **newest, struct kept *k)
{
	struct block *b = k->block;

	if (--b->live > 0)
		return;
	if (b == *newest)
		b->used = 0;
	else
		free(b);
}

/* It lives on while a frame in it does. */
void
kept_end(struct block **newest)
{
	if (*newest != NULL && (*newest)->live == 0)
		free(*newest);
	*newest = NULL;
}
