/* SPDX-License-Identifier: ISC */
#ifndef GRANT_H
#define GRANT_H

/*
 * Tokens (token.h): those that clients bring in their request, and those that
 * the rules give.
 *
 *  - On an endpoint with --jwt-key a request may have a token, behind
 *    `Authorization: Bearer`, or as `token` in its query.  A good one's claims
 *    are the connection's; a bad one is refused with 401, which is counted.
 *    Without one everybody comes in: the rules see that there are no claims.
 *  - Claims end with their token: from then on events have none.
 *  - SocketCluster brings its tokens in packets: claims.c.
 */

#include "command.h"
#include "http.h"

struct endpoint;

extern uint64_t grant_bad;		/* tokens that were refused */
extern const struct figure grant_figures[];

struct grant {
	char *claims;			/* NULL: none */
	int64_t expires;		/* in seconds; 0: never */
};

/* Of a request: 1, and claims are the caller's; 0: its token is bad. */
int	 grant_read(struct grant *, const struct endpoint *,
	    const struct http_head *);
/* They are a connection's own now; or it has a copy. */
void	 grant_take(struct conn *, struct grant *);
void	 grant_share(struct conn *, const struct grant *);
void	 grant_drop(struct grant *);
/* What its events have: NULL, none. */
const char *grant_claims(const struct conn *);

/* A token with the claims of a frame, signed with the secret of the endpoint,
 * or else of the first that has a key: NULL, or why not. */
const char *grant_sign(struct buf *, const struct endpoint *,
	    const struct frame *);
const char *grant_setauth(struct command *);

#endif
