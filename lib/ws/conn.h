/* SPDX-License-Identifier: ISC */
#ifndef CONN_H
#define CONN_H

/*
 * A connection, as the files of this folder share it.
 *
 *  - Its state says who owns the socket: a struct request until it is
 *    accepted, then libwebsockets.  Everything that may call an op or close
 *    something happens in the pass before the loop sleeps: conn_mark() puts a
 *    connection on its list.
 *  - Every connection stands in the timer wheel until it is freed, so the
 *    wheel is also the list of all of them.
 *  - Kept small: an idle WebSocket costs this struct and what libwebsockets
 *    takes, nothing else.
 */

#include "../address.h"
#include "../ws.h"
#include "queue.h"

struct dial;
struct lws;
struct message;
struct peer;
struct relay;
struct request;
struct tls;

enum conn_state {
	CONN_HEAD,	/* server: the request's head is coming */
	CONN_BODY,	/* its body is */
	CONN_ASKED,	/* the program was told and will answer */
	CONN_ANSWER,	/* the answer is being written */
	CONN_LINGER,	/* it was; the peer closes first */
	CONN_UPGRADE,	/* accepted, about to be given to libwebsockets */
	CONN_DIAL,	/* client: about to be dialled */
	CONN_DIALLING,
	CONN_OPEN,
	CONN_CLOSING,	/* the queue leaves, then a close frame */
	CONN_CLOSED,	/* libwebsockets ends it; nothing more is written */
	CONN_OVER	/* no socket any more; its last op is due */
};

struct farewell {		/* from the moment the end is known */
	int code;
	const char *by;
	size_t messages, bytes;	/* lost in the queue */
	size_t n;
	char reason[123];	/* RFC 6455 5.5: what fits a close frame */
};

struct ws_conn {
	const struct ws_ops *ops;
	void *data;
	struct lws *wsi;
	struct request *request;	/* server, until it is accepted */
	union {
		struct dial *dial;	/* client */
		struct peer *peer;	/* server: admit.c; NULL: not counted */
	};
	struct relay *relay;		/* server, under TLS, while it lives */
	struct queue queue;		/* what goes out */
	struct message *in;		/* one that is not whole yet */
	struct farewell *end;
	const char *why;		/* it never opened */
	struct ws_conn *next, **prev;	/* in the wheel: timer.c */
	uint32_t due;			/* second of the wheel */
	uint32_t begun;			/* size of the last message written */
	uint32_t heard;			/* second of the last data */
	int fd;				/* written to; -1: by libwebsockets */
	uint8_t state;			/* enum conn_state */
	uint8_t missed;			/* pings without an answer */
	unsigned marked : 1;
	unsigned client : 1;
	unsigned held : 1;		/* it has no socket: hold.c */
	unsigned opened : 1;		/* op open was called */
	unsigned paused : 1;		/* ws_read(0) */
	unsigned blocked : 1;		/* op drained is owed */
};

extern struct ws_config config;
extern struct ws_tally {		/* rows of ws_figures: conn.c */
	uint64_t conns, open, unfinished;
	uint64_t leaving;	/* over, their last bytes on their way */
	uint64_t accepted, requests, upgrades, rejected, messages_in, bytes_in,
	    messages_out, bytes_out, writes, pings, timeouts, protocol_errors;
} tally;

/* conn.c */
struct ws_conn *conn_new(const struct ws_ops *, enum conn_state);
void	 conn_free(struct ws_conn *);		/* nobody was told of it */
void	 conn_mark(struct ws_conn *);		/* for the pass */
void	 conn_pass(void);
void	 conn_opened(struct ws_conn *);
/* How it ends: the first farewell tally. */
void	 conn_farewell(struct ws_conn *, int code, const char *by,
	    struct str reason);
void	 conn_fail(struct ws_conn *, int code, const char *reason);
void	 conn_closing(struct ws_conn *, int mistake);
void	 conn_lose_cut(struct ws_conn *);	/* its socket is going */
/* The socket is gone; why (a literal, or as lasting as the connection) is
 * for op failed. */
void	 conn_over(struct ws_conn *, const char *why);
void	 conn_forget_all(void);

/* context.c */
void	 conn_adopt(struct ws_conn *, int fd, struct str head);
void	 conn_kill(struct ws_conn *);		/* not from its own callback */
int	 conn_fd(const struct ws_conn *);	/* libwebsockets'; or -1 */
void	 conn_wake(void);		/* libwebsockets looks at its timers */
struct lws_context *conn_context(void);
extern const struct lws_retry_bo conn_no_validity;	/* no timers of its */
struct lws_client_connect_info;
int	 conn_connect(struct ws_conn *, struct lws_client_connect_info *);

