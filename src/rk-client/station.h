/* SPDX-License-Identifier: ISC */
#ifndef STATION_H
#define STATION_H

/* What the files of a station share: its link (station.c), and what it is
 * told (command.c). */

#include "frame.h"
#include "link/link.h"

extern struct link *station_link;
void	 station_busy(void);	/* it does not end for want of work yet */

const char *command(struct link *, const struct frame *, struct taken **);

#endif
