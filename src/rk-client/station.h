/* SPDX-License-Identifier: ISC */
#ifndef STATION_H
#define STATION_H

/* Between a station's connections (station.c) and what it is told
 * (command.c). */

#include "far.h"
#include "link/link.h"

extern struct link *station_link;
extern struct buf station_out;

/* A frame about a connection: begin, add keys to station_out, emit. */
void	 station_begin(const char *type, const struct far *);
void	 station_emit(enum link_how);

#define NOT_A_URL	"url: not a ws:, wss: or ws+unix: URL"
int	 station_dial(struct far *);	/* 0: its URL is none */
void	 station_forget(struct far *);	/* refuses what it held */

const char *command(const struct frame *, struct taken **);

#endif
