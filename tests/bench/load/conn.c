/* SPDX-License-Identifier: ISC */

/* Connections: sockets, the greeting, and frames on their way out. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define EVENTS	1024

static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
static int epoll = -1;

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void
conns_open(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
}

void
conn_fail(struct conn *c, const char *why)
{
	if (c->state == DEAD)
		return;
	sum.closed += c->state == OPEN;
	sum.failed += c->state != OPEN;
	sum.error = why;
	c->state = DEAD;
	tls_free(c);
	close(c->fd);
}

void
conn_watch(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
	    .data.ptr = c };

	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
}

/* Many clients come from several addresses, for a port is used once. */
static void
spread(struct conn *c, struct sockaddr_in *to)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	uint32_t i = c->number == PUBLISHER ? 0 : c->number;
	int one = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK +
	    i % set.from_addresses);
	to->sin_addr.s_addr = htonl(ntohl(to->sin_addr.s_addr) +
	    i % set.to_addresses);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof one);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from) == -1)
		die(111, "bind: %s", strerror(errno));
}

void
conn_start(struct conn *c)
{
	struct sockaddr_storage to = c->to->address;

	c->state = CONNECTING;
	c->in = c->out = BUF(SIZE_MAX / 2);
	c->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		die(111, "socket: %s, with %u open", strerror(errno),
		    sum.open);
	if (to.ss_family == AF_INET)
		spread(c, (struct sockaddr_in *)&to);
	if (connect(c->fd, (struct sockaddr *)&to, c->to->length) == -1 &&
	    errno != EINPROGRESS)
		conn_fail(c, strerror(errno));
	else
		conn_watch(c);
}

/* ---- out --------------------------------------------------------------- */

static ssize_t
conn_write(struct conn *c)
{
	ssize_t n;

	if (c->tls == NULL)
		return buf_write(&c->out, c->fd);
	n = tls_write(c, buf_str(&c->out));
	if (n > 0)
		buf_take(&c->out, (size_t)n);
	return n;
}

void
conn_flush(struct conn *c)
{
	ssize_t n;

	while (c->state != DEAD && buf_size(&c->out) > 0) {
		n = conn_write(c);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EAGAIN)
			conn_fail(c, strerror(errno));
		if (n == -1)
			return;
	}
	if (c->out.cap > 4096 && c->number != PUBLISHER)
		buf_free(&c->out);
}

static void
put_masked(struct buf *b, struct str s)
{
	uint64_t mask8, word;
	size_t i;
	char *to;

	memcpy(&mask8, mask, 4);
	memcpy((char *)&mask8 + 4, mask, 4);
	buf_room(b, s.n);
	to = b->data + b->len;
	for (i = 0; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		word ^= mask8;
		memcpy(to + i, &word, 8);
	}
	for (; i < s.n; i++)
		to[i] = (char)((unsigned char)s.p[i] ^ mask[i & 3]);
	b->len += s.n;
}

static void
put_frame(struct buf *b, int opcode, struct str payload)
{
	int wide = payload.n < 126 ? 0 : payload.n < 65536 ? 2 : 8, i;

	buf_addc(b, (char)(0x80 | opcode));
	buf_addc(b, (char)(0x80 | (wide == 0 ? (int)payload.n :
	    wide == 2 ? 126 : 127)));
	for (i = wide - 1; i >= 0; i--)
		buf_addc(b, (char)((uint64_t)payload.n >> 8 * i));
	buf_add(b, mask, sizeof mask);
	put_masked(b, payload);
}

void
conn_pong(struct conn *c, struct str payload)
{
	put_frame(&c->out, 10, payload);
}

void
conn_message(struct conn *c, struct str message)
{
	switch (c->to->transport) {
	case WS:
		put_frame(&c->out, c->binary ? 2 : 1, message);
		break;
	case HTTP:
		buf_addf(&c->out, "Content-Length: %zu\r\n\r\n", message.n);
		c->inflight++;
		/* fall through */
	default:
		buf_adds(&c->out, message);
	}
}

/* ---- the greeting ------------------------------------------------------ */

static struct fill
identity(const struct conn *c)
{
	return (struct fill){ .client = c->number == PUBLISHER ? 999999 :
	    c->number };
}

void
conn_greet(struct conn *c)
{
	static struct buf text = { .max = SIZE_MAX / 2 };
	const struct script *s = c->script;
	struct fill f = identity(c);

	for (; c->step < s->n && !s->step[c->step].expect; c->step++) {
		buf_clear(&text);
		template_fill(&text, s->step[c->step].text, &f);
		conn_message(c, buf_str(&text));
	}
	if (c->step == s->n && c->state != OPEN) {
		c->state = OPEN;
		sum.open += c->number != PUBLISHER;
	}
	conn_flush(c);
}

static void
put_upgrade(struct conn *c)
{
	struct fill f = identity(c);
	struct buf *b = &c->out;

	buf_adds(b, STR("GET "));
	template_fill(b, c->to->path, &f);
	buf_addf(b, " HTTP/1.1\r\nHost: %s\r\n", c->to->host);
	buf_adds(b, STR("Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
	if (c->to->subprotocol != NULL)
		buf_addf(b, "Sec-WebSocket-Protocol: %s\r\n",
		    c->to->subprotocol);
	buf_adds(b, str_of(set.headers));
	buf_adds(b, STR("\r\n"));
}

static void
connected(struct conn *c)
{
	socklen_t n = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		conn_fail(c, strerror(error));
		return;
	}
	if (c->to->transport != WS) {
		c->state = GREETING;
		conn_greet(c);
		return;
	}
	if (c->to->tls)
		tls_start(c);
	c->state = UPGRADING;
	put_upgrade(c);
	conn_flush(c);
}

/* ---- the loop ---------------------------------------------------------- */

/* Of dialects in which the client keeps the connection alive. */
static void
keep_alive(void)
{
	static uint64_t last;
	uint64_t now = now_ns();
	uint32_t i;

	if (set.keepalive.n == 0 || (last != 0 &&
	    (double)(now - last) < set.keepalive_s * 1e9))
		return;
	for (i = 0; last != 0 && i < set.clients + set.idle; i++)
		if (clients[i].state == OPEN) {
			conn_message(&clients[i], set.keepalive);
			conn_flush(&clients[i]);
		}
	last = now;
}

void
conns_poll(uint64_t ns)
{
	static struct epoll_event events[EVENTS];
	struct timespec t = { (time_t)(ns / SECOND), (long)(ns % SECOND) };
	int i, n = epoll_pwait2(epoll, events, EVENTS, &t, NULL);

	for (i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		uint32_t is = events[i].events;

		if (c->state == DEAD)
			continue;
		if (c->state == CONNECTING &&
		    (is & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			connected(c);
		else if ((is & EPOLLOUT) && buf_size(&c->out) > 0)
			conn_flush(c);
		if (is & (EPOLLIN | EPOLLHUP | EPOLLERR))
			parse_readable(c);
		if (c->tls != NULL)
			conn_flush(c);	/* what the handshake held up */
	}
	keep_alive();
}

void
conns_idle(double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), now;

	while ((now = now_ns()) < end)
		conns_poll(end - now < SECOND / 20 ? end - now : SECOND / 20);
}
