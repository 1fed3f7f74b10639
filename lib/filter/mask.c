/* SPDX-License-Identifier: ISC */

/*
 * The reasons of jq quote what the rule was given: a client's token, or a
 * password.  They go into logs and to whoever asked, so of each quoted text no
 * more than 4 characters stay.
 *
 * jq writes a value as JSON between double quotes and cuts it off with "..."
 * where it is long; what is no JSON it quotes whole, at the end:
 *
 *	string ("abcdefghij...) and number (1) cannot be added
 *	Cannot index number with string "abcdefghij"
 *	Invalid numeric literal at ... (while parsing 'abcdefghij')
 */

#include "inside.h"

#define SHOWN	4

static const char parsing[] = "(while parsing '";

static int
cut_off(const char *p)
{
	return strncmp(p, "...", 3) == 0 &&
	    (p[3] == '\0' || p[3] == ')' || p[3] == ' ');
}

/* Where what is quoted from p on ends: at its quote or where it was cut. */
static const char *
quoted_end(const char *p)
{
	for (; *p != '\0' && *p != '"' && !cut_off(p); p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return p;
}

/* The first characters of [p, end), and that there are more. */
static void
show(struct buf *b, const char *p, const char *end)
{
	int n = 0;

	for (; p < end; p++) {
		if ((*p & 0xc0) != 0x80 && n++ == SHOWN)
			break;
		buf_addc(b, *p);
	}
	if (p < end || *end == '.')
		buf_adds(b, STR("..."));
}

void
mask_quoted(struct buf *b, const char *p)
{
	const char *end;

	while (*p != '\0') {
		buf_addc(b, *p++);
		if (p[-1] == '"') {
			end = quoted_end(p);
		} else if (strncmp(p, parsing, sizeof parsing - 1) == 0) {
			buf_adds(b, STR(parsing));
			p += sizeof parsing - 1;
			end = p + strlen(p);
			end -= end - p > 2 ? 2 : 0;	/* ') */
		} else {
			continue;
		}
		show(b, p, end);
		p = end + (*end == '.' ? 3 : 0);
		if (*p == '"')
			buf_addc(b, *p++);
	}
}
