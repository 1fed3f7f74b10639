/* SPDX-License-Identifier: ISC */
/*
 * Names of files: whatever a frame says, a path of plain parts comes out.
 */
#include "unit.h"

#include "../../src/rk-log/name.c"

#define DAY "2026-07-15"

static const struct {
	const char *json, *want;	/* bars between parts; NULL: none */
} rows[] = {
	{ "\"{day}.ndjson\"", DAY ".ndjson" },
	{ "\"ServerLogs/{day}.txt\"", "ServerLogs|" DAY ".txt" },
	{ "[\"ClientLogs\",\"bot\"]", "ClientLogs|bot" },
	{ "[\"ClientLogs\",\"../../etc/passwd\"]",
	    "ClientLogs|_._.._etc_passwd" },
	{ "\"../x\"", "_.|x" },
	{ "\"/etc/passwd\"", "_|etc|passwd" },
	{ "\"a//b\"", "a|_|b" },
	{ "\".\"", "_" },
	{ "\"..\"", "_." },
	{ "\".hidden\"", "_hidden" },
	{ "\"\"", "_" },
	{ "[\"a\",\"\"]", "a|_" },
	{ "[\"a\\u0000b\\n\\u007f\\u001b[31m\"]", "a_b___[31m" },
	{ "\"a\\u0000/b\"", "a_|b" },
	{ "[\"a\\/b\"]", "a_b" },
	{ "\"\\u00e9\"", "\xc3\xa9" },
	{ "[\"{day}{day}\"]", DAY DAY },
	{ "\"{day\"", "{day" },
	{ "[]", NULL }, { "{}", NULL }, { "7", NULL }, { "null", NULL },
	{ "[1]", NULL }, { "[\"a\",{}]", NULL },
	{ "\"1/2/3/4/5/6/7/8\"", "1|2|3|4|5|6|7|8" },
	{ "\"1/2/3/4/5/6/7/8/9\"", NULL },
	{ "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", NULL },
};

TEST(names, "nothing leads out of the directory, or hides")
{
	struct buf b = BUF(4096), got = BUF(4096);
	const char *parts[NAME_DEPTH];
	size_t i;
	int n, k;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		n = name_parts(&b, guard_end(str_of(rows[i].json)), DAY,
		    parts);
		buf_clear(&got);
		for (k = 0; k < n; k++)
			buf_addf(&got, "%s%s", k ? "|" : "", parts[k]);
		if (rows[i].want == NULL)
			CHECK_INT(n, 0);
		else
			CHECK_STR(buf_str(&got), rows[i].want);
	}
	buf_free(&b);
	buf_free(&got);
}

TEST(lengths, "a part that is too long for a file system is cut")
{
	static char json[3000];
	struct buf b = BUF(4096);
	const char *parts[NAME_DEPTH];

	memset(json, 'x', 2000);
	json[0] = json[1999] = '"';
	CHECK_INT(name_parts(&b, str_of(json), DAY, parts), 1);
	CHECK_INT(strlen(parts[0]), PART_BYTES);
	buf_free(&b);
}

TEST(days, "the day that a file is of")
{
	char day[WHEN_DAY];

	CHECK(name_day("2026-07-15.ndjson", day));
	CHECK_STR(str_of(day), "2026-07-15");
	CHECK(name_day("2026-07-15", day));
	CHECK(!name_day("2026-02-30.txt", day));
	CHECK(!name_day("2026-7-15.txt", day));
	CHECK(!name_day("bot-2026-07-15", day));
	CHECK(!name_day("", day));
}

TEST(lists, "types with commas between them")
{
	CHECK(name_listed(NULL, STR("a")));
	CHECK(name_listed("a", STR("a")));
	CHECK(name_listed("b,a,c", STR("a")));
	CHECK(!name_listed("b,aa,c", STR("a")));
	CHECK(!name_listed("", STR("a")));
	CHECK(!name_listed("ab", STR("a")));
}
