/* SPDX-License-Identifier: ISC */
/* What names mean: definitions and variables in scope, builtins; and the nodes
 * for them. */
#include "parse.h"

struct node *
node_new(struct parse *p, enum op op, size_t kids)
{
	struct node *n = arena_new(&p->tree->arena, sizeof *n);

	n->op = op;
	n->line = p->lex.line;
	n->nkids = kids;
	if (kids > 0)
		n->kid = arena_new(&p->tree->arena, kids * sizeof *n->kid);
	return n;
}

struct node *
node_two(struct parse *p, enum op op, struct node *a, struct node *b)
{
	struct node *n = node_new(p, op, 2);

	n->kid[0] = a;
	n->kid[1] = b;
	n->line = a->line;
	return n;
}

struct node *
node_const(struct parse *p, struct str json)
{
	struct node *n = node_new(p, N_CONST, 0);

	n->text = json;
	return n;
}

struct node *
node_foreign(struct parse *p, int line, struct str what)
{
	struct node *n = node_new(p, N_FOREIGN, 0);
	char *copy = arena_get(&p->tree->arena, what.n + 1);

	memcpy(copy, what.p, what.n);
	copy[what.n] = '\0';
	n->what = copy;
	n->line = line;
	return n;
}

/* One that libjq might not compile. */
struct node *
node_doubtful(struct parse *p, int line, struct str what)
{
	parse_doubt(p);
	return node_foreign(p, line, what);
}

/* Neither a label nor a NUL is in there: jq and we see the same text. */
int
word_plain(struct str s)
{
	return memchr(s.p, '\0', s.n) == NULL && utf8_check(s) &&
	    memmem(s.p, s.n, "\xf4\x8f\xbf", 3) == NULL;
}

struct word *
words_new(struct parse *p, size_t n)
{
	return arena_new(&p->tree->arena, n * sizeof(struct word));
}

void
word_set(struct parse *p, struct word *w, struct str name)
{
	w->name = name;
	w->quoted = arena_quote(&p->tree->arena, name);
	w->key = frame_key(name);
}

int
words_twice(const struct word *w, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (str_eq(w[i].name, w[j].name))
				return 1;
	return 0;
}

struct node *
node_field(struct parse *p, struct node *of, struct str name)
{
	struct node *n = node_new(p, N_FIELD, 1);

	n->kid[0] = of;
	n->word = words_new(p, n->nwords = 1);
	word_set(p, n->word, name);
	return n;
}

void
scope_push(struct parse *p, enum scope_kind kind, struct str name,
    struct def *def)
{
	struct scope *s = arena_new(&p->tree->arena, sizeof *s);

	*s = (struct scope){ kind, name, def, p->level, p->scope };
	p->scope = s;
}

/* Builtins. */

static struct node *
dot(struct parse *p)
{
	return node_new(p, N_DOT, 0);
}

/* The leaves of a list with commas: 1, or 0 when there are too many. */
static int
leaves(struct node *n, struct node **leaf, size_t *count)
{
	if (n->op == N_COMMA)
		return leaves(n->kid[0], leaf, count) &&
		    leaves(n->kid[1], leaf, count);
	if (*count == KIDS_MAX)
		return 0;
	leaf[(*count)++] = n;
	return 1;
}

/* take("a", "b"), has("a"), del(.a, .b): names known beforehand; or NULL. */
static struct node *
with_words(struct parse *p, enum op op, struct node *arg)
{
	struct node *leaf[KIDS_MAX], *n = node_new(p, op, 0), *l;
	size_t i, count = 0;
	struct str name;

	if (!leaves(arg, leaf, &count) || (op == N_HAS && count > 1))
		return NULL;
	n->word = words_new(p, n->nwords = count);
	for (i = 0; i < count; i++) {
		l = leaf[i];
		if (op == N_DELETE) {
			if (l->op != N_FIELD || l->optional ||
			    l->kid[0]->op != N_DOT)
				return NULL;
			name = l->word->name;
		} else {
			if (l->op != N_CONST || l->text.p[0] != '"')
				return NULL;
			name = arena_unquote(&p->tree->arena, (struct str){
			    l->text.p + 1, l->text.n - 2 });
		}
		word_set(p, &n->word[i], name);
	}
	n->twice = words_twice(n->word, count);
	return n;
}

static struct node *
take(struct parse *p, struct node **arg, enum op op)
{
	return with_words(p, op, arg[0]);
}

static struct node *
payload(struct parse *p, struct node **arg, enum op op)
{
	static const char *const names[] = { "data", "text", "base64",
	    "args", "attachments" };
	struct node *n = node_new(p, op, 0);
	size_t i;

	(void)arg;
	n->word = words_new(p, n->nwords = sizeof names / sizeof *names);
	for (i = 0; i < sizeof names / sizeof *names; i++)
		word_set(p, &n->word[i], str_of(names[i]));
	return n;
}

