/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "loop.h"

/* Above this many descriptors libwebsockets falls back to a tiny table
 * (libraries.md A.5), and nobody needs them. */
#define MAX_FILES	1000000

struct ev_loop *loop;

static struct loop_ops ops;
static struct before_sleep *before_sleep;
static ev_signal on_term, on_int, on_hup;
static ev_prepare on_prepare;
static int notify_fd = -1, notified, terminating, stopped, status;

static void
term(struct ev_loop *l, ev_signal *w, int events)
{
	(void)l;
	(void)events;
	if (terminating++ == 0 && ops.term != NULL) {
		ops.term();
		return;
	}
	signal(w->signum, SIG_DFL);
	raise(w->signum);
	_exit(111);
}

static void
hup(struct ev_loop *l, ev_signal *w, int events)
{
	(void)l;
	(void)w;
	(void)events;
	if (ops.hup != NULL)
		ops.hup();
}

static void
prepare(struct ev_loop *l, ev_prepare *w, int events)
{
	struct before_sleep *b;

	(void)l;
	(void)w;
	(void)events;
	for (b = before_sleep; b != NULL; b = b->next)
		b->run(b);
}

static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	if (r.rlim_max > MAX_FILES)
		r.rlim_max = MAX_FILES;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		warn("open files: %s", strerror(errno));
}

void
loop_open(const struct loop_ops *o)
{
	ops = *o;
	raise_files();
	loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (loop == NULL)
		die(111, "epoll: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&on_term, term, SIGTERM);
	ev_signal_start(loop, &on_term);
	ev_signal_init(&on_int, term, SIGINT);
	ev_signal_start(loop, &on_int);
	ev_signal_init(&on_hup, hup, SIGHUP);
	ev_signal_start(loop, &on_hup);
	ev_prepare_init(&on_prepare, prepare);
	/* last of all prepare watchers, so that it sees what they sent */
	ev_set_priority(&on_prepare, EV_MINPRI);
	ev_prepare_start(loop, &on_prepare);
}

void
loop_before_sleep(struct before_sleep *b)
{
	struct before_sleep **end = &before_sleep;

	while (*end != NULL && (*end)->last <= b->last)
		end = &(*end)->next;
	b->next = *end;
	*end = b;
}

void
loop_notify_fd(int fd)
{
	notify_fd = fd;
}

/* sd_notify(3), the one line of it that is needed. */
static void
notify_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof a.sun_path ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || sendto(fd, "READY=1", 7, MSG_NOSIGNAL,
	    (struct sockaddr *)&a,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		warn("%s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
}

void
loop_ready(void)
{
	if (notified++)
		return;
	if (notify_fd != -1) {
		if (write(notify_fd, "\n", 1) == -1)
			warn("readiness: descriptor %d: %s", notify_fd,
			    strerror(errno));
		close(notify_fd);
	}
	notify_systemd();
}

int
loop_run(void)
{
	if (!stopped)
		ev_run(loop, 0);
	return status;
}

void
loop_stop(int code)
{
	stopped = 1;
	status = code;
	ev_break(loop, EVBREAK_ALL);
}

int64_t
loop_ms(void)
{
	return (int64_t)(ev_now(loop) * 1000);
}

void
loop_child(void)
{
	static const int all[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD,
	    SIGALRM, SIGUSR1, SIGUSR2, SIGQUIT };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		signal(all[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
}
