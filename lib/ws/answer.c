/* SPDX-License-Identifier: ISC */

/*
 * The answer to a request that does not become a WebSocket.  It is the only
 * one of its connection ("Connection: close"), and the peer closes first, so
 * that no answer is lost to a reset.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"

#define WRITE_BYTES	65536	/* in the time of a body */
#define RETRY_SECONDS	10	/* to come back in, spread */
#define LINGER_SECONDS	2
#define OUT_MAX		(64u << 20)	/* an answer with its head */

static void
answer(struct ws_conn *c, int status, const char *headers, size_t length)
{
	struct request *r = c->request;

	r->out.max = OUT_MAX;
	buf_addf(&r->out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", status,
	    http_reason(status));
	if (status != 204 && status != 304)
		buf_addf(&r->out, "Content-Length: %zu\r\n", length);
	buf_adds(&r->out, str_of(headers));
	buf_adds(&r->out, STR("\r\n"));
	r->no_body |= status == 204 || status == 304;
	c->state = CONN_ANSWER;
	timer_set(c, request_body_seconds());
	conn_mark(c);
}

void
ws_respond(struct ws_conn *c, int status, const char *headers, struct str body)
{
	if (c->state != CONN_ASKED)
		return;
	answer(c, status, headers, body.n);
	if (!c->request->no_body)
		buf_adds(&c->request->out, body);
}

void
ws_respond_fd(struct ws_conn *c, int status, const char *headers, int fd,
    size_t n)
{
	if (c->state != CONN_ASKED) {
		close(fd);
		return;
	}
	answer(c, status, headers, n);
	c->request->file = fd;
	c->request->file_left = c->request->no_body ? 0 : n;
}

void
request_refuse(struct ws_conn *c, int status, const char *headers)
{
	char all[256], body[64];

	tally.rejected++;
	c->state = CONN_ASKED;
	snprintf(all, sizeof all, "Content-Type: text/plain\r\n%s", headers);
	snprintf(body, sizeof body, "%d %s\n", status, http_reason(status));
	ws_respond(c, status, all, str_of(body));
}

int
ws_retry_after(void)
{
	return 1 + (int)arc4random_uniform(RETRY_SECONDS);
}

void
request_put_off(struct ws_conn *c, enum limit_reason reason)
{
	char header[64];

	limit_conn(reason, c);
	snprintf(header, sizeof header, "Retry-After: %d\r\n",
	    ws_retry_after());
	request_refuse(c, 503, header);
}

static ssize_t
write_some(struct request *r)
{
	ssize_t n;

	if (buf_size(&r->out) > 0)
		return buf_write(&r->out, r->fd);
	n = sendfile(r->fd, r->file, NULL, r->file_left);
	if (n == 0) {			/* it is shorter than it was */
		errno = EIO;
		return -1;
	}
	if (n > 0)
		r->file_left -= (size_t)n;
	return n;
}

void
request_answer(struct ws_conn *c)
{
	struct request *r = c->request;
	ssize_t n = 0;

	while (buf_size(&r->out) > 0 || r->file_left > 0) {
		if ((n = write_some(r)) == -1)
			break;
		if ((r->taken += (size_t)n) >= WRITE_BYTES) {
			r->taken = 0;
			timer_set(c, request_body_seconds());
		}
	}
	if (n == -1 && errno == EAGAIN && !request_keep(r))
		limit_conn(LIMIT_UNFINISHED, c);
	else if (n == -1 && errno == EAGAIN) {
		request_want(r, EV_WRITE);
		return;
	}
	if (n == -1) {
		request_hang_up(c, "connection lost");
		return;
	}
	shutdown(r->fd, SHUT_WR);
	request_want(r, EV_READ);
	c->state = CONN_LINGER;
	timer_set(c, LINGER_SECONDS);
}
