/* SPDX-License-Identifier: ISC */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "skim.h"

typedef const char *at;		/* a place in the text, for short signatures */

/* p is after the opening quote; returns the closing one. */
static at
string(at p, at end, int *escaped)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	__m128i x;
	int hit;

	for (; end - p >= 16; p += 16) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, quote),
		    _mm_cmpeq_epi8(x, back)));
		if (hit == 0)
			continue;
		p += __builtin_ctz((unsigned)hit);
		if (*p == '"')
			return p;
		break;
	}
#else
	(void)end;
#endif
	for (; *p != '"'; p++)
		if (*p == '\\') {
			*escaped = 1;
			p++;
		}
	return p;
}

const char *
skim_string(const char *p, const char *end)
{
	int escaped;

	return string(p, end, &escaped);
}

static at
space(at p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

/* Where the bytes of a container, byte by byte, lead: depth and *quoted are
 * what they are before p; past the closing bracket, or stop. */
static at
bytes(at p, at stop, int *depth, int *quoted)
{
	for (; p < stop && *depth > 0; p++) {
		if (*p == '"')
			*quoted = !*quoted;
		else if (*quoted)
			p += *p == '\\';
		else if ((*p | 32) == '{')
			++*depth;
		else if ((*p | 32) == '}')
			--*depth;
	}
	return p;
}

#ifdef __SSE2__
/* Which bytes of x are b. */
static unsigned
which(__m128i x, char b)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x,
	    _mm_set1_epi8(b)));
}

/* Each bit from an odd one on to the next: what is within quotes. */
static unsigned
within(unsigned quotes)
{
	quotes ^= quotes << 1;
	quotes ^= quotes << 2;
	quotes ^= quotes << 4;
	quotes ^= quotes << 8;
	return quotes & 0xffff;
}

/* Sixteen bytes at a time, while none of them is escaped. */
static at
blocks(at p, at end, int *depth, int *quoted)
{
	const __m128i lower = _mm_set1_epi8(32);
	unsigned in, open, marks;
	__m128i x, y;

	for (; end - p >= 16; p += 16) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		if (which(x, '\\') != 0)
			return p;
		in = within(which(x, '"'));
		if (*quoted)
			in ^= 0xffff;
		y = _mm_or_si128(x, lower);
		open = which(y, '{') & ~in;
		marks = (which(y, '}') & ~in) | open;
		for (; marks != 0; marks &= marks - 1) {
			*depth += open & marks & -marks ? 1 : -1;
			if (*depth == 0)
				return p + __builtin_ctz(marks) + 1;
		}
		*quoted = in >> 15 & 1;
	}
	return p;
}
#endif

/* p is after the opening bracket: past the closing one. */
static at
container(at p, at end)
{
	int depth = 1, quoted = 0;

	while (depth > 0) {
#ifdef __SSE2__
		p = blocks(p, end, &depth, &quoted);
#endif
		p = bytes(p, end - p > 16 ? p + 16 : end, &depth, &quoted);
	}
	return p;
}

static at
value(at p, at end)
{
	int escaped;

	switch (*p) {
	case '"':
		return string(p + 1, end, &escaped) + 1;
	case '{':
	case '[':
		return container(p + 1, end);
	default:
		while (*p > ' ' && *p != ',' && (*p | 32) != '}')
			p++;
		return p;
	}
}

void
skim_open(struct skim *s, struct str text)
{
	s->object = *text.p == '{';
	s->p = space(text.p + 1);
	s->end = text.p + text.n;
}

int
skim_key(struct skim *s, struct json_member *m)
{
	at end;

	if (*s->p == '}' || *s->p == ']')
		return 0;
	m->escaped = 0;
	m->key = (struct str){ NULL, 0 };
	if (s->object) {
		end = string(s->p + 1, s->end, &m->escaped);
		m->key = (struct str){ s->p + 1, (size_t)(end - s->p) - 1 };
		s->p = space(space(end + 1) + 1);
	}
	m->value.p = s->p;
	return 1;
}

void
skim_bytes(struct skim *s, struct json_member *m, size_t n)
{
	m->value.n = n;
	s->p = space(m->value.p + n);
	if (*s->p == ',')
		s->p = space(s->p + 1);
}

void
skim_value(struct skim *s, struct json_member *m)
{
	skim_bytes(s, m, (size_t)(value(m->value.p, s->end) - m->value.p));
}
