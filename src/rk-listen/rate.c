/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "rate.h"

#define MOST	(1 << 30)	/* so that no product is too large */
#define SECOND	1000000000	/* ns */

static int64_t
value(const struct opts *o, const char *text, int64_t least, int sizes)
{
	int64_t n = sizes ? opt_bytes(o, text) :
	    opt_number(o, text, least, MOST);

	if (n < least || n > MOST)
		opt_usage(o, "%s: not from %d to 1g", text, (int)least);
	return n;
}

struct rate
rate_option(const struct opts *o, int sizes)
{
	char *text = mem_str(o->arg), *comma = strchr(text, ',');
	struct rate r;

	if (comma != NULL)
		*comma++ = '\0';
	r.per_second = value(o, text, 0, sizes);
	r.burst = comma != NULL ? value(o, comma, 1, sizes) : r.per_second;
	free(text);
	return r;
}

static int64_t
time_of(const struct rate *r, int64_t n)
{
	return n * SECOND / r->per_second;
}

int64_t
rate_take(int64_t bucket, const struct rate *r, int64_t now, int64_t n)
{
	if (r->per_second == 0)
		return bucket;
	return (bucket > now ? bucket : now) + time_of(r, n);
}

int64_t
rate_wait(int64_t bucket, const struct rate *r, int64_t now)
{
	int64_t wait = r->per_second == 0 ? 0 :
	    bucket - now - time_of(r, r->burst - 1);

	return wait > 0 ? wait : 0;
}
