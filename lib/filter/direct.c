/* SPDX-License-Identifier: ISC */
/* What may make any number of values (eval.c), where that is one at most: it
 * goes straight to its place.  And the environment. */
#include "operate.h"

const struct env *
env_entry(const struct env *e, int level)
{
	while (e != NULL && e->level > level)
		e = e->up;
	return e;
}

static int
level_of(const struct env *e)
{
	return e ? e->level : 0;
}

int
env_bind(struct here *h, const struct node *n, const struct val *v)
{
	size_t i, count = n->nwords > 0 ? n->nwords : 1;
	struct env *e = arena_get(&h->desk->arena, count * sizeof *e);

	for (i = 0; i < count; i++) {
		e[i] = (struct env){ .up = h->env,
		    .level = level_of(h->env) + 1, .v = *v };
		if (n->nwords > 0 &&
		    val_field(h->desk, v, &n->word[i], &e[i].v) != 1)
			return -1;
		h->env = &e[i];
	}
	return 1;
}

/* The arguments, then the values of those that are asked for as such. */
static int
arguments(struct here *inner, const struct here *h, const struct node *n,
    const struct val *in)
{
	const struct def *f = n->def;
	struct env *e = arena_get(&h->desk->arena,
	    2 * f->nparams * sizeof *e);
	size_t i;

	for (i = 0; i < 2 * f->nparams; i++) {
		if (i >= f->nparams && !f->value[i - f->nparams])
			continue;
		*e = (struct env){ .up = inner->env,
		    .level = level_of(inner->env) + 1 };
		if (i < f->nparams) {
			e->body = n->kid[i];
			e->of = h->env;
		} else if (eval_one(h, n->kid[i - f->nparams], in, &e->v) != 1)
			return -1;
		inner->env = e++;
	}
	return 1;
}

int
env_call(struct here *inner, const struct here *h, const struct node *n,
    const struct val *in)
{
	*inner = (struct here){ h->desk, env_entry(h->env, n->def->level) };
	return n->nkids > 0 ? arguments(inner, h, n, in) : 1;
}

int
direct_pipe(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	return is == 1 ? eval_one(h, n->kid[1], &v, out) : is;
}

int
direct_if(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	return is == 1 ? eval_one(h, n->kid[VAL_TRUTH(&v) ? 1 : 2], in, out) :
	    is;
}

int
direct_alt(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	int is = eval_one(h, n->kid[0], in, out);

	return is == -1 || (is == 1 && VAL_TRUTH(out)) ? is :
	    eval_one(h, n->kid[1], in, out);
}

int
direct_as(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct here inner = *h;
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	if (is != 1)
		return is;
	return env_bind(&inner, n, &v) == 1 ?
	    eval_one(&inner, n->kid[1], in, out) : -1;
}

int
direct_call(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct here inner;

	return env_call(&inner, h, n, in) == 1 ?
	    eval_one(&inner, n->def->folded, in, out) : -1;
}
