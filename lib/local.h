/* SPDX-License-Identifier: ISC */
#ifndef LOCAL_H
#define LOCAL_H

/*
 * Unix sockets that we serve, at a path.
 *
 *  - A path that somebody answers on is his; one that is left from a crash is
 *    replaced; what is no socket stays.
 *  - Of those who start on one path at the same time one gets it, for each
 *    holds its directory's lock, flock(2), from looking to listening.  Who
 *    cannot get that within LOCAL_WAIT gives up.
 *  - At the end a path is removed that is still ours.
 */

#include <sys/types.h>
#include <sys/un.h>

#define LOCAL_WAIT	2000	/* ms for a directory's lock */
#define LOCAL_UMASK	((mode_t)-1)	/* permissions: as the umask says */

struct local {
	char *path;
	dev_t device;		/* of path, as we made it */
	ino_t inode;
};

/* 1, or -1 ENAMETOOLONG. */
int	 local_address(struct sockaddr_un *, const char *path);

/* Listens there: a descriptor that does not block, or -1.  EADDRINUSE:
 * somebody serves it; EEXIST: it is no socket; EAGAIN: no lock in time. */
int	 local_listen(struct local *, const char *path, mode_t,
	    gid_t);		/* (gid_t)-1: ours */
/* Before the descriptor is closed, for behind that it is stale. */
void	 local_remove(struct local *);

#endif
