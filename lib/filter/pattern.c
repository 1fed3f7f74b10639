/* SPDX-License-Identifier: ISC */
/* Patterns: what stands between as and |. */
#include "parse.h"

static void pattern(struct parse *);

/* A key that is no constant text, jq may not like. */
static void
key(struct parse *p)
{
	const struct node *n = parse_term(p);

	if (n->op != N_CONST || n->text.p[0] != '"')
		parse_doubt(p);
}

static void
variable(struct parse *p)
{
	scope_push(p, SCOPE_FOREIGN, parse_name(p), NULL);
}

static void
members(struct parse *p)
{
	do {
		if (parse_skip(p, '$')) {
			variable(p);
			if (parse_skip(p, ':'))
				pattern(p);
			continue;
		}
		if (parse_is(p, '"') || parse_is(p, TOK_FORMAT) ||
		    parse_is(p, '('))
			key(p);
		else if (parse_is(p, TOK_NAME) || p->lex.token >= TOK_KEYWORDS)
			lex_next(&p->lex);
		else
			parse_bad(p);
		parse_want(p, ':');
		pattern(p);
	} while (parse_skip(p, ','));
	parse_want(p, '}');
}

/* Any pattern, read past. */
static void
pattern(struct parse *p)
{
	if (!parse_deeper(p))
		return;
	if (parse_skip(p, '$'))
		variable(p);
	else if (parse_skip(p, '{'))
		members(p);
	else {
		parse_want(p, '[');
		do
			pattern(p);
		while (parse_skip(p, ','));
		parse_want(p, ']');
	}
	p->nesting--;
}

void
parse_patterns(struct parse *p)
{
	for (pattern(p); parse_skip(p, TOK_ALTERNATION); pattern(p))
		parse_doubt(p);
}

/* The names of {$a, $b} or $a, each its own, the rest is not for us: the
 * pattern's words, whose count is 0 for $a; or NULL, and p is where it was. */
static struct word *
simple_pattern(struct parse *p, size_t *n, struct str *names)
{
	struct lex before = p->lex;
	struct word *w = words_new(p, KIDS_MAX);
	int object = parse_skip(p, '{');
	size_t count = 0, i;

	do {
		if (!parse_skip(p, '$') || !parse_is(p, TOK_NAME) ||
		    count == KIDS_MAX)
			goto other;
		for (i = 0; i < count; i++)
			if (str_eq(names[i], p->lex.text))
				goto other;
		word_set(p, &w[count], p->lex.text);
		names[count++] = p->lex.text;
		lex_next(&p->lex);
	} while (object && parse_skip(p, ','));
	if ((object && !parse_skip(p, '}')) || !parse_is(p, '|'))
		goto other;
	*n = object ? count : 0;
	return w;
other:
	p->lex = before;
	return NULL;
}

struct node *
parse_binding(struct parse *p, struct node *source)
{
	struct str names[KIDS_MAX];
	struct scope *outer = p->scope;
	struct node *n = node_new(p, N_AS, 2);
	int level = p->level;
	size_t i = 0;

	lex_next(&p->lex);
	n->kid[0] = source;
	n->word = simple_pattern(p, &n->nwords, names);
	if (n->word == NULL) {
		parse_patterns(p);
		parse_want(p, '|');
		parse_pipe(p);
		p->scope = outer;
		return node_foreign(p, n->line, STR("a pattern"));
	}
	parse_want(p, '|');
	do {
		p->level++;
		scope_push(p, SCOPE_VAR, names[i], NULL);
	} while (++i < n->nwords);
	n->kid[1] = parse_pipe(p);
	p->scope = outer;
	p->level = level;
	return n;
}
