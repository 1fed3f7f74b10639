/* SPDX-License-Identifier: ISC */

/*
 * Merging is O(members): a client that fills its state must not make every
 * merge quadratic.  Keys are compared as they mean, not as they are spelled.
 */

#include <stdlib.h>

#include "state.h"
#include "table.h"

struct slot {
	struct node node;
	struct slot *next;	/* in the order of the result */
	struct str name;	/* what the key means */
	struct str key, value;	/* as spelled */
};

struct merged {
	struct table table;
	struct slot *first, **end;
	struct buf names;	/* of keys that were spelled with escapes */
};

static size_t
count(struct str object)
{
	struct json_walk w;
	struct json_member m;
	size_t n = 0;

	json_walk(&w, object);
	while (json_next(&w, &m) == 1)
		n++;
	return n;
}

static struct str
meaning(struct merged *all, const struct json_member *m)
{
	size_t from = all->names.len;

	if (!m->escaped)
		return m->key;
	json_unquote(&all->names, m->key);
	return (struct str){ all->names.data + from, all->names.len - from };
}

static struct slot *
slot_of(const struct merged *all, struct str name, uint64_t hash)
{
	struct node *x = table_find(&all->table, hash);

	while (x != NULL && !str_eq(((struct slot *)x)->name, name))
		x = table_again(x);
	return (struct slot *)x;
}

static void
take(struct merged *all, struct str object, struct slot **spare)
{
	struct json_walk w;
	struct json_member m;
	struct str name;
	struct slot *s;
	uint64_t hash;

	json_walk(&w, object);
	while (json_next(&w, &m) == 1) {
		name = meaning(all, &m);
		hash = table_hash(name);
		s = slot_of(all, name, hash);
		if (s == NULL) {
			s = (*spare)++;
			s->name = name;
			s->key = m.key;
			table_add(&all->table, &s->node, hash);
			*all->end = s;
			all->end = &s->next;
		}
		s->value = m.value;
	}
}

static int
put_all(struct buf *out, const struct slot *s)
{
	size_t from = buf_size(out);
	int r = buf_addc(out, '{');

	for (; r == 1 && s != NULL; s = s->next) {
		r = buf_addc(out, '"') == 1 && buf_adds(out, s->key) == 1 &&
		    buf_adds(out, STR("\":")) == 1 &&
		    buf_adds(out, s->value) == 1 &&
		    (s->next == NULL || buf_addc(out, ',') == 1) ? 1 : -1;
	}
	if (r == 1 && buf_addc(out, '}') == 1)
		return 1;
	out->len = out->pos + from;
	return -1;
}

int
state_merge(struct buf *out, struct str old, struct str patch)
{
	struct slot *slots, *spare;
	struct merged all = { .names = BUF(old.n + patch.n) };
	int r;

	all.end = &all.first;
	slots = spare = mem_new((count(old) + count(patch) + 1) *
	    sizeof *slots);
	/* names must not move while slots point into them */
	buf_room(&all.names, old.n + patch.n);
	take(&all, old, &spare);
	take(&all, patch, &spare);
	r = put_all(out, all.first);
	buf_free(&all.names);
	free(all.table.slots);
	free(slots);
	return r;
}

int
state_member(struct str object, struct str name, struct str *value)
{
	struct json_walk w;
	struct json_member m;
	struct buf meant = BUF(object.n);
	struct str key;
	int found = 0;

	json_walk(&w, object);
	while (json_next(&w, &m) == 1) {
		key = m.key;
		buf_clear(&meant);
		if (m.escaped && json_unquote(&meant, m.key) == 1)
			key = buf_str(&meant);
		if (str_eq(key, name)) {
			*value = m.value;
			found = 1;
		}
	}
	buf_free(&meant);
	return found;
}
