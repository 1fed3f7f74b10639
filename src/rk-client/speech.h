/* SPDX-License-Identifier: ISC */
#ifndef SPEECH_H
#define SPEECH_H

/*
 * How the connections of a station speak: what a frame is in their dialect,
 * and what they say as frames.
 *
 *  - raw: a payload is a message.  socketio: an event, with acks both ways,
 *    as rk-frame(5) has it for clients.  echo: a channel, an event and data;
 *    what was subscribed is subscribed again on each new connection.
 *  - A send with a ref is answered exactly once: by the ack, or with an error
 *    when that takes too long or the connection is over.
 */

#include "far.h"
#include "figure.h"

void	 speech_open(struct far *);	/* the WebSocket is */
void	 speech_heard(struct far *, struct str, int binary);
void	 speech_bye(struct far *);	/* the last word, before we close */
void	 speech_over(struct far *);	/* the connection is */

/* Commands: NULL, or why not; one that is settled later leaves NULL for its
 * taken. */
const char *speech_send(struct far *, const struct frame *, struct taken **);
const char *speech_reply(struct far *, const struct frame *, struct taken **);
const char *speech_member(struct far *, const struct frame *);

extern struct speech_counts {
	uint64_t asks, late;
} speech_counts;
extern const struct figure speech_figures[];

#endif
