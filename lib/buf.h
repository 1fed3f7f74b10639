/* SPDX-License-Identifier: ISC */
#ifndef BUF_H
#define BUF_H

/*
 * Bytes: borrowed (struct str) and owned (struct buf).
 *
 *  - A buf has a maximum from its definition on; growth stops there with
 *    ENOBUFS.  Nothing grows without a bound.
 *  - The live bytes are data[pos .. len); what is consumed moves pos, and
 *    the space comes back when all is consumed or room is needed.
 *  - Out of memory ends the program (111): there is nothing to recover to.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct str {
	const char *p;		/* not ours, not terminated */
	size_t n;
};

struct buf {
	char *data;
	size_t pos, len, cap;
	size_t max;		/* live bytes never exceed this */
};

#define STR(literal)	((struct str){ (literal), sizeof(literal) - 1 })
#define BUF(bytes)	((struct buf){ .max = (bytes) })

static inline struct str
str_of(const char *s)
{
	return (struct str){ s, strlen(s) };
}

static inline int
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline size_t
buf_size(const struct buf *b)
{
	return b->len - b->pos;
}

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->data + b->pos, b->len - b->pos };
}

/* Each adds at the end: 1, or -1 with ENOBUFS and nothing added.  Most add a
 * few bytes to a buf that has room: so they are inline. */
int	 buf_grow(struct buf *, size_t);
int	 buf_addf(struct buf *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
int	 buf_addn(struct buf *, int64_t);	/* in decimal */

/* So many will not grow it. */
static inline int
buf_room(struct buf *b, size_t n)
{
	return b->cap - b->len >= n ? 1 : buf_grow(b, n);
}

static inline int
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return 1;
	if (buf_room(b, n) == -1)
		return -1;
	memcpy(b->data + b->len, p, n);
	b->len += n;
	return 1;
}

static inline int
buf_adds(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

static inline int
buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

void	 buf_take(struct buf *, size_t);	/* consume from the front */
void	 buf_clear(struct buf *);		/* empty; keeps the memory */
void	 buf_free(struct buf *);		/* empty; keeps max */

/* One read(2) or write(2): bytes moved, 0 at end of file, -1 with errno. */
ssize_t	 buf_read(struct buf *, int, size_t);
ssize_t	 buf_write(struct buf *, int);

/* The next line of b from *scan on, without its newline: 1, or 0 when no
 * whole line is there.  *scan is the caller's and starts at 0; it counts
 * from pos, and keeps what was searched from being searched again. */
int	 buf_line(struct buf *, size_t *, struct str *);

/* malloc and friends that do not return NULL: they end the program (111). */
void	*mem_new(size_t);		/* zeroed */
void	*mem_grow(void *, size_t);
char	*mem_str(const char *);
char	*mem_strn(const char *, size_t);	/* terminated copy of n bytes */

#endif
