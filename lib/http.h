/* SPDX-License-Identifier: ISC */
#ifndef HTTP_H
#define HTTP_H

/*
 * The head of an HTTP/1.1 request (RFC 9112), and its body, when that comes in
 * chunks: pure parsers of bytes.
 *
 *  - http_parse() is given all that has come so far; it says "not yet" until
 *    the blank line is there.  Spans point into the input.
 *  - Strict: no folded lines, no space before the colon, no control
 *    characters, at most HTTP_HEADERS headers, one Content-Length or
 *    chunks, not both.  What is not understood is refused with the status to
 *    answer.
 *  - The target stays as it was sent; http_unescape() decodes a piece of it
 *    after it was cut, so that %2F and + in a name survive.
 */

#include <stdint.h>

#include "buf.h"

#define HTTP_HEADERS	64		/* headers of a request, at most */
#define HTTP_HEAD_MAX	(16 << 10)	/* bytes of a head, at most */

struct http_header {
	struct str name, value;	/* as sent; the value without outer space */
};

struct http_head {
	struct str method;
	struct str path, query;	/* of the target, as sent; query: after '?' */
	int minor;		/* HTTP/1.minor */
	int64_t length;		/* Content-Length; -1: none */
	int chunked;		/* a body follows, which says where it ends */
	size_t n;
	struct http_header headers[HTTP_HEADERS];
};

/* The length of the head, 0: not all is there, or -1 and *status is what to
 * answer (400, 414, 417, 431, 501, 505). */
ssize_t	 http_parse(struct http_head *, struct str, int *status);

/* The same name, in any case. */
int	 http_same(struct str, const char *);
/* Can be sent as a header: a token, and a value without control characters. */
int	 http_sound(struct str name, struct str value);

/* The value of a header, by its name in any case; .p is NULL: there is none.
 * The first one, when it came more than once. */
struct str http_header(const struct http_head *, const char *name);

/* Whether a comma-separated header, in all its lines, holds this token, in
 * any case. */
int	 http_has_token(const struct http_head *, const char *name,
	    const char *token);

/* Adds the text with its %xx decoded: 1; 0: malformed, or a NUL; -1 ENOBUFS.
 * plus: a '+' is a space (in a query). */
int	 http_unescape(struct buf *, struct str, int plus);

/* A body in chunks (RFC 9112 7.1), in the pieces in which it comes.  Zeroed it
 * begins.  Extensions and trailers are passed over, up to 4 kB of them. */
struct http_chunks {
	int state;
	uint64_t left;		/* bytes of this chunk that did not come */
	size_t spare;
};

/* The *size bytes at p are the next piece: what it means is left there, and
 * *size is how much.  1: the body is over, 0: not yet, -1: malformed. */
int	 http_unchunk(struct http_chunks *, char *p, size_t *size);

const char *http_reason(int status);	/* "Not Found"; "" when unknown */

#endif
