/* SPDX-License-Identifier: ISC */
/* Operators by who binds more, and what begins with a keyword. */
#include <stdlib.h>

#include "parse.h"

#define TOP	2		/* nesting of the rule's own definitions */

void
parse_bad(struct parse *p)
{
	if (p->tree->bad == 0)
		p->tree->bad = p->lex.line;
	p->lex.token = TOK_BAD;
}

void
parse_doubt(struct parse *p)
{
	p->tree->doubt = 1;
}

int
parse_is(const struct parse *p, int token)
{
	return p->lex.token == token;
}

int
parse_skip(struct parse *p, int token)
{
	if (p->lex.token != token)
		return 0;
	lex_next(&p->lex);
	return 1;
}

void
parse_want(struct parse *p, int token)
{
	if (!parse_skip(p, token))
		parse_bad(p);
}

/* 1: one more within the others, which the caller counts down again; 0: that
 * is too many, or nothing makes sense any more. */
int
parse_deeper(struct parse *p)
{
	if (p->nesting == NESTING_MAX)
		parse_bad(p);
	if (p->lex.token == TOK_BAD)
		return 0;
	p->nesting++;
	return 1;
}

static struct node *exp_of(struct parse *, int);

struct str
parse_name(struct parse *p)
{
	struct str name = p->lex.text;

	parse_want(p, TOK_NAME);
	return name;
}

/* Definitions. */

static void
params(struct parse *p, struct def *d, struct str *name)
{
	do {
		if (d->nparams == PARAMS_MAX) {
			parse_bad(p);
			return;
		}
		d->value[d->nparams] = (unsigned char)parse_skip(p, '$');
		name[d->nparams++] = parse_name(p);
	} while (parse_skip(p, ';'));
	parse_want(p, ')');
}

static void
body(struct parse *p, struct def *d, const struct str *name)
{
	struct scope *outer = p->scope;
	int level = p->level;
	size_t i;

	for (i = 0; i < d->nparams; i++) {
		p->level++;
		scope_push(p, SCOPE_PARAM, name[i], NULL);
	}
	for (i = 0; i < d->nparams; i++)
		if (d->value[i]) {
			p->level++;
			scope_push(p, SCOPE_VAR, name[i], NULL);
		}
	d->body = parse_pipe(p);
	d->folded = tree_fold(p->tree, d->body);
	p->scope = outer;
	p->level = level;
}

static void
top_def(struct tree *t, struct def *d)
{
	if (t->ndefs == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 32;
		t->def = mem_grow(t->def, t->cap * sizeof *t->def);
	}
	t->def[t->ndefs++] = d;
}

/* def NAME(PARAMS): BODY;  It is in scope from its own body on. */
static void
definition(struct parse *p)
{
	struct def *d = arena_new(&p->tree->arena, sizeof *d);
	struct str name[PARAMS_MAX];
	int before = p->lex.tokens;

	d->line = p->lex.line;
	d->level = p->level;
	lex_next(&p->lex);
	d->name = parse_name(p);
	if (parse_skip(p, '('))
		params(p, d, name);
	parse_want(p, ':');
	scope_push(p, SCOPE_DEF, d->name, d);
	body(p, d, name);
	parse_want(p, ';');
	if (p->nesting == TOP)
		top_def(p->tree, d);
	p->words += p->lex.tokens - before;
	if (p->lex.tokens - before > FUNCTION_MAX)
		parse_doubt(p);
	p->lex.tokens = before + 1;
}

static struct node *
definitions(struct parse *p)
{
	struct scope *outer = p->scope;
	struct node *n;

	while (parse_is(p, TOK_DEF))
		definition(p);
	n = parse_pipe(p);
	p->scope = outer;
	return n;
}

/* What begins with a keyword. */

static struct node *
branches(struct parse *p)
{
	struct node *n = node_new(p, N_IF, 3);

	lex_next(&p->lex);
	n->kid[0] = parse_pipe(p);
	parse_want(p, TOK_THEN);
	n->kid[1] = parse_pipe(p);
	if (parse_is(p, TOK_ELIF)) {
		n->kid[2] = n->kid[1];
		if (parse_deeper(p)) {
			n->kid[2] = branches(p);
			p->nesting--;
		}
		return n;
	}
	parse_want(p, TOK_ELSE);
	n->kid[2] = parse_pipe(p);
	parse_want(p, TOK_END_WORD);
	return n;
}

/* reduce and foreach TERM as PATTERNS (EXP; EXP) */
static struct node *
fold(struct parse *p, const char *what)
{
	struct scope *outer = p->scope, *inner;
	int line = p->lex.line, most = parse_is(p, TOK_REDUCE) ? 2 : 3, n = 1;

	lex_next(&p->lex);
	parse_term(p);
	parse_want(p, TOK_AS);
	parse_patterns(p);
	inner = p->scope;
	p->scope = outer;
	parse_want(p, '(');
	parse_pipe(p);
	p->scope = inner;
	for (; parse_skip(p, ';'); n++)
		parse_pipe(p);
	p->scope = outer;
	parse_want(p, ')');
	if (n < 2 || n > most)
		parse_doubt(p);
	return node_foreign(p, line, str_of(what));
}

static struct node *operand(struct parse *);

/* A ? behind it is of the try, and no catch comes after that. */
static struct node *
try(struct parse *p)
{
	int line = p->lex.line;

	lex_next(&p->lex);
	operand(p);
	if (parse_skip(p, TOK_CATCH))
		operand(p);
	return node_foreign(p, line, STR("try"));
}

static struct node *
label(struct parse *p)
{
	int line = p->lex.line;

	lex_next(&p->lex);
	parse_want(p, '$');
	parse_name(p);
	parse_want(p, '|');
	parse_pipe(p);
	return node_doubtful(p, line, STR("label"));
}

