/* SPDX-License-Identifier: ISC */

/*
 * backend: the smallest back end behind a peer, for echo.
 *
 *	backend nats PORT	answers requests on the subject req
 *	backend mqtt PORT	takes the topic req, answers on resp/CLIENT, the
 *				client read from the marker in the message
 *	backend http PORT	HTTP/1.1: answers a request with its body
 *	backend grip PORT	the same for pushpin's WebSocket-over-HTTP; who
 *				connects to /ws/NAME gets channels news and NAME
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t in[1 << 20], out[1 << 21];
static size_t in_n, out_n;

static void
emit(const void *p, size_t n)
{
	memcpy(out + out_n, p, n);
	out_n += n;
}

static void
send_out(int fd)
{
	for (size_t o = 0; o < out_n;) {
		ssize_t w = send(fd, out + o, out_n - o, MSG_NOSIGNAL);
		if (w <= 0)
			break;
		o += (size_t)w;
	}
	out_n = 0;
}

static int
dial(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
		perror("backend: connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* MSG <subject> <sid> [reply] <bytes>\r\n<payload>\r\n */
static size_t
nats_input(void)
{
	size_t o = 0;
	uint8_t *e;
	while ((e = memmem(in + o, in_n - o, "\r\n", 2))) {
		char line[512], reply[256];
		size_t ll = (size_t)(e - (in + o)), len;
		memcpy(line, in + o, ll < 511 ? ll : 511);
		line[ll < 511 ? ll : 511] = 0;
		if (!strncmp(line, "PING", 4)) {
			emit("PONG\r\n", 6);
		} else if (!strncmp(line, "MSG ", 4)) {
			if (sscanf(line, "MSG %*s %*s %255s %zu", reply,
				&len) != 2) {
				o += ll + 2;
				continue;
			}
			if (in_n - o < ll + 2 + len + 2)
				return o;
			out_n += (size_t)sprintf(
			    (char *)out + out_n, "PUB %s %zu\r\n", reply, len);
			emit(e + 2, len + 2);
			o += len + 2;
		}
		o += ll + 2;
	}
	return o;
}

static size_t
mqtt_input(void)
{
	size_t o = 0;
	while (in_n - o >= 2) {
		size_t len = 0, h = 1, shift = 0;
		do {
			if (o + h >= in_n)
				return o;
			len |= (size_t)(in[o + h] & 127) << shift;
			shift += 7;
		} while (in[o + h++] & 128);
		if (in_n - o < h + len)
			return o;
		if ((in[o] & 0xf0) == 0x30) {
			uint8_t *p = in + o + h;
			size_t tl = (size_t)p[0] << 8 | p[1], n = len - 2 - tl;
			uint8_t *m = memchr(p + 2 + tl, '@', n);
			char topic[32];
			int k = sprintf(topic, "resp/%ld",
			    m ? strtol((char *)m + 31, NULL, 10) : 0);
			size_t rl = 2 + (size_t)k + n;
			uint8_t hd[8] = { 0x30 };
			size_t q = 1;
			do {
				hd[q++] = (uint8_t)((rl & 127) |
				    (rl > 127 ? 128 : 0));
			} while ((rl >>= 7) != 0);
			hd[q++] = 0;
			hd[q++] = (uint8_t)k;
			emit(hd, q);
			emit(topic, (size_t)k);
			emit(p + 2 + tl, n);
		}
		o += h + len;
	}
	return o;
}

static void
client_loop(int fd, size_t (*input)(void))
{
	for (;;) {
		ssize_t r = recv(fd, in + in_n, sizeof in - in_n, 0);
		if (r <= 0)
			exit(0);
		in_n += (size_t)r;
		size_t used = input();
		memmove(in, in + used, in_n - used);
		in_n -= used;
		if (out_n)
			send_out(fd);
	}
}

struct hconn {
	uint8_t *p;
	size_t n, cap;
};

