/* SPDX-License-Identifier: ISC */
/*
 * When: the clock is a number and the zones are tables here, so that every
 * step of a clock is a row.
 */
#include "unit.h"

#include "../../src/rk-jobs/heap.c"
#include "../../lib/when.c"

/* --- zones that step --- */

struct step {
	int64_t from;		/* s of UTC */
	int64_t ahead;
};

static int64_t
steps_ahead(void *ctx, int64_t utc)
{
	const struct step *s = ctx;

	while (s[1].from <= utc)
		s++;
	return s->ahead;
}

#define H	3600
#define END	{ INT64_MAX, 0 }

/* UTC of a civil time, by the C library. */
static int64_t
utc(int y, int mon, int d, int h, int min, int s)
{
	struct tm tm = { .tm_year = y - 1900, .tm_mon = mon - 1, .tm_mday = d,
	    .tm_hour = h, .tm_min = min, .tm_sec = s };

	return (int64_t)timegm(&tm) * 1000;
}

/* Made at run time: utc() is no constant. */
static struct step none[] = { { INT64_MIN, 0 }, END };
static struct step warsaw[] = { { INT64_MIN, H }, { 0, 2 * H }, { 0, H },
    { 0, 2 * H }, { 0, H }, END };
static struct step new_york[] = { { INT64_MIN, -5 * H }, { 0, -4 * H },
    { 0, -5 * H }, END };
static struct step lord_howe[] = { { INT64_MIN, 11 * H }, { 0, 10 * H + 1800 },
    { 0, 11 * H }, END };
static struct step samoa[] = { { INT64_MIN, -10 * H }, { 0, 14 * H }, END };

static void
make_zones(void)
{
	warsaw[1].from = utc(2026, 3, 29, 1, 0, 0) / 1000;
	warsaw[2].from = utc(2026, 10, 25, 1, 0, 0) / 1000;
	warsaw[3].from = utc(2027, 3, 28, 1, 0, 0) / 1000;
	warsaw[4].from = utc(2027, 10, 31, 1, 0, 0) / 1000;
	new_york[1].from = utc(2026, 3, 8, 7, 0, 0) / 1000;
	new_york[2].from = utc(2026, 11, 1, 6, 0, 0) / 1000;
	lord_howe[1].from = utc(2026, 4, 4, 15, 0, 0) / 1000;
	lord_howe[2].from = utc(2026, 10, 3, 15, 30, 0) / 1000;
	samoa[1].from = utc(2011, 12, 30, 10, 0, 0) / 1000;
}

#define AT(y, mo, d, h, mi, s)	{ y, mo, d, h, mi, s }

