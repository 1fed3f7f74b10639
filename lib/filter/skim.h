/* SPDX-License-Identifier: ISC */
#ifndef FILTER_SKIM_H
#define FILTER_SKIM_H

/*
 * Over JSON text that has been checked, at once to the end of each value:
 * nothing is checked again.
 */

#include "../json.h"

struct skim {
	const char *p;		/* the next member; the brace at the end */
	const char *end;	/* of the text */
	int object;
};

/* A container without space around it. */
void	 skim_open(struct skim *, struct str);
/* 1: the next key, in m, with m->value.p where its value begins, and p
 * there.  0: that was all. */
int	 skim_key(struct skim *, struct json_member *);
/* After it: past the value, to be found, or of so many bytes. */
void	 skim_value(struct skim *, struct json_member *);
void	 skim_bytes(struct skim *, struct json_member *, size_t);
/* p is after the opening quote of a string: its closing one. */
const char *skim_string(const char *p, const char *end);

#endif
