/* SPDX-License-Identifier: ISC */
/* Terms: what stands between operators. */
#include <ctype.h>

#include "parse.h"

/* Strings. */

/* A character of four hex digits, and no half of one. */
static int
is_hex(const char *p)
{
	int i;

	for (i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)p[i]))
			return 0;
	return (*p | 32) != 'd';
}

/* 1: escapes that jq's parser and ours read alike; 0: ours does not; -1: jq's
 * may not. */
static int
escapes(struct str raw)
{
	size_t i;
	int alike = 1;

	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\')
			continue;
		if (++i == raw.n || strchr("\"\\/bfnrtu", raw.p[i]) == NULL)
			return -1;
		if (raw.p[i] != 'u')
			continue;
		if (raw.n - i <= 4 || !is_hex(raw.p + i + 1))
			return -1;
		alike = 0;
	}
	return alike;
}

static struct node *
text_part(struct parse *p, struct str raw)
{
	struct arena *a = &p->tree->arena;
	struct str text;

	switch (escapes(raw)) {
	case 1:
		text = arena_unquote(a, raw);
		if (word_plain(text))
			return node_const(p, arena_quote(a, text));
		break;
	case 0:
		return node_foreign(p, p->lex.line, STR("such text"));
	}
	return node_doubtful(p, p->lex.line, STR("such text"));
}

/* "TEXT\(EXP)TEXT", from after its quote. */
static struct node *
string(struct parse *p)
{
	struct node *part[KIDS_MAX], *n;
	size_t count = 0, i;
	struct str raw;
	int way;

	while ((way = lex_string(&p->lex, &raw)) == 2 && count + 3 < KIDS_MAX) {
		part[count++] = text_part(p, raw);
		lex_next(&p->lex);
		part[count++] = parse_pipe(p);
		if (!parse_is(p, ')'))
			parse_bad(p);
	}
	if (way != 1)
		parse_bad(p);
	part[count++] = text_part(p, raw);
	lex_next(&p->lex);
	if (count == 1)
		return part[0];
	n = node_new(p, N_STRING, count);
	for (i = 0; i < count; i++)
		n->kid[i] = part[i];
	return n;
}

static struct node *
format(struct parse *p)
{
	int line = p->lex.line;
	struct str name = { p->lex.text.p - 1, p->lex.text.n + 1 };

	lex_next(&p->lex);
	if (parse_is(p, '"'))
		string(p);
	return node_foreign(p, line, name);
}

/* A constant string's text; p is NULL: it is no such thing. */
static struct str
constant(struct parse *p, const struct node *n)
{
	if (n->op != N_CONST || n->text.p[0] != '"')
		return (struct str){ NULL, 0 };
	return arena_unquote(&p->tree->arena,
	    (struct str){ n->text.p + 1, n->text.n - 2 });
}

/* Objects. */

static struct node *
value(struct parse *p)
{
	struct node *n;
	int line = p->lex.line;

	if (!parse_deeper(p))
		return node_new(p, N_FOREIGN, 0);
	if (parse_skip(p, '-')) {
		value(p);
		n = node_foreign(p, line, STR("-"));
	} else
		n = parse_term(p);
	if (parse_skip(p, '|'))
		n = node_two(p, N_PIPE, n, value(p));
	p->nesting--;
	return n;
}

/* $x, in an object */
static struct node *
member_variable(struct parse *p, struct word *w)
{
	int line = p->lex.line;
	struct str name = parse_name(p);

	word_set(p, w, name);
	return name_variable(p, line, name);
}

/* KEY: VALUE, name, "text"; the key in *w. */
static struct node *
member(struct parse *p, struct word *w, int *foreign)
{
	struct str name = p->lex.text;
	int is_name = parse_is(p, TOK_NAME);

	if (parse_skip(p, '$'))
		return member_variable(p, w);
	if (parse_is(p, '"') || parse_is(p, TOK_FORMAT) || parse_is(p, '(')) {
		*foreign |= parse_is(p, '(');
		name = constant(p, parse_term(p));
		*foreign |= name.p == NULL;
		is_name = 1;
	} else if (is_name || p->lex.token >= TOK_KEYWORDS)
		lex_next(&p->lex);
	else
		parse_bad(p);
	if (name.p == NULL)
		name = STR("");
	word_set(p, w, name);
	if (parse_skip(p, ':'))
		return value(p);
	if (!is_name)
		parse_doubt(p);		/* a keyword, alone */
	return node_field(p, node_new(p, N_DOT, 0), name);
}

static struct node *
object(struct parse *p)
{
	struct node *kid[KIDS_MAX], *n = node_new(p, N_OBJECT, 0);
	struct word word[KIDS_MAX];
	int foreign = 0, line = p->lex.line;

	while (!parse_is(p, '}') && !parse_is(p, TOK_BAD) &&
	    !parse_is(p, TOK_END) && n->nwords < KIDS_MAX) {
		kid[n->nwords] = member(p, &word[n->nwords], &foreign);
		n->nwords++;
		if (!parse_skip(p, ','))
			break;
	}
	parse_want(p, '}');
	if (foreign)
		return node_doubtful(p, line, STR("a computed key"));
	if (n->nwords == 0)
		return node_const(p, STR("{}"));
	n->twice = words_twice(word, n->nwords);
	n->nkids = n->nwords;
	n->kid = arena_get(&p->tree->arena, n->nkids * sizeof *n->kid);
	n->word = arena_get(&p->tree->arena, n->nkids * sizeof *n->word);
	memcpy(n->kid, kid, n->nkids * sizeof *n->kid);
	memcpy(n->word, word, n->nkids * sizeof *n->word);
	return n;
}