/* admit.c: 1, or 0: not (now). */
int	 admit_peer(struct ws_conn *, const struct address *);
int	 admit_another(const struct address *);	/* would he be? */
int	 admit_handshake(void);
void	 admit_text(const struct ws_conn *, char [static ADDRESS_TEXT]);
void	 admit_leave(struct ws_conn *);

/* in.c: a piece of a message. */
void	 in_piece(struct ws_conn *, struct str, int binary, int final,
	    size_t remaining);
void	 in_free(struct ws_conn *);
void	 in_expire(void);	/* each second */

/* limit.c */
enum limit_reason {
	LIMIT_CONNS, LIMIT_FILES, LIMIT_PEER, LIMIT_RATE, LIMIT_HEAD,
	LIMIT_HEAD_TIME, LIMIT_BODY, LIMIT_BODY_TIME, LIMIT_ANSWER_TIME,
	LIMIT_UNFINISHED, LIMIT_MESSAGE, LIMIT_MESSAGE_TIME, LIMIT_FRAGMENTS,
	LIMIT_IDLE, LIMIT_DRAIN
};
void	 limit_hit(enum limit_reason, const char *who);
void	 limit_conn(enum limit_reason, const struct ws_conn *);
/* Bytes of what is not whole yet are kept, all connections' together: 1; 0:
 * they are too many. */
int	 limit_keep(size_t);
void	 limit_forget(size_t);

/* out.c */
void	 out_open(struct ws_conn *);	/* what it writes to */
void	 out_look_ahead(const struct ws_conn *);	/* it is next */
void	 out_look_closer(const struct ws_conn *);	/* and soon */
int	 out_flush(struct ws_conn *);	/* -1: the socket is broken */
size_t	 out_cut(const struct ws_conn *);	/* size of a message of which
				   only a part was written; 0: none */
void	 out_ping(struct ws_conn *);
void	 out_free(struct ws_conn *);

/* hold.c */
#define HELD_SECONDS	60		/* the wheel wants a time */
void	 hold_turn(struct ws_conn *);
void	 hold_freed(const struct ws_conn *);

/* timer.c: due at that many ticks of a second from now, 1 or more; each set
 * replaces the last one. */
void	 timer_start(void);
void	 timer_stop(void);
void	 timer_set(struct ws_conn *, int seconds);
void	 timer_clear(struct ws_conn *);
uint32_t timer_now(void);	/* seconds, of the wheel */
struct ws_conn *timer_each(struct ws_conn *);	/* NULL begins, NULL ends */
void	 timer_expired(struct ws_conn *);	/* in conn.c */

/* handshake.c: of TLS */
int	 handshake_wanted(int fd);	/* a listener is under TLS */
struct tls *handshake_new(int fd);
/* 1: it is done; 0: not yet; -1: it failed, which is said and counted. */
int	 handshake_step(struct tls *, int fd, const struct ws_conn *);
void	 handshake_late(void);		/* one that was given up */
void	 handshake_stop(void);

/* relay.c: TLS */
struct relay *relay_new(int *fd);	/* *fd: the network's, then ours */
void	 relay_join(struct relay *, struct ws_conn *);	/* once, at once */
void	 relay_leave(struct ws_conn *);	/* its socket is closed */
void	 relay_stop(void);
int	 relay_fd(const struct relay *);	/* the network's */
void	 relay_look_ahead(const struct relay *);
int	 relay_busy(const struct relay *);	/* write later: it marks */
int	 relay_holds(const struct relay *);	/* bytes it was given */
/* Bytes of whole frames that it took; -1: the relay is no more.  What is left
 * of a frame that it took in part is to be kept, then. */
ssize_t	 relay_write(struct relay *, const unsigned char *, size_t);
void	 relay_keep(struct relay *, const unsigned char *, size_t);

/* request.c */
struct ws_conn *request_new(int fd, const struct ws_ops *,
	    const struct address *);
void	 request_answer(struct ws_conn *);	/* in the pass */
void	 request_upgrade(struct ws_conn *);
void	 request_expired(struct ws_conn *);
void	 request_drop(struct ws_conn *);	/* hangs up */
void	 request_free(struct ws_conn *);
const char *request_subprotocol(const struct ws_conn *);
struct address request_address(const struct ws_conn *);

/* dial.c */
void	 dial_start(struct ws_conn *);		/* in the pass */
int	 dial_headers(struct ws_conn *, unsigned char **p, size_t room);
void	 dial_answered(struct ws_conn *);	/* 101 came */
void	 dial_failed(struct ws_conn *, struct str why);
void	 dial_expired(struct ws_conn *);
void	 dial_free(struct ws_conn *);

/* listen.c */
void	 listen_update(void);	/* after the number of connections changed */

/* drain.c */
void	 drain_update(void);

#endif
