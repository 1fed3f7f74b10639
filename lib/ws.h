/* SPDX-License-Identifier: ISC */
#ifndef WS_H
#define WS_H

/*
 * WebSockets (RFC 6455), both ends, and the HTTP requests they begin with, on
 * the loop of loop.h.  lib/ws/ is the only place that knows libwebsockets.
 *
 *  - A server's connection begins as an HTTP request, whose head we read and
 *    parse ourselves.  It is answered (ws_respond) or, when it asks to become
 *    a WebSocket, accepted (ws_accept); both may come later.  Only then
 *    libwebsockets gets the socket, with a head that we wrote: nothing an
 *    outsider sends reaches its HTTP side.  One request a connection.
 *  - A message is framed once and shared by reference; a connection's queue
 *    holds pointers, is bounded in bytes and leaves in one gathered write at
 *    the end of the loop's turn.
 *  - With a certificate, what is accepted on TCP is under TLS; Unix sockets are
 *    not, whose other end is on this machine.
 *  - Messages come whole: fragments are put together, bounded (1009), and
 *    text is UTF-8 (1007).
 *  - Who wants more than a limit of the config is refused with a status: 408,
 *    413, 414, 431, 503; at the door, as far as that can be said at once; or
 *    closed with 1008 (a message's time and fragments), 1009 (its size), 1013
 *    (too much is unfinished), 1001 (idle).
 *  - A peer that does not answer two pings in a row is closed ("timeout").
 *  - Every connection that an op was told of ends by exactly one of the ops
 *    close (it was open) and failed (it never was); it is freed when that
 *    returns.  No op is called from within ws_dial(), ws_send(), ws_close(),
 *    ws_accept() or ws_respond().
 */

#include <stdint.h>

#include "buf.h"
#include "figure.h"
#include "http.h"

struct networks;
struct ws_conn;
struct ws_msg;

struct ws_end {
	int code;		/* of the close frame; 1005: it had none; 1006:
				   there was no close frame */
	struct str reason;
	const char *by;		/* "client" (the peer), "server" (ws_close),
				   "timeout", "error" (it broke the protocol or
				   a bound) */
	size_t messages, bytes;	/* were queued and not written, or not
				   whole */
};

/* What a program wants to hear of its connections.  Any may be NULL. */
struct ws_ops {
	/* Server: a plain request is here, with its body; ws_respond() to it,
	 * now or later.  Spans die with the call. */
	void (*request)(struct ws_conn *, const struct http_head *,
	    struct str body);
	/* Server: the head of a request with a body, before the body: the
	 * most bytes of it that are read (413), 0 for none.  NULL: none. */
	size_t (*body)(struct ws_conn *, const struct http_head *);
	/* Server: a sound WebSocket request: ws_accept() or ws_respond(). */
	void (*upgrade)(struct ws_conn *, const struct http_head *);
	/* It is a WebSocket now. */
	void (*open)(struct ws_conn *);
	void (*message)(struct ws_conn *, struct str, int binary);
	void (*pong)(struct ws_conn *, struct str);
	/* Before what is queued leaves, once in a turn of the loop; and after
	 * ws_turn(). */
	void (*turn)(struct ws_conn *);
	/* The queue was not empty after a write, or held 64 KiB, and now is
	 * empty. */
	void (*drained)(struct ws_conn *);
	void (*close)(struct ws_conn *, const struct ws_end *);
	/* It never was a WebSocket and is over.  A dial: status is that of
	 * the HTTP answer, or 0, and why says more.  A request: it was
	 * answered (why is NULL) or its peer left. */
	void (*failed)(struct ws_conn *, int status, const char *why);
};

