/* SPDX-License-Identifier: ISC */
/* Which parts of a rule run natively: its definitions, then the branches of
 * its outermost if, or all of it. */
#include "explain.h"

struct telling {
	explain_say *say;
	void *ctx;
	int line;
	struct str part;
	int foreign;		/* so many were told */
	int last;		/* the line of the last one */
};

static void
tell(struct telling *t, int line, const char *what)
{
	char part[128];
	struct buf b = { .data = part, .cap = sizeof part - 1,
	    .max = sizeof part - 1 };

	if (buf_adds(&b, t->part) == -1)
		buf_adds(&b, STR("a definition"));
	part[b.len] = '\0';
	t->say(t->ctx, t->line, part, line, what);
}

/* What is foreign in an expression, but not in what it calls. */
static void
look(struct telling *t, const struct node *n)
{
	size_t i;

	if (n->op == N_FOREIGN) {
		tell(t, n->line, n->what);
		t->foreign++;
	}
	for (i = 0; i < n->nkids; i++)
		look(t, n->kid[i]);
}

static void
part(struct telling *t, int line, struct str name, const struct node *a,
    const struct node *b)
{
	t->line = line;
	t->part = name;
	t->foreign = 0;
	look(t, a);
	if (b != NULL)
		look(t, b);
	if (t->foreign == 0)
		tell(t, 0, NULL);
}

static int
first_line(const struct node *n)
{
	return n->nkids > 0 && n->op != N_OBJECT &&
	    first_line(n->kid[0]) < n->line ? first_line(n->kid[0]) : n->line;
}

void
tree_explain(const struct tree *tree, explain_say *say, void *ctx)
{
	struct telling t = { .say = say, .ctx = ctx };
	const struct node *n = tree->main;
	size_t i;

	for (i = 0; i < tree->ndefs; i++)
		part(&t, tree->def[i]->line, tree->def[i]->name,
		    tree->def[i]->body, NULL);
	if (n->op != N_IF) {
		part(&t, first_line(n), STR("the rule"), n, NULL);
		return;
	}
	for (; n->op == N_IF; n = n->kid[2])
		part(&t, first_line(n->kid[0]), STR("if"), n->kid[0],
		    n->kid[1]);
	part(&t, first_line(n), STR("else"), n, NULL);
}
