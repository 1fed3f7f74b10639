/* SPDX-License-Identifier: ISC */
#ifndef ASK_H
#define ASK_H

/*
 * Sends that wait for an answer (their frame has a ref), by far end: at most
 * ASKS_MAX of each, and none for longer than --timeout.
 */

#include "far.h"
#include "figure.h"

#define ASKS_MAX	64

/* The number of a new one; -1: there are too many, and it was answered so. */
int64_t	 ask(struct far *, struct str ref);
/* Its answer, to add a payload or an error to, and to end; NULL: unknown. */
struct buf *ask_begin(struct far *, int64_t id);
/* All that wait are answered with an error. */
void	 ask_over(struct far *);
/* One that was never asked is. */
void	 ask_refuse(const struct far *, struct str ref, const char *why);

extern struct ask_counts {
	uint64_t open, late;
} ask_counts;
extern const struct figure ask_figures[];

#endif
