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
void	 station_up(struct far *);	/* it is: said, and noted */
/* Sends what it held as long as there is room. */
void	 station_deliver(struct far *);
/* Sends it, or holds it; takes the caller's reference, and with it the taken
 * when it is held: NULL is left there. */
void	 station_put(struct far *, struct ws_msg *, struct taken **);
/* Hung up: said, and closed when what was sent has left. */
void	 station_hangup(struct far *, int code, struct str reason);
void	 station_forget(struct far *);	/* refuses what it held */

const char *command(struct link *, const struct frame *, struct taken **);

#endif
