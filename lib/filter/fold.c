/* SPDX-License-Identifier: ISC */
/*
 * A tree as it runs: a copy, in which what is the same for every frame is
 * worked out once.
 *
 *  - What is made of constants alone is one: so an if about the rule's
 *    arguments is the branch that they choose.
 *  - A call without arguments is the definition's body, where that makes no
 *    entry of the environment: all it names is there already.
 *  - Of each node it is known whether it makes one value at most, in STEPS_MAX
 *    nodes: so that neither fuel nor the C stack need be looked after.
 *
 * A definition comes before those that call it; only one that calls itself is
 * not ready then, and stays a call.
 */
#include "operate.h"

#define STEPS_MAX	500
#define FUEL		1000	/* for the constants of a definition */

/* An operation makes one at most, whatever its kids are.  Of others it is the
 * kids' to say; and the steps'. */
static int
is_one(const struct node *n)
{
	int one = 0;

	switch (n->op) {
	case N_COMMA:
	case N_EACH:
	case N_PARAM:
		return 0;
	case N_CALL:
		one = n->def->folded != NULL && n->def->folded->one;
		break;
	case N_IF:
		one = n->kid[1]->one && n->kid[2]->one;
		break;
	case N_PIPE:
	case N_ALT:
	case N_AS:
		one = n->kid[0]->one && n->kid[1]->one;
		break;
	default:
		return 1;
	}
	return one && n->steps <= STEPS_MAX;
}

static void
measure(struct node *n)
{
	size_t i;

	n->steps = 1;
	n->binds = n->op == N_AS;
	for (i = 0; i < n->nkids; i++) {
		n->steps += n->kid[i]->steps;
		n->binds |= n->kid[i]->binds;
	}
	if (n->op == N_CALL && n->def->folded != NULL)
		n->steps += n->def->folded->steps;
	if (n->steps > STEPS_MAX)
		n->steps = STEPS_MAX + 1;
	n->one = is_one(n);
	n->run = operation_of(n);
}

static struct node *
constant(struct desk *d, const struct val *v)
{
	struct node *n = arena_new(&d->arena, sizeof *n);
	struct val *value = arena_get(&d->arena, sizeof *value);

	*value = *v;
	n->op = N_CONST;
	n->value = value;
	n->one = 1;
	n->run = operation_of(n);
	return n;
}

/* A node's own text, or what an argument is. */
static struct node *
literal(struct desk *d, const struct node *n)
{
	struct val v = val_text(n->text, 0, LEVELS_ALL);

	if (n->made != NULL)
		v = val_made(n->made, (enum val_kind)v.kind);
	return constant(d, &v);
}

static int
all_constant(const struct node *n)
{
	size_t i;

	for (i = 0; i < n->nkids; i++)
		if (n->kid[i]->op != N_CONST)
			return 0;
	return n->nkids > 0;
}

/* What says nothing of its input, but of its kids alone. */
static int
is_of_kids(enum op op)
{
	return (op >= N_AND && op <= N_PLUS) || op == N_OBJECT ||
	    op == N_STRING;
}

static struct node *
worked_out(struct desk *d, struct node *n)
{
	struct here h = { d, NULL };
	struct val v;

	if (!is_of_kids(n->op) || !all_constant(n))
		return n;
	measure(n);
	return eval_one(&h, n, NULL, &v) == 1 ? constant(d, &v) : n;
}

static struct node *
call(struct node *n)
{
	struct node *body = n->def->folded;

	return n->nkids == 0 && body != NULL && !body->binds ? body : n;
}

static struct node *
simpler(struct desk *d, struct node *n)
{
	const struct val *v = n->nkids > 0 ? n->kid[0]->value : NULL;

	switch (n->op) {
	case N_CONST:
		return literal(d, n);
	case N_CALL:
		return call(n);
	case N_PIPE:
		if (n->kid[0]->op == N_DOT)
			return n->kid[1];
		if (n->kid[1]->op == N_DOT)
			return n->kid[0];
		return n;
	case N_IF:
		return v != NULL ? n->kid[VAL_TRUTH(v) ? 1 : 2] : n;
	case N_ALT:
		return v != NULL ? n->kid[VAL_TRUTH(v) ? 0 : 1] : n;
	default:
		return worked_out(d, n);
	}
}

static size_t
count_leaves(const struct node *n)
{
	return n->op == N_COMMA ? count_leaves(n->kid[0]) +
	    count_leaves(n->kid[1]) : 1;
}

static struct node **
put_leaves(struct node **at, struct node *n)
{
	if (n->op == N_COMMA)
		return put_leaves(put_leaves(at, n->kid[0]), n->kid[1]);
	*at = n;
	return at + 1;
}

/* IN(a, b, c) has each as a kid of its own. */
static void
copy_kids(struct desk *d, struct node *n, const struct node *old)
{
	n->nkids = old->op == N_IN ? count_leaves(old->kid[0]) : old->nkids;
	n->kid = arena_get(&d->arena, n->nkids * sizeof *n->kid);
	if (old->op == N_IN)
		put_leaves(n->kid, old->kid[0]);
	else if (n->nkids > 0)
		memcpy(n->kid, old->kid, n->nkids * sizeof *n->kid);
}

static struct node *
folded(struct desk *d, const struct node *old)
{
	struct node *n = arena_get(&d->arena, sizeof *n), *is;
	size_t i;

	*n = *old;
	copy_kids(d, n, old);
	for (i = 0; i < n->nkids; i++)
		n->kid[i] = folded(d, n->kid[i]);
	if ((is = simpler(d, n)) == n)
		measure(n);
	return is;
}

struct node *
tree_fold(struct tree *t, const struct node *n)
{
	struct desk d = { .arena = t->arena, .fuel = FUEL };
	struct node *run = folded(&d, n);

	t->arena = d.arena;
	return run;
}
