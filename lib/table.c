/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/random.h>

#include "log.h"
#include "table.h"

#define ROTATE(x, n)	((x) << (n) | (x) >> (64 - (n)))

struct sip {
	uint64_t a, b, c, d;
};

static const uint64_t *
key(void)
{
	static uint64_t k[2];

	if ((k[0] | k[1]) == 0 && getrandom(k, sizeof k, 0) != sizeof k)
		die(111, "getrandom");
	return k;
}

static void
mix(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = ROTATE(s->b, 13) ^ s->a;
	s->d = ROTATE(s->d, 16) ^ s->c;
	s->a = ROTATE(s->a, 32) + s->d;
	s->c += s->b;
	s->b = ROTATE(s->b, 17) ^ s->c;
	s->d = ROTATE(s->d, 21) ^ s->a;
	s->c = ROTATE(s->c, 32);
}

static void
add_word(struct sip *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	s->a ^= word;
}

uint64_t
table_hash(struct str in)
{
	const uint64_t *k = key();
	struct sip s = { k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
	    k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573 };
	uint64_t word;
	size_t i = 0;

	for (; in.n - i >= 8; i += 8) {
		memcpy(&word, in.p + i, 8);
		add_word(&s, word);
	}
	word = (uint64_t)in.n << 56;
	if (in.n > i)
		memcpy(&word, in.p + i, in.n - i);
	add_word(&s, word);
	s.c ^= 0xff;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

/* Our own serial numbers: nobody chooses them. */
uint64_t
table_hash_number(uint64_t n)
{
	return n;
}

struct node *
table_again(const struct node *x)
{
	struct node *next;

	for (next = x->next; next != NULL; next = next->next)
		if (next->hash == x->hash)
			return next;
	return NULL;
}

struct node *
table_find(const struct table *t, uint64_t hash)
{
	struct node *x;

	if (t->cap == 0)
		return NULL;
	x = t->slots[hash & (t->cap - 1)];
	while (x != NULL && x->hash != hash)
		x = x->next;
	return x;
}

static void
put(struct table *t, struct node *x)
{
	struct node **slot = &t->slots[x->hash & (t->cap - 1)];

	x->next = *slot;
	*slot = x;
}

static void
grow(struct table *t)
{
	struct node **old = t->slots, *x, *next;
	size_t n = t->cap, i;

	t->cap = n == 0 ? 64 : n * 2;
	t->slots = mem_new(t->cap * sizeof *t->slots);
	for (i = 0; i < n; i++)
		for (x = old[i]; x != NULL; x = next) {
			next = x->next;
			put(t, x);
		}
	free(old);
}

void
table_add(struct table *t, struct node *x, uint64_t hash)
{
	if (t->n == t->cap)
		grow(t);
	x->hash = hash;
	put(t, x);
	t->n++;
}

void
table_remove(struct table *t, struct node *x)
{
	struct node **at = &t->slots[x->hash & (t->cap - 1)];

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	t->n--;
}
