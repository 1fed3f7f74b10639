/* SPDX-License-Identifier: ISC */

/*
 * Field tables as JSON: encode.c backwards.  The other numbers of AMQP become
 * JSON numbers, NaN and infinities null.  Bytes that should be text and are no
 * UTF-8 become $base64, a key "$base64:...".  What is nested deeper than DEPTH
 * is left as the $base64 of its bytes.
 *
 * This is our own because librabbitmq's decoder recurses as deep as a
 * publisher likes.
 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../frame.h"
#include "../json.h"
#include "conn.h"

#define DEPTH		32

/* n bytes from the front: NULL when there are less. */
static const char *
take(struct str *s, size_t n)
{
	const char *p = s->p;

	if (n > s->n)
		return NULL;
	s->p += n;
	s->n -= n;
	return p;
}

/* A big-endian number of n bytes. */
int
mq_number(struct str *s, size_t n, uint64_t *out)
{
	const unsigned char *p = (const unsigned char *)take(s, n);

	*out = 0;
	if (p == NULL)
		return 0;
	while (n-- > 0)
		*out = *out << 8 | *p++;
	return 1;
}

/* Bytes behind their length, which has size bytes. */
int
mq_sized(struct str *s, size_t size, struct str *out)
{
	uint64_t n;

	if (!mq_number(s, size, &n))
		return 0;
	out->n = (size_t)n;
	return (out->p = take(s, out->n)) != NULL;
}

static int
put_base64(struct buf *b, struct str s)
{
	return buf_adds(b, STR("{\"$base64\":\"")) == 1 &&
	    base64_encode(b, s) == 1 && buf_adds(b, STR("\"}")) == 1;
}

int
mq_put_text(struct buf *b, struct str s)
{
	return utf8_check(s) ? json_quote(b, s) == 1 : put_base64(b, s);
}

static int
put_key(struct buf *b, struct str s)
{
	if (utf8_check(s))
		return json_quote(b, s) == 1;
	return buf_adds(b, STR("\"$base64:")) == 1 &&
	    base64_encode(b, s) == 1 && buf_addc(b, '"') == 1;
}

/* The shortest of two spellings that reads back the same; never an integer's,
 * so that it stays what it is on its way back. */
static int
put_double(struct buf *b, double d, int few, int many)
{
	char text[64];

	if (!isfinite(d))
		return buf_adds(b, STR("null")) == 1;
	snprintf(text, sizeof text, "%.*g", few, d);
	if (few == 6 ? strtof(text, NULL) != (float)d :
	    strtod(text, NULL) != d)
		snprintf(text, sizeof text, "%.*g", many, d);
	return buf_addf(b, "%s%s", text,
	    strpbrk(text, ".e") ? "" : ".0") == 1;
}

static int
put_decimal(struct buf *b, unsigned decimals, uint32_t n)
{
	char digits[300];
	int len = snprintf(digits, sizeof digits, "%0*" PRIu32,
	    (int)decimals + 1, n);

	return buf_addf(b, "{\"$decimal\":\"%.*s%s%s\"}",
	    len - (int)decimals, digits, decimals ? "." : "",
	    digits + len - decimals) == 1;
}

static int put_value(struct buf *, struct str *, int);

static int
put_array(struct buf *b, struct str s, int depth)
{
	int first = 1;

	if (depth == DEPTH)
		return put_base64(b, s);
	if (buf_addc(b, '[') == -1)
		return 0;
	for (; s.n > 0; first = 0)
		if ((!first && buf_addc(b, ',') == -1) ||
		    !put_value(b, &s, depth + 1))
			return 0;
	return buf_addc(b, ']') == 1;
}

static int
put_table(struct buf *b, struct str s, int depth)
{
	struct str key;
	int first = 1;

	if (depth == DEPTH)
		return put_base64(b, s);
	if (buf_addc(b, '{') == -1)
		return 0;
	for (; s.n > 0; first = 0)
		if ((!first && buf_addc(b, ',') == -1) ||
		    !mq_sized(&s, 1, &key) || !put_key(b, key) ||
		    buf_addc(b, ':') == -1 || !put_value(b, &s, depth + 1))
			return 0;
	return buf_addc(b, '}') == 1;
}

/* The integers: how many bytes, and whether the first bit is a sign. */
static const struct integer {
	char kind;
	unsigned char size, is_signed;
} integers[] = {
	{ 'b', 1, 1 }, { 'B', 1, 0 }, { 's', 2, 1 }, { 'u', 2, 0 },
	{ 'I', 4, 1 }, { 'i', 4, 0 }, { 'l', 8, 1 }, { 'L', 8, 0 }
};

static int
put_integer(struct buf *b, struct str *s, const struct integer *i)
{
	unsigned shift = 64 - 8u * i->size;
	uint64_t n;

	if (!mq_number(s, i->size, &n))
		return 0;
	if (!i->is_signed)
		return buf_addf(b, "%" PRIu64, n) == 1;
	return buf_addf(b, "%" PRId64, (int64_t)(n << shift) >> shift) == 1;
}

static int
put_float(struct buf *b, struct str *s)
{
	uint64_t n;
	uint32_t bits;
	float f;

	if (!mq_number(s, 4, &n))
		return 0;
	bits = (uint32_t)n;
	memcpy(&f, &bits, sizeof f);
	return put_double(b, (double)f, 6, 9);
}

static int
put_value(struct buf *b, struct str *s, int depth)
{
	const char *kind = take(s, 1);
	struct str bytes;
	uint64_t n, more;
	double d;

	if (kind == NULL)
		return 0;
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
		if (integers[i].kind == *kind)
			return put_integer(b, s, &integers[i]);
	switch (*kind) {
	case 'S':
		return mq_sized(s, 4, &bytes) && mq_put_text(b, bytes);
	case 'x':
		return mq_sized(s, 4, &bytes) && put_base64(b, bytes);
	case 'F':
		return mq_sized(s, 4, &bytes) && put_table(b, bytes, depth);
	case 'A':
		return mq_sized(s, 4, &bytes) && put_array(b, bytes, depth);
	case 't':
		return mq_number(s, 1, &n) &&
		    buf_adds(b, n ? STR("true") : STR("false")) == 1;
	case 'V':
		return buf_adds(b, STR("null")) == 1;
	case 'T':
		return mq_number(s, 8, &n) &&
		    buf_addf(b, "{\"$timestamp\":%" PRIu64 "}", n) == 1;
	case 'D':
		return mq_number(s, 1, &n) && mq_number(s, 4, &more) &&
		    put_decimal(b, (unsigned)n, (uint32_t)more);
	case 'f':
		return put_float(b, s);
	case 'd':
		if (!mq_number(s, 8, &n))
			return 0;
		memcpy(&d, &n, sizeof d);
		return put_double(b, d, 15, 17);
	default:
		return 0;
	}
}

int
mq_table_decode(struct buf *b, struct str table)
{
	return put_table(b, table, 0);
}
