/* SPDX-License-Identifier: ISC */
/*
 * The loop: signals, readiness, what runs before it sleeps.  Each story is a
 * process of its own, told to end by a status that only the right way gives.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "loop.h"
#include "unit.h"

#define RIGHT	42		/* a status that no accident gives */

static char said[1000];

static int
story(void (*run)(void *))
{
	return unit_exit(run, NULL, said, sizeof said);
}

/* Ends a story that hangs. */
static void
too_late(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	loop_stop(99);
}

static void
open_loop(const struct loop_ops *ops)
{
	static ev_timer limit;

	loop_open(ops);
	ev_timer_init(&limit, too_late, 10, 0);
	ev_timer_start(loop, &limit);
}

static int terms, hups;

static void
on_term(void)
{
	terms++;
	loop_stop(RIGHT);
}

static void
on_hup(void)
{
	hups++;
	raise(SIGTERM);
}

static void
term_after_hup(void *arg)
{
	(void)arg;
	open_loop(&(struct loop_ops){ .term = on_term, .hup = on_hup });
	raise(SIGHUP);
	exit(loop_run() == RIGHT && terms == 1 && hups == 1 ? RIGHT : 1);
}

TEST(signals, "HUP and TERM call what they should; loop_stop is the status")
{
	CHECK_INT(story(term_after_hup), RIGHT);
}

static void
deaf(void)
{
	raise(SIGINT);
}

static void
twice(void *arg)
{
	(void)arg;
	open_loop(&(struct loop_ops){ .term = deaf });
	raise(SIGTERM);
	exit(loop_run());
}

TEST(impatient, "a second TERM or INT ends the program at once")
{
	CHECK_INT(story(twice), 128 + SIGINT);
}

static void
pipe_broken(void *arg)
{
	int ends[2];

	(void)arg;
	open_loop(&(struct loop_ops){ .term = on_term });
	if (pipe(ends) == -1)
		abort();
	close(ends[0]);
	exit(write(ends[1], "x", 1) == -1 ? RIGHT : 1);
}

TEST(pipes, "a reader that left is an error, not a signal")
{
	CHECK_INT(story(pipe_broken), RIGHT);
}

static void
stopped_before(void *arg)
{
	(void)arg;
	open_loop(&(struct loop_ops){ .term = on_term });
	loop_stop(RIGHT);
	exit(loop_run());
}

TEST(early, "a loop that was stopped before it ran does not run")
{
	CHECK_INT(story(stopped_before), RIGHT);
}

/* Readiness */
static void
ready_twice(void *arg)
{
	(void)arg;
	loop_notify_fd(STDOUT_FILENO);
	loop_ready();
	loop_ready();
	exit(write(STDOUT_FILENO, "x", 1) == -1 ? RIGHT : 1);
}

TEST(ready, "readiness is one newline, and the descriptor is closed")
{
	unsetenv("NOTIFY_SOCKET");
	CHECK_INT(story(ready_twice), RIGHT);
	CHECK(strcmp(said, "\n") == 0);
}

static void
ready_to_systemd(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char got[100];
	ssize_t n;

	(void)arg;
	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "rk-unit-%d",
	    (int)getpid());
	if (bind(fd, (struct sockaddr *)&a, (socklen_t)(sizeof a.sun_family +
	    1 + strlen(a.sun_path + 1))) == -1)
		abort();
	a.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	loop_ready();
	n = recv(fd, got, sizeof got, MSG_DONTWAIT);
	exit(n == 7 && memcmp(got, "READY=1", 7) == 0 ? RIGHT : 1);
}

TEST(systemd, "NOTIFY_SOCKET is told READY=1")
{
	CHECK_INT(story(ready_to_systemd), RIGHT);
}

static void
ready_to_nobody(void *arg)
{
	(void)arg;
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	loop_notify_fd(77);
	loop_ready();
	exit(RIGHT);
}

TEST(nobody, "nobody to tell is a warning, not an end")
{
	CHECK_INT(story(ready_to_nobody), RIGHT);
	CHECK(strstr(said, "warning: readiness: descriptor 77: ") != NULL);
	CHECK(strstr(said, "warning: /nowhere/at/all: ") != NULL);
}

/* Before sleep */
static struct before_sleep first, second;
static char order[10];

static void
note(struct before_sleep *b)
{
	if (strlen(order) < 6)
		strcat(order, b == &first ? "1" : "2");
}

static void
note_other(struct ev_loop *l, ev_prepare *p, int events)
{
	(void)l;
	(void)p;
	(void)events;
	strcat(order, "o");
}

static void
wake(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	strcat(order, "w");
	loop_stop(0);
}

static void
flushes(void *arg)
{
	ev_prepare other;
	ev_timer soon;

	(void)arg;
	open_loop(&(struct loop_ops){ .term = on_term });
	first.run = second.run = note;
	loop_before_sleep(&first);
	loop_before_sleep(&second);
	ev_prepare_init(&other, note_other);
	ev_prepare_start(loop, &other);
	ev_timer_init(&soon, wake, 0.001, 0);
	ev_timer_start(loop, &soon);
	loop_run();
	exit(strcmp(order, "o12w") == 0 ? RIGHT : 1);
}

TEST(flush, "before it sleeps: all that was registered, in order, last")
{
	CHECK_INT(story(flushes), RIGHT);
}

/* Children */
static void
child_of_a_loop(void *arg)
{
	struct sigaction s;
	sigset_t blocked;

	(void)arg;
	open_loop(&(struct loop_ops){ .term = on_term });
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	loop_child();
	sigaction(SIGPIPE, NULL, &s);
	if (s.sa_handler != SIG_DFL || getpgrp() != getpid())
		exit(1);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	exit(sigismember(&blocked, SIGTERM) ? 2 : RIGHT);
}

TEST(children, "a child has default signals and its own process group")
{
	CHECK_INT(story(child_of_a_loop), RIGHT);
}
