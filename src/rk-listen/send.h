/* SPDX-License-Identifier: ISC */
#ifndef SEND_H
#define SEND_H

/*
 * Downward: a payload is framed once for each way of writing it and shared
 * by all who get it.  Sends to the same that come together are queued
 * together, each for itself.  Who does not keep up is closed with 1013, or
 * loses the oldest or the newest, as the frame's policy says or the
 * endpoint's.  Where nobody is at all, a frame that says so is given back, and
 * custody of it with it.  What is not written is counted and told in a `drop`,
 * which gathers until what is queued has left and the link has room: one for
 * each such time at most.
 */

#include "command.h"
#include "endpoint.h"
#include "roster.h"

/* Why something was not written: by a policy, or its connection ended. */
enum { LOST_CLOSED = POLICY_NEWEST + 1, LOST_WHYS };

const char *send_command(struct command *);
/* Queues the sends that wait for more of their kind: before anything else is
 * done, of which they may not know. */
void	 send_rest(void);
const char *send_reply(struct command *);
/* What had that ref was refused, by the rule or for want of one. */
void	 send_refusal(struct conn *, struct str ref);

void	 send_drained(struct ws_conn *);	/* op of lib/ws.h */
/* Frames that will not be written; they are told later. */
void	 send_lost(struct conn *, int why, size_t frames, size_t bytes);
void	 send_tell_lost(struct conn *, const char *why);
/* It may be time to tell. */
void	 send_room(struct conn *);

struct send_counts {
	uint64_t sent, slow, returned;
	struct {
		uint64_t frames, bytes;
	} lost[LOST_WHYS];
};
extern struct send_counts send_counts;
extern const struct figure send_figures[];

#endif
