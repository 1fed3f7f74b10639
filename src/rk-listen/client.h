/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_H
#define CLIENT_H

/* What clients do, as the roster and the router hear of it. */

#include "endpoint.h"
#include "roster.h"
#include "ws.h"

extern int draining;			/* nobody is let in any more */
extern const struct ws_ops client_ops;

/* The endpoint of a path, or NULL; *sound is 0 when its names are not. */
const struct endpoint *client_endpoint(struct str path, int http,
	    struct captures **, int *sound);

/* 0, or the status to refuse an upgrade with; sound: as above. */
int	 client_unwelcome(const struct endpoint *, const struct http_head *,
	    int sound);

/* A message of a client, as it stands. */
void	 client_said(struct conn *, struct str, int binary);
/* 1; 0: too fast, and closed. */
int	 client_may_say(struct conn *, size_t);
void	 client_too_big(struct conn *);		/* closes it */
/* Its socket is gone; may destroy it. */
void	 client_gone(struct conn *, const struct ws_end *);

#endif
