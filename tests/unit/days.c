/* SPDX-License-Identifier: ISC */
/*
 * The files of rk-log under a clock of our own: midnight comes when we say so.
 */
#include <dirent.h>
#include <limits.h>

#include "unit.h"

#include "loop.h"

static int64_t clock_ms;		/* ms */
static int64_t ahead;		/* s that local time is */

#define loop_ms() clock_ms
#include "../../src/rk-log/files.c"
#include "../../src/rk-log/name.c"

struct settings set;
struct tally tally;

#define HOUR	INT64_C(3600000)
#define DAY	(24 * HOUR)
#define JULY	INT64_C(1784073600000)	/* 2026-07-15, 0:00 UTC */

static int64_t
zone_ahead(void *ctx, int64_t utc)
{
	(void)ctx;
	(void)utc;
	return ahead;
}

/* A new directory, and a program that has just started there. */
static void
begin_at(int64_t ms, int64_t keep)
{
	static char dir[] = "/tmp/rk-days-XXXXXX";

	memcpy(dir, "/tmp/rk-days-XXXXXX", sizeof dir);
	if (mkdtemp(dir) == NULL)
		abort();
	set = (struct settings){ .dir = dir, .keep = keep,
	    .zone = { zone_ahead, NULL } };
	tally = (struct tally){ 0 };
	today_at = -1;
	today[0] = '\0';
	clock_ms = ms;
	files_open();
}

static void
write_at(int64_t ms, const char *text)
{
	clock_ms = ms;
	files_add(STR("\"{day}.txt\""), str_of(text), STR("head\n"));
	CHECK_INT(files_write(), 1);
}

/* What a file of the directory holds; "" when there is none. */
static struct str
content(const char *name)
{
	static char text[256];
	int fd = openat(root, name, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof text);

	if (fd != -1)
		close(fd);
	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

static void
end(void)
{
	struct dirent *e;
	DIR *d;

	files_close();
	d = opendir(set.dir);
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(set.dir);
	close(root);
}

TEST(midnight, "at midnight another file begins, with its head")
{
	ahead = 0;
	begin_at(JULY + DAY - 1, 0);
	write_at(JULY + DAY - 1, "last\n");
	write_at(JULY + DAY, "first\n");
	write_at(JULY + DAY + 1, "second\n");
	CHECK_STR(content("2026-07-15.txt"), "head\nlast\n");
	CHECK_STR(content("2026-07-16.txt"), "head\nfirst\nsecond\n");
	CHECK_INT(tally.entries, 3);
	end();
}

TEST(one_turn, "what came before midnight is of its day, written after it")
{
	ahead = 0;
	begin_at(JULY + DAY - 1, 0);
	files_add(STR("\"{day}.txt\""), STR("before\n"), STR(""));
	write_at(JULY + DAY, "after\n");
	CHECK_STR(content("2026-07-15.txt"), "before\n");
	CHECK_STR(content("2026-07-16.txt"), "head\nafter\n");
	end();
}

TEST(zone, "midnight is that of the zone")
{
	ahead = 2 * 3600;
	begin_at(JULY + 22 * HOUR - 1, 0);
	write_at(JULY + 22 * HOUR - 1, "a\n");
	write_at(JULY + 22 * HOUR, "b\n");
	CHECK_STR(content("2026-07-15.txt"), "head\na\n");
	CHECK_STR(content("2026-07-16.txt"), "head\nb\n");
	end();
}

TEST(back, "a clock that is set back goes on with the file of that day")
{
	ahead = 0;
	begin_at(JULY + DAY, 0);
	write_at(JULY + DAY, "new\n");
	write_at(JULY + DAY - 1000, "old\n");
	write_at(JULY + DAY + 1000, "new again\n");
	CHECK_STR(content("2026-07-15.txt"), "head\nold\n");
	CHECK_STR(content("2026-07-16.txt"), "head\nnew\nnew again\n");
	end();
}

TEST(forward, "days that nothing was written on have no file")
{
	ahead = 0;
	begin_at(JULY, 0);
	write_at(JULY, "a\n");
	write_at(JULY + 170 * DAY, "b\n");
	CHECK_STR(content("2027-01-01.txt"), "head\nb\n");
	CHECK(content("2026-07-16.txt").n == 0);
	end();
}

TEST(keep, "with each new day the oldest is forgotten")
{
	ahead = 0;
	begin_at(JULY, 2 * DAY);
	write_at(JULY, "a\n");
	write_at(JULY + DAY, "b\n");
	write_at(JULY + 2 * DAY, "c\n");
	CHECK_STR(content("2026-07-15.txt"), "head\na\n");
	write_at(JULY + 3 * DAY, "d\n");
	CHECK(content("2026-07-15.txt").n == 0);
	CHECK_STR(content("2026-07-16.txt"), "head\nb\n");
	CHECK_INT(tally.forgotten, 1);
	end();
}