static const struct {
	const char *what, *date, *time;
	struct step *zone;
	int now[6], want[6];		/* UTC */
} rows[] = {
	{ "a day with a year", "2026-07-15", "10:00", none,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 7, 15, 10, 0, 0) },
	{ "one that is past stays past", "2020-07-15", "10:00", none,
	    AT(2026, 1, 1, 0, 0, 0), AT(2020, 7, 15, 10, 0, 0) },
	{ "day and month: this year", "15-7", "10:00:30", none,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 7, 15, 10, 0, 30) },
	{ "with zeros", "05-07", "09:05", none,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 7, 5, 9, 5, 0) },
	{ "later today", "15-7", "10:00", none,
	    AT(2026, 7, 15, 9, 59, 59), AT(2026, 7, 15, 10, 0, 0) },
	{ "this very second", "15-7", "10:00", none,
	    AT(2026, 7, 15, 10, 0, 0), AT(2026, 7, 15, 10, 0, 0) },
	{ "earlier today: next year", "15-7", "10:00", none,
	    AT(2026, 7, 15, 10, 0, 1), AT(2027, 7, 15, 10, 0, 0) },
	{ "the last second of a year", "31-12", "23:59:59", none,
	    AT(2026, 12, 31, 23, 59, 58), AT(2026, 12, 31, 23, 59, 59) },
	{ "new year from the old one", "1-1", "0:00", none,
	    AT(2026, 12, 31, 23, 59, 59), AT(2027, 1, 1, 0, 0, 0) },
	{ "the year is the zone's, which is ahead", "1-1", "0:30", warsaw,
	    AT(2026, 12, 31, 23, 15, 0), AT(2026, 12, 31, 23, 30, 0) },
	{ "and behind", "31-12", "23:30", new_york,
	    AT(2027, 1, 1, 4, 0, 0), AT(2027, 1, 1, 4, 30, 0) },
	{ "29 February of this year", "29-2", "12:00", none,
	    AT(2028, 2, 1, 0, 0, 0), AT(2028, 2, 29, 12, 0, 0) },
	{ "of the next leap year", "29-2", "12:00", none,
	    AT(2026, 3, 1, 0, 0, 0), AT(2028, 2, 29, 12, 0, 0) },
	{ "over a century that has none", "29-2", "12:00", none,
	    AT(2096, 3, 1, 0, 0, 0), AT(2104, 2, 29, 12, 0, 0) },
	{ "of a century that has one", "29-2", "12:00", none,
	    AT(1996, 3, 1, 0, 0, 0), AT(2000, 2, 29, 12, 0, 0) },
	{ "winter", "2026-01-15", "12:00", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 1, 15, 11, 0, 0) },
	{ "summer", "2026-07-15", "12:00", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 7, 15, 10, 0, 0) },
	{ "before a step forward", "2026-03-29", "01:59:59", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 3, 29, 0, 59, 59) },
	{ "left out: an hour later", "2026-03-29", "02:30", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 3, 29, 1, 30, 0) },
	{ "the first that is left out", "2026-03-29", "02:00", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 3, 29, 1, 0, 0) },
	{ "after it", "2026-03-29", "03:00", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 3, 29, 1, 0, 0) },
	{ "before a step back", "2026-10-25", "01:59:59", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 10, 24, 23, 59, 59) },
	{ "twice: the first", "2026-10-25", "02:30", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 10, 25, 0, 30, 0) },
	{ "after it", "2026-10-25", "03:00", warsaw,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 10, 25, 2, 0, 0) },
	{ "twice, and between the two: next year's", "25-10", "02:30", warsaw,
	    AT(2026, 10, 25, 0, 45, 0), AT(2027, 10, 25, 0, 30, 0) },
	{ "left out, in the west", "2026-03-08", "02:30", new_york,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 3, 8, 7, 30, 0) },
	{ "twice, in the west", "2026-11-01", "01:30", new_york,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 11, 1, 5, 30, 0) },
	{ "half an hour left out", "2026-10-04", "02:15", lord_howe,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 10, 3, 15, 45, 0) },
	{ "half an hour twice", "2026-04-05", "01:45", lord_howe,
	    AT(2026, 1, 1, 0, 0, 0), AT(2026, 4, 4, 14, 45, 0) },
	{ "a day left out", "2011-12-30", "12:00", samoa,
	    AT(2011, 1, 1, 0, 0, 0), AT(2011, 12, 30, 22, 0, 0) },
};

static int64_t
ms_of(const int t[6])
{
	return utc(t[0], t[1], t[2], t[3], t[4], t[5]);
}

TEST(table, "dates and times are the moments they should be")
{
	struct when w;
	struct zone z = { steps_ahead, NULL };
	int64_t got, want;
	size_t i;

	make_zones();
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		z.ctx = rows[i].zone;
		CHECK(when_date(&w, str_of(rows[i].date)) == NULL);
		CHECK(when_time(&w, str_of(rows[i].time)) == NULL);
		got = when_ms(&w, ms_of(rows[i].now), &z);
		want = ms_of(rows[i].want);
		if (got != want)
			printf("# %s: %+lld s\n", rows[i].what,
			    (long long)(got - want) / 1000);
		CHECK(got == want);
	}
}

TEST(steps, "a clock that steps changes what is next, and nothing else")
{
	struct when w;
	struct zone z = { steps_ahead, warsaw };
	int64_t at = utc(2026, 7, 15, 8, 0, 0);

	make_zones();
	when_date(&w, STR("15-7"));
	when_time(&w, STR("10:00"));
	CHECK_INT(when_ms(&w, at - 5000, &z), at);
	CHECK_INT(when_ms(&w, at - 86400000, &z), at);	/* back a day */
	CHECK_INT(when_ms(&w, at + 999, &z), at);
	CHECK_INT(when_ms(&w, at + 1000, &z),	/* forward, over it */
	    utc(2027, 7, 15, 8, 0, 0));
}

