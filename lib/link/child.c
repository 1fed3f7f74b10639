/* SPDX-License-Identifier: ISC */

/*
 * Co-processes: a command with its stdin and stdout tied to us by two pipes.
 *
 *  - RK_LINK tells it which pipes those are (as JOURNAL_STREAM does), so that
 *    one of ours attaches at once; one that does not within ATTACH_WAIT, or
 *    writes anything else first, is served plain.
 *  - One that exits 100, 126 or 127 ends us with that code, for it would do so
 *    again: at any time if it attached, as those codes are ours; else within
 *    ATTACH_WAIT.  Any other death starts it again.
 *  - A link is one wire, and a child one pid; both must be gone before the
 *    next start.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"
#include "../pause.h"
#include "inside.h"

#define ATTACH_WAIT	2.0	/* seconds */
#define LIVED		1.0	/* after that long the first pause is due */
#define PIPE_BYTES	(256 << 10)

struct child {
	struct child *next;
	struct link *link;
	char **argv;
	pid_t pid;		/* 0: not running */
	int status;		/* as it ended */
	ev_child exited;
	ev_timer attach, restart;
	ev_tstamp started;
	struct pause pause;
	int spoke;		/* attached, or served plain */
};

static struct child *children;
static int ending;

static void start(struct child *);

static void
pipe_close(const int p[2])
{
	close(p[0]);
	close(p[1]);
}

