/* SPDX-License-Identifier: ISC */
#ifndef FILTER_LABEL_H
#define FILTER_LABEL_H

/*
 * Labels: what a handle is to jq.
 *
 *  - A string of hex digits, each a code point from U+10FFF0 on: 17 of this
 *    process's random bits, 6 of the handle's number in its frame.  So any
 *    piece of one can be told in what a rule made of it, an upper case one
 *    too; labels sort above nearly all text, and one comparison finds most
 *    strings to be none.
 *  - A label proves nothing: a handle is known by identity (value.h).
 *  - They are the same for each frame, and made once.
 */

#include <jv.h>

#include "../buf.h"

#define LABEL_DIGIT	4	/* bytes */
#define LABEL_NONCE	17	/* digits */

struct labels {
	char nonce[LABEL_NONCE * LABEL_DIGIT];
	jv *at;
	size_t n;		/* made */
	size_t used;		/* in this frame */
};

void	 labels_open(struct labels *);
void	 labels_clear(struct labels *);		/* before the next frame */
void	 labels_close(struct labels *);
jv	 labels_next(struct labels *);

/* All labels lie from the first on and below the second. */
jv	 labels_min(const struct labels *);
jv	 labels_max(const struct labels *);

static inline int
label_digit(const char *p)		/* at p, of a terminated string */
{
	return strncmp(p, "\xf4\x8f\xbf", 3) == 0 &&
	    (unsigned char)p[3] >= 0xb0;
}

int	 label_in(struct str);		/* 1: a digit of one is in there */

#endif
