/* SPDX-License-Identifier: ISC */
#ifndef RECORDED_H
#define RECORDED_H

/*
 * Recordings from the wire as golden tests: NAME.txt is one (its README is in
 * the first line), NAME.out what is read in it; RK_GOLDEN=1 writes that.
 */

#include <glob.h>

#include "unit.h"

static struct buf told = { .max = 4 << 20 };	/* what is read */

/* Lines are "#N C> ..."; each is told by the function, and whether the server
 * said it. */
static void
tell_recording(FILE *f, void (*tell)(const char *, int))
{
	char line[65536], *said;

	buf_clear(&told);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' && (said = strstr(line, "> ")) != NULL)
			tell(said + 2, said[-1] == 'S');
	}
}

static void
check_recording(const char *path,
    void (*tell)(const char *, int))
{
	struct buf want = BUF(4 << 20);
	char out[256];
	FILE *f = fopen(path, "r");

	tell_recording(f, tell);
	fclose(f);
	snprintf(out, sizeof out, "%.*sout", (int)strlen(path) - 3, path);
	if (getenv("RK_GOLDEN") != NULL) {
		f = fopen(out, "w");
		fwrite(told.data, 1, told.len, f);
		fclose(f);
	}
	f = fopen(out, "r");
	CHECK(f != NULL);
	while (f != NULL && buf_read(&want, fileno(f), 65536) > 0)
		;
	if (f != NULL)
		fclose(f);
	if (!str_eq(buf_str(&want), buf_str(&told))) {
		printf("# %s: not what is read (RK_GOLDEN=1 writes it)\n", out);
		unit_bad = 1;
	}
	buf_free(&want);
}

/* How many recordings there were. */
static size_t
recorded(const char *pattern, void (*tell)(const char *, int))
{
	glob_t g;
	size_t n;

	CHECK_INT(glob(pattern, 0, NULL, &g), 0);
	for (n = 0; n < g.gl_pathc; n++)
		check_recording(g.gl_pathv[n], tell);
	globfree(&g);
	return n;
}

#endif
