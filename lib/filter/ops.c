/* SPDX-License-Identifier: ISC */
#include "ops.h"

/* Text. */

/* A string that the rule makes, unless jq might find a handle in it. */
static int
made_string(struct desk *d, struct str bytes, struct val *out)
{
	if (memmem(bytes.p, bytes.n, "\xf4\x8f\xbf", 3) != NULL)
		return -1;
	*out = val_string(d, bytes);
	return 1;
}

int
op_text(struct desk *d, struct val *v)
{
	int64_t n;

	if (v->kind == VAL_STRING)
		return 1;
	if (v->kind >= VAL_ARRAY || (v->kind == VAL_NUMBER && !val_int(v, &n)))
		return -1;
	*v = val_string(d, v->text);
	return 1;
}

int
op_join(struct desk *d, const struct val *v, size_t n, struct val *out)
{
	struct str *part = arena_get(&d->arena, n * sizeof *part);
	struct buf b;
	size_t i, all = 0;

	for (i = 0; i < n; i++) {
		part[i] = val_bytes(d, &v[i]);
		all += part[i].n;
	}
	d->fuel -= (long)(all / 16);
	if (d->fuel <= 0)
		return -1;
	b = arena_buf(&d->arena, all);
	for (i = 0; i < n; i++)
		buf_adds(&b, part[i]);
	return made_string(d, buf_str(&b), out);
}

/* Objects: what they have, then what the other has; unchanged by nothing. */
static int
merge(struct desk *d, const struct val *a, const struct val *b,
    struct val *out)
{
	const struct made *x, *y;
	struct made *made;

	if (val_handle(a) || val_handle(b) || (x = val_open(d, a)) == NULL ||
	    (y = val_open(d, b)) == NULL)
		return -1;
	if (y->n == 0) {
		*out = *a;
		return 1;
	}
	if ((made = made_merge(d, x, y)) == NULL)
		return -1;
	*out = val_made(made, VAL_OBJECT);
	return 1;
}

/* One level of .a.b = v: of, with the path's first word set. */
int
op_set(struct desk *d, const struct val *of, const struct word *w, size_t n,
    const struct val *v, struct val *out)
{
	static const struct made none;
	const struct made *x = &none;
	struct made *made;
	struct field f = { w->quoted, w->name, w->key, *v };
	struct val below;

	if (of->kind != VAL_NULL && (of->kind != VAL_OBJECT ||
	    val_handle(of) || (x = val_open(d, of)) == NULL))
		return -1;
	if (n > 1 && (val_field(d, of, w, &below) != 1 ||
	    op_set(d, &below, w + 1, n - 1, v, &f.v) != 1))
		return -1;
	made = made_copy(d, x, 1);
	*out = val_made(made, VAL_OBJECT);
	return made_set(d, made, &f);
}

static int
is_word(const struct node *n, struct str name)
{
	size_t i;

	for (i = 0; i < n->nwords; i++)
		if (str_eq(n->word[i].name, name))
			return 1;
	return 0;
}

int
op_delete(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct desk *d = h->desk;
	const struct made *x;
	struct made *made;
	size_t i;

	*out = *in;
	if (in->kind == VAL_NULL)
		return 1;
	if (in->kind != VAL_OBJECT || val_handle(in) ||
	    (x = val_open(d, in)) == NULL)
		return -1;
	made = made_object(d, x->n);
	for (i = 0; i < x->n; i++)
		if (!is_word(n, x->field[i].name))
			made->field[made->n++] = x->field[i];
	*out = val_made(made, VAL_OBJECT);
	return 1;
}

/* A handle's contents, open for one level. */
static int
opened(const struct val *in, struct val *out)
{
	*out = *in;
	if (!val_handle(in))
		return 1;
	out->levels = 1;
	return in->kind == VAL_NUMBER ? -1 : 1;
}

int
op_open(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)n;
	return opened(in, out);
}

int
op_take(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct desk *d = h->desk;
	struct made *made = made_object(d, n->nwords);
	struct field *f;
	struct val of;
	size_t i;
	int is;

	*out = val_made(made, VAL_OBJECT);
	if (in->kind == VAL_NULL)
		return 1;
	if (in->kind != VAL_OBJECT || opened(in, &of) == -1)
		return -1;
	for (i = 0; i < n->nwords; i++) {
		f = &made->field[made->n];
		if ((is = val_member(d, &of, &n->word[i], &f->v)) == -1)
			return -1;
		if (is == 0)
			continue;
		field_name(f, &n->word[i]);
		if (!n->twice)
			made->n++;
		else if (made_set(d, made, f) == -1)
			return -1;
	}
	return 1;
}

int
op_has(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	struct val of, member;
	int is = 0;

	if (in->kind != VAL_NULL && (in->kind != VAL_OBJECT ||
	    opened(in, &of) == -1 ||
	    (is = val_member(h->desk, &of, n->word, &member)) == -1))
		return -1;
	*out = val_bool(is);
	return 1;
}

int
op_not(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)h;
	(void)n;
	*out = val_bool(!VAL_TRUTH(in));
	return 1;
}

int
op_tostring(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	(void)n;
	*out = *in;
	return op_text(h->desk, out);
}

