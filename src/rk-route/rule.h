/* SPDX-License-Identifier: ISC */
#ifndef RULE_H
#define RULE_H

/*
 * The rule of this router: what the command line says of it, and the program
 * that was compiled last.
 *
 *  - A file is read again by each rule_open(), so HUP finds what it is now;
 *    --slurpfile and --rawfile likewise.
 *  - The rule in use changes only when the new one compiles.
 */

#include "filter.h"
#include "opt.h"

enum {
	RULE_ARG = OPT_LONG, RULE_ARGJSON, RULE_SLURPFILE, RULE_RAWFILE,
	RULE_DEPTH, RULE_IMPURE, RULE_BUDGET, RULE_KEYS_END
};
#define RULE_OPTS \
	{ 'e', "expression", "TEXT", "the rule itself, instead of a file" }, \
	{ 'L', "library", "DIR", "where include looks, after its own place" }, \
	{ RULE_ARG, "arg", "NAME VALUE", "$NAME is this string" }, \
	{ RULE_ARGJSON, "argjson", "NAME JSON", "$NAME is this value" }, \
	{ RULE_SLURPFILE, "slurpfile", "NAME FILE", \
	    "$NAME is an array of the file's values" }, \
	{ RULE_RAWFILE, "rawfile", "NAME FILE", \
	    "$NAME is the file, as a string" }, \
	{ RULE_DEPTH, "depth", "N", "open a user's own JSON so deep (1)" }, \
	{ RULE_BUDGET, "budget", "TIME", "CPU time for a frame (1s)" }, \
	{ RULE_IMPURE, "impure", NULL, "allow now, env, input" }

int	 rule_option(struct opts *, int key);	/* 1: the key was one of them */
void	 rule_operand(const struct opts *);	/* the file, unless -e */

/* Compiles; routing: the frames show from and via; early: libjq has seen all of
 * it.  NULL with *why to free. */
struct filter *rule_open(int routing, int early, char **why);

#endif
