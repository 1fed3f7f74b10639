/* SPDX-License-Identifier: ISC */
#include "lex.h"

static const struct {
	const char *word;
	int token;
} keywords[] = {
	{ "as", TOK_AS }, { "import", TOK_IMPORT }, { "include", TOK_INCLUDE },
	{ "module", TOK_MODULE }, { "def", TOK_DEF }, { "if", TOK_IF },
	{ "then", TOK_THEN }, { "else", TOK_ELSE }, { "elif", TOK_ELIF },
	{ "and", TOK_AND }, { "or", TOK_OR }, { "end", TOK_END_WORD },
	{ "reduce", TOK_REDUCE }, { "foreach", TOK_FOREACH },
	{ "try", TOK_TRY }, { "catch", TOK_CATCH }, { "label", TOK_LABEL },
	{ "break", TOK_BREAK }, { "__loc__", TOK_LOC },
}, marks[] = {			/* the longer ones first */
	{ "?//", TOK_ALTERNATION }, { "//=", TOK_UPDATE },
	{ "//", TOK_ALT }, { "|=", TOK_UPDATE }, { "+=", TOK_UPDATE },
	{ "-=", TOK_UPDATE }, { "*=", TOK_UPDATE }, { "/=", TOK_UPDATE },
	{ "%=", TOK_UPDATE }, { "==", TOK_EQ }, { "!=", TOK_NE },
	{ "<=", TOK_LE }, { ">=", TOK_GE },
};

static int
is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int
at(const struct lex *l, size_t i)		/* 0: past the end */
{
	return i < (size_t)(l->end - l->p) ? (unsigned char)l->p[i] : 0;
}

static size_t
name_at(const struct lex *l, size_t i)
{
	if (!is_letter(at(l, i)))
		return 0;
	while (is_letter(at(l, i)) || is_digit(at(l, i)))
		i++;
	return i;
}

static void
space(struct lex *l)
{
	for (; l->p < l->end; l->p++) {
		if (*l->p == '#')
			while (at(l, 1) != 0 && at(l, 1) != '\n' &&
			    at(l, 1) != '\r')
				l->p++;
		else if (*l->p == '\n')
			l->line++;
		else if (*l->p != ' ' && *l->p != '\t')
			return;
	}
}

static void
cut(struct lex *l, int token, size_t skip, size_t n)
{
	l->token = token;
	l->text = (struct str){ l->p + skip, n - skip };
	l->p += n;
}

static void
word(struct lex *l)
{
	size_t n = name_at(l, 0), i, more;

	while (at(l, n) == ':' && at(l, n + 1) == ':' &&
	    (more = name_at(l, n + 2)) > 0)
		n = more;
	cut(l, TOK_NAME, 0, n);
	for (i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (str_eq(l->text, str_of(keywords[i].word)))
			l->token = keywords[i].token;
}

/* [0-9.]+([eE][+-]?[0-9]+)? */
static size_t
number_at(const struct lex *l)
{
	size_t n = 0, e;

	while (is_digit(at(l, n)) || at(l, n) == '.')
		n++;
	if ((at(l, n) | 32) == 'e') {
		e = n + 1;
		e += at(l, e) == '+' || at(l, e) == '-';
		if (is_digit(at(l, e)))
			for (n = e; is_digit(at(l, n)); n++)
				;
	}
	return n;
}

/* The longest wins; of .e1 the number, of . and .. not. */
static void
dot(struct lex *l)
{
	size_t number = number_at(l), name = name_at(l, 1);
	int twice = at(l, 1) == '.';

	if (number >= name && number > 1 + (size_t)twice)
		cut(l, TOK_NUMBER, 0, number);
	else if (name > 0)
		cut(l, TOK_FIELD, 1, name);
	else
		cut(l, twice ? TOK_REC : '.', 0, 1 + (size_t)twice);
}

static void
mark(struct lex *l)
{
	size_t i, n;

	for (i = 0; i < sizeof marks / sizeof *marks; i++) {
		n = strlen(marks[i].word);
		if ((size_t)(l->end - l->p) >= n &&
		    memcmp(l->p, marks[i].word, n) == 0) {
			cut(l, marks[i].token, 0, n);
			return;
		}
	}
	cut(l, memchr("?=;,:|+-*/%$<>()[]{}\"", *l->p, 21) ?
	    (unsigned char)*l->p : TOK_BAD, 0, 1);
}

void
lex_next(struct lex *l)
{
	size_t n = 1;

	if (l->token == TOK_BAD)
		return;
	l->tokens++;
	space(l);
	if (l->p >= l->end)
		cut(l, TOK_END, 0, 0);
	else if (is_letter(*l->p))
		word(l);
	else if (is_digit(*l->p))
		cut(l, TOK_NUMBER, 0, number_at(l));
	else if (*l->p == '.')
		dot(l);
	else if (*l->p == '@') {
		while (is_letter(at(l, n)) || is_digit(at(l, n)))
			n++;
		cut(l, n > 1 ? TOK_FORMAT : TOK_BAD, 1, n);
	} else
		mark(l);
}

int
lex_string(struct lex *l, struct str *text)
{
	const char *from = l->p;
	int way = 0;

	for (; way == 0 && l->p < l->end; l->p++) {
		l->line += *l->p == '\n';
		if (*l->p == '"')
			way = 1;
		else if (*l->p == '\\') {
			way = at(l, 1) == '(' ? 2 : 0;
			l->p += at(l, 1) != 0;
		}
	}
	*text = (struct str){ from, (size_t)(l->p - from) - (size_t)way };
	if (way == 0)
		l->token = TOK_BAD;
	return way;
}
