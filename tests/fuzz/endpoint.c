/* SPDX-License-Identifier: ISC */
/*
 * Any bytes, as a path and its query, at a listener with templates of every
 * kind: a name that is found is sound, a query becomes an object.
 */
#include <stdlib.h>

#include "../../src/rk-listen/endpoint.c"
#include "../../src/rk-listen/head.c"
#include "../../src/rk-listen/roster.c"
#include "../../src/rk-listen/state.c"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct endpoint endpoints[] = {
		{ .template = "/" }, { .template = "/api/{user}" },
		{ .template = "/r/{room}/{user}/x" }, { .template = "/a/*" },
		{ .template = "/q/{user}", .http = 1 }
	};
	static struct captures found = { .user = { .max = NAME_BYTES },
	    .params = { .max = 6 * HTTP_HEAD_MAX } };
	struct str s = { (const char *)data, n }, chosen, object;
	struct endpoint e;
	const char *why;

	if (n > HTTP_HEAD_MAX)
		return 0;
	for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
		e = endpoints[i];
		if (n == 0 || data[0] != '/' ||
		    endpoint_match(&e, s, &found) != 1)
			continue;
		MUST(buf_size(&found.user) == 0 ||
		    name_sound(buf_str(&found.user)));
	}
	object = query(s);
	MUST(json_check(object, &why) && json_kind(object) == 'o');
	e.subprotocols = "v1, v2";
	endpoint_subprotocol(&e, s, &chosen);
	return 0;
}
