/* SPDX-License-Identifier: ISC */

/*
 * floor: the least a WebSocket server can do.
 *
 *	floor -p WSPORT -l LINEPORT [-1] [-u] [-b COMMAND]
 *
 * Lines on a TCP port become frames: for every client, all lines of one read
 * in one send (-1: a send a line); -u: for the client whose path ends in the
 * number behind "token":"tok.  With -b what clients send goes to the command
 * as "NUMBER<tab>MESSAGE", and its lines come back the same way.  No JSON, no
 * limits, no timeouts: a bound, not a server.
 */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define FILES	65536
#define NUMBERS	(1 << 20)
#define ROOM	(256 << 10)

enum kind { CLOSED, LISTEN_WS, LISTEN_LINES, UPGRADE, CLIENT, LINES, BACKEND };

struct conn {
	struct buf in, out;
	uint32_t number;
	enum kind kind;
};

static struct conn conns[FILES];
static int by_number[NUMBERS], clients[FILES], nclients;
static int epoll, backend = -1, singly, unicast;
static struct buf framed = { .max = SIZE_MAX / 2 };

static void
add(int fd, enum kind kind)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
	    .data.fd = fd };

	if (kind == LISTEN_WS || kind == LISTEN_LINES)
		e.events = EPOLLIN;
	conns[fd] = (struct conn){ .kind = kind, .in = BUF(SIZE_MAX / 2),
	    .out = BUF(SIZE_MAX / 2) };
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void
drop(int fd)
{
	struct conn *c = &conns[fd];
	int i;

	for (i = 0; i < nclients; i++)
		if (clients[i] == fd)
			clients[i] = clients[--nclients];
	if (c->kind == CLIENT && by_number[c->number] == fd)
		by_number[c->number] = 0;
	buf_free(&c->in);
	buf_free(&c->out);
	c->kind = CLOSED;
	close(fd);
}

/* ---- out ----------------------------------------------------------------- */

static void
put(int fd, struct str s)
{
	struct buf *out = &conns[fd].out;
	ssize_t n = 0;

	if (buf_size(out) == 0)
		n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == (ssize_t)s.n)
		return;
	n = n < 0 ? 0 : n;
	buf_add(out, s.p + n, s.n - (size_t)n);
}

static void
flush(int fd)
{
	struct buf *out = &conns[fd].out;

	if (buf_size(out) > 0)
		buf_write(out, fd);
}

static void
frame(struct buf *b, struct str s)
{
	buf_addc(b, (char)0x81);
	buf_addc(b, (char)(s.n < 126 ? s.n : 126));
	if (s.n >= 126) {
		buf_addc(b, (char)(s.n >> 8));
		buf_addc(b, (char)s.n);
	}
	buf_adds(b, s);
}

static void
broadcast(void)
{
	int i;

	for (i = 0; i < nclients && buf_size(&framed) > 0; i++)
		put(clients[i], buf_str(&framed));
	buf_clear(&framed);
}

static void
to_one(uint32_t number, struct str s)
{
	buf_clear(&framed);
	frame(&framed, s);
	if (number < NUMBERS && by_number[number] != 0)
		put(by_number[number], buf_str(&framed));
	buf_clear(&framed);
}

/* ---- in ------------------------------------------------------------------ */

static void
line(struct str s, int from_backend)
{
	const char *p;

	if (from_backend) {
		p = memchr(s.p, '\t', s.n);
		if (p++ != NULL)
			to_one((uint32_t)strtoul(s.p, NULL, 10),
			    (struct str){ p, s.n - (size_t)(p - s.p) });
	} else if (unicast) {
		p = memmem(s.p, s.n, "\"token\":\"tok", 12);
		if (p != NULL)
			to_one((uint32_t)strtoul(p + 12, NULL, 10), s);
	} else {
		frame(&framed, s);
		if (singly || buf_size(&framed) > ROOM)
			broadcast();
	}
}

