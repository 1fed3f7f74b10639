/* SPDX-License-Identifier: ISC */
#ifndef LOG_H
#define LOG_H

/*
 * Messages for people, on standard error: "program: thing: reason", lower
 * case, no full stop, one write(2) of at most 1 KiB, control characters
 * masked with '?'.
 *
 *  - die() is fatal and carries no level word; its code is the exit status:
 *    1 the answer is no, 100 will fail again, 101 bug, 111 may work next
 *    time, 126/127 exec.  Always a literal, so that grep finds it.
 *  - warn() says "warning:", info() says "info:" and speaks with -v only.
 *  - What outsiders cause goes through log_flood(), so that a flood of theirs
 *    is none of messages.
 *  - No secret is ever passed in.
 */

#include "buf.h"

extern int verbose;			/* how often -v was given */

void	 log_name(const char *);	/* argv[0]; what messages begin with */
const char *log_program(void);
_Noreturn void die(int, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
void	 warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 info(const char *, ...) __attribute__((format(printf, 1, 2)));

/* 1: say it; before, *unsaid of its kind were not said.  0: say nothing: there
 * were LOG_BURST in this minute.  Zero it first. */
#define LOG_BURST	20
struct log_kind {
	long long minute;
	unsigned said;
	unsigned long long unsaid;
};
int	 log_flood(struct log_kind *, unsigned long long *unsaid);

#endif
