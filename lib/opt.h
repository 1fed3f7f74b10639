/* SPDX-License-Identifier: ISC */
#ifndef OPT_H
#define OPT_H

/*
 * Options: one table a program, which yields the parsing, the usage text and
 * what `make lint` compares with the man page and the completions.
 *
 *  - argv is cut at the first "--" before anything is parsed; what follows
 *    it is a co-process (struct opts.child), never an operand.
 *  - --help, --version and -v (--verbose) are everybody's and need no row.
 *  - A wrong option or value ends the program with 100.
 */

#include <stdint.h>

struct opt {
	int key;		/* the short letter, or OPT_LONG and up */
	const char *name;	/* long name, without dashes */
	const char *arg;	/* what the help calls its value; NULL: none;
				   "[X]": the value is optional (--name=X) */
	const char *help;
};

#define OPT_LONG	256	/* first key without a short letter */
#define OPT_END		{ 0, NULL, NULL, NULL }

struct opts {
	const char *synopsis;	/* after the program's name */
	const struct opt *table;
	char **child;		/* argv of the co-process; NULL: none */
	char **args;		/* operands, when opt_next has returned -1 */
	int nargs;
	const char *arg;	/* value of the option just returned */
	int argc;
	char **argv;
	void *parsed;		/* getopt_long's tables, ours */
};

void	 opt_start(struct opts *, int, char **, const char *,
	    const struct opt *);
int	 opt_next(struct opts *);	/* next key; -1: no more */
/* A second value of that option: the next word of argv, whatever it is. */
const char *opt_value(struct opts *);
_Noreturn void opt_usage(const struct opts *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));	/* 100 */

/* Values: each ends the program (100) when the text is not one. */
int64_t	 opt_number(const struct opts *, const char *, int64_t, int64_t);
int64_t	 opt_bytes(const struct opts *, const char *);	/* 64k 1m 2g */
int64_t	 opt_ms(const struct opts *, const char *);	/* 5 = 5s, 250ms 1m */

#endif
