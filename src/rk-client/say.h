/* SPDX-License-Identifier: ISC */
#ifndef SAY_H
#define SAY_H

/*
 * What a call says: the script (--send), else the lines of standard input.
 * A line is taken only when the connection has room for it.
 */

#include "far.h"
#include "lines.h"
#include "ws.h"

void	 say_open(void (*more)(struct lines *));
void	 say_end(void);
/* Says the next, far is NULL outside a dialect: 1, or 0: nothing is to be
 * said now. */
int	 say_next(struct ws_conn *, struct far *);
/* Nothing more will be sent, and nobody said what to wait for. */
int	 say_spent(void);

#endif
