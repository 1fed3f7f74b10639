/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "resolve.h"

/* 0, or what gai_strerror() explains. */
static int
look_up(struct resolver *r, const char *host, const char *port, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = flags | AI_NUMERICSERV }, *found, *a;
	int e = getaddrinfo(host, port, &hints, &found);

	r->n = 0;
	if (e != 0)
		return e;
	for (a = found; a != NULL && r->n < ADDRESSES; a = a->ai_next) {
		struct address *to = &r->list[r->n];

		if (a->ai_addrlen > sizeof to->sa)
			continue;
		memset(to, 0, sizeof *to);
		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
		r->n++;
	}
	freeaddrinfo(found);
	return r->n > 0 ? 0 : EAI_NONAME;
}

int
resolve_literal(struct resolver *r, const char *host, const char *port)
{
	return look_up(r, host, port, AI_NUMERICHOST) == 0;
}

static void
say(int fd, const void *p, size_t n)
{
	if (write(fd, p, n) != (ssize_t)n)
		_exit(111);
}

static _Noreturn void
child(int fd, const char *host, const char *port)
{
	static struct resolver r;
	const char *why;
	int e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	loop_child();
	dup2(fd, STDIN_FILENO);
	closefrom(STDERR_FILENO + 1);
	e = look_up(&r, host, port, 0);
	if (e == 0) {
		say(STDIN_FILENO, "+", 1);
		say(STDIN_FILENO, r.list, (size_t)r.n * sizeof r.list[0]);
	} else {
		why = gai_strerror(e);
		say(STDIN_FILENO, "-", 1);
		say(STDIN_FILENO, why, strlen(why));
	}
	_exit(0);
}

/* What the child wrote: NULL, or why there is no address. */
static const char *
outcome(struct resolver *r)
{
	size_t n = buf_size(&r->in);
	const char *p = r->in.data;

	if (n > 1 && p[0] == '+') {
		r->n = (int)((n - 1) / sizeof r->list[0]);
		memcpy(r->list, p + 1, (size_t)r->n * sizeof r->list[0]);
		if (r->n > 0)
			return NULL;
	}
	if (n < 2 || p[0] != '-' || buf_addc(&r->in, '\0') == -1)
		return "name resolution failed";
	return r->in.data + 1;
}

static void
readable(struct ev_loop *l, ev_io *w, int events)
{
	struct resolver *r = w->data;
	ssize_t n = buf_read(&r->in, w->fd, sizeof r->list);
	const char *why;

	(void)l;
	(void)events;
	if (n > 0 || (n == -1 && errno == EINTR))
		return;
	why = outcome(r);
	r->pid = 0;
	ev_io_stop(loop, &r->io);
	close(w->fd);
	r->done(r, why);
	buf_free(&r->in);
}

int
resolve_start(struct resolver *r, const char *host, const char *port)
{
	int p[2], pid;

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		child(p[1], host, port);
	close(p[1]);
	if (pid == -1) {
		close(p[0]);
		return -1;
	}
	r->pid = pid;
	buf_free(&r->in);
	r->in.max = 2 * sizeof r->list;
	ev_io_init(&r->io, readable, p[0], EV_READ);
	r->io.data = r;
	ev_io_start(loop, &r->io);
	return 1;
}

void
resolve_stop(struct resolver *r)
{
	if (r->pid == 0)
		return;
	kill(r->pid, SIGKILL);
	r->pid = 0;
	ev_io_stop(loop, &r->io);
	close(r->io.fd);
	buf_free(&r->in);
}
