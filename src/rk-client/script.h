/* SPDX-License-Identifier: ISC */
#ifndef SCRIPT_H
#define SCRIPT_H

/*
 * What the command line says to send (--send), to hear (--subscribe) and to
 * wait for (--expect, --count), in its order: each is done when all that is
 * expected before it was seen.
 *
 *  - Expectations are met one after the other, each by a later message than
 *    the one before.
 *  - The lines before the first expectation open a connection; they are sent
 *    again whenever it is opened again.
 */

#include <stdint.h>

#include "buf.h"

enum script_act { SCRIPT_SEND, SCRIPT_JOIN, SCRIPT_LEAVE };

/* One of these; how it is sent is what the options before it say. */
struct script_said {
	enum script_act act;
	struct str text;		/* or the channel to join or leave */
	const char *event, *channel;	/* or NULL */
	int ack;
};

void	 script_event(const char *);	/* of what follows; "" is none */
void	 script_channel(const char *);
void	 script_ack(void);
int	 script_asks(void);	/* one of these three was used, or a channel */

void	 script_add(enum script_act, const char *text);
void	 script_expect(const char *jq);	/* 100 when it does not compile */
void	 script_count(int64_t messages);

int	 script_sends(void);	/* something is sent */
int	 script_waits(void);	/* something is waited for, and not all of it
				   was seen */
/* A message came: 1 when it was the last that was waited for. */
int	 script_seen(struct str bytes, int binary);
/* What is waited for, for a message to people. */
const char *script_missing(void);

int	 script_ended(void);	/* nothing more is to be done */

void	 script_open(void);	/* from the opening lines on, once more */
int	 script_next(struct script_said *);	/* 1: do this now */
/* A line that is not of the script, sent as the last options say. */
struct script_said script_line(struct str text);

#endif
