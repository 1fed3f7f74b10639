/* SPDX-License-Identifier: ISC */
#ifndef TRACK_H
#define TRACK_H

/*
 * Tracking: the state of one end of a tracked link, both directions, without
 * any socket: bytes in, bytes out, no I/O, no clock.  rk-frame(5), TRACKED
 * LINKS, is the protocol.
 *
 * Out: a frame gets the next seq and is kept until an ack names it.  At most
 * window bytes of them are on the wire; the rest waits, in order.  After a
 * break everything unsettled goes again, marked "again".
 *
 * In: a seq is open from when it comes until it is settled; what is settled
 * leaves as ranges in one ack.  A seq that comes again is open still (then
 * nobody need do anything) or was settled (then the ack was lost).
 *
 * Identity is the pair of boots: a peer with a new boot knows nothing, and
 * nothing that the old one sent can be acked to it: the epoch says so.
 */

#include <stdint.h>

#include "../buf.h"
#include "../frame.h"

#define BOOT_LEN	13	/* letters and digits */

/* A sorted list by seq, with holes where items were taken out. */
struct seqs {
	struct seqs_item {
		uint64_t seq;
		void *p;	/* NULL: a hole */
	} *v;
	size_t head, tail, cap, live;
};

void	 seqs_push(struct seqs *, uint64_t, void *);	/* above all others */
void	*seqs_find(const struct seqs *, uint64_t);	/* NULL: not there */
void	*seqs_take(struct seqs *, uint64_t);
/* The first item at or above *seq, which moves to it; NULL: none. */
void	*seqs_from(const struct seqs *, uint64_t *seq);
void	 seqs_free(struct seqs *);	/* the list; items are the caller's */

struct range {
	uint64_t low, high;
};

struct track {
	/* out */
	uint64_t next;		/* seq of the next frame */
	uint64_t unsent;	/* the first seq that is not on the wire */
	struct seqs out;	/* struct kept */
	struct block *block;	/* of the next one */
	size_t window;		/* bytes that the peer can hold */
	size_t unsettled;	/* bytes on the wire, not settled */
	size_t waiting;		/* bytes not on the wire */
	uint64_t again;		/* frames that went again */
	/* in */
	char peer[BOOT_LEN + 1];
	unsigned epoch;		/* counts the peers there were */
	uint64_t last;		/* the highest seq that came */
	struct seqs open;	/* the caller's items */
	struct seqs denied;	/* the last that were refused */
	struct range *acks;	/* settled, not told; sorted */
	size_t nacks, acks_cap;
	struct buf refused;	/* ",[seq,"why"]..." not told */
};

/* Settled: the owner comes back once, with what was sent, which is gone behind
 * the call; why is NULL when it was taken over. */
typedef void track_settled(void *ctx, void *owner, struct str line,
	    size_t bytes, const char *why);

void	 track_init(struct track *, size_t window);
void	 track_free(struct track *);

/* Takes a line (an object, no newline); always: the caller asked for room. */
void	 track_send(struct track *, struct str line, size_t bytes,
	    void *owner, int answer);	/* bytes: what it counts for */

/* Moves what the window lets go to the wire: 1 when something was added.
 * plain: no seq, and what moves is settled at once. */
int	 track_pull(struct track *, struct buf *wire, size_t limit, int plain,
	    track_settled *, void *ctx);

/* An ack came: 1, or -1 when it is malformed. */
int	 track_ack(struct track *, const struct frame *, track_settled *,
	    void *ctx);

/* A frame came in with this seq. */
enum track_in { TRACK_FRESH, TRACK_OPEN, TRACK_SETTLED, TRACK_REFUSED };
enum track_in track_in(const struct track *, uint64_t seq);
void	 track_open(struct track *, uint64_t seq, void *item);	/* fresh */

/* It is settled (why NULL) or refused. */
void	 track_settle(struct track *, uint64_t seq, const char *why);
int	 track_has_acks(const struct track *);
void	 track_acks(struct track *, struct buf *wire);	/* and forgets them */

/* A peer attached, for the first time or again: 1: it is the same one, 0: a
 * new one (epoch counted, open is empty: the caller has freed the items; what
 * names a connection of the old one is dropped, its owners told).  Counts
 * what was dropped. */
int	 track_peer(struct track *, const char *boot, size_t window,
	    uint64_t *dropped, track_settled *, void *ctx);

/* Nobody will come: all that is kept is refused. */
void	 track_drop(struct track *, const char *why, track_settled *,
	    void *ctx);

#endif
