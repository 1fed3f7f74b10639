/* SPDX-License-Identifier: ISC */
#ifndef FILTER_WATCHDOG_H
#define FILTER_WATCHDOG_H

/*
 * Stops a rule that runs away: one that uses more CPU time for a frame than
 * its budget.
 *
 *  - The thread's CPU clock ticks by SIGALRM; each tick that finds the same
 *    frame running counts.  A frame costs two stores and no system call, and
 *    an idle program is never woken.
 *  - The interpreter looks at its halted flag before each instruction, so one
 *    long C function of libjq ends before it is stopped.
 */

#include <jq.h>

#define WATCHDOG_MS	10	/* between ticks: what a budget is rounded to */

void	 watchdog_open(void);	/* once; again is nothing */
void	 watchdog_start(jq_state *, int64_t ms);
int	 watchdog_stop(void);	/* 1: it was stopped, the state is as new */

#endif
