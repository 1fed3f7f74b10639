/* SPDX-License-Identifier: ISC */
#ifndef RESOLVE_H
#define RESOLVE_H

/*
 * Names to addresses.  getaddrinfo() blocks for as long as it likes, so it
 * runs in a child that dies with us; who waits has a time limit, and
 * resolve_stop() kills it.  The child writes the addresses, or the reason why
 * not, behind one letter.  libev reaps it.
 */

#include <sys/socket.h>

#include "buf.h"
#include "loop.h"

#define ADDRESSES	16

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct resolver {
	struct address list[ADDRESSES];
	int n;
	void (*done)(struct resolver *, const char *why); /* NULL: found */
	pid_t pid;		/* 0: no child */
	ev_io io;
	struct buf in;
};

/* 1: host was an address, and is there; 0: it was none. */
int	 resolve_literal(struct resolver *, const char *host,
	    const char *port);
/* 1: done() will be called, unless resolve_stop() is; -1 with errno. */
int	 resolve_start(struct resolver *, const char *host, const char *port);
void	 resolve_stop(struct resolver *);

#endif
