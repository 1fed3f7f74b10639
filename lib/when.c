/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "when.h"

#define DAY		86400
#define YEAR_MAX	9999
#define LEAPS		8	/* years between leap years, at most */

/* The calendar: days since 1970, of the proleptic Gregorian calendar. */

static int
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
days_in(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Years begin in March here, so that a leap day is the last of one. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month < 3), m = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 +
	    day - 1 - 719468;
}

static int64_t
year_of(int64_t days)
{
	int64_t y = 1970 + days / 366;

	while (days_of(y + 1, 1, 1) <= days)
		y++;
	return y;
}

/* Numbers with one kind of separator: how many there are, or 0.  None has more
 * than four digits, the first at most so many. */
static int
numbers(struct str s, char between, int *n, int max)
{
	size_t i = 0, digits;
	int k;

	for (k = 0; k < max; k++) {
		for (n[k] = 0, digits = 0; i < s.n && s.p[i] >= '0' &&
		    s.p[i] <= '9' && digits < 5; i++, digits++)
			n[k] = n[k] * 10 + s.p[i] - '0';
		if (digits == 0 || digits > 4)
			return 0;
		if (i == s.n)
			return k + 1;
		if (s.p[i++] != between)
			return 0;
	}
	return 0;
}

const char *
when_date(struct when *w, struct str s)
{
	int n[3];

	switch (numbers(s, '-', n, 3)) {
	case 2:
		w->year = 0;
		w->day = n[0];
		w->month = n[1];
		break;
	case 3:
		w->year = n[0];
		w->month = n[1];
		w->day = n[2];
		if (w->year < 1970 || w->year > YEAR_MAX)
			return "date: not a year from 1970 on";
		break;
	default:
		return "date: not like 15-7 or 2026-07-15";
	}
	if (w->month < 1 || w->month > 12 || w->day < 1 ||
	    w->day > days_in(w->year ? w->year : 2000, w->month))
		return "date: there is no such day";
	return NULL;
}

const char *
when_time(struct when *w, struct str s)
{
	int n[3] = { 0, 0, 0 };
	int k = numbers(s, ':', n, 3);

	if (k < 2)
		return "time: not like 9:05 or 9:05:30";
	w->hour = n[0];
	w->minute = n[1];
	w->second = k == 3 ? n[2] : 0;
	if (w->hour > 23 || w->minute > 59 || w->second > 59)
		return "time: there is no such time";
	return NULL;
}

/* The second of UTC at which local clocks show these seconds. */
static int64_t
utc_of(int64_t local, const struct zone *z)
{
	int64_t before = z->ahead(z->ctx, local - DAY);
	int64_t after = z->ahead(z->ctx, local + DAY);
	int64_t first = before > after ? before : after;
	int64_t second = before > after ? after : before;

	if (z->ahead(z->ctx, local - first) == first)
		return local - first;
	if (z->ahead(z->ctx, local - second) == second)
		return local - second;
	return local - before;		/* left out by a step forward */
}

static int64_t
in_year(const struct when *w, int64_t year, const struct zone *z)
{
	int64_t local = days_of(year, w->month, w->day) * DAY +
	    w->hour * 3600 + w->minute * 60 + w->second;

	return utc_of(local, z) * 1000;
}

int64_t
when_ms(const struct when *w, int64_t now, const struct zone *z)
{
	int64_t at, year, local;
	int i;

	if (w->year != 0)
		return in_year(w, w->year, z);
	local = now / 1000 + z->ahead(z->ctx, now / 1000);
	year = year_of(local / DAY);
	for (i = 0; i <= LEAPS; i++) {
		if (w->day > days_in(year + i, w->month))
			continue;
		at = in_year(w, year + i, z);
		if (at >= now - now % 1000)	/* this very second, too */
			return at;
	}
	return WHEN_NEVER;	/* not reached: there is a leap year */
}

void
when_day(char day[WHEN_DAY], int64_t ms, const struct zone *z)
{
	int64_t s = ms / 1000, days, year, month = 1;

	days = (s + z->ahead(z->ctx, s)) / DAY;
	year = year_of(days);
	while (month < 12 && days_of(year, (int)month + 1, 1) <= days)
		month++;
	days -= days_of(year, (int)month, 1);
	snprintf(day, WHEN_DAY, "%04u-%02u-%02u", (unsigned)year % 10000,
	    (unsigned)month % 100, (unsigned)(days + 1) % 100);
}

int64_t
when_again(int64_t pause, int64_t longest, int64_t failures)
{
	while (--failures > 0 && pause > 0 && pause < longest)
		pause *= 2;
	return pause < longest ? pause : longest;
}
