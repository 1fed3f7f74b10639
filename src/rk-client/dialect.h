/* SPDX-License-Identifier: ISC */
#ifndef DIALECT_H
#define DIALECT_H

/*
 * A call in a dialect: its far end, which the options describe as a dial
 * does.  What is sent is a frame "send", what comes is shown as a frame,
 * "message" or "answer", without conn and at (rk-frame(5)).
 */

#include "far.h"
#include "script.h"

/* What the call hears of it. */
struct dialect_ops {
	void (*up)(void);
	void (*shown)(struct str frame);
};

/* NULL and why: the options make no sense. */
struct far *dialect_open(const struct dialect_ops *, const char **why);

/* NULL, or why it cannot be done. */
const char *dialect_say(struct far *, const struct script_said *);

int	 dialect_asks(void);	/* answers are awaited */
int	 dialect_full(void);	/* so many that nothing more is said */
int	 dialect_failed(void);	/* one was an error */

/* Why it is over, in words; and the exit status that stands for. */
int	 dialect_over(const struct far *, struct buf *why);

#endif
