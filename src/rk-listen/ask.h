/* SPDX-License-Identifier: ISC */
#ifndef ASK_H
#define ASK_H

/*
 * Sends that a client is to answer: each is answered once, by the client, or
 * with an error when it is gone, or after --deadline.  A connection has at
 * most 64 of them open.
 */

#include "command.h"

#define ASKS_MAX	64

extern struct ask_counts {
	uint64_t open, late;
} ask_counts;
extern const struct figure ask_figures[];

/* The number of the question; -1: there are too many. */
int64_t	 ask_new(struct conn *, const struct command *);
/* Its answer begins: the frame to add the payload to, or NULL: nobody asked.
 * Then ask_end(), which forgets it. */
struct buf *ask_begin(struct conn *, int64_t id);
void	 ask_end(struct conn *);
/* An answer from here: error. */
void	 ask_fail(struct conn *, int64_t id, const char *error);

void	 ask_forget(struct conn *);	/* it is gone: all are answered */
void	 ask_link_gone(struct link *);	/* nobody is to be told any more */

#endif
