/* SPDX-License-Identifier: ISC */

/* Strings: from between their quotes to bytes, and back. */

#include "inside.h"

static size_t
utf8_put(char *out, unsigned long c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The code point of the \u escape at *p, which moves past it (and past the
 * second half of a pair).  Half a pair alone is U+FFFD. */
static unsigned long
code_point(const char **p, const char *end)
{
	long c = json_hex4(*p + 2, end), low;

	*p += 6;
	if (c < 0xd800 || c > 0xdfff)
		return (unsigned long)c;
	if (c <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' &&
	    (*p)[1] == 'u') {
		low = json_hex4(*p + 2, end);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*p += 6;
			return 0x10000 + (((unsigned long)c - 0xd800) << 10) +
			    ((unsigned long)low - 0xdc00);
		}
	}
	return 0xfffd;
}

int
json_unquote(struct buf *b, struct str raw)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *p = raw.p, *end = raw.p + raw.n, *q, *hit;
	char *out;

	/* nothing gets longer by being decoded */
	if (buf_room(b, raw.n) == -1)
		return -1;
	out = b->data + b->len;
	while (p < end) {
		q = memchr(p, '\\', (size_t)(end - p));
		if (q == NULL)
			q = end;
		if (q > p)
			memcpy(out, p, (size_t)(q - p));
		out += q - p;
		if ((p = q) == end)
			break;
		if (p[1] == 'u') {
			out += utf8_put(out, code_point(&p, end));
			continue;
		}
		hit = strchr(from, p[1]);
		*out++ = hit ? to[hit - from] : p[1];
		p += 2;
	}
	if (raw.n > 0)
		b->len = (size_t)(out - b->data);
	return 1;
}

static int
quote_one(struct buf *b, unsigned char c)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *hit = c ? strchr(from, c) : NULL;

	if (hit != NULL)
		return buf_addf(b, "\\%c", to[hit - from]);
	return buf_addf(b, "\\u%04x", c);
}

int
json_quote(struct buf *b, struct str s)
{
	size_t before = b->len - b->pos;
	const char *p = s.p, *end = s.p + s.n, *q;

	if (buf_addc(b, '"') == -1)
		return -1;
	while (p < end) {
		q = json_plain(p, end);
		while (q < end && (unsigned char)*q >= 0x80)
			q = json_plain(q + 1, end);
		if (buf_add(b, p, (size_t)(q - p)) == -1 ||
		    (q < end && quote_one(b, (unsigned char)*q) == -1))
			goto full;
		p = q + 1;
	}
	if (buf_addc(b, '"') == 1)
		return 1;
full:
	b->len = b->pos + before;
	return -1;
}

int
json_says(struct str raw, const char *name)
{
	struct buf b = BUF(raw.n);
	int r;

	if (memchr(raw.p, '\\', raw.n) == NULL)
		return str_eq(raw, str_of(name));
	if (raw.n > 6 * strlen(name))
		return 0;
	r = json_unquote(&b, raw) == 1 && str_eq(buf_str(&b), str_of(name));
	buf_free(&b);
	return r;
}
