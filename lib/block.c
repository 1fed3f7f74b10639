/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "block.h"
#include "buf.h"

#ifdef __SANITIZE_ADDRESS__
#define ROOM	1		/* a block each: to see use behind their end */
#else
#define ROOM	4000		/* bytes of a block, but for a large thing */
#endif
#define SPARES	256		/* blocks kept for later */

struct thing {
	union {
		struct block *block;
		uint64_t align;
	} in;
	char data[];
};

struct block {
	size_t used, room;
	uint64_t live;
	char data[];
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
give_back(struct block *b)
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
	block_end(newest);
	return *newest = block_new(n < ROOM ? ROOM : n);
}

void *
block_cut(struct block **newest, size_t n)
{
	size_t align = sizeof(struct thing);
	size_t all = (sizeof(struct thing) + n + align - 1) / align * align;
	struct block *b = block_for(newest, all);
	struct thing *t = (void *)(b->data + b->used);

	b->used += all;
	b->live++;
	t->in.block = b;
	return t->data;
}

void
block_free(struct block **newest, void *p)
{
	struct thing *t = (void *)((char *)p - offsetof(struct thing, data));
	struct block *b = t->in.block;

	if (--b->live > 0)
		return;
	if (b == *newest && ROOM > 1) {
		b->used = 0;
		return;
	}
	if (b == *newest)
		*newest = NULL;
	give_back(b);
}

/* It lives on while a thing in it does. */
void
block_end(struct block **newest)
{
	if (*newest != NULL && (*newest)->live == 0)
		give_back(*newest);
	*newest = NULL;
}
