/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../buf.h"
#include "seen.h"

#define SLOTS	65536		/* a power of two */

static struct seen **slot;	/* SLOTS chains */
static struct seen *oldest, *youngest;
static size_t settled;

/* What follows each other stands side by side, which the cache likes. */
static unsigned
hash(const char boot[static SEEN_BOOT], uint64_t seq, uint32_t k)
{
	uint64_t a, b;

	memcpy(&a, boot, sizeof a);
	memcpy(&b, boot + SEEN_BOOT - sizeof b, sizeof b);
	a = (a ^ b * UINT64_C(0x100000001b3)) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)((a >> 32) + seq + k * 4099u) % SLOTS;
}

static struct seen **
place(const char boot[static SEEN_BOOT], uint64_t seq, uint32_t k)
{
	struct seen **s = &slot[hash(boot, seq, k)];

	while (*s != NULL && ((*s)->seq != seq || (*s)->k != k ||
	    memcmp((*s)->boot, boot, SEEN_BOOT) != 0))
		s = &(*s)->chain;
	return s;
}

struct seen *
seen_get(const char boot[static SEEN_BOOT], uint64_t seq, uint32_t k,
    int *fresh)
{
	struct seen **s;

	if (slot == NULL)
		slot = mem_new(SLOTS * sizeof *slot);
	s = place(boot, seq, k);
	*fresh = *s == NULL;
	if (*fresh) {
		*s = mem_new(sizeof **s);
		memcpy((*s)->boot, boot, SEEN_BOOT);
		(*s)->seq = seq;
		(*s)->k = k;
	}
	return *s;
}

void
seen_forget(struct seen *e)
{
	struct seen **s = place(e->boot, e->seq, e->k);

	*s = e->chain;
	free(e);
}

void
seen_settled(struct seen *e)
{
	struct seen *old;

	e->open = NULL;
	if (youngest != NULL)
		youngest->younger = e;
	else
		oldest = e;
	youngest = e;
	if (++settled <= SEEN_MAX)
		return;
	old = oldest;
	oldest = old->younger;
	settled--;
	seen_forget(old);
}
