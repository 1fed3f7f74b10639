/* SPDX-License-Identifier: ISC */
#ifndef VOICE_H
#define VOICE_H

/*
 * A voice: how the connections of a dialect speak.  Below it is a WebSocket
 * that was dialled, above it are frames (speech.h).
 */

#include "far.h"
#include "link/link.h"

struct voice {
	/* What only this dialect reads in a dial, and the URL of its WebSocket,
	 * f->dialled: NULL, or why not. */
	const char *(*begin)(struct far *, const struct frame *dial,
	    int version);
	void (*end)(struct far *);		/* frees that; or NULL */

	void (*open)(struct far *);		/* the WebSocket is */
	void (*heard)(struct far *, struct str, int binary);
	void (*bye)(struct far *);	/* the last word, before we close; or
					   NULL */
	void (*over)(struct far *);		/* the connection is; or NULL */

	/* Commands; the dialect does not have those that are NULL.  A member
	 * has been added to the channels, or removed. */
	const char *(*send)(struct far *, const struct frame *,
	    struct taken **);
	const char *(*reply)(struct far *, const struct frame *,
	    struct taken **);
	void (*member)(struct far *, struct str quoted, int joins);
};

extern const struct voice raw_voice, socketio_voice, echo_voice,
    socketcluster_voice;

#endif
