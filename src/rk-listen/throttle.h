/* SPDX-License-Identifier: ISC */
#ifndef THROTTLE_H
#define THROTTLE_H

/*
 * How fast clients may talk: --rate, --byte-rate and --fast of their endpoint.
 *
 *  - A connection without credit is not read, so that its client's own
 *    socket fills and nothing that was taken is lost; or it is closed when it
 *    goes on.
 *  - What is kept of a connection is there from its first message on, and
 *    only where its endpoint has a rate.
 *  - Who waits is looked at every 50 ms.
 */

#include "figure.h"
#include "roster.h"

/* It said so many bytes: 1; 0: it had no credit, and is to be closed. */
int	 throttle_said(struct conn *, size_t bytes);
void	 throttle_end(struct conn *);	/* it is gone */

extern const struct figure throttle_figures[];

#endif
