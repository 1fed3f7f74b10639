/* SPDX-License-Identifier: ISC */
/*
 * Any text, as a rule for the native evaluator, whose parser only ever sees
 * what libjq has compiled but must not rely on it; and what it makes of a
 * frame is a frame.
 */
#include <stdlib.h>

#include "filter/native.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
note(void *ctx, int line, const char *part, int what_line, const char *what)
{
	(void)ctx;
	MUST(line >= 0 && part != NULL);
	MUST(what == NULL || what_line >= line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char line[] = "{\"type\":\"message\",\"conn\":\"a.1\","
	    "\"user\":\"T\",\"data\":{\"id\":1.0,\"list\":[1,{\"a\":\"b\"}]}}";
	const struct filter_rule rule = { .name = "fuzz", .routing = 1,
	    .depth = 2, .line_max = 1 << 16 };
	const struct native_rule mine = { .text = { (const char *)data, n },
	    .line = 1, .rule = &rule, .depth = 2, .outputs = 100 };
	struct native *p = native_open(&mine);
	struct filter_result r;
	struct frame f, out;
	const char *why;

	if (p == NULL)
		return 0;
	MUST(frame_scan(&f, str_of(line), &why) == 1);
	native_explain(p, note, NULL);
	if (native_run(p, &f, "up", &r))
		for (size_t i = 0; i < r.n; i++)
			MUST(frame_scan(&out, r.out[i].line, &why) == 1);
	native_close(p);
	return 0;
}
