/* SPDX-License-Identifier: ISC */
#ifndef COMMAND_H
#define COMMAND_H

/*
 * Commands: frames from the router, or from whoever attached.  Each is
 * applied whole and settled at once.  One that names who is not there does
 * nothing, is settled and counted; a malformed one is refused with a reason.
 */

#include "link/link.h"
#include "roster.h"

struct command {
	struct link *from;		/* where answers go */
	const struct frame *frame;
};

/* What it is for: one of conn, user, channel and all. */
enum { TO_CONN = 1, TO_USER = 2, TO_CHANNEL = 4, TO_ALL = 8 };
struct target {
	int kind;
	struct conn *conn;		/* NULL: not there */
	const struct name *name;	/* NULL: not there */
	struct conn *except;
};

/* NULL, or why not. */
const char *target_read(struct target *, const struct frame *, int kinds);
/* Each connection of the target, once. */
void	 target_each(const struct target *, void (*)(struct conn *, void *),
	    void *);

/* A string: 1 and *s (valid until the frame ends), 0: absent, -1: no string,
 * or too long. */
int	 command_string(const struct frame *, enum key, struct buf *,
	    struct str *);
/* Answers: begins a frame with the command's ref, and sends it back. */
struct buf *answer_begin(const struct command *, const char *type);
void	 answer_end(const struct command *);

struct command_counts {
	uint64_t commands, dead, refused, unknown;
};
extern struct command_counts command_counts;
extern const struct figure command_figures[];

/* From the link.  In a pipeline standard input is not read while standard
 * output has no room; a co-process always is, as it may wait for us to. */
void	 command_frame(struct link *, struct frame *, struct taken *);
void	 command_room(struct link *);
extern int command_pipeline;	/* other stations' frames pass on */

#endif
