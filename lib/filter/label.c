/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/random.h>

#include "../log.h"
#include "label.h"

#define NUMBER	6		/* digits of a handle's number */
#define KEEP	4096		/* labels kept from one frame to the next */

static void
put_digit(char *p, unsigned digit)
{
	memcpy(p, "\xf4\x8f\xbf\xb0", LABEL_DIGIT);
	p[LABEL_DIGIT - 1] = (char)(0xb0 + (digit & 15));
}

void
labels_open(struct labels *ls)
{
	unsigned char random[LABEL_NONCE];
	size_t i;

	*ls = (struct labels){ .at = NULL };
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		die(111, "getrandom: no random bytes");
	for (i = 0; i < sizeof random; i++)
		put_digit(ls->nonce + i * LABEL_DIGIT, random[i]);
}

void
labels_clear(struct labels *ls)
{
	while (ls->n > KEEP)
		jv_free(ls->at[--ls->n]);
	ls->used = 0;
}

void
labels_close(struct labels *ls)
{
	while (ls->n > 0)
		jv_free(ls->at[--ls->n]);
	free(ls->at);
}

/* The nonce and the number's digits, so many. */
static jv
make(const struct labels *ls, size_t number, int digits)
{
	char text[sizeof ls->nonce + (NUMBER + 1) * LABEL_DIGIT];
	char *p = text + sizeof ls->nonce;

	memcpy(text, ls->nonce, sizeof ls->nonce);
	for (; digits > 0; p += LABEL_DIGIT)
		put_digit(p, (unsigned)(number >> (4 * --digits)));
	return jv_string_sized(text, (int)(p - text));
}

jv
labels_next(struct labels *ls)
{
	size_t i = ls->used++;

	if (i == ls->n) {
		ls->at = mem_grow(ls->at, (i + 1) * sizeof(jv));
		ls->at[ls->n++] = make(ls, i, NUMBER);
	}
	return jv_copy(ls->at[i]);
}

jv
labels_min(const struct labels *ls)
{
	return make(ls, 0, 0);
}

jv
labels_max(const struct labels *ls)
{
	return make(ls, SIZE_MAX, NUMBER + 1);
}

int
label_in(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	while ((p = memmem(p, (size_t)(end - p), "\xf4\x8f\xbf",
	    LABEL_DIGIT - 1)) != NULL) {
		p += LABEL_DIGIT - 1;
		if (p < end && (unsigned char)*p >= 0xb0)
			return 1;
	}
	return 0;
}
