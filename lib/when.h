/* SPDX-License-Identifier: ISC */
#ifndef WHEN_H
#define WHEN_H

/*
 * When: dates and times as people write them, as milliseconds since 1970.
 * Pure: the clock and the zone are given.
 *
 *  - A date is "15-7" or "15-07" (the next one that is), or "2026-07-15"; a
 *    time is "9:05" or "9:05:30".  Each is checked: there is no 31 April.
 *  - A time that a forward step of the zone leaves out is as much later as
 *    the step is long (02:30 is 03:30); one that comes twice is the first.
 */

#include <stdint.h>

#include "buf.h"

#define WHEN_NEVER	INT64_MAX

struct zone {
	/* Seconds that local time is ahead of UTC at this second of UTC. */
	int64_t (*ahead)(void *ctx, int64_t utc);
	void *ctx;
};

struct when {
	int64_t year;		/* 0: the next that fits */
	int month, day, hour, minute, second;
};

/* NULL, or what is wrong. */
const char *when_date(struct when *, struct str);
const char *when_time(struct when *, struct str);

int64_t	 when_ms(const struct when *, int64_t now, const struct zone *);

/* The day of a moment, as "2026-07-15". */
#define WHEN_DAY	11
void	 when_day(char day[WHEN_DAY], int64_t ms, const struct zone *);

/* The pause after so many failures (1: the first): twice as long each time, up
 * to the longest. */
int64_t	 when_again(int64_t pause, int64_t longest, int64_t failures);

#endif
