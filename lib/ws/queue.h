/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_H
#define QUEUE_H

/*
 * A connection's queue of framed messages (RFC 6455 5.2), without any socket.
 *
 *  - A message is framed once and shared: it counts its references.
 *  - A queue is a list of chunks of pointers out of one pool: nothing is
 *    allocated for a recipient, and an idle connection holds none.
 *  - What leaves it unwritten is counted: messages and bytes, but no control
 *    frames (5.5), which are nobody's message.
 */

#include <stddef.h>
#include <stdint.h>

#include "../buf.h"

struct ws_msg {
	uint32_t refs;
	uint32_t head;			/* bytes of the frame's head */
	size_t n;			/* of the whole frame */
	unsigned char frame[];
};

struct chunk;

struct queue {				/* zeroed: empty */
	struct chunk *first, *last;
	uint32_t bytes;
	uint8_t head, tail;		/* in the first and last chunk */
};

int	 queue_is_control(const struct ws_msg *);

/* A whole frame, unmasked; the caller holds one reference. */
struct ws_msg *queue_frame(int opcode, struct str payload);

/* Takes a reference of each of these n. */
void	 queue_push(struct queue *, struct ws_msg *const *, size_t n);
struct ws_msg *queue_front(const struct queue *);	/* NULL: empty */
/* Takes the front message away; the caller owns its reference. */
struct ws_msg *queue_shift(struct queue *);
/* The messages in their order: at begins as { 0 }; NULL ends. */
struct queue_at {
	const struct chunk *chunk;
	unsigned i;
};
struct ws_msg *queue_next(const struct queue *, struct queue_at *);
/* Whether it holds just these n, in this order. */
int	 queue_holds(const struct queue *, struct ws_msg *const *, size_t n);
/* Forgets all: how many. */
size_t	 queue_clear(struct queue *);
/* Forgets the oldest until at most so many bytes are left: bytes that were
 * forgotten, and *messages. */
size_t	 queue_trim(struct queue *, size_t most, size_t *messages);

#endif
