/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_H
#define CLIENT_H

/* What clients do, as the roster and the router hear of it. */

#include "endpoint.h"
#include "ws.h"

extern struct endpoint *endpoints;	/* in the order of the options */
extern int draining;			/* nobody is let in any more */
extern const struct ws_ops client_ops;

/* The endpoint of a path, or NULL; *sound is 0 when its names are not. */
const struct endpoint *client_endpoint(struct str path, int http,
	    struct captures **, int *sound);

#endif
