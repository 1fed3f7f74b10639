/* SPDX-License-Identifier: ISC */

/*
 * Listening, and who is at the other end.  We accept ourselves: TCP, Unix
 * sockets, descriptors that were inherited.  Whether listeners are watched is
 * computed in one place from what there is.
 */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../local.h"
#include "../log.h"
#include "../loop.h"
#include "conn.h"

#define BACKLOG		4096
#define ACCEPTS		64	/* in one event */
#define READ_SIZE	16384
#define NO_FILES_PAUSE	0.1	/* seconds, when descriptors ran out */

struct listener {
	ev_io io;
	const struct ws_ops *ops;
	struct local at;	/* a Unix socket */
	int tls;
	struct listener *next;
};

static struct listener *listeners;
static ev_timer pause_timer;
static int accepting = 1;

void
listen_update(void)
{
	static int was_full;
	int full = tally.conns + tally.leaving >=
	    (uint64_t)config.max_conns;
	int watch = accepting && !ev_is_active(&pause_timer) && !full;
	struct listener *l;

	if (full && !was_full)
		limit_hit(LIMIT_CONNS, "");
	was_full = full;
	for (l = listeners; l != NULL; l = l->next) {
		if (watch && !ev_is_active(&l->io))
			ev_io_start(loop, &l->io);
		else if (!watch && ev_is_active(&l->io))
			ev_io_stop(loop, &l->io);
	}
}

static void
resume(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)w;
	(void)events;
	listen_update();
}

static void
no_files(void)
{
	limit_hit(LIMIT_FILES, strerror(errno));
	ev_timer_init(&pause_timer, resume, NO_FILES_PAUSE, 0);
	ev_timer_start(loop, &pause_timer);
	listen_update();
}

/* Nothing is kept of whom we do not want.  What he said is read, for else the
 * answer would be lost to a reset; he may be quicker, or slower. */
static void
turn_away(const struct listener *l, int fd, const struct address *from,
    enum limit_reason reason)
{
	static char said[READ_SIZE];
	char who[ADDRESS_TEXT], answer[128];
	int n;

	address_text(from, who);
	limit_hit(reason, who);
	n = snprintf(answer, sizeof answer, "HTTP/1.1 503 %s\r\n"
	    "Connection: close\r\nContent-Length: 0\r\nRetry-After: %d\r\n"
	    "\r\n", http_reason(503), ws_retry_after());
	if (!l->tls && recv(fd, said, sizeof said, MSG_DONTWAIT) != 0)
		send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* The next one at the door, or -1. */
static int
next_fd(const struct listener *l, struct address *from)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof a;
	int fd = accept4(l->io.fd, (struct sockaddr *)&a, &n,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	*from = address_of((struct sockaddr *)&a);
	return fd;
}

/* Under TLS the network's socket is its relay's, and ours is one of a pair. */
static int
begin(const struct listener *l, int fd, const struct address *from)
{
	struct relay *relay = NULL;
	struct ws_conn *c;

	if (l->tls && (relay = relay_new(&fd)) == NULL) {
		close(fd);
		return -1;
	}
	c = request_new(fd, l->ops, from);
	if (relay != NULL)
		relay_join(relay, c);
	return 1;
}

static void
incoming(struct ev_loop *lp, ev_io *w, int events)
{
	struct listener *l = (struct listener *)w;
	struct address from;
	int fd, one = 1;

	(void)lp;
	(void)events;
	for (int i = 0; i < ACCEPTS && ev_is_active(w); i++) {
		fd = next_fd(l, &from);
		if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM))
			no_files();
		if (fd == -1)
			return;
		if (!networks_have(config.trusted, &from) &&
		    !admit_another(&from)) {
			turn_away(l, fd, &from, LIMIT_PEER);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (begin(l, fd, &from) == -1)
			no_files();
		listen_update();
	}
}

int
ws_listen_fd(int fd, const struct ws_ops *ops)
{
	int flag = 0;
	socklen_t n = sizeof flag;
	struct listener *l;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &flag, &n) == -1)
		return -1;
	if (!flag) {
		errno = EINVAL;
		return -1;
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
		return -1;
	l = mem_new(sizeof *l);
	l->ops = ops;
	l->tls = handshake_wanted(fd);
	ev_io_init(&l->io, incoming, fd, EV_READ);
	l->next = listeners;
	listeners = l;
	listen_update();
	return 1;
}

