/* SPDX-License-Identifier: ISC */
/*
 * What the scanner makes of each line of standard input, for tests/differ/run:
 * a line "refused REASON", or "frame" and, for each member of the object, the
 * places (from, length) of its key between the quotes and of its value.
 *
 * Each line is scanned where it touches a page without access, from both
 * sides.
 */
#include <stdio.h>

#include "../unit/guard.h"
#include "frame.h"
#include "json.h"

static void
members(struct str line)
{
	struct json_walk w;
	struct json_member m;

	printf("frame");
	json_walk(&w, line);
	while (json_next(&w, &m) == 1)
		printf(" %td,%zu,%td,%zu", m.key.p - line.p, m.key.n,
		    m.value.p - line.p, m.value.n);
	putchar('\n');
}

int
main(void)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	struct frame f;
	struct str line;
	const char *why;
	int ok;

	while ((n = getline(&text, &cap, stdin)) > 0) {
		line = (struct str){ text, (size_t)n - (text[n - 1] == '\n') };
		ok = frame_scan(&f, guard_end(line), &why);
		line = guard_start(line);
		if (frame_scan(&f, line, &why) != ok)
			return 101;
		if (ok == 1)
			members(line);
		else
			printf("refused %s\n", why);
	}
	free(text);
	return fflush(stdout) == 0 ? 0 : 111;
}
