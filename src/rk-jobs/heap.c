/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "buf.h"
#include "heap.h"

#define SMALLEST	1024

/* What was scheduled first comes first. */
static int
before(struct heap_entry a, struct heap_entry b)
{
	return a.due < b.due || (a.due == b.due && a.id < b.id);
}

void
heap_push(struct heap *h, int64_t due, int64_t id)
{
	struct heap_entry e = { due, id };
	size_t i, up;

	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : SMALLEST;
		h->v = mem_grow(h->v, h->cap * sizeof *h->v);
	}
	for (i = h->n++; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!before(e, h->v[up]))
			break;
		h->v[i] = h->v[up];
	}
	h->v[i] = e;
}

const struct heap_entry *
heap_first(const struct heap *h)
{
	return h->n > 0 ? &h->v[0] : NULL;
}

void
heap_pop(struct heap *h)
{
	struct heap_entry e = h->v[--h->n];
	size_t i = 0, down;

	while ((down = 2 * i + 1) < h->n) {
		if (down + 1 < h->n && before(h->v[down + 1], h->v[down]))
			down++;
		if (!before(h->v[down], e))
			break;
		h->v[i] = h->v[down];
		i = down;
	}
	h->v[i] = e;
}

void
heap_clear(struct heap *h)
{
	free(h->v);
	*h = (struct heap){ .v = NULL };
}
