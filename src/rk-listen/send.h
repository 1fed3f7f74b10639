/* SPDX-License-Identifier: ISC */
#ifndef SEND_H
#define SEND_H

/*
 * Downward: a payload is framed once for each way of writing it and shared
 * by all who get it.  Who does not keep up is closed with 1013, or loses
 * frames, as the endpoint says or the frame's policy; what is lost is counted
 * and told in a `drop`.
 */

#include "command.h"
#include "roster.h"

const char *send_command(struct command *);

void	 send_drained(struct ws_conn *);	/* op of lib/ws.h */
/* Frames that were queued and will not be written; they are told later. */
void	 send_lost(struct conn *, size_t frames, size_t bytes);
void	 send_tell_lost(struct conn *, const char *why);

struct send_counts {
	uint64_t sent, lost, slow;
};
extern struct send_counts send_counts;
extern const struct figure send_figures[];

#endif