static int
bind_and_listen(int fd, const struct sockaddr *a, socklen_t n,
    const struct ws_ops *ops)
{
	int e;

	if (fd != -1 && bind(fd, a, n) == 0 && listen(fd, BACKLOG) == 0 &&
	    ws_listen_fd(fd, ops) == 1)
		return 1;
	e = errno;
	if (fd != -1)
		close(fd);
	errno = e;
	return -1;
}

static int
listen_on(const struct addrinfo *a, const struct ws_ops *ops)
{
	int one = 1, zero = 0;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (config.reuse_port)
			setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
			    sizeof one);
		if (a->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero,
			    sizeof zero);
	}
	return bind_and_listen(fd, a->ai_addr, a->ai_addrlen, ops);
}

static int
port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (getsockname(fd, (struct sockaddr *)&a, &n) == -1)
		return -1;
	return ntohs(a.ss_family == AF_INET6 ?
	    ((struct sockaddr_in6 *)&a)->sin6_port :
	    ((struct sockaddr_in *)&a)->sin_port);
}

/* "8080" -> everywhere, IPv6 with IPv4 in it where there is IPv6. */
static int
resolve(const char *where, struct addrinfo **all)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	const char *colon = strrchr(where, ':');
	char host[256];
	int n = colon == NULL ? 0 : (int)(colon - where);

	if (n > 1 && where[0] == '[' && where[n - 1] == ']')
		where++, n -= 2;
	snprintf(host, sizeof host, "%.*s", n, where);
	if (getaddrinfo(n > 0 ? host : NULL, colon == NULL ? where : colon + 1,
	    &hints, all) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	return 1;
}

int
ws_listen(const char *where, const struct ws_ops *ops, int *port)
{
	struct addrinfo *all, *a;
	int family, r = -1;

	if (resolve(where, &all) == -1)
		return -1;
	for (family = AF_INET6; r == -1; family = AF_INET) {
		for (a = all; a != NULL && r == -1; a = a->ai_next)
			if (a->ai_family == family)
				r = listen_on(a, ops);
		if (family == AF_INET)
			break;
	}
	freeaddrinfo(all);
	if (r == 1 && port != NULL)
		*port = port_of(listeners->io.fd);
	return r;
}

int
ws_listen_unix(const char *path, const struct ws_ops *ops)
{
	struct local at;
	int fd = local_listen(&at, path, LOCAL_UMASK, (gid_t)-1);

	if (fd == -1 || ws_listen_fd(fd, ops) == -1)
		return -1;
	listeners->at = at;
	return 1;
}

void
ws_accepting(int on)
{
	accepting = on;
	listen_update();
}

/* The kernel has taken them already: closed, the socket would reset them. */
static void
clear_door(const struct listener *l)
{
	struct address from;
	int fd;

	for (int i = 0; i < BACKLOG && (fd = next_fd(l, &from)) != -1; i++)
		turn_away(l, fd, &from, LIMIT_DRAIN);
}

void
ws_unlisten(void)
{
	struct listener *l;

	while ((l = listeners) != NULL) {
		listeners = l->next;
		ev_io_stop(loop, &l->io);
		local_remove(&l->at);
		clear_door(l);
		close(l->io.fd);
		free(l);
	}
}

void
ws_remote(const struct ws_conn *c, char *to, size_t n)
{
	struct sockaddr_storage s = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof s;
	struct address a;
	char text[ADDRESS_TEXT];

	if (c->request == NULL && !c->client && c->peer != NULL)
		admit_text(c, text);
	else {
		getpeername(c->relay != NULL ? relay_fd(c->relay) :
		    conn_fd(c), (struct sockaddr *)&s, &len);
		a = c->request != NULL ? request_address(c) :
		    address_of((struct sockaddr *)&s);
		address_text(&a, text);
	}
	snprintf(to, n, "%s", text);
}