/* One HTTP request out of a connection's buffer: 0 if it is not all there. */
static size_t
http_request(struct hconn *c, int grip)
{
	uint8_t *e = memmem(c->p, c->n, "\r\n\r\n", 4);
	if (!e)
		return 0;
	size_t hl = (size_t)(e - c->p) + 4, len = 0, start;
	for (uint8_t *q = c->p; q < e; q++)
		if (*q == '\n' &&
		    !strncasecmp((char *)q + 1, "content-length:", 15))
			len = strtoul((char *)q + 16, NULL, 10);
	if (c->n < hl + len)
		return 0;
	char head[256], subs[512], chan[64] = "none";
	const uint8_t *body = c->p + hl;
	if (grip && len >= 6 && !memcmp(body, "OPEN\r\n", 6)) {
		sscanf((char *)c->p, "POST /ws/%63[^ ?]", chan);
		int n = 0;
		const char *ch[2] = { "news", chan };
		n += sprintf(subs, "OPEN\r\n");
		for (int i = 0; i < 2; i++) {
			char ctl[160];
			int k = sprintf(ctl,
			    "c:{\"type\":\"subscribe\",\"channel\":\"%s\"}",
			    ch[i]);
			n += sprintf(
			    subs + n, "TEXT %X\r\n%s\r\n", (unsigned)k, ctl);
		}
		start = (size_t)sprintf(head,
		    "HTTP/1.1 200 OK\r\nContent-Type: "
		    "application/websocket-events\r\n"
		    "Sec-WebSocket-Extensions: grip; "
		    "message-prefix=\"\"\r\nContent-Length: %d\r\n\r\n",
		    n);
		emit(head, start);
		emit(subs, (size_t)n);
	} else {
		start = (size_t)sprintf(head,
		    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: "
		    "%zu\r\n\r\n",
		    grip ? "application/websocket-events" : "application/json",
		    len);
		emit(head, start);
		emit(body, len);
	}
	return hl + len;
}

static void
server_loop(int port, int grip)
{
	static struct hconn hc[65536];
	int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
	    ep = epoll_create1(0), one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(ls, (struct sockaddr *)&a, sizeof a) || listen(ls, 4096)) {
		perror("backend: listen");
		exit(1);
	}
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = ls }, evs[256];
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	for (;;) {
		int n = epoll_wait(ep, evs, 256, -1);
		for (int i = 0; i < n; i++) {
			int fd = evs[i].data.fd, s;
			if (fd == ls) {
				while ((s = accept4(ls, NULL, NULL, 0)) >= 0) {
					setsockopt(s, IPPROTO_TCP, TCP_NODELAY,
					    &one, sizeof one);
					ev.data.fd = s;
					epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
					hc[s].n = 0;
				}
				continue;
			}
			struct hconn *c = &hc[fd];
			if (c->cap - c->n < 65536)
				c->p = realloc(c->p, c->cap = c->n + 131072);
			ssize_t r = recv(
			    fd, c->p + c->n, c->cap - c->n - 1, MSG_DONTWAIT);
			if (r <= 0) {
				if (r == 0)
					close(fd);
				continue;
			}
			c->n += (size_t)r;
			c->p[c->n] = 0;
			for (size_t used;
			     c->n && (used = http_request(c, grip));
			     c->n -= used)
				memmove(c->p, c->p + used, c->n - used);
			if (out_n)
				send_out(fd);
		}
	}
}

int
main(int argc, char **argv)
{
	int port = argc > 2 ? atoi(argv[2]) : 0;
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "nats")) {
		int fd = dial(port);
		static const char hi[] =
		    "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB req "
		    "1\r\n";
		emit(hi, sizeof hi - 1);
		send_out(fd);
		client_loop(fd, nats_input);
	} else if (argc == 3 && !strcmp(argv[1], "mqtt")) {
		int fd = dial(port);
		emit("\x10\x13\0\4MQTT\4\2\0\0\0\7backend", 21);
		emit("\x82\x08\0\1\0\3req\0", 10);
		send_out(fd);
		client_loop(fd, mqtt_input);
	} else if (argc == 3 &&
	    (!strcmp(argv[1], "http") || !strcmp(argv[1], "grip"))) {
		server_loop(port, argv[1][0] == 'g');
	}
	fprintf(stderr, "usage: backend nats|mqtt|http|grip PORT\n");
	return 2;
}