struct ws_config {
	size_t max_message;	/* longest message that is taken */
	size_t max_queue;	/* most bytes queued for one connection, or one
				   message */
	int64_t ping_ms;	/* between pings; 0: none */
	int max_conns;		/* at a time; 0: 65536 */
	int reuse_port;		/* others may listen on the same TCP port */
	/* limits for clients of ours; 0: none, where nothing else is said */
	int max_per_peer;	/* connections of one address, or /64 */
	int handshakes, burst;	/* to a WebSocket in a second, and at once */
	size_t max_head;	/* bytes of a head; 0: HTTP_HEAD_MAX, and the
				   most */
	int64_t head_ms;	/* for the head of a request; 0: 10 s */
	int64_t body_ms;	/* for its whole body, and for each 64 KiB of
				   an answer; 0: 30 s */
	size_t max_unfinished;	/* bytes of heads, bodies and messages that are
				   not whole yet, all together */
	int64_t message_ms;	/* from the first piece to the last */
	int max_fragments;	/* of a message */
	int64_t idle_ms;	/* without a message or a part of one */
	const struct networks *trusted;	/* whose X-Forwarded-For is believed */
	const char *cert, *key;	/* PEM files: who we are; NULL: no TLS */
	int tls;		/* wss:// may be dialled */
	int insecure;		/* dials: take any certificate */
	const char *ca_file;	/* dials: trust these; NULL: the system's */
};

/* Once, after loop_open() and before any link is made, so that what the ops
 * send leaves in the same turn; the config is copied.  Ends the program when
 * libwebsockets does not start (111) or the certificate is bad (100).
 * ws_stop() after loop_run(), once; it calls no op. */
void	 ws_start(const struct ws_config *);
void	 ws_stop(void);
/* Reads certificate and key again, for those who come from now on: NULL, or
 * what is wrong (static); then the old ones stay. */
const char *ws_certify(void);

/* ---- listening ------------------------------------------------------- */

/* Each: 1, or -1 with errno.  where: "8080", "127.0.0.1:8080", "[::1]:0";
 * port 0 takes a free one.  A path somebody answers on is refused
 * (EADDRINUSE), a stale one replaced.  *port, unless NULL, gets the port. */
int	 ws_listen(const char *where, const struct ws_ops *, int *port);
int	 ws_listen_unix(const char *path, const struct ws_ops *);
int	 ws_listen_fd(int fd, const struct ws_ops *);

void	 ws_accepting(int on);		/* pause and resume; on at first */
void	 ws_unlisten(void);		/* no more connections, for good */

/* To a request, once.  Headers: "Name: value" lines, each with CRLF, or "".
 * Content-Length and Connection: close are added.  ws_respond_fd() sends n
 * bytes of a file from its offset on and closes it; head: the headers only. */
void	 ws_respond(struct ws_conn *, int status, const char *headers,
	    struct str body);
void	 ws_respond_fd(struct ws_conn *, int status, const char *headers,
	    int fd, size_t n);
/* To a request that will wait for its answer: op failed comes when its peer
 * leaves before, or says that it sends no more. */
void	 ws_watch(struct ws_conn *);
/* Seconds for a Retry-After: from 1 on, by chance, so that many who are put
 * off do not come back at once. */
int	 ws_retry_after(void);
/* To an upgrade; subprotocol: one of those it asked for, or NULL.  Op open
 * follows, or failed. */
void	 ws_accept(struct ws_conn *, const char *subprotocol);

/* ---- dialling -------------------------------------------------------- */

struct ws_dial {
	const char *url;	/* ws://host[:port]/path, wss://...,
				   ws+unix:SOCKET:/path */
	const char *address;	/* connect to this address, not the URL's host
				   (looking a name up blocks); may be NULL */
	const char *origin;	/* may be NULL */
	const char *subprotocol;	/* "a, b"; may be NULL */
	const char *const *headers;	/* "Name: value" each, NULL ends; may
					   be NULL */
	int64_t timeout_ms;	/* until it is open; 0: 20 s */
};

/* A connection on its way: op open or failed follows, later.  Nothing of the
 * struct is kept.  NULL with errno EINVAL: the URL is none. */
struct ws_conn *ws_dial(const struct ws_dial *, const struct ws_ops *,
	    void *data);
/* What the server chose, "" when nothing; valid as long as the connection. */
const char *ws_subprotocol(const struct ws_conn *);

/* ---- connections ----------------------------------------------------- */

