/* SPDX-License-Identifier: ISC */
#ifndef FILTER_PARSE_H
#define FILTER_PARSE_H

/*
 * From words to a tree.
 *
 *	parse.c		operators, and what begins with a keyword
 *	pattern.c	TERM as PATTERN
 *	term.c		terms: paths, literals, objects, calls
 *	names.c		what names mean: definitions, variables, builtins
 *	builtins.c	which builtins there are for libjq
 *
 * A name means what the nearest scope says.  A construct that the tree has no
 * node for is read past, and is foreign.
 *
 * Where this reads more than jq 1.6 does, or is not sure of it, it says so with
 * parse_doubt(): libjq is to compile such a rule before it is used, and to say
 * what is wrong with it.  A rule without doubt compiles.
 */

#include "lex.h"
#include "tree.h"

#define NESTING_MAX	400	/* expressions within each other */
#define KIDS_MAX	64	/* of a node */
/* Words of a rule, and of a function without those within it: jq's parser
 * nests 10,000 deep, a function of it has 65,535 units, a word up to 40. */
#define WORDS_MAX	8000
#define FUNCTION_MAX	1500

enum scope_kind { SCOPE_DEF, SCOPE_VAR, SCOPE_PARAM,
    SCOPE_FOREIGN /* a variable that is libjq's */ };

struct scope {
	enum scope_kind kind;
	struct str name;
	struct def *def;
	int level;
	struct scope *up;
};

struct parse {
	struct lex lex;
	struct tree *tree;
	struct scope *scope;	/* the innermost */
	int level;		/* entries of the environment here */
	int words;		/* of functions that were read */
	int nesting;
};

/* What was read so far makes no sense to us. */
void	 parse_bad(struct parse *);
void	 parse_doubt(struct parse *);
int	 parse_deeper(struct parse *);
int	 parse_is(const struct parse *, int token);
int	 parse_skip(struct parse *, int token);	/* 1: it was there */
void	 parse_want(struct parse *, int token);

struct str parse_name(struct parse *);
/* Read past; its variables are in scope from here on. */
void	 parse_patterns(struct parse *);
/* The rest of TERM as PATTERN | PIPE, at the as. */
struct node *parse_binding(struct parse *, struct node *term);
struct node *parse_pipe(struct parse *);	/* a whole expression */
struct node *parse_term(struct parse *);

struct node *node_new(struct parse *, enum op, size_t kids);
struct node *node_two(struct parse *, enum op, struct node *, struct node *);
struct node *node_const(struct parse *, struct str json);
struct node *node_foreign(struct parse *, int line, struct str what);
struct node *node_doubtful(struct parse *, int line, struct str what);
struct node *node_field(struct parse *, struct node *of, struct str name);
struct word *words_new(struct parse *, size_t);
void	 word_set(struct parse *, struct word *, struct str name);
int	 word_plain(struct str);	/* 1: no label, no NUL, UTF-8 */
int	 words_twice(const struct word *, size_t);	/* 1: some word is */

void	 scope_push(struct parse *, enum scope_kind, struct str, struct def *);
struct node *name_call(struct parse *, int line, struct str name,
	    struct node **arg, size_t n);
struct node *name_variable(struct parse *, int line, struct str name);
extern const char *const builtin_names[];	/* "NAME/N" and NULL */
int	 name_is_builtin(struct str name, size_t n);
int	 name_is_argument(const struct parse *, struct str name);
struct node *name_argument(struct parse *, int line, struct str name);

#endif
