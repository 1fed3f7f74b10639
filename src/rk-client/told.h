/* SPDX-License-Identifier: ISC */
#ifndef TOLD_H
#define TOLD_H

/* What a station tells of its connections: the frames that go out. */

#include "far.h"
#include "link/link.h"
#include "ws.h"

void	 told_open(void);

/* A frame about a connection; the buf to add keys to.  Then it leaves. */
struct buf *told_begin(const char *type, const struct far *);
void	 told_end(enum link_how);

/* more: JSON the server said then, or none. */
void	 told_up(const struct far *, struct str more);
/* It is down: it could not be dialled; it was closed; we hang up. */
void	 told_failed(const struct far *, int status, const char *why);
void	 told_closed(const struct far *, const struct ws_end *);
void	 told_hung_up(const struct far *, int code, struct str reason);

#endif
