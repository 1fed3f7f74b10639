/* SPDX-License-Identifier: ISC */
#ifndef ECHO_H
#define ECHO_H

/*
 * laravel-echo-server's dialect: what the events of a Socket.IO connection
 * (version 3, codec/socketio.h) mean to it.  The client's role.
 *
 *	subscribe	{"channel":C,"auth":A}		and unsubscribe
 *	client event	{"channel":C,"event":E,"data":D}	a whisper
 *	NAME		C, D				all that it says
 *
 *  - Pure: spans point into the input, JSON stays as it was spelled.
 *  - What it says of itself has the same form: subscription_error (D is a
 *    status), presence:subscribed, presence:joining, presence:leaving.
 *  - Sources: seeds.md P3, and shared/wire.
 */

#include "socketio.h"

enum echo_what { ECHO_SUBSCRIBE, ECHO_UNSUBSCRIBE };

/* Channel, event, auth and data are JSON as spelled; auth may be empty.  The
 * packet points into the buf: 1, or -1 ENOBUFS. */
int	 echo_membership(struct sio_packet *, struct buf *, enum echo_what,
	    struct str channel, struct str auth);
int	 echo_whisper(struct sio_packet *, struct buf *, struct str channel,
	    struct str event, struct str data);

/* What a server said: 1 and the channel, which is a string, and the data,
 * which may be missing (.n is 0); 0: it is something else. */
int	 echo_read(const struct sio_packet *, struct str *channel,
	    struct str *data);

#endif
