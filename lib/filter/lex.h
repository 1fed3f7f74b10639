/* SPDX-License-Identifier: ISC */
#ifndef FILTER_LEX_H
#define FILTER_LEX_H

/*
 * The words of a jq program, as the lexer of jq 1.6 cuts them.  What is wrong
 * need only be seen, not said: libjq says it.
 */

#include "../buf.h"

enum token {			/* a character is itself */
	TOK_END = 256, TOK_BAD,
	TOK_NAME, TOK_FIELD, TOK_NUMBER, TOK_FORMAT,
	TOK_REC, TOK_EQ, TOK_NE, TOK_LE, TOK_GE, TOK_ALT, TOK_ALTERNATION,
	TOK_UPDATE,		/* |= += -= *= /= %= //= */
	TOK_AS, TOK_IMPORT, TOK_INCLUDE, TOK_MODULE, TOK_DEF, TOK_IF, TOK_THEN,
	TOK_ELSE, TOK_ELIF, TOK_AND, TOK_OR, TOK_END_WORD, TOK_REDUCE,
	TOK_FOREACH, TOK_TRY, TOK_CATCH, TOK_LABEL, TOK_BREAK, TOK_LOC,
	TOK_KEYWORDS = TOK_AS
};

struct lex {
	const char *p, *end;	/* after the token */
	int line;
	int tokens;		/* so many were cut */
	int token;		/* '"': a string begins at p */
	struct str text;	/* of it; a field's without the dot */
};

void	 lex_next(struct lex *);

/* Within a string: its text up to a quote or an interpolation, as spelled.
 * 1: it ends there, 2: an interpolation follows; 0: wrong. */
int	 lex_string(struct lex *, struct str *);

#endif
