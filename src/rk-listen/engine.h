/* SPDX-License-Identifier: ISC */
#ifndef ENGINE_H
#define ENGINE_H

/*
 * Engine.IO sessions: a client that comes by polling, by WebSocket, or goes
 * over from one to the other (engineio.h has the bytes).
 *
 *  - A session has one carrier at a time, a ws_conn: the WebSocket, or one
 *    without a socket that polling empties.  What is sent to a connection of
 *    the roster goes to the carrier of its session, like any message.
 *  - On a session live connections of the roster: one for each Socket.IO
 *    namespace, or a single one.  Each has a struct socket, which is
 *    gone in the turn after it was said to be over, so that nobody loses a
 *    connection under his hands.
 *  - A session ends with its carrier, and takes its sockets along.
 *  - Version 3: the client pings, and is gone after interval + timeout without
 *    a word.  Version 4: we ping, and it is gone after timeout without pong.
 *  - A session without a socket is closed after --connect-timeout.
 */

#include <ev.h>

#include "codec/engineio.h"
#include "figure.h"
#include "frame.h"
#include "grant.h"
#include "table.h"
#include "ws.h"

#define SID		20	/* letters of a session's id */

struct assembly;
struct conn;
struct endpoint;
struct session;

/* A connection of the roster, on a session. */
struct socket {
	struct session *session;
	struct conn *conn;
	struct socket *next;		/* of the session */
	uint16_t code;			/* once it is over */
	unsigned over : 1;
	const char *by;
	char way[];			/* its version, then its namespace */
};

struct polling {			/* while a session does */
	struct ws_conn *get, *post;	/* requests that wait; or NULL */
	struct ws_conn *probe;		/* a WebSocket that may take over */
	char *headers, *post_headers;	/* for their answers */
	struct buf rest;		/* of the body of post */
	enum eio_form form;		/* of that body */
	double until;			/* then the probe is closed */
	double noop;			/* then the get is let go; 0: not */
	unsigned base64 : 1;		/* it wants text only */
	unsigned probed : 1;
};

/* What speaks on a session. */
struct engine_user {
	void (*begun)(struct session *);
	void (*said)(struct session *, const struct eio_packet *);
	void (*ended)(struct session *);	/* its sockets are gone */
};

struct session {
	struct node node;		/* by sid */
	const struct endpoint *endpoint;
	const struct engine_user *user;
	struct ws_conn *ws;		/* the carrier */
	struct polling *polling;	/* NULL: on a WebSocket */
	struct socket *sockets;
	struct assembly *assembly;	/* attachments.h */
	char *head;			/* of its request, as keys of a frame */
	char *headers;			/* --with headers */
	struct grant grant;		/* of its request */
	ev_timer timer;
	double ping;			/* next one, or the end */
	double lonely;			/* the end, while it has no socket */
	const char *by;			/* who ends it; NULL: its carrier */
	uint16_t paused;		/* sockets whose events wait */
	uint8_t version;
	unsigned waits : 1;		/* for a pong */
	unsigned reap : 1;		/* a socket is over */
	unsigned broken : 1;		/* what came is not Engine.IO */
	char sid[SID];
};

/* ---- sessions (engine.c) --------------------------------------------- */

/* By the upgrade, or by the first request of one that polls.  NULL: a limit
 * of those. */
struct session *engine_new(const struct endpoint *, int version,
	    struct ws_conn *, int polling);
struct session *engine_find(struct str sid);
void	 engine_begin(struct session *);	/* it is open: the handshake */
/* A packet came: 1; 0: nothing more is to be read of it. */
int	 engine_packet(struct session *, const struct eio_packet *);
void	 engine_arm(struct session *);		/* a time of it has changed */
void	 engine_lonely(struct session *);	/* it has no socket since now */
/* The end: what was queued leaves.  Who polls is told by his next request,
 * unless it was he who ended it, broke Engine.IO or fell silent. */
void	 engine_close(struct session *, int code, struct str reason,
	    const char *by);
void	 engine_fail(struct session *, const char *reason);
void	 engine_break(struct session *, const char *reason);
/* Moves to the WebSocket that was probed. */
void	 engine_move(struct session *);

extern const struct ws_ops engine_ops;
extern const struct figure engine_figures[];
extern struct engine_counts {
	uint64_t sessions, polling, waiting, posting, moved, errors, timeouts,
	    overlaps;
} engine_counts;

/* ---- sockets (socket.c) ------------------------------------------------ */

struct socket *socket_new(struct session *, struct str way);
/* It comes in, or waits for the router: its `open`, which was begun, ends. */
void	 socket_enter(struct socket *, struct buf *open);
/* Nothing is sent to it any more; its close leaves in the next turn. */
void	 socket_over(struct socket *, int code, const char *by);

void	 socket_reap(struct session *);	/* those that are over */
void	 socket_end_all(struct session *, struct ws_end);

/* Ops of dialects. */
struct str socket_way(const struct conn *);
void	 socket_read(struct conn *, int on);

/* ---- polling (polling.c) ---------------------------------------------- */

/* Requests of a session; cors: headers for the answer. */
void	 polling_get(struct session *, struct ws_conn *, int base64,
	    const char *cors);
void	 polling_post(struct session *, struct ws_conn *,
	    const struct http_head *, struct str body, const char *cors);
void	 polling_turn(struct session *);	/* answers what can be */
void	 polling_over(struct session *, struct ws_conn *, const char *why);
void	 polling_end(struct session *);
/* Is nobody to come and fetch what is left? */
int	 polling_forgotten(const struct session *);
void	 polling_tick(struct session *, double now);

/* ---- coming (handshake.c): ops of dialects ------------------------------ */

void	 handshake_request(struct ws_conn *, const struct endpoint *,
	    const struct http_head *, struct str body);
void	 handshake_upgrade(struct ws_conn *, const struct endpoint *,
	    const struct http_head *);

#endif
