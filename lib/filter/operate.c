/* SPDX-License-Identifier: ISC */
/* What makes one value at most. */
#include "operate.h"
#include "ops.h"

static int
dot(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)n;
	*out = *in;
	return 1;
}

static int
constant(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)in;
	*out = *n->value;
	return 1;
}

static int
variable(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)in;
	*out = env_entry(h->env, n->level)->v;
	return 1;
}

static int
foreign(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)n;
	(void)in;
	(void)out;
	return -1;
}

static int
empty(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)n;
	(void)in;
	(void)out;
	return 0;
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

	for (i = 0; i < n->nkids; i++)
		if (eval_one(h, n->kid[i], in, &part[i]) != 1 ||
		    op_text(h->desk, &part[i]) == -1)
			return -1;
	return op_join(h->desk, part, n->nkids, out);
}

static int
object(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct made *made = made_object(h->desk, n->nwords);
	struct field *f;
	size_t i;
	int is;

	for (i = 0; i < n->nwords; i++) {
		f = &made->field[made->n];
		if ((is = eval_one(h, n->kid[i], in, &f->v)) != 1)
			return n->nwords > 1 ? -1 : is;
		field_name(f, &n->word[i]);
		if (!n->twice)
			made->n++;
		else if (made_set(h->desk, made, f) == -1)
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
	size_t i;

	for (i = 0; i < n->nkids; i++)
		if (n->kid[i]->op == N_CONST ?
		    !put_among(h->desk, n->kid[i]->value, &a.sink) :
		    !eval(h, n->kid[i], in, &a.sink))
			return -1;
	*out = val_bool(a.found);
	return 1;
}

/* Operators. */

/* Both operands: 1, or -1.  With none of one, nothing is made; but jq may find
 * an error in the other one first. */
static int
both(const struct here *h, const struct node *n, const struct val *in,
    struct val v[2])
{
	return eval_one(h, n->kid[0], in, &v[0]) == 1 &&
	    eval_one(h, n->kid[1], in, &v[1]) == 1 ? 1 : -1;
}

static int
item(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v[2];

	return both(h, n, in, v) == 1 ?
	    op_index(h->desk, &v[0], &v[1], out) : -1;
}

static int
plus(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v[2];

	return both(h, n, in, v) == 1 ? op_plus(h->desk, v, out) : -1;
}

static int
compare(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v[2];

	return both(h, n, in, v) == 1 ? op_compare(h->desk, n->op, v, out) :
	    -1;
}

/* == and !=, mostly of a constant, which stays where it is. */
static int
equal(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	const struct val *b = n->kid[1]->value;
	struct val v[2];
	int is;

	if (eval_one(h, n->kid[0], in, &v[0]) != 1)
		return -1;
	if (b == NULL && eval_one(h, n->kid[1], in, &v[1]) != 1)
		return -1;
	if ((is = val_equal(h->desk, &v[0], b ? b : &v[1])) == -1)
		return -1;
	*out = val_bool(is == (n->op == N_EQ));
	return 1;
}

/* What has one operand. */

static int
assign(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	return is == 1 ? op_set(h->desk, in, n->word, n->nwords, &v, out) : is;
}

static int
place(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = eval_one(h, n->kid[0], in, &v);

	return is == 1 ? op_place(h->desk, in, &v, out) : is;
}

/* These refuse a handle before they look at the operand. */

static int
affix(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = val_handle(in) ? -1 : eval_one(h, n->kid[0], in, &v);

	return is == 1 ? op_starts(h->desk, in, &v, n->op == N_ENDS, out) : is;
}

static int
trim(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val v;
	int is = val_handle(in) ? -1 : eval_one(h, n->kid[0], in, &v);

	return is == 1 ? op_trim(h->desk, in, &v, out) : is;
}

operation *
operation_of(const struct node *n)
{
	static operation *const operations[] = {
	    [N_FOREIGN] = foreign, [N_DOT] = dot, [N_CONST] = constant,
	    [N_FIELD] = field, [N_INDEX] = item, [N_PIPE] = direct_pipe,
	    [N_ALT] = direct_alt, [N_AND] = logic, [N_OR] = logic,
	    [N_EQ] = equal, [N_NE] = equal, [N_LT] = compare,
	    [N_GT] = compare, [N_LE] = compare, [N_GE] = compare,
	    [N_PLUS] = plus, [N_IF] = direct_if, [N_OBJECT] = object,
	    [N_COLLECT] = collect, [N_STRING] = string, [N_AS] = direct_as,
	    [N_VAR] = variable, [N_CALL] = direct_call, [N_ASSIGN] = assign,
	    [N_DELETE] = op_delete, [N_TAKE] = op_take, [N_HAS] = op_has,
	    [N_EMPTY] = empty, [N_NOT] = op_not, [N_TYPE] = op_type,
	    [N_OPEN] = op_open, [N_FIRST] = op_first,
	    [N_TOSTRING] = op_tostring, [N_FLOOR] = op_whole,
	    [N_TONUMBER] = op_whole, [N_IN] = among, [N_PLACE] = place,
	    [N_STARTS] = affix, [N_ENDS] = affix, [N_TRIM] = trim };

	return n->one ? operations[n->op] : eval_only;
}
