/* SPDX-License-Identifier: ISC */
#ifndef STATE_H
#define STATE_H

/* JSON objects as texts, and how one is merged into another. */

#include "buf.h"
#include "json.h"

#define STATE_MAX	(64 << 10)	/* of a connection, rk-frame(5) */

/* Adds the members of old, those of patch in their places and the new ones
 * behind: 1, or -1 with ENOBUFS and out as it was.  Both are objects; of
 * equal keys in one of them the last value counts, at the first place. */
int	 state_merge(struct buf *out, struct str old, struct str patch);

/* The value of a member, by its name as bytes: 1, or 0 when it is not there;
 * the last of equal ones. */
int	 state_member(struct str object, struct str name, struct str *value);

#endif
