/* SPDX-License-Identifier: ISC */
#ifndef FILTER_SOURCE_H
#define FILTER_SOURCE_H

/*
 * A rule's text, as the jq compiler gets it: the prelude, the files it
 * includes, itself.
 *
 *  - We read what is included, not libjq: jq binds a module to the plain
 *    builtins, past the prelude, and so past what keeps rules pure.  include
 *    "NAME"; before anything else means NAME.jq beside the file that says so,
 *    then in the -L directories.  import and module are refused.
 *  - A message of the compiler is about a line of the whole; source_message()
 *    says which file and line that was.
 *  - "# rk: depth N", in a comment before the program, is read here.
 */

#include "../buf.h"
#include "../filter.h"

struct segment {		/* lines of the whole, from first on */
	int first;		/* in the whole, from 1 */
	int line;		/* the same line, in its file */
	char *name;
};

struct source {
	struct buf text;	/* terminated; ours */
	struct segment *at;
	size_t n;
	int lines;		/* in text */
	size_t own;		/* where the rule itself begins, in text */
	int depth;		/* -1: the rule does not say */
};

/* 1, or -1 with *why to free().  Close it either way. */
int	 source_open(struct source *, const struct filter_rule *, char **why);
void	 source_close(struct source *);

/* The rule itself and what it includes, without the prelude, and the number of
 * its first line in the whole. */
struct str source_own(const struct source *, int *line);
/* The line in its file of a line of the whole, and the file. */
int	 source_where(const struct source *, int line, const char **name);

/* "FILE:LINE: what", to free(), of a message of jq's compiler. */
char	*source_message(const struct source *, const char *);

/* The functions that know handles, and those that rules do not have. */
extern const char filter_prelude[];
extern const char filter_pure[];
#define PURE_NAME	"rk_is_pure_and_has_no_"	/* then the name */

#endif
