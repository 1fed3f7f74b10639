/* SPDX-License-Identifier: ISC */
#ifndef ATTACHMENTS_H
#define ATTACHMENTS_H

/*
 * A Socket.IO packet that waits for its attachments, one on a session:
 * bounded in bytes, with all that is unfinished, and in time.
 */

#include "codec/socketio.h"
#include "engine.h"

/* From now on, for so many; the session may be closed. */
void	 attachments_wait(struct session *, struct str packet, size_t n);
/* One came: 1 when it was the last, with the packet and the JSON array of
 * what was attached, until attachments_forget; 0: not, or the session is
 * closed. */
int	 attachments_add(struct session *, struct str bytes,
	    struct sio_packet *, struct str *list);
void	 attachments_forget(struct session *);

#endif