static struct node *
plain(struct parse *p, struct node **arg, enum op op)
{
	(void)arg;
	return node_new(p, op, 0);
}

static struct node *
with_argument(struct parse *p, struct node **arg, enum op op)
{
	struct node *n = node_new(p, op, 1);

	n->kid[0] = arg[0];
	return n;
}

static struct node *
select_if(struct parse *p, struct node **arg, enum op op)
{
	struct node *n = node_new(p, op, 3);

	n->kid[0] = arg[0];
	n->kid[1] = dot(p);
	n->kid[2] = node_new(p, N_EMPTY, 0);
	return n;
}

/* map(f): [.[] | f] */
static struct node *
map(struct parse *p, struct node **arg, enum op op)
{
	struct node *each = node_new(p, N_EACH, 1), *n = node_new(p, op, 1);

	each->kid[0] = dot(p);
	n->kid[0] = node_two(p, N_PIPE, each, arg[0]);
	return n;
}

static const struct {
	const char *name;
	size_t nargs;
	struct node *(*make)(struct parse *, struct node **, enum op);
	enum op op;
} builtins[] = {
	{ "empty", 0, plain, N_EMPTY }, { "not", 0, plain, N_NOT },
	{ "type", 0, plain, N_TYPE }, { "open", 0, plain, N_OPEN },
	{ "first", 0, plain, N_FIRST }, { "floor", 0, plain, N_FLOOR },
	{ "tostring", 0, plain, N_TOSTRING },
	{ "tonumber", 0, plain, N_TONUMBER },
	{ "payload", 0, payload, N_TAKE }, { "take", 1, take, N_TAKE },
	{ "has", 1, take, N_HAS }, { "del", 1, take, N_DELETE },
	{ "select", 1, select_if, N_IF }, { "map", 1, map, N_COLLECT },
	{ "IN", 1, with_argument, N_IN },
	{ "index", 1, with_argument, N_PLACE },
	{ "startswith", 1, with_argument, N_STARTS },
	{ "endswith", 1, with_argument, N_ENDS },
	{ "ltrimstr", 1, with_argument, N_TRIM },
};

static struct node *
builtin(struct parse *p, struct str name, struct node **arg, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof builtins / sizeof *builtins; i++)
		if (builtins[i].nargs == n &&
		    str_eq(name, str_of(builtins[i].name)))
			return builtins[i].make(p, arg, builtins[i].op);
	return NULL;
}

/* Calls and variables. */

static struct node *
call(struct parse *p, const struct scope *s, struct node **arg, size_t n)
{
	struct node *made = node_new(p,
	    s->kind == SCOPE_PARAM ? N_PARAM : N_CALL, n);

	made->def = s->def;
	made->level = s->level;
	if (n > 0)
		memcpy(made->kid, arg, n * sizeof *arg);
	return made;
}

struct node *
name_call(struct parse *p, int line, struct str name, struct node **arg,
    size_t n)
{
	const struct scope *s;
	struct node *made = NULL;
	struct buf what;

	if (n == 0 && (str_eq(name, STR("true")) ||
	    str_eq(name, STR("false")) || str_eq(name, STR("null"))))
		return node_const(p, name);
	for (s = p->scope; s != NULL; s = s->up)
		if ((s->kind == SCOPE_DEF || s->kind == SCOPE_PARAM) &&
		    str_eq(s->name, name) &&
		    (s->def ? s->def->nparams : 0) == n)
			break;
	made = s ? call(p, s, arg, n) : builtin(p, name, arg, n);
	if (made == NULL) {
		what = arena_buf(&p->tree->arena, name.n + 24);
		buf_adds(&what, name);
		buf_addf(&what, "/%zu", n);
		made = name_is_builtin(name, n) ?
		    node_foreign(p, line, buf_str(&what)) :
		    node_doubtful(p, line, buf_str(&what));
	}
	made->line = line;
	return made;
}

struct node *
name_variable(struct parse *p, int line, struct str name)
{
	const struct scope *s;
	struct node *n;
	struct buf what;

	for (s = p->scope; s != NULL; s = s->up)
		if ((s->kind == SCOPE_VAR || s->kind == SCOPE_FOREIGN) &&
		    str_eq(s->name, name))
			break;
	if (s != NULL && s->kind == SCOPE_VAR) {
		n = node_new(p, N_VAR, 0);
		n->level = s->level;
		n->line = line;
		return n;
	}
	if (s == NULL && name.n > 0 && name.p[0] != '_' &&
	    !str_eq(name, STR("ARGS")) &&
	    name_is_argument(p, name))
		return name_argument(p, line, name);
	what = arena_buf(&p->tree->arena, name.n + 1);
	buf_addc(&what, '$');
	buf_adds(&what, name);
	n = node_foreign(p, line, buf_str(&what));
	if (s != NULL)
		return n;
	/* $ARGS.named.x is an argument */
	if (str_eq(name, STR("ARGS")))
		n->level = 1;
	else
		parse_doubt(p);
	return n;
}
