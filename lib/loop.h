/* SPDX-License-Identifier: ISC */
#ifndef LOOP_H
#define LOOP_H

/*
 * The one libev loop of a program, and what a supervisor expects of it.
 *
 *  - TERM and INT call on_term once (drain, then loop_stop); a second one
 *    ends the program at once.  HUP calls on_hup.  PIPE is ignored.
 *  - Readiness: a newline on the descriptor of -D (s6), READY=1 to
 *    NOTIFY_SOCKET (systemd), once, by loop_ready().
 *  - Flush before you sleep: what was registered with loop_before_sleep()
 *    runs before the loop blocks, so output is batched while input is there.
 */

#include <stdint.h>

#include <ev.h>

struct loop_ops {
	void (*term)(void);
	void (*hup)(void);
};

extern struct ev_loop *loop;

struct before_sleep {			/* the caller's; zero it first */
	void (*run)(struct before_sleep *);
	int last;			/* behind those that are not */
	struct before_sleep *next;
};

void	 loop_open(const struct loop_ops *);
void	 loop_before_sleep(struct before_sleep *);
void	 loop_notify_fd(int);	/* -D fd */
void	 loop_ready(void);	/* first call only */
int	 loop_run(void);	/* the exit status given to loop_stop */
void	 loop_stop(int);
int64_t	 loop_ms(void);		/* wall clock in ms, of this turn */

/* In a child between fork and exec: default signals, own process group. */
void	 loop_child(void);

#endif
