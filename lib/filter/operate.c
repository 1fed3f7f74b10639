/* SPDX-License-Identifier: ISC */
#include "operate.h"
#include "ops.h"

const struct env *
env_entry(const struct env *e, int level)
{
	while (e != NULL && e->level > level)
		e = e->up;
	return e;
}

/* The values of the kids: 1, or -1.  With none of one, nothing is made; but
 * jq may find an error in another one first. */
static int
all(const struct here *h, const struct node *n, const struct val *in,
    struct val *v)
{
	size_t i;
	int is = 1;

	for (i = 0; is == 1 && i < n->nkids; i++)
		is = eval_one(h, n->kid[i], in, &v[i]);
	return is == 0 && n->nkids > 1 ? -1 : is;
}

static int
field(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val of;
	int is = 1;

	if (n->kid[0]->op != N_DOT) {
		is = eval_one(h, n->kid[0], in, &of);
		in = &of;
	}
	if (is != 1)
		return is;
	is = val_field(h->desk, in, n->word, out);
	return is != 0 ? is : n->optional ? 0 : -1;
}

static int
logic(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	int is = eval_one(h, n->kid[0], in, out);

	if (is == 1 && VAL_TRUTH(out) == (n->op == N_AND))
		is = eval_one(h, n->kid[1], in, out);
	if (is == 1)
		*out = val_bool(VAL_TRUTH(out));
	return is;
}

static int
string(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val *part = arena_get(&h->desk->arena,
	    n->nkids * sizeof *part);
	size_t i;
	int is = all(h, n, in, part);

	for (i = 0; is == 1 && i < n->nkids; i++)
		is = op_text(h->desk, &part[i]);
	return is != 1 ? is : op_join(h->desk, part, n->nkids, out);
}

static int
object(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct made *made = made_object(h->desk, n->nwords);
	struct field f;
	size_t i;
	int is;

	for (i = 0; i < n->nwords; i++) {
		if ((is = eval_one(h, n->kid[i], in, &f.v)) != 1)
			return n->nwords > 1 ? -1 : is;
		f.quoted = n->word[i].quoted;
		f.name = n->word[i].name;
		f.key = n->word[i].key;
		if (!n->twice)
			made_add(h->desk, made, &f);
		else if (made_set(h->desk, made, &f) == -1)
			return -1;
	}
	*out = val_made(made, VAL_OBJECT);
	return 1;
}

struct collect {		/* [...] */
	struct sink sink;
	struct made *made;
};

static int
put_collect(struct desk *d, const struct val *v, struct sink *s)
{
	made_item(d, ((struct collect *)s)->made, v);
	return d->fuel > 0;
}

static int
collect(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct collect c = { { put_collect }, made_new(h->desk) };

	if (!eval(h, n->kid[0], in, &c.sink))
		return -1;
	*out = val_made(c.made, VAL_ARRAY);
	return 1;
}

/* IN(...) */
struct among {
	struct sink sink;
	const struct val *v;
	int found;
};

static int
put_among(struct desk *d, const struct val *v, struct sink *s)
{
	struct among *a = (struct among *)s;
	int is = a->found ? 0 : val_equal(d, a->v, v);

	a->found |= is == 1;
	return is != -1;
}

static int
among(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct among a = { { put_among }, in, 0 };

	if (!eval(h, n->kid[0], in, &a.sink))
		return -1;
	*out = val_bool(a.found);
	return 1;
}

/* These refuse a handle before they look at an operand. */
static int
is_of_text(enum op op)
{
	return op == N_STARTS || op == N_ENDS || op == N_TRIM;
}

/* What has its operands first. */
static int
with_operands(const struct here *h, const struct node *n,
    const struct val *in, struct val *out)
{
	struct desk *d = h->desk;
	struct val v[2];
	int is;

	if (is_of_text(n->op) && val_handle(in))
		return -1;
	if ((is = all(h, n, in, v)) != 1)
		return is;
	switch (n->op) {
	case N_INDEX:
		return op_index(d, &v[0], &v[1], out);
	case N_PLUS:
		return op_plus(d, v, out);
	case N_ASSIGN:
		return op_set(d, in, n->word, n->nwords, &v[0], out);
	case N_PLACE:
		return op_place(d, in, &v[0], out);
	case N_STARTS:
	case N_ENDS:
		return op_starts(d, in, &v[0], n->op == N_ENDS, out);
	case N_TRIM:
		return op_trim(d, in, &v[0], out);
	default:
		return op_compare(d, n->op, v, out);
	}
}

/* What has none. */
static int
of_input(struct desk *d, const struct node *n, const struct val *in,
    struct val *out)
{
	switch (n->op) {
	case N_DELETE:
		return op_delete(d, n, in, out);
	case N_TAKE:
		return op_take(d, n, in, out);
	case N_HAS:
		return op_has(d, n->word, in, out);
	case N_NOT:
		*out = val_bool(!VAL_TRUTH(in));
		return 1;
	case N_TYPE:
		return op_type(in, out);
	case N_OPEN:
		return op_open(in, out);
	case N_FIRST:
		return op_first(d, in, out);
	case N_TOSTRING:
		*out = *in;
		return op_text(d, out);
	case N_FLOOR:
	case N_TONUMBER:
		return op_whole(in, out);
	default:
		return -1;
	}
}

int
eval_operation(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	switch (n->op) {
	case N_DOT:
		*out = *in;
		return 1;
	case N_CONST:
		*out = val_text(n->text, 0, LEVELS_ALL);
		if (n->made != NULL)
			*out = val_made(n->made, out->kind);
		return 1;
	case N_VAR:
		*out = env_entry(h->env, n->level)->v;
		return 1;
	case N_FIELD:
		return field(h, n, in, out);
	case N_AND:
	case N_OR:
		return logic(h, n, in, out);
	case N_OBJECT:
		return object(h, n, in, out);
	case N_COLLECT:
		return collect(h, n, in, out);
	case N_STRING:
		return string(h, n, in, out);
	case N_IN:
		return among(h, n, in, out);
	default:
		return n->nkids > 0 ? with_operands(h, n, in, out) :
		    of_input(h->desk, n, in, out);
	}
}
