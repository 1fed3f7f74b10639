/* SPDX-License-Identifier: ISC */
/* Expressions that make any number of values. */
#include "operate.h"

#define DEEPEST	1000		/* expressions within each other */

struct through {		/* a | b */
	struct sink sink;
	const struct here *here;
	const struct node *next;
	struct sink *out;
};

static int
put_through(struct desk *d, const struct val *v, struct sink *s)
{
	struct through *t = (struct through *)s;

	(void)d;
	return eval(t->here, t->next, v, t->out);
}

static int
pipeline(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct through t = { { put_through }, h, n->kid[1], out };

	return eval(h, n->kid[0], in, &t.sink);
}

static int
branch(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	if (is != 1)
		return is == 0;
	return eval(h, n->kid[VAL_TRUTH(&v) ? 1 : 2], in, out);
}

struct truths {			/* a // b */
	struct sink sink, *out;
	int any;
};

static int
put_truth(struct desk *d, const struct val *v, struct sink *s)
{
	struct truths *t = (struct truths *)s;

	if (!VAL_TRUTH(v))
		return 1;
	t->any = 1;
	return t->out->put(d, v, t->out);
}

static int
alternative(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct truths t = { { put_truth }, out, 0 };

	if (!eval(h, n->kid[0], in, &t.sink))
		return 0;
	return t.any || eval(h, n->kid[1], in, out);
}

static int
each(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	const struct made *made;
	struct val of;
	size_t i;
	int is = eval_one(h, n->kid[0], in, &of);

	if (is != 1)
		return is == 0;
	if (of.kind != VAL_ARRAY || val_handle(&of) ||
	    (made = val_open(h->desk, &of)) == NULL)
		return 0;
	for (i = 0; i < made->n; i++)
		if (!out->put(h->desk, &made->item[i], out))
			return 0;
	return 1;
}

struct binding {		/* a as $x | b */
	struct sink sink;
	const struct here *here;
	const struct node *node;
	const struct val *in;
	struct sink *out;
};

static int
put_binding(struct desk *d, const struct val *v, struct sink *s)
{
	struct binding *b = (struct binding *)s;
	struct here inner = { d, b->here->env };

	return env_bind(&inner, b->node, v) == 1 &&
	    eval(&inner, b->node->kid[1], b->in, b->out);
}

static int
bind(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct binding b = { { put_binding }, h, n, in, out };

	return eval(h, n->kid[0], in, &b.sink);
}

static int
call(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct here inner;

	return env_call(&inner, h, n, in) == 1 &&
	    eval(&inner, n->def->folded, in, out);
}

static int
param(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	const struct env *e = env_entry(h->env, n->level);
	struct here outer = { h->desk, e->of };

	return eval(&outer, e->body, in, out);
}

static int
values(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct val v;
	int is;

	if (n->one) {
		is = eval_one(h, n, in, &v);
		return is == 1 ? out->put(h->desk, &v, out) : is == 0;
	}
	switch (n->op) {
	case N_PIPE:
		return pipeline(h, n, in, out);
	case N_COMMA:
		return eval(h, n->kid[0], in, out) &&
		    eval(h, n->kid[1], in, out);
	case N_ALT:
		return alternative(h, n, in, out);
	case N_IF:
		return branch(h, n, in, out);
	case N_EACH:
		return each(h, n, in, out);
	case N_AS:
		return bind(h, n, in, out);
	case N_CALL:
		return call(h, n, in, out);
	case N_PARAM:
		return param(h, n, in, out);
	default:
		is = eval_one(h, n, in, &v);
		return is == 1 ? out->put(h->desk, &v, out) : is == 0;
	}
}

int
eval(const struct here *h, const struct node *n, const struct val *in,
    struct sink *out)
{
	struct desk *d = h->desk;
	int is = 0;

	d->fuel -= 1 + (long)n->steps / 16;
	if (d->fuel > 0 && ++d->deep <= DEEPEST)
		is = values(h, n, in, out);
	d->deep--;
	return is;
}

struct single {
	struct sink sink;
	struct val *v;
	int n;
};

static int
put_single(struct desk *d, const struct val *v, struct sink *s)
{
	struct single *o = (struct single *)s;

	(void)d;
	*o->v = *v;
	return o->n++ == 0;
}

/* The only value of what may make more. */
int
eval_only(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct single s = { { put_single }, out, 0 };

	return eval(h, n, in, &s.sink) ? s.n : -1;
}

int
eval_tree(struct desk *d, const struct tree *t, struct sink *out)
{
	struct here h = { d, NULL };
	struct val in = val_frame(d);

	return eval(&h, t->folded, &in, out);
}
