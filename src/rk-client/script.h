/* SPDX-License-Identifier: ISC */
#ifndef SCRIPT_H
#define SCRIPT_H

/*
 * What the command line says to send (--send) and to wait for (--expect,
 * --count), in its order: a line is sent when all that is expected before it
 * was seen.
 *
 *  - Expectations are met one after the other, each by a later message than
 *    the one before.
 *  - The lines before the first expectation open a connection; they are sent
 *    again whenever it is opened again.
 */

#include <stdint.h>

#include "buf.h"

void	 script_send(const char *text);
void	 script_expect(const char *jq);	/* 100 when it does not compile */
void	 script_count(int64_t messages);

int	 script_sends(void);	/* something is sent */
int	 script_waits(void);	/* something is waited for, and not all of it
				   was seen */
/* A message came: 1 when it was the last that was waited for. */
int	 script_seen(struct str bytes, int binary);
/* What is waited for, for a message to people. */
const char *script_missing(void);

void	 script_open(void);	/* from the opening lines on, once more */
int	 script_next(struct str *text);	/* 1: send this now */

#endif
