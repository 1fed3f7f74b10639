/* SPDX-License-Identifier: ISC */
#ifndef PENDING_H
#define PENDING_H

/* Who waits for the router's word: a `request` for `respond`, an `open` that
 * is pending for `accept` or `reject`.  Who waits too long gets a 503. */

#include "command.h"

struct pending_counts {
	uint64_t late, refused;
};
extern struct pending_counts pending_counts;
extern const struct figure pending_figures[];

void	 pending_wait(struct conn *);	/* from now; its event leaves */
void	 pending_over(struct conn *);	/* it waits no more */
void	 pending_refused(struct conn *);	/* by the router, if it waits */
void	 pending_refuse_all(void);	/* we are stopping */

const char *pending_respond(struct command *);
const char *pending_accept(struct command *);
const char *pending_reject(struct command *);

#endif
