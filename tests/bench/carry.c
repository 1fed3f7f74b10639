/* SPDX-License-Identifier: ISC */

/*
 * carry PORT: the least that the router of tests/bench/rouket can do: one
 * process, and for each event one recv() and one send() on the sockets that
 * the router has, too.  Prints the port it listens on; PORT is the core's, on
 * 127.0.0.1.
 *
 *  - It wakes once for all that is there (edge-triggered), reads all of a
 *    socket at once, and writes all that became of it at once.
 *  - Of Socket.IO it knows the words of this measurement, by their first
 *    bytes.  No JSON, no UTF-8, no limits, no timeouts, no errors: a bound,
 *    not a router.
 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "buf.h"
#include "log.h"

#define FILES	65536
#define ROOM	(256 << 10)

enum kind { CLOSED, DOOR, REQUEST, CLIENT, ANSWER, CORE };

static struct end {
	enum kind kind;
	int other;
	struct buf in;		/* what is not whole yet */
} ends[FILES];
static int epoll;
static struct sockaddr_in core;
static struct buf out = { .max = SIZE_MAX / 2 };

static void
add(int fd, enum kind kind, int other)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
	int one = 1;

	ends[fd] = (struct end){ kind, other, BUF(SIZE_MAX / 2) };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void
drop(int fd)
{
	ends[fd].kind = CLOSED;
	buf_free(&ends[fd].in);
	close(fd);
}

/* The mask of a client may be zero. */
static void
frame(struct str a, struct str b, int masked)
{
	size_t n = a.n + b.n;

	buf_addc(&out, (char)0x81);
	buf_addc(&out, (char)((n < 126 ? n : 126) | (masked ? 0x80 : 0)));
	if (n >= 126) {
		buf_addc(&out, (char)(n >> 8));
		buf_addc(&out, (char)n);
	}
	buf_add(&out, "\0\0\0\0", masked ? 4 : 0);
	buf_adds(&out, a);
	buf_adds(&out, b);
}

static void
put(int fd)
{
	if (buf_size(&out) > 0 && send(fd, out.data, out.len,
	    MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)out.len)
		die(111, "the peer does not read");
	buf_clear(&out);
}

static int
begins(struct str s, struct str with)
{
	return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static void
dial(int client)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&core, sizeof core) == -1)
		die(111, "the core cannot be dialled");
	add(fd, ANSWER, client);
	buf_adds(&out, STR("GET /socket.io/?EIO=3&transport=websocket "
	    "HTTP/1.1\r\nHost: core\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
	put(fd);
}

/* What became of an event is put out when all of one read is seen. */
static void
heard(int fd, struct str s)
{
	static const struct str event = { "42[\"example_event\",", 19 };

	if (ends[fd].kind == CLIENT)
		dial(fd);	/* it says one thing */
	else if (begins(s, event))
		frame(STR("42["), (struct str){ s.p + event.n, s.n - event.n },
		    0);
	else if (begins(s, STR("40"))) {
		frame(STR("42[\"subscribe\",{\"channel\":"
		    "\"example.channel\"}]"), STR(""), 1);
		put(fd);
	}
}

static size_t
frames(int fd, const char *from, size_t n)
{
	const unsigned char *p = (const unsigned char *)from;
	size_t at, head, length;

	for (at = 0; n - at >= 2; at += head + length) {
		length = p[at + 1] & 127;
		head = (length == 126 ? 4 : 2) + (p[at + 1] & 0x80 ? 4 : 0);
		if (length == 126 && n - at >= 4)
			length = (size_t)p[at + 2] << 8 | p[at + 3];
		if (n - at < head || n - at - head < length)
			break;
		heard(fd, (struct str){ from + at + head, length });
	}
	if (ends[fd].kind == CORE)
		put(ends[fd].other);
	return at;
}

/* RFC 6455 4.2.2; the core's proof is not looked at. */
static void
accept_key(const char *p, size_t n)
{
	static const char field[] = "Sec-WebSocket-Key: ";
	unsigned char said[60], sha[SHA_DIGEST_LENGTH], text[29];
	const char *key = memmem(p, n, field, sizeof field - 1);

	if (key == NULL || (size_t)(p + n - key) < sizeof field + 24)
		die(111, "a request without a key");
	memcpy(said, key + sizeof field - 1, 24);
	memcpy(said + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
	SHA1(said, sizeof said, sha);
	EVP_EncodeBlock(text, sha, sizeof sha);
	buf_addf(&out, "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n", (char *)text);
}

static size_t
head(int fd, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	if (ends[fd].kind == REQUEST) {
		accept_key(p, n);
		frame(STR("0{\"sid\":\"x\",\"upgrades\":[],"
		    "\"pingInterval\":25000,\"pingTimeout\":5000}"), STR(""),
		    0);
		frame(STR("40"), STR(""), 0);
		put(fd);
	}
	ends[fd].kind = ends[fd].kind == REQUEST ? CLIENT : CORE;
	return (size_t)(end - p) + 4;
}

static void
readable(int fd)
{
	static char room[ROOM];
	struct end *e = &ends[fd];
	size_t n = buf_size(&e->in), used = 0;
	ssize_t r;

	memcpy(room, buf_str(&e->in).p, n);
	r = recv(fd, room + n, ROOM - n, MSG_DONTWAIT);
	if (r <= 0) {
		drop(fd);
		return;
	}
	n += (size_t)r;
	if (e->kind == REQUEST || e->kind == ANSWER)
		used = head(fd, room, n);
	if (e->kind == CLIENT || e->kind == CORE)
		used += frames(fd, room + used, n - used);
	buf_clear(&e->in);
	buf_add(&e->in, room + used, n - used);
}

static void
door(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(fd, 4096) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) == -1)
		die(111, "cannot listen");
	add(fd, DOOR, -1);
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[1024];
	int n, i, s;

	if (argc != 2)
		die(100, "see the comment in carry.c");
	epoll = epoll_create1(EPOLL_CLOEXEC);
	core = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(argv[1])),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	door();
	for (;;) {
		n = epoll_wait(epoll, events, 1024, -1);
		for (i = 0; i < n; i++)
			if (ends[events[i].data.fd].kind != DOOR)
				readable(events[i].data.fd);
			else while ((s = accept4(events[i].data.fd, NULL,
			    NULL, 0)) != -1)
				add(s, REQUEST, -1);
	}
}
