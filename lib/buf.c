/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define SMALL		1024	/* bytes of a small object */
#define FIRST	256		/* what a buf starts with */

int
buf_grow(struct buf *b, size_t n)
{
	size_t live = b->len - b->pos, cap;

	if (n > b->max || live > b->max - n) {
		errno = ENOBUFS;
		return -1;
	}
	if (b->pos > 0) {
		memmove(b->data, b->data + b->pos, live);
		b->pos = 0;
		b->len = live;
		if (b->cap - b->len >= n)
			return 1;
	}
	cap = b->cap ? b->cap : FIRST;
	while (cap < live + n && cap < b->max)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->data = mem_grow(b->data, cap + 1);	/* buf_addf's NUL */
	b->cap = cap;
	return 1;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return n == 0 ? 1 : -1;
	if (buf_room(b, (size_t)n) == -1)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 1;
}

int
buf_addn(struct buf *b, int64_t n)
{
	char text[20], *end = text + sizeof text, *p = end;
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (n < 0)
		*--p = '-';
	return buf_add(b, p, (size_t)(end - p));
}

void
buf_take(struct buf *b, size_t n)
{
	b->pos += n;
	if (b->pos == b->len)
		b->pos = b->len = 0;
}

void
buf_clear(struct buf *b)
{
	b->pos = b->len = 0;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->pos = b->len = b->cap = 0;
}

ssize_t
buf_read(struct buf *b, int fd, size_t n)
{
	size_t left = b->max - (b->len - b->pos);
	ssize_t r;

	if (n > left)
		n = left;
	if (n == 0 || buf_room(b, n) == -1) {
		errno = ENOBUFS;
		return -1;
	}
	r = read(fd, b->data + b->len, n);
	if (r > 0)
		b->len += (size_t)r;
	return r;
}

ssize_t
buf_write(struct buf *b, int fd)
{
	ssize_t r = write(fd, b->data + b->pos, b->len - b->pos);

	if (r > 0)
		buf_take(b, (size_t)r);
	return r;
}

int
buf_line(struct buf *b, size_t *scan, struct str *line)
{
	char *from = b->data + b->pos, *end;
	size_t live = b->len - b->pos;

	if (*scan >= live)
		return 0;
	end = memchr(from + *scan, '\n', live - *scan);
	if (end == NULL) {
		*scan = live;
		return 0;
	}
	*line = (struct str){ from, (size_t)(end - from) };
	*scan = 0;
	return 1;
}

/* Not inline: of realloc(3) and memset gcc makes a calloc(3), below. */
__attribute__((noinline)) void *
mem_grow(void *p, size_t n)
{
	p = realloc(p, n);
	if (p == NULL)
		die(111, "out of memory");
	return p;
}

/* glibc's calloc(3) passes its own cache by, which small things want; but it
 * does not touch the pages of large ones. */
void *
mem_new(size_t n)
{
	void *p;

	if (n <= SMALL)
		return memset(mem_grow(NULL, n), 0, n);
	if ((p = calloc(1, n)) == NULL)
		die(111, "out of memory");
	return p;
}

char *
mem_strn(const char *s, size_t n)
{
	char *p = mem_grow(NULL, n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
mem_str(const char *s)
{
	return mem_strn(s, strlen(s));
}
