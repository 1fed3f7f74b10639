/* SPDX-License-Identifier: ISC */
#ifndef REQUEST_H
#define REQUEST_H

/* A request, from the first byte of its head (request.c) to the last one of
 * its answer (answer.c). */

#include "../http.h"
#include "../loop.h"
#include "conn.h"

struct request {
	ev_io io;
	int fd;
	int file;		/* what follows out; -1: nothing */
	size_t file_left;
	struct buf in, out;
	size_t head;		/* length of the head in in */
	size_t body;		/* of the body behind it, without its chunks */
	size_t body_max;
	struct http_chunks chunks;
	char key[25];		/* Sec-WebSocket-Key */
	char *subprotocol;
	int upgrade, no_body, chunked;
	struct address address;	/* whose it is */
	size_t kept;		/* bytes of in and out that are counted */
	size_t taken;		/* bytes of the answer since the timer */
};

void	 request_want(struct request *, int events);	/* 0: none */
void	 request_hang_up(struct ws_conn *, const char *why);
/* A refusal of our own; headers as ws_respond() has them. */
void	 request_refuse(struct ws_conn *, int status, const char *headers);
int	 request_body_seconds(void);
/* Counts what in and out hold: 1; 0: it is too much, and not counted. */
int	 request_keep(struct request *);
/* For a while: 503, and when to come again. */
void	 request_put_off(struct ws_conn *, enum limit_reason);

#endif
