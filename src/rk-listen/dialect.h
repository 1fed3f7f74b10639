/* SPDX-License-Identifier: ISC */
#ifndef DIALECT_H
#define DIALECT_H

/*
 * A dialect: how what clients write becomes events, and what the router says
 * is written to them.  Below it are WebSockets and requests (lib/ws.h), above
 * it the roster and the events; it has no say in who gets what.
 *
 *  - An endpoint speaks one dialect.  A connection's messages go to its ws,
 *    which it may share with others (Socket.IO: one for each namespace).
 *  - A send is written once for each way of writing there is among those who
 *    get it; a way is some bytes of the dialect's own.
 */

#include <stdint.h>

#include "frame.h"
#include "http.h"
#include "ws.h"

struct conn;
struct endpoint;
struct engine_user;

struct dialect {
	const char *proto;		/* what `open` says */

	/* Somebody comes to its endpoint.  Plain requests: NULL, none. */
	void (*upgrade)(struct ws_conn *, const struct endpoint *,
	    const struct http_head *);
	void (*request)(struct ws_conn *, const struct endpoint *,
	    const struct http_head *, struct str body);
	const struct engine_user *engine;	/* engine.h; or NULL */

	/* Down: the caller's reference; the frame's payload is sound. */
	struct str (*way)(const struct conn *);
	struct ws_msg *(*write)(struct str way, const struct frame *);
	/* A send that is to be answered, under this number; NULL: clients
	 * have no answers. */
	struct ws_msg *(*ask)(struct str way, const struct frame *,
	    int64_t id);
	/* A reply: NULL and *why, when its ref is none; the op is NULL:
	 * clients ask nothing. */
	struct ws_msg *(*reply)(const struct conn *, const struct frame *,
	    const char **why);
	/* A join was applied, or not and why; NULL: nobody waits for it. */
	void (*joined)(struct conn *, struct str channel, const char *why);

	/* What a dialect alone has; NULL: not this one. */
	void (*kicked_out)(struct conn *, const struct frame *);
	const char *(*set_claims)(struct conn *, struct str claims);

	void (*accept)(struct conn *);	/* pending no more */
	/* Pending no more, and refused: with the frame of the reject, unless
	 * it is NULL. */
	void (*refuse)(struct conn *, const struct frame *, int status);
	void (*kick)(struct conn *, int code, struct str reason);
	void (*read)(struct conn *, int on);	/* stop and resume */
};

extern const struct dialect raw_dialect, socketio_dialect, engineio_dialect,
    socketcluster_dialect;

#endif
