/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_H
#define CLIENT_H

/*
 * What the rooms of rk-client share: the settings of the command line, and
 * the three things that it can be.
 */

#include <stdint.h>

#include "opt.h"
#include "show.h"

#define HIGH_BYTES	(256 * 1024)	/* queued: stop what feeds it */

struct settings {
	const char *url;
	const char *const *headers;	/* "Name: value", NULL at the end */
	const char *origin, *subprotocol;
	const char *proto;		/* of a call; NULL: raw */
	const char *bearer, *auth, *ns;	/* who it is; or NULL */
	const char *user, *conn, *types;	/* what a tap shows */
	struct style style;
	int64_t timeout, linger;	/* ms */
	int64_t pause;			/* longest between dials; 0: one dial */
	int64_t ping;			/* ms between pings; 0: none */
	int64_t dials;			/* of a station, at most */
	const char *ca_file;
	int binary, args, echo, no_input, frames, insecure;
};

extern struct settings set;

void	 options_read(struct opts *, int argc, char **argv);

/* What the program is: start it on the loop, and what TERM calls. */
void	 call_start(struct opts *);	/* one connection */
void	 call_leave(void);
void	 tap_start(struct opts *);
void	 tap_leave(void);
void	 station_start(struct opts *);
void	 station_leave(void);

/* Standard output, as --format says. */
void	 output_open(void (*room)(void));
void	 output_show(char mark, struct str bytes, int binary);
int	 output_full(void);		/* stop what feeds it */
void	 output_end(int status);	/* stops the loop when all is written */
/* What is said at the end, when standard output has all: the reason of a
 * status that is not 0.  The first one counts. */
void	 output_last(const char *, ...) __attribute__((format(printf, 1, 2)));
const char *output_reason(void);	/* NULL: none */

/* The URL for people: without a password, and without its query. */
const char *url_mask(const char *url);

/* The WebSocket's URL of "http://host:port/path?query", to be freed: with this
 * path, when it has none, and this query behind its own, unless it is NULL. */
char	*url_websocket(const char *url, const char *path, const char *query);

/* Why a dial failed: "404 not found" where there was an answer. */
const char *failure(int status, const char *why);

#define FIRST_PAUSE	100	/* ms, between dials; the longest: set.pause */

#endif