TEST(calendar, "every day of 400 years is what the C library says")
{
	int64_t day, now;
	struct tm tm;
	struct when w = { 0 };
	struct zone z = { steps_ahead, none };
	time_t t;

	for (day = 0; day < 146097; day++) {
		t = (time_t)(day * DAY);
		gmtime_r(&t, &tm);
		w = (struct when){ tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday, 0, 0, 0 };
		now = day * DAY * 1000;
		if (when_ms(&w, now, &z) != now)
			CHECK_INT(day, -1);
		w.year = 0;
		if (when_ms(&w, now, &z) != now)
			CHECK_INT(day, -2);
	}
}

TEST(days, "the day of a moment is the zone's")
{
	struct zone z = { steps_ahead, warsaw };
	char day[WHEN_DAY];

	make_zones();
	when_day(day, utc(2026, 7, 14, 21, 59, 59), &z);
	CHECK_STR(str_of(day), "2026-07-14");
	when_day(day, utc(2026, 7, 14, 22, 0, 0), &z);
	CHECK_STR(str_of(day), "2026-07-15");
	when_day(day, utc(2026, 12, 31, 23, 0, 0), &z);
	CHECK_STR(str_of(day), "2027-01-01");
	z.ctx = none;
	when_day(day, utc(2028, 2, 29, 12, 0, 0), &z);
	CHECK_STR(str_of(day), "2028-02-29");
	when_day(day, utc(2026, 12, 31, 23, 59, 59) + 999, &z);
	CHECK_STR(str_of(day), "2026-12-31");
}

TEST(wrong_dates, "what is no date, and why")
{
	static const char *const bad[] = { "", "15", "15-", "-7", "15-7-",
	    "15-7-2026x", "15/7", "a-b", "0-7", "15-0", "32-1", "31-4", "30-2",
	    "15-13", "2026-02-29", "2100-02-29", "1969-01-01", "10000-1-1",
	    "15-undefined", "15-7-26", "2026-7-15-1", " 15-7", "15--7",
	    "99999999999999999999-1" };
	struct when w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (when_date(&w, str_of(bad[i])) == NULL) {
			printf("# %s\n", bad[i]);
			CHECK(0);
		}
	CHECK(when_date(&w, STR("29-2")) == NULL);
	CHECK(when_date(&w, STR("2000-02-29")) == NULL);
}

TEST(wrong_times, "what is no time, and why")
{
	static const char *const bad[] = { "", "9", "9:", "24:00", "9:60",
	    "9:05:60", "9:5:5:5", "9.05", "-1:00", "9:05 ", "9:05pm" };
	struct when w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (when_time(&w, str_of(bad[i])) == NULL) {
			printf("# %s\n", bad[i]);
			CHECK(0);
		}
	CHECK(when_time(&w, STR("0:0:0")) == NULL);
	CHECK(when_time(&w, STR("23:59:59")) == NULL && w.second == 59);
}

TEST(guard, "nothing is read beyond the text")
{
	static const char *const texts[] = { "15-7", "2026-07-15", "9:05",
	    "9:05:30", "1", "" };
	struct when w;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct str s = guard_end(str_of(texts[i]));

		when_date(&w, s);
		when_time(&w, s);
	}
}

TEST(again, "pauses double, up to the longest")
{
	CHECK_INT(when_again(1000, 300000, 1), 1000);
	CHECK_INT(when_again(1000, 300000, 2), 2000);
	CHECK_INT(when_again(1000, 300000, 5), 16000);
	CHECK_INT(when_again(1000, 300000, 9), 256000);
	CHECK_INT(when_again(1000, 300000, 10), 300000);
	CHECK_INT(when_again(1000, 300000, 1000000), 300000);
	CHECK_INT(when_again(0, 300000, 1000), 0);
	CHECK_INT(when_again(400000, 300000, 1), 300000);
	CHECK_INT(when_again(1, INT64_MAX / 2, 100), INT64_MAX / 2);
}

TEST(heap, "what is due first comes first, whatever the order")
{
	struct heap h = { .v = NULL };
	uint64_t seed = unit_seed();
	int64_t last = -1, sum = 0;
	int i, n = 20000;

	CHECK(heap_first(&h) == NULL);
	for (i = 0; i < n; i++) {
		heap_push(&h, (int64_t)unit_random(&seed, 5000), i);
		sum += i;
		if (i % 3 == 2) {
			sum -= heap_first(&h)->id;
			heap_pop(&h);
		}
	}
	while (h.n > 0) {
		CHECK(heap_first(&h)->due >= last);
		last = heap_first(&h)->due;
		sum -= heap_first(&h)->id;
		heap_pop(&h);
	}
	CHECK_INT(sum, 0);
	heap_clear(&h);
}
