/* SPDX-License-Identifier: ISC */
#ifndef WRITTEN_H
#define WRITTEN_H

/*
 * Payloads of frames as Socket.IO messages.  way: the version and the
 * namespace, "4/admin".
 */

#include "frame.h"
#include "ws.h"

/* NULL, or what is wrong with a frame's payload, whoever it is for. */
const char *written_wrong(const struct frame *);

/* An event; id: to be answered under this number, unless it is -1. */
struct ws_msg *written_event(struct str way, const struct frame *, int64_t id);
/* An ack: the frame's ref is its number. */
struct ws_msg *written_ack(struct str way, const struct frame *,
	    const char **why);

#endif
