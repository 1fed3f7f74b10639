/* SPDX-License-Identifier: ISC */
#ifndef STATION_H
#define STATION_H

/* Between a station's connections (station.c) and what it is told
 * (command.c). */

#include "far.h"
#include "link/link.h"

extern struct link *station_link;

#define NOT_A_URL	"url: not a ws:, wss: or ws+unix: URL"
int	 station_dial(struct far *);	/* 0: its URL is none */
/* Hung up: said, and closed when what was sent has left. */
void	 station_hangup(struct far *, int code, struct str reason);
void	 station_forget(struct far *);	/* refuses what it held */

const char *command(struct link *, const struct frame *, struct taken **);

#endif
