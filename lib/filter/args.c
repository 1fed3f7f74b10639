/* SPDX-License-Identifier: ISC */
/* Arguments of a rule, --arg and its like: values that are there before any
 * frame is, as jq would write them, when that is easily said. */
#include "../json.h"
#include "parse.h"
#include "val.h"

#define DEEPEST	16		/* containers in each other */

/* The last of a name counts. */
static const struct variable *
variable(const struct parse *p, struct str name)
{
	size_t i;

	for (i = p->tree->nvariables; i-- > 0; )
		if (str_eq(str_of(p->tree->variable[i].name), name))
			return &p->tree->variable[i];
	return NULL;
}

int
name_is_argument(const struct parse *p, struct str name)
{
	return variable(p, name) != NULL;
}

static int
is_decimal(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
	return s.n > 0 && s.n <= 15 && (s.n == 1 || s.p[0] != '0');
}

/* What is between quotes, decoded: 1, 0. */
static int
plain(struct arena *a, struct str raw, struct str *out)
{
	if (memmem(raw.p, raw.n, "\\u", 2) != NULL)
		return 0;
	*out = arena_unquote(a, raw);
	return word_plain(*out);
}

/* The text of a scalar, [] or {}: 1, 0. */
static int
simple(struct arena *a, struct str json, struct str *out)
{
	*out = json;
	switch (json_kind(json)) {
	case 't':
	case 'f':
	case 'n':
		break;
	case '0':
		if (!is_decimal(json))
			return 0;
		break;
	case 's':
		if (!plain(a, (struct str){ json.p + 1, json.n - 2 }, out))
			return 0;
		*out = arena_quote(a, *out);
		return 1;
	default:
		if (json.n != 2)
			return 0;
	}
	*out = arena_str(a, *out);
	return 1;
}

static int value(struct arena *, struct str json, int deep, struct val *);

static int
known(const struct made *m, struct str name)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (str_eq(m->field[i].name, name))
			return 1;
	return 0;
}

static int
member(struct arena *a, struct made *made, const struct json_member *m,
    int deep)
{
	struct field *f;

	if (made->field == NULL) {
		made->n++;
		return value(a, m->value, deep, &made->item[made->n - 1]);
	}
	f = &made->field[made->n];
	if (!plain(a, m->key, &f->name) || known(made, f->name))
		return 0;
	f->quoted = arena_quote(a, f->name);
	f->key = frame_key(f->name);
	made->n++;
	return value(a, m->value, deep, &f->v);
}

/* A container's members: NULL: jq is to say what they are. */
static const struct made *
members(struct arena *a, struct str json, int deep)
{
	struct made *made = arena_new(a, sizeof *made);
	struct json_walk w;
	struct json_member m;

	if (deep == 0 || !json_walk(&w, json))
		return NULL;
	while (json_next(&w, &m) == 1)
		made->cap++;
	json_walk(&w, json);
	if (w.object)
		made->field = arena_new(a, made->cap * sizeof *made->field);
	else
		made->item = arena_new(a, made->cap * sizeof *made->item);
	while (json_next(&w, &m) == 1)
		if (!member(a, made, &m, deep - 1))
			return NULL;
	return made;
}

static int
value(struct arena *a, struct str json, int deep, struct val *out)
{
	const struct made *made;
	struct str text;

	if (simple(a, json, &text)) {
		*out = val_text(text, 0, LEVELS_ALL);
		return 1;
	}
	if ((json_kind(json) != 'o' && json_kind(json) != 'a') ||
	    (made = members(a, json, deep)) == NULL)
		return 0;
	*out = val_made(made, json_kind(json) == 'o' ? VAL_OBJECT : VAL_ARRAY);
	return 1;
}

struct node *
name_argument(struct parse *p, int line, struct str name)
{
	const struct variable *v = variable(p, name);
	struct str json = v ? json_trim(v->json) : STR("null");
	struct node *n;
	struct val val;

	if (!value(&p->tree->arena, json, DEEPEST, &val))
		return node_foreign(p, line, STR("an argument like this"));
	n = node_const(p, val.made ? arena_str(&p->tree->arena, json) :
	    val.text);
	n->made = val.made;
	return n;
}
