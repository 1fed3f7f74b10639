/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a request: what is parsed lies within it, and a piece of it is
 * never parsed to something else than the whole.
 */
#include <stdlib.h>

#include "http.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
inside(struct str part, struct str whole)
{
	MUST(part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf out = { .max = 1 << 20 };
	struct str in = { (const char *)data, size };
	struct http_head h, again;
	int status = 0;
	ssize_t n = http_parse(&h, in, &status);

	buf_clear(&out);
	http_unescape(&out, in, 1);
	MUST(n <= (ssize_t)size);
	MUST(n != -1 || (status >= 400 && status <= 505));
	if (n <= 0)
		return 0;
	MUST(http_parse(&again, (struct str){ in.p, (size_t)n - 1 },
	    &status) == 0);
	MUST(h.path.n > 0 && h.path.p[0] == '/');
	inside(h.path, in);
	inside(h.query, in);
	for (size_t i = 0; i < h.n; i++) {
		inside(h.headers[i].name, in);
		inside(h.headers[i].value, in);
		MUST(http_sound(h.headers[i].name, h.headers[i].value));
	}
	http_has_token(&h, "connection", "upgrade");
	return 0;
}
