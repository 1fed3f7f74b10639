/* SPDX-License-Identifier: ISC */
#include <errno.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "json.h"

typedef const char *at;		/* a place in the text, for short signatures */

struct scan {
	at end;
	const char *why;
	at where;
};

static at
fail(struct scan *s, at p, const char *why)
{
	s->why = why;
	s->where = p;
	return NULL;
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static at
space(at p, at end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* RFC 3629, table 3-7 of Unicode: the length of the sequence at p, whose
 * first byte is 0x80 or more; 0: not well-formed. */
static size_t
utf8_length(at p, at end)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t left = (size_t)(end - p), n, i;
	unsigned char low = 0x80, high = 0xbf;

	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (left < n)
		return 0;
	if (u[0] == 0xe0)
		low = 0xa0;		/* overlong */
	else if (u[0] == 0xed)
		high = 0x9f;		/* surrogates */
	else if (u[0] == 0xf0)
		low = 0x90;		/* overlong */
	else if (u[0] == 0xf4)
		high = 0x8f;		/* past U+10FFFF */
	if (u[1] < low || u[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

int
utf8_check(struct str s)
{
	at p = s.p, end = s.p + s.n;
	size_t n;

	while (p < end) {
#ifdef __SSE2__
		while (end - p >= 16 && _mm_movemask_epi8(
		    _mm_loadu_si128((const __m128i *)(const void *)p)) == 0)
			p += 16;
		if (p == end)
			break;
#endif
		if ((unsigned char)*p < 0x80) {
			p++;
			continue;
		}
		if ((n = utf8_length(p, end)) == 0)
			return 0;
		p += n;
	}
	return 1;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hex digits at p, which are there or not: the number, or -1. */
static long
hex4(at p, at end)
{
	long n = 0;
	int i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (hex(p[i]) < 0)
			return -1;
		n = n << 4 | hex(p[i]);
	}
	return n;
}

/* The first byte from p on that a string cannot just pass over: a quote, a
 * backslash, a control character or a byte of 0x80 and more. */
static at
plain(at p, at end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'),
	    low = _mm_set1_epi8(0x20);
	__m128i x;
	int hit;

	for (; end - p >= 16; p += 16) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* signed: less than 0x20 is also 0x80 and more */
		hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(x, low),
		    _mm_or_si128(_mm_cmpeq_epi8(x, quote),
		    _mm_cmpeq_epi8(x, back))));
		if (hit != 0)
			return p + __builtin_ctz((unsigned)hit);
	}
#endif
	while (p < end && *p != '"' && *p != '\\' &&
	    (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
		p++;
	return p;
}

static at
escape(struct scan *s, at p)
{
	if (s->end - p < 2)
		return fail(s, p, "unfinished escape");
	if (p[1] == 'u') {
		if (hex4(p + 2, s->end) < 0)
			return fail(s, p, "malformed \\u escape");
		return p + 6;
	}
	if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
		return fail(s, p, "unknown escape");
	return p + 2;
}

/* p is after the opening quote; returns the closing one. */
static at
string(struct scan *s, at p, int *escaped)
{
	size_t n;

	for (;;) {
		p = plain(p, s->end);
		if (p == s->end)
			return fail(s, p, "unfinished string");
		if (*p == '"')
			return p;
		if (*p == '\\') {
			*escaped = 1;
			if ((p = escape(s, p)) == NULL)
				return NULL;
		} else if ((unsigned char)*p < 0x20) {
			return fail(s, p, "control character in a string");
		} else {
			if ((n = utf8_length(p, s->end)) == 0)
				return fail(s, p, "invalid UTF-8");
			p += n;
		}
	}
}

static at
digits(at p, at end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static at
number(struct scan *s, at p)
{
	at q, from = p;

	if (*p == '-')
		p++;
	q = digits(p, s->end);
	if (q == p || (*p == '0' && q - p > 1))
		return fail(s, from, "malformed number");
	p = q;
	if (p < s->end && *p == '.') {
		q = digits(p + 1, s->end);
		if (q == p + 1)
			return fail(s, from, "malformed number");
		p = q;
	}
	if (p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		q = digits(p, s->end);
		if (q == p)
			return fail(s, from, "malformed number");
		p = q;
	}
	return p;
}

static at
word(struct scan *s, at p, const char *w, size_t n)
{
	if ((size_t)(s->end - p) < n || memcmp(p, w, n) != 0)
		return fail(s, p, "unknown word");
	return p + n;
}

static at
scalar(struct scan *s, at p)
{
	int escaped = 0;

	switch (*p) {
	case '"':
		p = string(s, p + 1, &escaped);
		return p ? p + 1 : NULL;
	case 't':
		return word(s, p, "true", 4);
	case 'f':
		return word(s, p, "false", 5);
	case 'n':
		return word(s, p, "null", 4);
	default:
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			return number(s, p);
		return fail(s, p, "a value is missing");
	}
}

/* p is where a member begins: its key and colon; returns its value. */
static at
member(struct scan *s, at p, struct json_member *m)
{
	at q;

	if (p == s->end || *p != '"')
		return fail(s, p, "a key is missing");
	m->escaped = 0;
	if ((q = string(s, p + 1, &m->escaped)) == NULL)
		return NULL;
	m->key = (struct str){ p + 1, (size_t)(q - p - 1) };
	p = space(q + 1, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p, "a colon is missing");
	return space(p + 1, s->end);
}

#define IS_OBJECT(d)	(objects[(d) / 64] >> ((d) % 64) & 1)

static at
value(struct scan *s, at p)
{
	uint64_t objects[JSON_DEPTH / 64 + 1] = { 0 };
	struct json_member m;
	unsigned depth = 0;

	for (;;) {
		/* p is where a value begins */
		if (p == s->end)
			return fail(s, p, "a value is missing");
		if (*p == '{' || *p == '[') {
			if (++depth > JSON_DEPTH)
				return fail(s, p, "too deep");
			objects[depth / 64] &= ~(UINT64_C(1) << depth % 64);
			objects[depth / 64] |=
			    (uint64_t)(*p == '{') << depth % 64;
			p = space(p + 1, s->end);
			if (p < s->end && *p == (IS_OBJECT(depth) ? '}' : ']'))
				goto close;
			if (IS_OBJECT(depth) && !(p = member(s, p, &m)))
				return NULL;
			continue;
		}
		if ((p = scalar(s, p)) == NULL)
			return NULL;
		/* p is after a value */
		while (depth > 0) {
			p = space(p, s->end);
			if (p == s->end)
				return fail(s, p, "unfinished");
			if (*p == ',') {
				p = space(p + 1, s->end);
				if (IS_OBJECT(depth) && !(p = member(s, p, &m)))
					return NULL;
				break;
			}
			if (*p != (IS_OBJECT(depth) ? '}' : ']'))
				return fail(s, p, "a comma is missing");
close:
			p++;
			depth--;
		}
		if (depth == 0)
			return p;
	}
}

const char *
json_end(const char *p, const char *end, const char **why, const char **where)
{
	struct scan s = { .end = end };

	p = value(&s, p);
	if (p == NULL) {
		*why = s.why;
		if (where != NULL)
			*where = s.where;
	}
	return p;
}

int
json_check(struct str text, const char **why)
{
	struct str t = json_trim(text);
	at p;

	if (t.n == 0) {
		*why = "empty";
		return 0;
	}
	p = json_end(t.p, t.p + t.n, why, NULL);
	if (p != NULL && p != t.p + t.n) {
		*why = "more than one value";
		return 0;
	}
	return p != NULL;
}

struct str
json_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

int
json_walk(struct json_walk *w, struct str container)
{
	struct str s = json_trim(container);

	*w = (struct json_walk){ .why = NULL };
	if (s.n < 2 || (*s.p != '{' && *s.p != '[') ||
	    s.p[s.n - 1] != (*s.p == '{' ? '}' : ']'))
		return 0;
	w->object = *s.p == '{';
	w->end = s.p + s.n - 1;
	w->p = space(s.p + 1, w->end);
	return 1;
}

int
json_next(struct json_walk *w, struct json_member *m)
{
	struct scan s = { .end = w->end };
	at p = w->p;

	*m = (struct json_member){ .escaped = 0 };
	if (p == w->end && !w->comma)
		return 0;
	if (w->object && (p = member(&s, p, m)) == NULL)
		goto bad;
	m->value.p = p;
	p = p < w->end && *p != '{' && *p != '[' ? scalar(&s, p) : value(&s, p);
	if (p == NULL)
		goto bad;
	m->value.n = (size_t)(p - m->value.p);
	p = space(p, w->end);
	w->comma = p < w->end;
	if (w->comma && *p != ',') {
		fail(&s, p, "a comma is missing");
		goto bad;
	}
	w->p = w->comma ? space(p + 1, w->end) : p;
	return 1;
bad:
	w->why = s.why;
	return -1;
}

int
json_kind(struct str v)
{
	if (v.n == 0)
		return 0;
	switch (*v.p) {
	case '{':
		return 'o';
	case '[':
		return 'a';
	case '"':
		return 's';
	case 't':
	case 'f':
	case 'n':
		return *v.p;
	default:
		return '0';
	}
}

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
code_point(at *p, at end)
{
	long c = hex4(*p + 2, end), low;

	*p += 6;
	if (c < 0xd800 || c > 0xdfff)
		return (unsigned long)c;
	if (c <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' &&
	    (*p)[1] == 'u') {
		low = hex4(*p + 2, end);
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
	at p = raw.p, end = raw.p + raw.n, q;
	const char *hit;
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
	at p = s.p, end = s.p + s.n, q;

	if (buf_addc(b, '"') == -1)
		return -1;
	while (p < end) {
		q = plain(p, end);
		while (q < end && (unsigned char)*q >= 0x80)
			q = plain(q + 1, end);
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
json_int(struct str v, int64_t *out)
{
	uint64_t n = 0, limit;
	size_t i = 0;
	int minus = v.n > 0 && v.p[0] == '-';

	if (minus)
		i = 1;
	if (i == v.n || v.n - i > 19)
		return 0;
	for (; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	limit = (uint64_t)INT64_MAX;
	if (n > limit)
		return 0;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 1;
}
