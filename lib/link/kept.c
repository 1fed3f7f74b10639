/* SPDX-License-Identifier: ISC */
#include <stdalign.h>
#include <stdlib.h>

#include "kept.h"

#define ROOM	4000		/* bytes of a block, but for a large frame */
#define SPARES	256		/* blocks kept for later */

struct block {
	size_t used, room;
	unsigned live;
	alignas(max_align_t) char data[];
};

static struct block *spare[SPARES];
static size_t spares;

static struct block *
block_new(size_t room)
{
	struct block *b = room == ROOM && spares > 0 ? spare[--spares] :
	    mem_grow(NULL, sizeof *b + room);

	*b = (struct block){ .room = room };
	return b;
}

static void
block_free(struct block *b)
{
	if (b->room == ROOM && spares < SPARES)
		spare[spares++] = b;
	else
		free(b);
}

static struct block *
block_for(struct block **newest, size_t n)
{
	struct block *b = *newest;

	if (b != NULL && b->room - b->used >= n)
		return b;
	kept_end(newest);
	return *newest = block_new(n < ROOM ? ROOM : n);
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
		block_free(b);
}

/* It lives on while a frame in it does. */
void
kept_end(struct block **newest)
{
	if (*newest != NULL && (*newest)->live == 0)
		block_free(*newest);
	*newest = NULL;
}
