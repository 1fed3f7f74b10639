/* SPDX-License-Identifier: ISC */
#ifndef FILTER_H
#define FILTER_H

/*
 * Rules: a jq program that is run over frames.  The only module that knows
 * libjq (1.6); rk-route(1), RULES, is the manual.
 *
 *  - What routing is mostly made of runs natively, over the scanner's spans,
 *    and means the same (lib/filter/native.h); libjq does the rest, and is
 *    started when there is some.
 *  - A rule is a pure function of one frame: no clock, no environment, no
 *    memory, unless it is opened with impure.
 *  - What it leaves untouched leaves as it was spelled; what it may not look
 *    into is a handle (lib/filter/value.h).
 *  - A frame is taken whole or not at all: when a rule fails, refuses, runs
 *    longer than its budget or makes more than its bounds, nothing of what it
 *    made comes out, and the next frame finds it as new.
 */

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "frame.h"

#define FILTER_BUDGET	1000		/* ms of CPU for a frame */
#define FILTER_OUTPUTS	10000		/* frames made of one */
#define FILTER_BYTES	(64 << 20)	/* and their bytes */

struct filter;

struct filter_arg {		/* --arg and its like: $name in the rule */
	const char *name;
	struct str json;	/* checked */
};

struct filter_rule {
	const char *name;	/* in messages: the file; "-e" */
	struct str text;
	const char *const *dirs;	/* of include; NULL ends; may be NULL */
	const struct filter_arg *args;
	size_t nargs;
	int depth;		/* a user's JSON is open so deep; -1: as the
				   rule's "# rk: depth N" says, else 1 */
	int impure;
	int routing;		/* from and via are written too */
	int by_jq;		/* run by libjq alone: the same, but slow */
	int early;		/* libjq compiles it at once, needed or not */
	int64_t budget;		/* ms; 0: FILTER_BUDGET */
	size_t outputs;		/* 0: FILTER_OUTPUTS */
	size_t line_max;	/* longest line that may come out */
};

/* Compiles, later where nothing can be wrong with the rule: what returns is
 * the caller's until filter_close(); nothing of the rule is kept.  NULL when
 * the rule is wrong, with *why to free(): the jq compiler's message,
 * "FILE:LINE: what". */
struct filter *filter_open(const struct filter_rule *, char **why);
void	 filter_close(struct filter *);	/* NULL is nothing */

struct filter_out {
	struct str line;	/* an object; no newline */
	/* these two may point into the frame's line, and live no longer */
	struct str via;		/* the link it asks for; p is NULL: none */
	struct str conn;	/* the connection it names; p is NULL: none */
	enum type type;
};

enum filter_word {
	FILTER_STOPPED = -2,	/* the rule ran too long */
	FILTER_FAILED = -1,	/* the rule failed, or broke a bound */
	FILTER_REFUSED,		/* the rule said refuse */
	FILTER_OK
};

struct filter_result {
	const struct filter_out *out;
	size_t n;
	const char *why;	/* when not FILTER_OK: one line of UTF-8 */
	int native;		/* libjq was not needed */
};

/* Runs the rule over a scanned frame.  from is the link it came by; NULL
 * leaves the frame's own.  The result is valid until the next call. */
enum filter_word filter_run(struct filter *, const struct frame *,
	    const char *from, struct filter_result *);

/* Which way the parts of the rule go: for each one its file and line, its name
 * and what sends a frame that comes there to libjq ("reduce, line 7"); NULL:
 * nothing does. */
typedef void filter_say(void *ctx, const char *file, int line,
	    const char *part, const char *what);
void	 filter_explain(const struct filter *, filter_say *, void *ctx);

/* Runs it over any checked JSON value, which it sees whole: 1 when the first
 * output is neither false nor null, 0 when it is or there is none, -1 with
 * *why when the rule failed. */
int	 filter_match(struct filter *, struct str json, const char **why);

#endif
