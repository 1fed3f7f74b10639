/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "link/link.h"
#include "log.h"
#include "trial.h"

static void
put(struct str line)
{
	if (fwrite(line.p, 1, line.n, stdout) != line.n ||
	    putchar('\n') == EOF)
		die(111, "stdout: %s", strerror(errno));
}

static void
put_word(const char *type, const char *why, int64_t number)
{
	struct buf b = BUF(4096);

	frame_begin(&b, type);
	frame_text(&b, "why", str_of(why));
	frame_num(&b, "line", number);
	if (frame_end(&b) == 1)
		put(buf_str(&b));
	buf_free(&b);
}

/* 1: it was an error. */
static int
try_line(struct filter *f, struct str line, int64_t number)
{
	struct filter_result r;
	struct frame frame;
	const char *why;
	size_t i;

	if (line.n > link_line_max()) {
		put_word("error", "the line is too long", number);
		return 1;
	}
	if (frame_scan(&frame, line, &why) != 1) {
		put_word("error", why, number);
		return 1;
	}
	switch (filter_run(f, &frame, NULL, &r)) {
	case FILTER_REFUSED:
		put_word("refuse", r.why, number);
		return 0;
	case FILTER_FAILED:
	case FILTER_STOPPED:
		put_word("error", r.why, number);
		return 1;
	default:
		for (i = 0; i < r.n; i++)
			put(r.out[i].line);
		return 0;
	}
}

int
trial(struct filter *f, const char *file)
{
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int64_t number = 0;
	int bad = 0;

	if (in == NULL)
		die(100, "%s: %s", file, strerror(errno));
	while ((n = getline(&line, &cap, in)) > 0) {
		number++;
		n -= line[n - 1] == '\n';
		if (line[0] != '#' && json_trim((struct str){ line,
		    (size_t)n }).n > 0)
			bad |= try_line(f, (struct str){ line, (size_t)n },
			    number);
	}
	if (ferror(in))
		die(111, "%s: %s", file, strerror(errno));
	if (fflush(stdout) == EOF)
		die(111, "stdout: %s", strerror(errno));
	free(line);
	if (in != stdin)
		fclose(in);
	return bad;
}