static size_t
lines(const char *p, size_t n, int from_backend)
{
	const char *from = p, *end = p + n, *newline;

	while ((newline = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		line((struct str){ p, (size_t)(newline - p) }, from_backend);
		p = newline + 1;
	}
	broadcast();
	return (size_t)(p - from);
}

static void
ask(const struct conn *c, const unsigned char *mask, const unsigned char *p,
    size_t n)
{
	static struct buf b = { .max = SIZE_MAX / 2 };

	buf_clear(&b);
	buf_addn(&b, c->number);
	buf_addc(&b, '\t');
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, (char)(p[i] ^ mask[i & 3]));
	buf_addc(&b, '\n');
	put(backend, buf_str(&b));
}

static size_t
frames(const struct conn *c, const char *from, size_t n)
{
	const unsigned char *p = (const unsigned char *)from;
	size_t at, head, length;

	for (at = 0; n - at >= 6; at += head + length) {
		length = p[at + 1] & 127;
		head = length == 126 ? 8 : 6;
		if (length == 126 && n - at >= 8)
			length = (size_t)p[at + 2] << 8 | p[at + 3];
		if (n - at < head + length)
			break;
		if ((p[at] & 15) < 8 && backend != -1)
			ask(c, p + at + head - 4, p + at + head, length);
	}
	return at;
}

/* The key is always the load's. */
static size_t
upgrade(int fd, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	const char *path = memmem(p, n, " HTTP/", 6);
	struct conn *c = &conns[fd];

	if (end == NULL || path == NULL)
		return 0;
	while (path > p && path[-1] >= '0' && path[-1] <= '9')
		path--;
	c->number = (uint32_t)strtoul(path, NULL, 10) % NUMBERS;
	c->kind = CLIENT;
	by_number[c->number] = fd;
	clients[nclients++] = fd;
	put(fd, STR("HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
	return (size_t)(end - p) + 4;
}

static void
readable(int fd)
{
	static char room[ROOM];
	struct conn *c = &conns[fd];
	size_t n, used;
	ssize_t r;

	for (;;) {
		n = buf_size(&c->in);
		if (n > 0)
			memcpy(room, buf_str(&c->in).p, n);
		r = recv(fd, room + n, ROOM - n, MSG_DONTWAIT);
		if (r == 0)
			drop(fd);
		if (r <= 0)
			return;
		n += (size_t)r;
		used = c->kind == UPGRADE ? upgrade(fd, room, n) : 0;
		if (c->kind == CLIENT)
			used += frames(c, room + used, n - used);
		else if (c->kind != UPGRADE)
			used = lines(room, n, c->kind == BACKEND);
		buf_clear(&c->in);
		if (used < n)
			buf_add(&c->in, room + used, n - used);
	}
}

/* ---- the loop ------------------------------------------------------------ */

static int
listener(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(fd, 4096) == -1)
		die(111, "%s: cannot listen", port);
	return fd;
}

static void
start_backend(const char *command)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == -1)
		die(111, "socketpair");
	if (fork() == 0) {
		dup2(s[1], 0);
		dup2(s[1], 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(s[1]);
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	add(backend = s[0], BACKEND);
}

static void
accept_all(int fd, enum kind kind)
{
	int one = 1, s;

	while ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		add(s, kind == LISTEN_WS ? UPGRADE : LINES);
	}
}

static void
event(const struct epoll_event *e)
{
	enum kind kind = conns[e->data.fd].kind;

	if (kind == LISTEN_WS || kind == LISTEN_LINES) {
		accept_all(e->data.fd, kind);
		return;
	}
	if (e->events & EPOLLOUT)
		flush(e->data.fd);
	if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		readable(e->data.fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[512];
	struct rlimit r;
	int n, i;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max < FILES ? r.rlim_max : FILES;
	setrlimit(RLIMIT_NOFILE, &r);
	signal(SIGPIPE, SIG_IGN);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	while ((n = getopt(argc, argv, "p:l:b:1u")) != -1)
		switch (n) {
		case 'p': add(listener(optarg), LISTEN_WS); break;
		case 'l': add(listener(optarg), LISTEN_LINES); break;
		case 'b': start_backend(optarg); break;
		case '1': singly = 1; break;
		case 'u': unicast = 1; break;
		default: die(100, "see the comment in floor.c");
		}
	for (;;) {
		n = epoll_wait(epoll, events, 512, -1);
		for (i = 0; i < n; i++)
			event(&events[i]);
	}
}
