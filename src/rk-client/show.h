/* SPDX-License-Identifier: ISC */
#ifndef SHOW_H
#define SHOW_H

/*
 * How a message looks on standard output.  Pure: bytes in, text out.
 *
 *  - SHOW_LINES, for programs: a message is a line.  JSON as it came, a raw
 *    newline between its tokens as a space; other text as it is, its newlines
 *    as spaces too; binary as {"base64":"..."}.
 *  - SHOW_JSON: the same, but text is a JSON string: every line is JSON.
 *  - SHOW_PRETTY, for people: a mark for the direction, JSON indented and
 *    coloured as jq does it.  What could command a terminal is spelled out.
 */

#include "buf.h"

enum show { SHOW_AUTO, SHOW_LINES, SHOW_JSON, SHOW_PRETTY };

struct style {
	enum show how;
	int colour;
};

/* Adds the message, without a newline at its end.  mark: '<' came, '>' went. */
void	 show(struct buf *, const struct style *, char mark, struct str bytes,
	    int binary);

/* What the words of --format mean; -1: none of them. */
int	 show_word(const char *);

#endif