/* The rest. */

static struct node *
array(struct parse *p)
{
	struct node *n;

	if (parse_skip(p, ']'))
		return node_const(p, STR("[]"));
	n = node_new(p, N_COLLECT, 1);
	n->kid[0] = parse_pipe(p);
	parse_want(p, ']');
	return n;
}

static struct node *
number(struct parse *p)
{
	struct str s = p->lex.text;
	struct node *n;
	size_t i;

	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		;
	if (i == s.n && s.n <= 15 && (s.n == 1 || s.p[0] != '0'))
		n = node_const(p, s);
	else
		n = node_doubtful(p, p->lex.line, s);
	lex_next(&p->lex);
	return n;
}

static struct node *
call(struct parse *p)
{
	struct node *arg[KIDS_MAX];
	struct str name = p->lex.text;
	int line = p->lex.line;
	size_t n = 0;

	lex_next(&p->lex);
	if (parse_skip(p, '(')) {
		do
			arg[n++] = parse_pipe(p);
		while (n < KIDS_MAX && parse_skip(p, ';'));
		parse_want(p, ')');
	}
	return name_call(p, line, name, arg, n);
}

static struct node *
variable(struct parse *p)
{
	struct str name = p->lex.text;
	int line = p->lex.line;

	if (parse_skip(p, TOK_LOC))
		return node_foreign(p, line, STR("$__loc__"));
	parse_want(p, TOK_NAME);
	return p->tree->bad ? node_new(p, N_FOREIGN, 0) :
	    name_variable(p, line, name);
}

static struct node *
jump(struct parse *p)
{
	int line = p->lex.line;

	parse_want(p, '$');
	parse_want(p, TOK_NAME);
	return node_doubtful(p, line, STR("break"));
}

/* .a of this: $ARGS.named.a is an argument. */
static struct node *
field(struct parse *p, struct node *of, struct str name)
{
	struct node *n;

	if (of->op == N_FOREIGN && of->level == 1 &&
	    str_eq(name, STR("named"))) {
		n = node_foreign(p, of->line, STR("$ARGS.named"));
		n->level = 2;
		return n;
	}
	if (of->op == N_FOREIGN && of->level == 2)
		return name_argument(p, of->line, name);
	return node_field(p, of, name);
}

/* ."TEXT" of this, at the quote. */
static struct node *
quoted_field(struct parse *p, struct node *of)
{
	struct node *key;
	struct str name;

	lex_next(&p->lex);
	if (!parse_is(p, '"') && !parse_is(p, TOK_FORMAT)) {
		parse_bad(p);
		return of;
	}
	if (!parse_is(p, '"'))
		parse_doubt(p);		/* a format, and a string? */
	key = parse_is(p, '"') ? string(p) : format(p);
	name = constant(p, key);
	return name.p != NULL ? node_field(p, of, name) :
	    node_two(p, N_INDEX, of, key);
}

/* [...] of this, after the bracket. */
static struct node *
brackets(struct parse *p, struct node *of)
{
	struct node *key, *n;
	struct str name;
	int slice;

	if (parse_skip(p, ']')) {
		n = node_new(p, N_EACH, 1);
		n->kid[0] = of;
		return n;
	}
	slice = parse_skip(p, ':');
	key = parse_pipe(p);
	if (!slice && parse_skip(p, ':')) {
		slice = 1;
		if (!parse_is(p, ']'))
			parse_pipe(p);
	}
	parse_want(p, ']');
	if (slice)
		return node_foreign(p, of->line, STR("a slice"));
	name = constant(p, key);
	return name.p != NULL ? node_field(p, of, name) :
	    node_two(p, N_INDEX, of, key);
}

static struct node *
suffixes(struct parse *p, struct node *n)
{
	struct str name;

	for (;;) {
		name = p->lex.text;
		if (parse_skip(p, TOK_FIELD))
			n = field(p, n, name);
		else if (parse_skip(p, '['))
			n = brackets(p, n);
		else if (parse_is(p, '.'))
			n = quoted_field(p, n);
		else
			return n;
		if (!parse_skip(p, '?'))
			continue;
		if (n->op == N_FIELD)
			n->optional = 1;
		else if (n->op != N_FOREIGN)
			n = node_foreign(p, n->line, STR("?"));
	}
}

static struct node *
first(struct parse *p)
{
	struct node *n;
	int line = p->lex.line;

	switch (p->lex.token) {
	case '"':
		return string(p);
	case TOK_FORMAT:
		return format(p);
	case TOK_NUMBER:
		return number(p);
	case TOK_NAME:
		return call(p);
	case '.':
		n = node_new(p, N_DOT, 0);
		if (p->lex.p < p->lex.end && *p->lex.p == '"')
			return n;
		lex_next(&p->lex);
		return n;
	case TOK_FIELD:
		return node_new(p, N_DOT, 0);
	}
	if (parse_skip(p, TOK_REC))
		return node_foreign(p, line, STR(".."));
	if (parse_skip(p, TOK_BREAK))
		return jump(p);
	if (parse_skip(p, '$'))
		return variable(p);
	if (parse_skip(p, '['))
		return array(p);
	if (parse_skip(p, '{'))
		return object(p);
	parse_want(p, '(');
	n = parse_pipe(p);
	parse_want(p, ')');
	return n;
}

struct node *
parse_term(struct parse *p)
{
	struct node *n;

	if (!parse_deeper(p))
		return node_new(p, N_FOREIGN, 0);
	n = suffixes(p, first(p));
	p->nesting--;
	return n;
}
