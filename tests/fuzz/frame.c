/* SPDX-License-Identifier: ISC */
/*
 * Any bytes, as a line and as a client's message: what is taken for JSON, and
 * that payloads come back as they went in.
 */
#include <stdlib.h>

#include "frame.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf frame = { .max = 8 << 20 }, out = { .max = 8 << 20 };

/* A frame is JSON, its spans are JSON, and lie within it. */
static void
as_line(struct str line)
{
	struct frame f;
	const char *why = NULL;
	struct str s;
	int64_t n;
	int k, binary;

	if (frame_scan(&f, line, &why) == -1) {
		MUST(why != NULL);
		return;
	}
	MUST(f.line.p >= line.p && f.line.p + f.line.n <= line.p + line.n);
	for (k = 0; k < FRAME_NKEYS; k++) {
		if (f.v[k].p == NULL)
			continue;
		MUST(f.v[k].p > line.p);
		MUST(f.v[k].p + f.v[k].n < line.p + line.n);
		MUST(json_check(f.v[k], &why));
		frame_int(&f, (enum key)k, &n);
		frame_str(&f, (enum key)k, &out, &s);
	}
	buf_clear(&out);
	frame_payload_bytes(&f, &out, &binary);
}

/* From space to space, and a newline is one. */
static int
same(struct str a, struct str b)
{
	size_t i;

	a = json_trim(a);
	if (a.n != b.n)
		return 0;
	for (i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && !(b.p[i] == ' ' &&
		    (a.p[i] == '\r' || a.p[i] == '\n')))
			return 0;
	return 1;
}

static void
as_message(struct str bytes, int binary)
{
	struct frame f;
	const char *why;
	int was_binary;

	frame_begin(&frame, "message");
	if (binary)
		MUST(frame_add_binary(&frame, bytes, 0) == 1);
	else
		MUST(frame_add_text(&frame, bytes) == 1);
	MUST(frame_end(&frame) == 1);
	MUST(memchr(frame.data, '\n', frame.len) == NULL);
	MUST(frame_scan(&f, buf_str(&frame), &why) == 1);
	buf_clear(&out);
	MUST(frame_payload_bytes(&f, &out, &was_binary) == 1);
	MUST(was_binary == binary);
	if (frame_has(&f, K_DATA))
		MUST(same(bytes, buf_str(&out)));
	else
		MUST(str_eq(bytes, buf_str(&out)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };

	as_line(s);
	buf_clear(&out);
	base64_decode(&out, s);
	as_message(s, 1);
	if (utf8_check(s))
		as_message(s, 0);
	return 0;
}
