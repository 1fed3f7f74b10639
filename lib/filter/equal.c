/* SPDX-License-Identifier: ISC */
/* Values compared, as jq does: what is the same, what comes first. */
#include "val.h"

/* What is escaped is longer than what it says: so the longer of two is looked
 * at. */
static int
same_string(struct desk *d, const struct val *a, const struct val *b)
{
	if (a->text.n == b->text.n &&
	    memcmp(a->text.p, b->text.p, a->text.n) == 0)
		return 1;
	if (!val_escaped(a->text.n > b->text.n ? a->text : b->text))
		return 0;
	return str_eq(val_bytes(d, a), val_bytes(d, b));
}

/* Containers: only where one look tells. */
static int
same_container(struct desk *d, const struct val *a, const struct val *b)
{
	const struct made *x, *y;

	if (a->text.p != NULL && a->text.p == b->text.p &&
	    a->levels == b->levels)
		return 1;
	if ((x = val_open(d, a)) == NULL || (y = val_open(d, b)) == NULL)
		return -1;
	if (x->n != y->n)
		return 0;
	return x->n == 0 ? 1 : -1;
}

/* A handle is a text to jq, and equal to none that is in a rule. */
static int
same_handle(const struct val *a, const struct val *b)
{
	const struct val *other = val_handle(a) ? b : a;

	if (val_handle(other) || (other->kind == VAL_STRING &&
	    memmem(other->text.p, other->text.n, "\xf4\x8f\xbf", 3) != NULL))
		return -1;
	if (other->kind == VAL_STRING && val_escaped(other->text))
		return -1;
	return 0;
}

int
val_equal(struct desk *d, const struct val *a, const struct val *b)
{
	double x, y;

	if (a->kind == VAL_STRING && b->kind == VAL_STRING)
		return same_string(d, a, b);
	if (val_handle(a) || val_handle(b))
		return same_handle(a, b);
	if (a->kind != b->kind)
		return 0;
	switch (a->kind) {
	case VAL_NUMBER:
		number_held(a->text, &x);
		number_held(b->text, &y);
		return x == y;
	case VAL_ARRAY:
	case VAL_OBJECT:
		return same_container(d, a, b);
	default:
		return 1;
	}
}

int
val_order(struct desk *d, const struct val *a, const struct val *b, int *out)
{
	struct str s, t;
	double x, y;

	if (a->kind != b->kind || val_handle(a) || val_handle(b))
		return -1;
	if (a->kind == VAL_NUMBER) {
		number_held(a->text, &x);
		number_held(b->text, &y);
		*out = (x > y) - (x < y);
		return 1;
	}
	if (a->kind != VAL_STRING)
		return -1;
	s = val_bytes(d, a);
	t = val_bytes(d, b);
	*out = memcmp(s.p, t.p, s.n < t.n ? s.n : t.n);
	if (*out == 0)
		*out = (s.n > t.n) - (s.n < t.n);
	return 1;
}
