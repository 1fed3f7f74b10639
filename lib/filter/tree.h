/* SPDX-License-Identifier: ISC */
#ifndef FILTER_TREE_H
#define FILTER_TREE_H

/*
 * A rule as a tree: what native.c evaluates and explain.c tells of.
 *
 *  - What the tree has no node for is N_FOREIGN: a frame that comes to one is
 *    run by libjq, whole.
 *  - Variables, and the arguments of functions, are entries of an environment
 *    that grows inwards; a node names one by its level, counted from 1.
 */

#include "arena.h"
#include "../frame.h"

enum op {
	N_FOREIGN,		/* what: the construct's name */
	N_DOT,			/* . */
	N_CONST,		/* text: a scalar, [] or {}, as jq writes it;
				   or made */
	N_FIELD,		/* kid[0] . word */
	N_INDEX,		/* kid[0] [kid[1]] */
	N_EACH,			/* kid[0] [] */
	N_PIPE, N_COMMA, N_ALT,	/* | , // */
	N_AND, N_OR, N_EQ, N_NE, N_LT, N_GT, N_LE, N_GE, N_PLUS,
	N_IF,			/* kid[0] then kid[1] else kid[2] */
	N_OBJECT,		/* {word: kid, ...} */
	N_COLLECT,		/* [kid[0]] */
	N_STRING,		/* the kids as text, one after another */
	N_AS,			/* kid[0] as ... | kid[1]; words: {word: $x}*/
	N_VAR,			/* $x: the entry of this level */
	N_PARAM,		/* f of def g(f): likewise */
	N_CALL,			/* def, with the kids as arguments */
	N_ASSIGN,		/* .word.word... = kid[0] */
	N_DELETE,		/* del(.word, ...) */
	N_TAKE,			/* take("word", ...) */
	N_HAS,			/* has("word") */
	N_EMPTY, N_NOT, N_TYPE, N_OPEN, N_FIRST, N_TOSTRING, N_FLOOR,
	N_TONUMBER,
	N_IN,			/* IN(kid[0]) */
	N_PLACE,		/* index(kid[0]) */
	N_STARTS, N_ENDS,	/* startswith(kid[0]), endswith(kid[0]) */
	N_TRIM			/* ltrimstr(kid[0]) */
};

struct made;
struct val;
struct here;
struct node;

/* Makes the only value of a node: 1, 0: it has none, -1: not for us. */
typedef int operation(const struct here *, const struct node *,
	    const struct val *in, struct val *out);

struct word {			/* a key, or the name of a function */
	struct str name;
	struct str quoted;	/* as JSON */
	int key;		/* of the vocabulary; -1 */
};

struct node {
	enum op op;
	int optional;		/* N_FIELD: followed by ? */
	int twice;		/* N_OBJECT, N_TAKE: some word is */
	int line;		/* of the whole source */
	int level;		/* N_VAR, N_PARAM */
	size_t nkids, nwords;
	struct node **kid;
	struct word *word;
	struct str text;
	const struct made *made;
	struct def *def;
	const char *what;
	/* as it runs: fold.c */
	operation *run;
	const struct val *value;	/* N_CONST */
	int one;		/* it makes one value at most; see eval.h */
	int binds;		/* it makes entries of the environment */
	unsigned steps;		/* nodes that are run for one value */
};

#define PARAMS_MAX	8

struct def {
	struct str name;
	size_t nparams;
	unsigned char value[PARAMS_MAX];	/* $a, not a */
	int level;		/* entries around the definition */
	struct node *body;	/* as it was read */
	struct node *folded;	/* as it runs; NULL: not read to its end */
	int line;
};

struct variable {		/* --arg and its like */
	const char *name;
	struct str json;
};

struct tree {
	struct arena arena;
	struct node *main;	/* as it was read */
	struct node *folded;	/* as it runs */
	struct def **def;	/* those at the top */
	size_t ndefs, cap;
	const struct variable *variable;
	size_t nvariables;
	int bad;		/* the line that was not understood */
	int doubt;		/* libjq might not compile it */
};

/* Reads a rule whose first line has this number: 1, or 0 when it is not
 * understood as a whole.  Close it either way. */
int	 tree_open(struct tree *, struct str text, int line,
	    const struct variable *, size_t);
void	 tree_close(struct tree *);

/* fold.c: what was read, as it runs. */
struct node *tree_fold(struct tree *, const struct node *);

#endif
