/* SPDX-License-Identifier: ISC */
#ifndef WIRE_H
#define WIRE_H

/*
 * A wire: one pair of descriptors, lines in and bytes out, never blocking.
 *
 *  - Lines come 64 KiB a read; one that is too long is skipped to its end
 *    and reported once, and the next is good again.
 *  - Output gathers in out and leaves by wire_flush(), one write; what the
 *    kernel did not take leaves when it can.
 *  - A wire tells its owner that it is down exactly once; the owner closes
 *    it, which it may do from any of the callbacks.
 */

#include "../buf.h"
#include "../loop.h"

#define WIRE_READ	65536

struct wire;

struct wire_ops {
	void (*line)(struct wire *, struct str);
	void (*too_long)(struct wire *);
	void (*down)(struct wire *, const char *why);	/* NULL: end of file */
	void (*pause)(struct wire *);	/* no line follows for now; or NULL */
};

struct wire {
	const struct wire_ops *ops;
	void *owner;
	int in, out_fd;		/* -1: none */
	ev_io reader, writer;
	struct buf data, out;
	size_t scan;		/* of the unfinished line */
	uint64_t number;	/* of the line last seen, from 1 */
	int skipping;		/* in the rest of a line that was too long */
	int stopped;		/* wire_read(w, 0) */
	int ended;		/* wire_end() */
	int busy, closed;	/* in lines(); to be freed when that ends */
};

/* The descriptors are ours from now on: closed by wire_close(). */
struct wire *wire_new(int in, int out, size_t line_max,
	    const struct wire_ops *, void *owner);
void	 wire_read(struct wire *, int on);
void	 wire_end(struct wire *);	/* as if what was read were all */
int	 wire_flush(struct wire *);	/* 1: empty; 0: waits; -1: down soon */
void	 wire_close(struct wire *);
void	 wire_close_out(struct wire *);	/* the peer sees end of file */

int	 wire_deserted(const struct wire *);	/* nobody reads our pipe */

/* A descriptor that will not block us: a pipe gets a description of its own
 * where it can, as O_NONBLOCK would else hit everybody who shares it. */
int	 wire_nonblocking(int fd, int flags);

#endif
