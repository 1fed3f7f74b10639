/* SPDX-License-Identifier: ISC */
#ifndef SPEECH_H
#define SPEECH_H

/*
 * How the far ends speak: what a frame is in their dialect, and what they say
 * as frames.
 *
 *  - raw: a payload is a message.  socketio: an event, with acks both ways,
 *    as rk-frame(5) has it for clients.  echo: a channel, an event and data.
 *    socketcluster: events, invokes both ways, channels, a token.
 *  - What was subscribed is subscribed again on each new connection, before
 *    anything else is said there.
 *  - A send with a ref is answered exactly once: by the server, or with an
 *    error when that takes too long or the connection is over.
 */

#include "far.h"
#include "link/link.h"

/* Who hears of it: a station or a call. */
struct speech_ops {
	/* A frame about a far end; the buf to add keys to. */
	struct buf *(*begin)(const char *type, const struct far *);
	void (*end)(enum link_how);
	/* Sends it, or holds it; takes the caller's reference, and with it
	 * the taken when it is held: NULL is left there. */
	void (*put)(struct far *, struct ws_msg *, struct taken **);
	/* It is up; more: JSON the server said then, or none. */
	void (*up)(struct far *, struct str more);
};
extern const struct speech_ops *speech;

void	 speech_open(struct far *);	/* the WebSocket is */
void	 speech_heard(struct far *, struct str, int binary);
void	 speech_bye(struct far *);	/* the last word, before we close */
void	 speech_over(struct far *);	/* the connection is */

/* Commands: NULL, or why not; one that is settled later leaves NULL for its
 * taken. */
const char *speech_send(struct far *, const struct frame *, struct taken **);
const char *speech_reply(struct far *, const struct frame *, struct taken **);
const char *speech_member(struct far *, const struct frame *);

/* For voices: sends at once what every new connection begins with. */
void	 speech_hand(struct far *, struct ws_msg *);

#endif