void	*ws_data(const struct ws_conn *);	/* the program's own; NULL */
void	 ws_set_data(struct ws_conn *, void *);
void	 ws_set_ops(struct ws_conn *, const struct ws_ops *);	/* from now */
/* The peer's address without port, "unix" on a Unix socket, "" unknown.  What
 * a trusted proxy says of it is known until the WebSocket is open. */
void	 ws_remote(const struct ws_conn *, char *, size_t);

/* Messages can be sent: it is accepted, and nobody has begun to close it. */
int	 ws_is_open(const struct ws_conn *);

/* A framed message; the caller holds one reference. */
enum ws_kind { WS_TEXT = 1, WS_BINARY = 2 };
struct ws_msg *ws_msg_new(enum ws_kind, struct str);
void	 ws_msg_drop(struct ws_msg *);	/* gives one reference back */
/* One more message behind the first, for a server's connections: all leave
 * together or none.  The only reference may move. */
struct ws_msg *ws_msg_more(struct ws_msg *, enum ws_kind, struct str);
/* The messages in it, one after another: at begins at 0; 1, or 0: no more. */
int	 ws_msg_next(const struct ws_msg *, size_t *at, enum ws_kind *,
	    struct str *payload);
size_t	 ws_msg_size(const struct ws_msg *);	/* with its framing */

/* Queues a message; takes a reference of its own.  1; 0: the queue is full,
 * nothing was queued, or the connection is not open (any more). */
int	 ws_send(struct ws_conn *, struct ws_msg *);
/* The same of n, one by one, until one does not fit: how many were queued. */
size_t	 ws_send_some(struct ws_conn *, struct ws_msg *const *, size_t n);
size_t	 ws_queued(const struct ws_conn *);	/* bytes not written yet */
/* Forgets what is queued and not begun; its bytes, and *messages of it. */
size_t	 ws_unqueue(struct ws_conn *, size_t *messages);
/* The same of the oldest only, until this one has room or nothing is left. */
size_t	 ws_make_room(struct ws_conn *, const struct ws_msg *,
	    size_t *messages);

/* Stop (0) and resume (1) reading; one more message may come.  While it is
 * stopped, pings are not counted as missed. */
void	 ws_read(struct ws_conn *, int on);

/* So many bytes are kept of something that this peer has not finished: 1; 0:
 * there would be more of such than max_unfinished, and it is counted. */
int	 ws_keep(const struct ws_conn *, size_t);
void	 ws_unkeep(size_t);

/* Sends what is queued, then a close frame (reason: up to 123 bytes of
 * UTF-8), and waits 5 s for the peer's.  No message comes any more, op close
 * does.  A dial that is not open yet is given up: op failed.  Idempotent. */
void	 ws_close(struct ws_conn *, int code, struct str reason);

/* ---- connections without a socket ------------------------------------- */

/* What a program carries itself (HTTP polling) is a connection like the
 * others, open at once, whose messages it takes away.  It ends by ws_close(),
 * when it was taken empty or after 5 s, or by ws_release(), at once; then op
 * close comes.  It is its request's peer's, as a WebSocket would be.  NULL: a
 * limit (503); half of the connections there may be are such. */
struct ws_conn *ws_hold(const struct ws_conn *request, const struct ws_ops *,
	    void *data);
struct ws_msg *ws_take(struct ws_conn *);	/* the oldest; NULL: none */
/* What it holds is moved to another one. */
void	 ws_pour(struct ws_conn *, struct ws_conn *);
void	 ws_release(struct ws_conn *);
/* Op turn comes soon (to any connection that is open). */
void	 ws_turn(struct ws_conn *);

/* ---- the end --------------------------------------------------------- */

/* Unlistens and closes all that are open, spread evenly over this time;
 * done is called when none is left, or at the limit. */
void	 ws_drain(int code, const char *reason, int64_t over_ms,
	    int64_t limit_ms, void (*done)(void));

extern const struct figure ws_figures[], ws_limit_figures[], ws_tls_figures[];

#endif
