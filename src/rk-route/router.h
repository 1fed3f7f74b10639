/* SPDX-License-Identifier: ISC */
#ifndef ROUTER_H
#define ROUTER_H

/*
 * The router: frames in by some links, through the rule, out by others.
 *
 *  - Links that share a name are a group.  An output goes to the group it
 *    names by via; without, to the other one of two, or back to the only one.
 *    Within a group it goes to the member that made its conn, else to each
 *    that is there, else to the first, which keeps it.
 *  - An input is a job until every frame made of it is settled; then it is
 *    settled, or refused with the first reason why one of them was.
 *  - All outputs leave as work, in the order they were made; nothing is
 *    overtaken.
 *  - What waits at an output is bounded by what may be unsettled at the
 *    inputs, times what the rule makes of a frame; hold.h says what happens
 *    where that is too much.
 */

#include "filter.h"
#include "opt.h"

/* A link of --link, --serve or --run: NAME=PATH or NAME=COMMAND, o->arg. */
enum router_way { ROUTER_CONNECT, ROUTER_SERVE, ROUTER_RUN };
void	 router_name(const struct opts *, enum router_way);
/* Makes the links.  The rule is the router's from now on. */
void	 router_open(struct opts *, struct filter *);
void	 router_swap(struct filter *);	/* another rule, or NULL: the end */
void	 router_close(void);		/* drain, then end the loop with 0 */

#endif
