/* SPDX-License-Identifier: ISC */
#ifndef TALK_H
#define TALK_H

/*
 * A conversation in Socket.IO with a server, on a WebSocket that was dialled:
 * the client's role of codec/engineio.h and codec/socketio.h.
 *
 *  - One namespace a conversation.  It is joined when the server says so, not
 *    when the WebSocket opens.
 *  - Version 3: we ping; version 4: the server does.  Either way who is silent
 *    for longer than the server promised is gone.
 *  - Attachments are put together, bounded in number and bytes.
 *  - Who breaks the protocol is hung up on, and `why` says it.
 */

#include <ev.h>

#include "codec/engineio.h"
#include "codec/socketio.h"
#include "ending.h"
#include "ws.h"

struct talk;

struct talk_ops {
	void (*joined)(struct talk *);
	/* An event or an ack; list: its attachments, as a JSON array of
	 * base64, or empty. */
	void (*said)(struct talk *, const struct sio_packet *,
	    struct str list);
};

struct talk {
	const struct talk_ops *ops;
	void *data;			/* the program's own */
	struct ws_conn *ws;
	char *ns;			/* the program's; NULL: "/" */
	const char *auth;		/* JSON of the CONNECT; NULL: none */
	int64_t timeout;		/* ms, until it is joined */
	int version;			/* of Engine.IO: 3 or 4 */
	int opened, joined, waits;	/* waits: for a pong */
	size_t max;			/* bytes of attachments */
	struct sio_assembly *parts;	/* NULL: none are awaited */
	double interval, silence;	/* seconds */
	ev_timer timer;			/* a ping, or the end */
	struct ending *ending;		/* the program's */
};

/* The WebSocket's URL of a server's, to be freed. */
char	*talk_url(const char *url, int version);

/* The WebSocket is open; its messages; it is closed. */
void	 talk_start(struct talk *, struct ws_conn *);
void	 talk_message(struct talk *, struct str, int binary);
void	 talk_stop(struct talk *);

/* What is to be sent, with one reference; bytes: one attachment, in base64. */
struct ws_msg *talk_packet(const struct talk *, struct sio_packet *);
struct ws_msg *talk_bytes(const struct talk *, struct str base64);

#endif