/* Two of them: 1, or -1. */
static int
pipe_pair(int to[2], int from[2])
{
	if (pipe2(to, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(from, O_CLOEXEC) == -1) {
		pipe_close(to);
		return -1;
	}
	(void)fcntl(to[0], F_SETPIPE_SZ, PIPE_BYTES);
	(void)fcntl(from[0], F_SETPIPE_SZ, PIPE_BYTES);
	return 1;
}

static void
set_link_env(int in, int out)
{
	struct stat a, b;
	char env[128];

	if (fstat(in, &a) == -1 || fstat(out, &b) == -1)
		_exit(111);
	snprintf(env, sizeof env, "%llu:%llu %llu:%llu",
	    (unsigned long long)a.st_dev, (unsigned long long)a.st_ino,
	    (unsigned long long)b.st_dev, (unsigned long long)b.st_ino);
	setenv("RK_LINK", env, 1);
}

static _Noreturn void
run(struct child *c, int in, int out)
{
	loop_child();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
		_exit(111);
	close_range(3, ~0U, 0);
	set_link_env(STDIN_FILENO, STDOUT_FILENO);
	unsetenv("NOTIFY_SOCKET");
	execvp(c->argv[0], c->argv);
	warn("%s: %s", c->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void
spoke(struct child *c)
{
	c->spoke = 1;
	ev_timer_stop(loop, &c->attach);
}

static void
no_attach(struct ev_loop *lp, ev_timer *t, int events)
{
	struct child *c = t->data;

	(void)lp;
	(void)events;
	spoke(c);
	if (c->link->silent && c->link->wire != NULL)
		link_plain(c->link);
}

static void
restart(struct ev_loop *lp, ev_timer *t, int events)
{
	(void)lp;
	(void)events;
	start(t->data);
}

static void
start_later(struct child *c)
{
	if (ending || c->pid != 0 || c->link->wire != NULL)
		return;
	if (ev_now(loop) - c->started > LIVED)
		pause_forget(&c->pause);
	c->link->counts->restarts++;
	ev_timer_set(&c->restart, pause_next(&c->pause), 0);
	ev_timer_start(loop, &c->restart);
}

static void
say_end(const struct child *c, int status)
{
	if (WIFSIGNALED(status))
		warn("%s: killed by signal %d", c->argv[0], WTERMSIG(status));
	else if (!ending || WEXITSTATUS(status) != 0)
		warn("%s: exit %d", c->argv[0], WEXITSTATUS(status));
}

/* It would end so again. */
static int
for_good(const struct child *c, int code)
{
	return (code == 100 || code == 126 || code == 127) &&
	    (c->link->tracked || ev_now(loop) - c->started < ATTACH_WAIT);
}

/* Both it and its pipes are gone. */
static void
over(struct child *c)
{
	int code = WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;

	if (for_good(c, code))
		die(code, "%s: exit %d", c->argv[0], code);
	say_end(c, c->status);
	start_later(c);
}

static void
exited(struct ev_loop *lp, ev_child *w, int events)
{
	struct child *c = w->data;

	(void)events;
	ev_child_stop(lp, w);
	c->pid = 0;
	c->status = w->rstatus;
	/* what it wrote last is still in the pipe; its end of file follows,
	 * unless a grandchild holds the pipe: then the timer is the end */
	if (c->link->wire == NULL)
		over(c);
	else {
		ev_timer_stop(lp, &c->attach);
		ev_timer_set(&c->restart, 1.0, 0);
		ev_timer_start(lp, &c->restart);
	}
}

static void
lost(struct link *l)
{
	struct child *c = l->maker;

	ev_timer_stop(loop, &c->attach);
	ev_timer_stop(loop, &c->restart);
	if (c->pid == 0)
		over(c);
	else if (!ending)
		kill(-c->pid, SIGTERM);	/* deaf and dumb: no use to anybody */
}

/* Descriptors, memory or processes ran out. */
static void
not_yet(struct child *c, const char *what)
{
	warn("%s: %s: %s", c->argv[0], what, strerror(errno));
	start_later(c);
}

static void
start(struct child *c)
{
	int to[2], from[2];

	if (c->link->wire != NULL) {	/* a grandchild held the pipe */
		link_unbind(c->link);
		return;
	}
	if (pipe_pair(to, from) == -1) {
		not_yet(c, "pipe");
		return;
	}
	fflush(NULL);
	c->pid = fork();
	if (c->pid == -1) {
		c->pid = 0;
		not_yet(c, "fork");
		pipe_close(to);
		pipe_close(from);
		return;
	}
	if (c->pid == 0)
		run(c, to[0], from[1]);
	setpgid(c->pid, c->pid);
	close(to[0]);
	close(from[1]);
	fcntl(to[1], F_SETFL, O_NONBLOCK);
	fcntl(from[0], F_SETFL, O_NONBLOCK);
	c->started = ev_now(loop);
	c->spoke = 0;
	ev_child_set(&c->exited, c->pid, 0);
	ev_child_start(loop, &c->exited);
	link_bind(c->link, wire_new(from[0], to[1], LINE_MAX_IN,
	    &link_wire_ops, c->link));
	if (c->link->bare) {
		link_plain(c->link);
		return;
	}
	ev_timer_set(&c->attach, ATTACH_WAIT, 0);
	ev_timer_start(loop, &c->attach);
}

static struct link *
child_new(const char *name, enum link_as we, char **argv, int bare,
    const struct link_ops *ops)
{
	struct link *l = link_new(name, we,
	    we == LINK_ROUTER ? LINK_STATION : LINK_ROUTER, ops);
	struct child *c = mem_new(sizeof *c);

	l->maker = c;
	l->lost = lost;
	l->answers = 1;
	l->bare = bare != 0;
	c->link = l;
	c->argv = argv;
	c->pause = (struct pause){ .first = 100, .longest = 30000 };
	ev_init(&c->exited, exited);
	ev_init(&c->attach, no_attach);
	ev_init(&c->restart, restart);
	c->exited.data = c->attach.data = c->restart.data = c;
	c->next = children;
	children = c;
	start(c);
	return l;
}

struct link *
link_child(const char *name, enum link_as we, char **argv,
    const struct link_ops *ops)
{
	return child_new(name, we, argv, settings.bare, ops);
}

struct link *
link_beside(const char *name, enum link_as we, char **argv,
    const struct link_ops *ops)
{
	return child_new(name, we, argv, 0, ops);
}

void
child_attached(struct link *l)
{
	if (l->lost == lost)
		spoke(l->maker);
}

int
child_starting(void)
{
	struct child *c;

	for (c = children; c != NULL; c = c->next)
		if (c->link->silent && !c->spoke)
			return 1;
	return 0;
}

void
child_hup(void)
{
	struct child *c;

	for (c = children; c != NULL; c = c->next)
		if (c->pid != 0)
			kill(c->pid, SIGHUP);
}

void
child_end_input(void)
{
	struct child *c;

	ending = 1;
	for (c = children; c != NULL; c = c->next) {
		ev_timer_stop(loop, &c->restart);
		if (c->link->wire != NULL)
			wire_close_out(c->link->wire);
	}
}

int
child_kill(int signum)
{
	struct child *c;
	int n = 0;

	for (c = children; c != NULL; c = c->next) {
		n += c->pid != 0 || c->link->wire != NULL;
		if (c->pid != 0 && signum != 0)
			kill(-c->pid, signum);
	}
	return n;
}
