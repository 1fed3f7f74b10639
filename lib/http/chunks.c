/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../http.h"
#include "../json.h"

#define SPARE	4096	/* bytes of extensions and trailers, at most */

/* Where in the body the next byte is. */
enum {
	SIZE_BEGIN, SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF,
	TRAILER_BEGIN, TRAILER, TRAILER_LF, END_LF, OVER, WRONG
};

/* A digit more; 56 bits are enough for anybody. */
static int
size_digit(struct http_chunks *c, char byte)
{
	int digit = hex_digit(byte);

	if (digit == -1 || c->left >> 52 != 0)
		return WRONG;
	c->left = c->left << 4 | (uint64_t)digit;
	return SIZE;
}

/* Of an extension or a trailer, to the end of its line. */
static int
spare(struct http_chunks *c, char byte, int here, int end)
{
	if (byte == '\r')
		return end;
	return byte == '\n' || ++c->spare > SPARE ? WRONG : here;
}

static int
size_byte(struct http_chunks *c, char byte)
{
	switch (byte) {
	case '\r':
		return SIZE_LF;
	case ';':
	case ' ':
	case '\t':
		return EXTENSION;
	default:
		return size_digit(c, byte);
	}
}

/* Where the byte after this one is, outside of the data. */
static int
next(struct http_chunks *c, char byte)
{
	switch (c->state) {
	case SIZE_BEGIN:
		return size_digit(c, byte);
	case SIZE:
		return size_byte(c, byte);
	case EXTENSION:
		return spare(c, byte, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return byte != '\n' ? WRONG : c->left > 0 ? DATA :
		    TRAILER_BEGIN;
	case DATA_CR:
		return byte == '\r' ? DATA_LF : WRONG;
	case DATA_LF:
		return byte == '\n' ? SIZE_BEGIN : WRONG;
	case TRAILER_BEGIN:
		return byte == '\r' ? END_LF :
		    spare(c, byte, TRAILER, TRAILER_LF);
	case TRAILER:
		return spare(c, byte, TRAILER, TRAILER_LF);
	case TRAILER_LF:
		return byte == '\n' ? TRAILER_BEGIN : WRONG;
	case END_LF:
		return byte == '\n' ? OVER : WRONG;
	default:
		return c->state;
	}
}

int
http_unchunk(struct http_chunks *c, char *p, size_t *size)
{
	const char *in = p, *end = p + *size;
	size_t n;

	while (in < end && c->state < OVER) {
		if (c->state != DATA) {
			c->state = next(c, *in++);
			continue;
		}
		n = (size_t)(end - in) < c->left ? (size_t)(end - in) :
		    (size_t)c->left;
		memmove(p, in, n);
		p += n;
		in += n;
		c->left -= n;
		if (c->left == 0)
			c->state = DATA_CR;
	}
	*size -= (size_t)(end - p);
	return c->state == WRONG ? -1 : c->state == OVER;
}
