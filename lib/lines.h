/* SPDX-License-Identifier: ISC */
#ifndef LINES_H
#define LINES_H

/*
 * Lines on descriptors that were given to us: standard input and output.
 *
 *  - They may be shared with a shell, so O_NONBLOCK is never set: we read when
 *    something is there, and write at most PIPE_BUF when poll says so.
 *  - The reader is pulled: who does not ask stops the writer at the other
 *    end.  The watcher runs only after lines_next() had nothing.
 *  - The writer keeps what did not leave yet; who writes asks lines_full()
 *    and stops its own input meanwhile.  What was added leaves before the
 *    loop sleeps.
 *  - A line over the bound is skipped whole, counted, and told.
 */

#include <stdint.h>

#include "buf.h"
#include "loop.h"

struct lines {
	uint64_t number;	/* of the line last returned; from 1 */
	int ended;		/* end of file, and all lines were returned */
	/* private */
	ev_io io;
	struct buf buf;
	size_t scan, max;
	int eof, skipping;
	void (*more)(struct lines *);
};

/* more() is called when lines_next() is worth asking again. */
void	 lines_open(struct lines *, int fd, size_t max,
	    void (*more)(struct lines *));

/* 1 and a line without its newline, valid until the next call; 0: none yet,
 * or ended; -1 with EMSGSIZE: this one was longer than max, and is gone. */
int	 lines_next(struct lines *, struct str *);
void	 lines_stop(struct lines *);	/* more() is not called again */

struct lines_out {
	struct before_sleep flush;	/* first: it leads back to us */
	ev_io io;
	struct buf buf;			/* max: what feeds it stops in time */
	size_t max;
	void (*room)(struct lines_out *);
};

/* room() is called when it was full and is not, and whenever it gets empty.
 * A descriptor that cannot be written ends the program (111). */
void	 lines_out_open(struct lines_out *, int fd, size_t max,
	    void (*room)(struct lines_out *));
void	 lines_add(struct lines_out *, struct str);	/* and a newline */
int	 lines_full(const struct lines_out *);	/* stop what feeds it */
size_t	 lines_waiting(const struct lines_out *);	/* bytes */

#endif
