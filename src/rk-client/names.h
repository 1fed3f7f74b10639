/* SPDX-License-Identifier: ISC */
#ifndef NAMES_H
#define NAMES_H

/*
 * The addresses of hosts, looked up without blocking: one lookup for all who
 * ask at a time, remembered for NAMES_MS.
 */

#define NAMES_MS	10000

struct target {			/* what somebody dials */
	char *host;		/* NULL: it needs no lookup */
	int at;			/* the address that is tried */
	int waiting;		/* for its lookup */
};

/* found() is called when a lookup is over: why is NULL, or why it failed.
 * It looks for the targets that wait for this host. */
void	 names_open(void (*found)(const char *host, const char *why));

void	 target_open(struct target *, const char *url);
void	 target_close(struct target *);

/* 1 and the address to connect to, valid until the loop turns (NULL: that of
 * the URL); 0: found() will tell. */
int	 target_address(struct target *, const char **address);

/* That one did not answer: 1, when there is another. */
int	 target_next(struct target *);

#endif
