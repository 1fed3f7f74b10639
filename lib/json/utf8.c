/* SPDX-License-Identifier: ISC */

/* UTF-8: well-formed as RFC 3629 and table 3-7 of Unicode say. */

#include "inside.h"

size_t
utf8_length(const char *p, const char *end)
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
	const char *p = s.p, *end = s.p + s.n;
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
