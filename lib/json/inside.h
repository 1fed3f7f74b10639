/* SPDX-License-Identifier: ISC */
#ifndef INSIDE_H
#define INSIDE_H

/* What checking and quoting share.  In the loop over every byte of every
 * line, so it is inline. */

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "../json.h"

/* The length of the sequence at p, whose first byte is 0x80 or more; 0: not
 * well-formed. */
size_t	 utf8_length(const char *p, const char *end);

/* Four hex digits at p, which are there or not: the number, or -1. */
static inline long
json_hex4(const char *p, const char *end)
{
	long n = 0;
	int i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (hex_digit(p[i]) < 0)
			return -1;
		n = n << 4 | hex_digit(p[i]);
	}
	return n;
}

/*
 * What a string cannot just pass over: a quote, a backslash, a control
 * character or a byte of 0x80 and more.
 */
#ifdef __SSE2__
/* A bit for each of the 16 bytes at p. */
static inline unsigned
json_hits16(const char *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);

	/* signed: less than 0x20 is also 0x80 and more */
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(
	    _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)),
	    _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')))));
}
#endif

/* The first such byte of the 16 at p, or NULL: look closer. */
static inline const char *
json_plain16(const char *p, const char *end)
{
#ifdef __SSE2__
	unsigned hits = end - p < 16 ? 0 : json_hits16(p);

	return hits == 0 ? NULL : p + __builtin_ctz(hits);
#else
	(void)p;
	(void)end;
	return NULL;
#endif
}

/* The first such byte from p on, or end. */
static inline const char *
json_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	unsigned hits;

	for (; end - p >= 16; p += 16)
		if ((hits = json_hits16(p)) != 0)
			return p + __builtin_ctz(hits);
#endif
	while (p < end && *p != '"' && *p != '\\' &&
	    (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
		p++;
	return p;
}

#endif
