/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../json.h"
#include "arena.h"

#define CHUNK	16384

struct chunk {
	struct chunk *next;
	size_t cap;
	_Alignas(ARENA_ALIGN) char data[];
};

static struct chunk *
chunk_new(struct arena *a, size_t n)
{
	size_t cap = n > CHUNK ? n : CHUNK;
	struct chunk *c = mem_grow(NULL, sizeof *c + cap);

	*c = (struct chunk){ .cap = cap };
	a->size += cap;
	return c;
}

static void
begin(struct arena *a, struct chunk *c)
{
	a->at = c;
	a->p = c ? c->data : NULL;
	a->left = c ? c->cap : 0;
}

void
arena_more(struct arena *a, size_t n)
{
	struct chunk *c = a->at ? a->at->next : a->first;

	if (c == NULL || c->cap < n) {
		struct chunk *more = chunk_new(a, n);

		more->next = c;
		c = more;
		if (a->at != NULL)
			a->at->next = c;
		else
			a->first = c;
	}
	begin(a, c);
}

void *
arena_new(struct arena *a, size_t n)
{
	return memset(arena_get(a, n), 0, n);
}

void
arena_free(struct arena *a)
{
	struct chunk *c;

	while ((c = a->first) != NULL) {
		a->first = c->next;
		free(c);
	}
	*a = (struct arena){ .first = NULL };
}

void
arena_reset(struct arena *a)
{
	if (a->size > ARENA_KEEP)
		arena_free(a);
	begin(a, a->first);
}

struct buf
arena_buf(struct arena *a, size_t n)
{
	return (struct buf){ .data = arena_get(a, n), .cap = n, .max = n };
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = arena_get(a, s.n);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

struct str
arena_quote(struct arena *a, struct str s)
{
	struct buf b = arena_buf(a, 6 * s.n + 2);

	json_quote(&b, s);
	return buf_str(&b);
}

struct str
arena_unquote(struct arena *a, struct str raw)
{
	struct buf b = arena_buf(a, raw.n);

	if (raw.n > 0)
		json_unquote(&b, raw);
	return buf_str(&b);
}