static struct node *
minus(struct parse *p)
{
	int line = p->lex.line;

	lex_next(&p->lex);
	exp_of(p, 9);		/* what binds more than + and - */
	return node_foreign(p, line, STR("-"));
}

/* Operators. */

static struct node *
operand(struct parse *p)
{
	struct node *n;

	if (!parse_deeper(p))
		return node_new(p, N_FOREIGN, 0);
	switch (p->lex.token) {
	case TOK_IF:
		n = branches(p);
		break;
	case TOK_DEF:
		n = definitions(p);
		break;
	case TOK_REDUCE:
		n = fold(p, "reduce");
		break;
	case TOK_FOREACH:
		n = fold(p, "foreach");
		break;
	case TOK_TRY:
		n = try(p);
		break;
	case TOK_LABEL:
		n = label(p);
		break;
	case '-':
		n = minus(p);
		break;
	default:
		n = parse_term(p);
		if (parse_is(p, TOK_AS))
			n = parse_binding(p, n);
	}
	p->nesting--;
	return n;
}

static struct node *
unary(struct parse *p)
{
	int line = p->lex.line;
	struct node *n = operand(p);

	while (parse_skip(p, '?'))
		n = node_foreign(p, line, STR("?"));
	return n;
}

#define ONCE(prec)	((prec) == 4 || (prec) == 7)	/* no a = b = c */

static const struct {
	int token, prec, right;
	enum op op;
	const char *what;
} operators[] = {
	{ '|', 1, 1, N_PIPE, NULL }, { ',', 2, 0, N_COMMA, NULL },
	{ TOK_ALT, 3, 1, N_ALT, NULL }, { '=', 4, 0, N_ASSIGN, "=" },
	{ TOK_UPDATE, 4, 0, N_FOREIGN, "an update" },
	{ TOK_OR, 5, 0, N_OR, NULL }, { TOK_AND, 6, 0, N_AND, NULL },
	{ TOK_EQ, 7, 0, N_EQ, NULL }, { TOK_NE, 7, 0, N_NE, NULL },
	{ '<', 7, 0, N_LT, NULL }, { '>', 7, 0, N_GT, NULL },
	{ TOK_LE, 7, 0, N_LE, NULL }, { TOK_GE, 7, 0, N_GE, NULL },
	{ '+', 8, 0, N_PLUS, NULL }, { '-', 8, 0, N_FOREIGN, "-" },
	{ '*', 9, 0, N_FOREIGN, "*" }, { '/', 9, 0, N_FOREIGN, "/" },
	{ '%', 9, 0, N_FOREIGN, "%" },
};
#define NOPERATORS	(sizeof operators / sizeof *operators)

/* .a.b = value; another path is foreign. */
static struct node *
assign(struct parse *p, struct node *path, struct node *value)
{
	struct node *n = node_new(p, N_ASSIGN, 1), *at;

	n->kid[0] = value;
	for (at = path; at->op == N_FIELD && !at->optional; at = at->kid[0])
		n->nwords++;
	if (at->op != N_DOT || n->nwords == 0)
		return node_foreign(p, path->line, STR("= to such a path"));
	n->word = words_new(p, n->nwords);
	for (at = path; at->op == N_FIELD; at = at->kid[0])
		n->word[--n->nwords] = *at->word;
	for (at = path; at->op == N_FIELD; at = at->kid[0])
		n->nwords++;
	return n;
}

/* jq divides numbers that it knows when it compiles, which may be by 0. */
static void
divided(struct parse *p, const struct node *n, const struct node *by)
{
	if ((n->op != N_DOT && n->op != N_FIELD && n->op != N_VAR) ||
	    by->op != N_CONST || str_eq(by->text, STR("0")))
		parse_doubt(p);
}

static struct node *
exp_of(struct parse *p, int prec)
{
	struct node *n, *right;
	size_t i = 0;
	int line, last = 0;

	if (!parse_deeper(p))
		return node_new(p, N_FOREIGN, 0);
	n = unary(p);
	while (i < NOPERATORS) {
		if (operators[i].token != p->lex.token ||
		    operators[i].prec < prec) {
			i++;
			continue;
		}
		line = p->lex.line;
		lex_next(&p->lex);
		right = exp_of(p, operators[i].prec + !operators[i].right);
		if (operators[i].prec == last && ONCE(last))
			parse_doubt(p);
		if (operators[i].token == '/' || operators[i].token == '%')
			divided(p, n, right);
		last = operators[i].prec;
		if (operators[i].op == N_ASSIGN)
			n = assign(p, n, right);
		else if (operators[i].op == N_FOREIGN)
			n = node_foreign(p, line, str_of(operators[i].what));
		else
			n = node_two(p, operators[i].op, n, right);
		i = 0;
	}
	p->nesting--;
	return n;
}

struct node *
parse_pipe(struct parse *p)
{
	return exp_of(p, 1);
}

int
tree_open(struct tree *t, struct str text, int line,
    const struct variable *variables, size_t n)
{
	struct parse p = { .tree = t, .lex = { .p = text.p,
	    .end = text.p + text.n, .line = line } };

	*t = (struct tree){ .variable = variables, .nvariables = n };
	lex_next(&p.lex);
	t->main = parse_pipe(&p);
	t->folded = tree_fold(t, t->main);
	if (!parse_is(&p, TOK_END))
		parse_bad(&p);
	if (p.lex.tokens > FUNCTION_MAX ||
	    p.words + p.lex.tokens > WORDS_MAX)
		parse_doubt(&p);
	return t->bad == 0;
}

void
tree_close(struct tree *t)
{
	arena_free(&t->arena);
	free(t->def);
}