int
op_type(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	static const char *const names[] = { "\"null\"", "\"boolean\"",
	    "\"boolean\"", "\"number\"", "\"string\"", "\"array\"",
	    "\"object\"" };

	(void)h;
	(void)n;
	*out = val_text(str_of(names[in->kind]), 0, LEVELS_ALL);
	return 1;
}

int
op_first(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	const struct made *x;

	(void)n;
	*out = *in;
	if (in->kind == VAL_NULL)
		return 1;
	if (in->kind != VAL_ARRAY || val_handle(in) ||
	    (x = val_open(h->desk, in)) == NULL)
		return -1;
	*out = x->n > 0 ? x->item[0] : val_text(STR("null"), 0, LEVELS_ALL);
	return 1;
}

/* Of numbers, the plain integers, which stay what they are. */
int
op_whole(const struct here *h, const struct node *n, const struct val *in,
    struct val *out)
{
	int64_t i;

	(void)h;
	(void)n;
	*out = *in;
	return val_int(in, &i) ? 1 : -1;
}

/* The first place in a string, in bytes; libjq knows what "" is. */
static int
place_of_text(struct desk *d, const struct val *in, const struct val *what,
    struct val *out)
{
	struct str s = val_bytes(d, in), t = val_bytes(d, what);
	struct buf b = arena_buf(&d->arena, 24);
	const char *at;

	d->fuel -= (long)(s.n / 16);
	if (t.n == 0 || d->fuel <= 0)
		return -1;
	at = s.n > 0 ? memmem(s.p, s.n, t.p, t.n) : NULL;
	if (at != NULL)
		buf_addn(&b, at - s.p);
	*out = val_text(at ? buf_str(&b) : STR("null"), 0, LEVELS_ALL);
	return 1;
}

/* The first place in an array or a string, as index() says. */
int
op_place(struct desk *d, const struct val *in, const struct val *what,
    struct val *out)
{
	const struct made *x;
	struct buf b;
	size_t i;
	int is = 0;

	if (in->kind == VAL_STRING && what->kind == VAL_STRING)
		return place_of_text(d, in, what, out);
	if (in->kind != VAL_ARRAY || val_handle(in) ||
	    what->kind == VAL_ARRAY || (x = val_open(d, in)) == NULL)
		return -1;
	for (i = 0; is == 0 && i < x->n; i++)
		is = --d->fuel > 0 ? val_equal(d, &x->item[i], what) : -1;
	if (is == -1)
		return -1;
	b = arena_buf(&d->arena, 24);
	buf_addn(&b, (int64_t)i - 1);
	*out = val_text(is ? buf_str(&b) : STR("null"), 0, LEVELS_ALL);
	return 1;
}

int
op_starts(struct desk *d, const struct val *in, const struct val *what,
    int ends, struct val *out)
{
	struct str s, t;

	if (in->kind != VAL_STRING || what->kind != VAL_STRING)
		return -1;
	s = val_bytes(d, in);
	t = val_bytes(d, what);
	*out = val_bool(t.n <= s.n && (t.n == 0 ||
	    memcmp(ends ? s.p + s.n - t.n : s.p, t.p, t.n) == 0));
	return 1;
}

/* Without what it begins with. */
int
op_trim(struct desk *d, const struct val *in, const struct val *what,
    struct val *out)
{
	struct str s;
	struct val is;
	size_t n;

	if (op_starts(d, in, what, 0, &is) == -1)
		return -1;
	*out = *in;
	if (!VAL_TRUTH(&is))
		return 1;
	s = val_bytes(d, in);
	n = val_bytes(d, what).n;
	d->fuel -= (long)(s.n / 16);
	return d->fuel <= 0 ? -1 :
	    made_string(d, (struct str){ s.p + n, s.n - n }, out);
}

/* .[key] where no name is known beforehand */
int
op_index(struct desk *d, const struct val *of, const struct val *key,
    struct val *out)
{
	const struct made *made;
	struct word w = { .key = -1 };
	int64_t i;

	if (val_handle(of) || val_handle(key))
		return -1;
	if (key->kind == VAL_STRING) {
		w.name = val_bytes(d, key);
		w.key = of->whole ? frame_key(w.name) : -1;
		return val_field(d, of, &w, out) == 1 ? 1 : -1;
	}
	if (of->kind != VAL_ARRAY || !val_int(key, &i) ||
	    (made = val_open(d, of)) == NULL)
		return -1;
	*out = i < (int64_t)made->n ? made->item[i] :
	    val_text(STR("null"), 0, LEVELS_ALL);
	return 1;
}

int
op_plus(struct desk *d, const struct val v[2], struct val *out)
{
	if (v[0].kind == VAL_NULL || v[1].kind == VAL_NULL) {
		*out = v[v[0].kind == VAL_NULL];
		return 1;
	}
	if (v[0].kind == VAL_OBJECT && v[1].kind == VAL_OBJECT)
		return merge(d, &v[0], &v[1], out);
	if (v[0].kind == VAL_STRING && v[1].kind == VAL_STRING)
		return op_join(d, v, 2, out);
	return -1;
}

int
op_compare(struct desk *d, enum op op, const struct val v[2],
    struct val *out)
{
	int order;

	if (val_order(d, &v[0], &v[1], &order) == -1)
		return -1;
	*out = val_bool(op == N_LT ? order < 0 : op == N_GT ? order > 0 :
	    op == N_LE ? order <= 0 : order >= 0);
	return 1;
}
