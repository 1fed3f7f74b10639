/* SPDX-License-Identifier: ISC */
#ifndef FRAMES_H
#define FRAMES_H

/*
 * Frames for tests, at random: keys of the vocabulary and others, some twice,
 * some with escapes, some null; numbers and strings that are hard to keep;
 * values that are handles; spaces.
 */

#include "buf.h"

static uint64_t unit_random(uint64_t *, uint64_t);

static const char *const frame_scalars[] = {
	"0", "1", "2", "-1", "1.0", "1e3", "-0", "0e5", "5", "1000",
	"9007199254740993", "12345678901234567890", "1e400", "123456789012345",
	"1234567890123456", "0.1", "true", "false", "null", "null", "[]", "{}",
	"[ ]", "{ }", "\"\"", "\"a\"", "\"b\"", "\"\\u0061\"", "\"a/b\"",
	"\"a\\/b\"", "\"\xc3\xa9\"", "\"\\u00e9\"", "\"\\ud800\"", "\"yes\"",
	"\"\\u0000\"", "\"x\\\"y\"", "\"\\n\"", "\"abc\"", "\"ab\"", "\"5\"",
	"\"\xf4\x8f\xbf\xb1\"", "\"\xf4\x8f\xbf\"", "\"a,b\"", "\"\x7f\"",
	"\"message\"", "\"\\u0061\"", "\"\\u0061\"", "\"a\\/b\"", "1e3",
};
static const char *const frame_inner[] = {
	"a", "b", "c", "k", "type", "a\\/b", "\\u0061", "\xc3\xa9", "token",
	"state", "data", "user", "a",
};
static const char *const frame_outer[] = {
	"data", "data", "user", "conn", "n", "from", "via", "state", "ref",
	"members", "channels", "x", "y", "a", "b", "a\\/b", "\\u0061", "seq",
	"again", "of", "text", "event", "headers", "\\u0075ser", "x",
};
#define FRAME_PICK(table, seed) \
	(table)[unit_random((seed), sizeof (table) / sizeof *(table))]

static void
frames_space(struct buf *b, uint64_t *seed)
{
	if (unit_random(seed, 12) == 0)
		buf_adds(b, str_of(unit_random(seed, 2) ? " " : "\t "));
}

static void
frames_value(struct buf *b, int depth, uint64_t *seed)
{
	int n = (int)unit_random(seed, 4), i, kind = (int)unit_random(seed, 5);

	if (kind < 2 || depth == 0) {
		buf_adds(b, str_of(FRAME_PICK(frame_scalars, seed)));
		return;
	}
	buf_addc(b, kind == 2 ? '[' : '{');
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		frames_space(b, seed);
		if (kind != 2)
			buf_addf(b, "\"%s\":", FRAME_PICK(frame_inner, seed));
		frames_space(b, seed);
		frames_value(b, depth - 1, seed);
		frames_space(b, seed);
	}
	buf_addc(b, kind == 2 ? ']' : '}');
}

/* So deep that it just passes. */
static void
frames_deep(struct buf *b, uint64_t *seed)
{
	int i, n = 122 + (int)unit_random(seed, 6);

	for (i = 0; i < n; i++)
		buf_adds(b, str_of(i % 2 ? "[" : "{\"a\":"));
	buf_addc(b, '1');
	while (i-- > 0)
		buf_addc(b, i % 2 ? ']' : '}');
}

/* A line that may be refused: a key of the vocabulary can come twice. */
static __attribute__((unused)) void
frames_make(struct buf *b, int pick, uint64_t *seed)
{
	int n = (int)unit_random(seed, 7), i;

	buf_addf(b, "{\"pick\":%d", pick);
	if (unit_random(seed, 30) != 0)
		buf_addf(b, ",%s:%s", unit_random(seed, 20) ? "\"type\"" :
		    "\"\\u0074ype\"", unit_random(seed, 3) ? "\"message\"" :
		    FRAME_PICK(frame_scalars, seed));
	for (i = 0; i < n; i++) {
		buf_addc(b, ',');
		frames_space(b, seed);
		buf_addf(b, "\"%s\"", FRAME_PICK(frame_outer, seed));
		frames_space(b, seed);
		buf_addc(b, ':');
		frames_space(b, seed);
		if (unit_random(seed, 60) == 0)
			frames_deep(b, seed);
		else
			frames_value(b, 4, seed);
		frames_space(b, seed);
	}
	buf_addc(b, '}');
}

#endif
