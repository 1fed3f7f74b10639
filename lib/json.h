/* SPDX-License-Identifier: ISC */
#ifndef JSON_H
#define JSON_H

/*
 * JSON texts as bytes (RFC 8259): checked, walked and quoted, never built.
 *
 *  - Results are spans into the input; nothing is allocated.
 *  - json_end() checks one value whole: grammar, UTF-8, escapes, depth.
 *    No recursion: a bit a level.  A lone surrogate escape is grammar, so it
 *    passes (RFC 8259 section 8.2).
 *  - A walk checks what it passes over, each value to JSON_DEPTH; when it has
 *    come to the end with 0, the container is checked whole.
 */

#include <stdint.h>

#include "buf.h"

#define JSON_DEPTH	128	/* containers within containers, at most */

/* The end of the value that begins at p (no space before it), or NULL with
 * *why set to a static reason; *at (when at is not NULL) to where. */
const char *json_end(const char *p, const char *end, const char **why,
	    const char **at);

/* 1: the text is one value, with nothing but space around it. 0: not. */
int	 json_check(struct str, const char **why);

/* Past the space at p. */
const char *json_space(const char *p, const char *end);

/* The text without the space around it. */
struct str json_trim(struct str);

/* Members of an object, elements of an array. */
struct json_walk {
	const char *p, *end;
	int object;
	int comma;		/* the last one was followed by a comma */
	const char *why;	/* what was wrong, after -1 */
};
struct json_member {
	struct str key;		/* between the quotes, as spelled; objects */
	int escaped;		/* key holds a backslash */
	struct str value;	/* as spelled, without space around it */
};

int	 json_walk(struct json_walk *, struct str);	/* 0: no container */
int	 json_next(struct json_walk *, struct json_member *);	/* 1, 0, -1 */

/* One of: o a s n t f 0 (null): what a checked value is, by its first
 * byte. */
int	 json_kind(struct str);

/* What is between the quotes of a checked string, decoded and added: 1, or
 * -1 with ENOBUFS.  A lone surrogate becomes U+FFFD. */
int	 json_unquote(struct buf *, struct str);

/* Whether what is between the quotes, however spelled, means this name. */
int	 json_says(struct str raw, const char *name);

/* A quoted string of these bytes, which are UTF-8: 1, or -1 ENOBUFS. */
int	 json_quote(struct buf *, struct str);

/* 1 and the number, when the value is an integer that fits. */
int	 json_int(struct str, int64_t *);

int	 utf8_check(struct str);	/* 1: RFC 3629 */

static inline int
hex_digit(char c)			/* what it is worth, or -1 */
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
