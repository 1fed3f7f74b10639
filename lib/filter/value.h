/* SPDX-License-Identifier: ISC */
#ifndef FILTER_VALUE_H
#define FILTER_VALUE_H

/*
 * Values: the text of a frame as jv, each known again when it comes back.
 *
 *  - Everything a rule is handed stands in a table with the text it was made
 *    of.  What comes out and is still the same value, not an equal one, leaves
 *    as that text: 1.0, 1e3, -0, escapes, spaces, double keys.
 *  - Strings and numbers carry their place in the table in jv.size, which jq
 *    1.6 leaves zero, copies along, and never reads for these two kinds; every
 *    operation that makes a value makes it with zero.  A place is believed
 *    only when the table holds the very same string or bits.  Arrays and
 *    objects, whose jv.size jq uses, are found by their pointer.
 *  - The table owns a reference to each, so that nothing changes in place.
 *  - A handle is what a rule may carry but not look into: a container below
 *    the open levels, a number that a double cannot hold.  jq has a label for
 *    it (label.h), but only identity makes it a handle, so no client forges
 *    one; and a piece of a label in a string that is none of ours shows that
 *    the rule took it for text.
 */

#include <jv.h>

#include "../buf.h"
#include "../frame.h"
#include "label.h"
#include "text.h"

struct value {
	jv v;			/* our own reference */
	struct str text;	/* in the line */
	size_t opened;		/* of a handle: its contents' place, or 0 */
	unsigned char handle;
	unsigned char level;	/* containers around the text */
};

struct values {
	struct value *at;
	size_t n, cap;
	uint32_t *slots;	/* containers by pointer: places, 0 is empty */
	size_t nslots, containers;
	struct labels labels;	/* of handles */
	jv words[FRAME_NKEYS];	/* the vocabulary as keys */
	int depth;		/* levels of a user's own JSON */
	struct buf scratch;
};

static inline struct str
jv_bytes(jv string)			/* stays the caller's */
{
	return (struct str){ jv_string_value(string),
	    (size_t)jv_string_length_bytes(jv_copy(string)) };
}

void	 values_open(struct values *, int depth);
void	 values_clear(struct values *);	/* before the next frame's text */
void	 values_close(struct values *);

/* A checked value, its containers open for so many levels.  level counts the
 * containers around it. */
jv	 value_make(struct values *, struct str text, int levels, int level);
jv	 value_string(struct values *, struct str text, int level);
jv	 value_key(struct values *, const struct json_member *, int level);
/* Enters a value: what returns is v, known from now on to be this text. */
jv	 value_known(struct values *, jv v, struct str text, int level);

/* What is known of v, which stays the caller's; NULL: made by the rule. */
const struct value *value_find(const struct values *, jv v);

/* A handle's contents, open for one level; anything else as it is.  A number
 * is the double next to it.  Takes v. */
jv	 value_open(struct values *, jv v);

/* 1: some handle is in there, at any depth; -1: too deep to say. */
int	 value_has_handle(const struct values *, jv v, int depth);

#endif
