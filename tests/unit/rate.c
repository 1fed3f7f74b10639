/* SPDX-License-Identifier: ISC */
/*
 * Buckets of credit, on a clock of our own.
 */
#include "opt.h"
#include "unit.h"

#include "../../src/rk-listen/rate.c"

#define MS	((int64_t)1000000)

static const struct rate ten = { 10, 5 }, none = { 0, 0 };

/* How many can be taken one by one until there is no credit. */
static int
takes(int64_t *bucket, const struct rate *r, int64_t now)
{
	int n = 0;

	while (n < 1000 && rate_wait(*bucket, r, now) == 0) {
		*bucket = rate_take(*bucket, r, now, 1);
		n++;
	}
	return n;
}

TEST(burst, "a full bucket has its burst, then the rate, then the burst")
{
	int64_t bucket = 0, now = 1;

	CHECK_INT(takes(&bucket, &ten, now), 5);
	CHECK_INT(rate_wait(bucket, &ten, now), 100 * MS);
	CHECK_INT(takes(&bucket, &ten, now + 99 * MS), 0);
	CHECK_INT(takes(&bucket, &ten, now + 100 * MS), 1);
	CHECK_INT(takes(&bucket, &ten, now + 350 * MS), 2);
	CHECK_INT(takes(&bucket, &ten, now + 400 * MS), 1);
	CHECK_INT(takes(&bucket, &ten, now + 3600 * 1000 * MS), 5);
}

TEST(steady, "over an hour it is the rate, whatever the steps")
{
	for (int64_t step = 1; step < 2000; step = step * 3 + 1) {
		int64_t bucket = 0, n = 0, ms;

		for (ms = 0; ms <= 3600000; ms += step)
			n += takes(&bucket, &ten, ms * MS);
		CHECK(n >= 3600000 / (step > 500 ? step : 100) - 1);
		CHECK(n <= 36000 + 5);
	}
}

TEST(debt, "more than there is can be taken, and is paid")
{
	int64_t bucket = rate_take(0, &ten, 0, 100);

	CHECK_INT(rate_wait(bucket, &ten, 0), 9600 * MS);
	CHECK_INT(rate_wait(bucket, &ten, 9599 * MS), MS);
	CHECK_INT(takes(&bucket, &ten, 9600 * MS), 1);
}

TEST(none, "a rate of 0 is none")
{
	int64_t bucket = 0;

	CHECK_INT(takes(&bucket, &none, 0), 1000);
	CHECK_INT(bucket, 0);
}

TEST(large, "the largest numbers do not overflow")
{
	const struct rate slow = { 1, MOST }, fast = { MOST, 1 };
	int64_t year = 365 * 86400 * (int64_t)SECOND, bucket = 0;

	for (int i = 0; i < 3; i++)
		bucket = rate_take(bucket, &slow, year, MOST);
	CHECK(rate_wait(bucket, &slow, year) > 60 * year);
	bucket = rate_take(0, &fast, year, MOST);
	CHECK_INT(rate_wait(bucket, &fast, year), SECOND);
}
