/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <time.h>

#include "../log.h"
#include "watchdog.h"

static jq_state *volatile running;	/* NULL: no rule is */
static volatile sig_atomic_t serial;	/* of the frame */
static volatile sig_atomic_t limit;	/* in ticks */

static void
tick(int sig)
{
	static sig_atomic_t seen, ticks;

	(void)sig;
	if (running == NULL)
		return;
	if (seen != serial) {
		seen = serial;
		ticks = 0;
	} else if (++ticks >= limit && !jq_halted(running))
		jq_halt(running, jv_invalid(), jv_invalid());
}

void
watchdog_open(void)
{
	static int open;
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGALRM };
	struct itimerspec every = { .it_interval.tv_nsec =
	    WATCHDOG_MS * 1000000 };
	timer_t timer;

	if (open++)
		return;
	every.it_value = every.it_interval;
	if (sigaction(SIGALRM, &act, NULL) == -1 ||
	    timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == -1 ||
	    timer_settime(timer, 0, &every, NULL) == -1)
		die(111, "watchdog: %s", strerror(errno));
}

void
watchdog_start(jq_state *jq, int64_t ms)
{
	limit = (sig_atomic_t)((ms + WATCHDOG_MS - 1) / WATCHDOG_MS);
	serial = (sig_atomic_t)((unsigned)serial + 1);
	running = jq;
}

int
watchdog_stop(void)
{
	int stopped = jq_halted(running);

	running = NULL;
	return stopped;
}
