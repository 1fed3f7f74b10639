/* SPDX-License-Identifier: ISC */
#ifndef CLUSTER_H
#define CLUSTER_H

/*
 * SocketCluster: a client's WebSocket is one connection of the roster, from
 * its #handshake on (codec/socketcluster.h has the bytes, seeds.md P2 what a
 * server does with them).
 *
 *  - Before the handshake nothing but a handshake is taken (4009), and it has
 *    --connect-timeout (4005).
 *  - We ping, and who says nothing within --ping-timeout is gone (4001).
 *  - A subscription that the rules have not decided is wanted; `join` answers
 *    it, or a `reply` does.  What the client gave up meanwhile is left again
 *    when it is joined.
 *  - A token that expires while its connection lives is taken away, at the
 *    next sign of life.
 */

#include <ev.h>

#include "codec/socketcluster.h"
#include "figure.h"
#include "frame.h"
#include "ws.h"

struct conn;
struct endpoint;
struct http_head;
struct wanted;

struct cluster {			/* the data of its ws */
	struct ws_conn *ws;
	const struct endpoint *endpoint;
	struct conn *conn;		/* NULL: no handshake yet */
	char *head;			/* of its request, as keys of a frame */
	char *headers;			/* --with headers */
	char *id;			/* of a handshake without answer */
	char *error;			/* of the token in its handshake */
	ev_timer timer;
	double ping;			/* the next one */
	double silent;			/* then it is gone */
	struct wanted *wanted;		/* the first */
	unsigned nwanted;
	unsigned bad : 1;		/* that token is to be thrown away */
};

extern struct cluster_counts {
	uint64_t raw, rejected, timeouts, early;
} cluster_counts;
extern const struct figure cluster_figures[];

/* ---- its WebSocket (cluster.c) ---------------------------------------- */

void	 cluster_upgrade(struct ws_conn *, const struct endpoint *,
	    const struct http_head *);
struct cluster *cluster_of(const struct conn *);	/* ws is not NULL */
int	 cluster_protocol(const struct cluster *);
void	 cluster_begin(struct cluster *);	/* it is open: pings */
void	 cluster_send(struct cluster *, const struct sc_packet *);
/* Answers; id: .n is 0: nobody asked. */
void	 cluster_answer(struct cluster *, struct str id, struct str data);
void	 cluster_error(struct cluster *, struct str id, struct str error);
/* An error in plain words, and an answer with it. */
struct str cluster_words(const char *name, struct str message);
void	 cluster_fail(struct cluster *, struct str id, const char *name,
	    struct str message);
/* With the reason that the protocol has for the code. */
void	 cluster_close(struct cluster *, int code);

/* ---- its handshake (greet.c) ------------------------------------------- */

void	 greet_handshake(struct cluster *, const struct sc_packet *);
void	 greet_reject(struct cluster *);	/* malformed */
/* Ops of the dialect: the router's word, where it was asked. */
void	 greet_welcome(struct conn *);
void	 greet_refuse(struct conn *, const struct frame *, int status);

/* ---- what it says (socketcluster.c) ------------------------------------ */

void	 cluster_said(struct cluster *, struct str text);

/* ---- tokens (claims.c) -------------------------------------------------- */

/* That of the handshake; what is wrong with it is kept. */
void	 claims_greet(struct cluster *, struct str token);
void	 claims_authenticate(struct cluster *, const struct sc_packet *);
/* It has none any more; to_client: the client is to forget it, too. */
void	 claims_remove(struct cluster *, int to_client);
void	 claims_tell_removed(struct cluster *);
void	 claims_expire(struct cluster *);	/* if it is time */
/* By the rules, who know: a token with these claims; .n is 0: none any more.
 * NULL, or why not. */
const char *claims_set(struct conn *, struct str claims);

/* ---- subscriptions (wanted.c) ------------------------------------------ */

void	 wanted_subscribe(struct cluster *, const struct sc_packet *);
void	 wanted_unsubscribe(struct cluster *, const struct sc_packet *);
/* It was joined; why: it was not. */
void	 wanted_joined(struct conn *, struct str channel, const char *why);
/* What had this number was answered. */
void	 wanted_answered(struct cluster *, struct str id);
void	 wanted_forget(struct cluster *);	/* all */

#endif
