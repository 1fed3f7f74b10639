/* SPDX-License-Identifier: ISC */
#include "hold.h"

#define AMPLIFY		4	/* windows that may wait at an output */

uint64_t holds;

static int held, for_good;
static const struct link *full;	/* the last that had too much */

static int
is_plain(const struct link *l)
{
	return link_present(l) && !link_tracked(l);
}

static size_t
bound(const struct link *l)
{
	return is_plain(l) ? link_window() : AMPLIFY * link_window();
}

static int
is_full(const struct link *l)
{
	return link_unsettled(l) > bound(l) / 2;
}

static void
hold(void)
{
	struct link *l;
	size_t n = 0;

	for (l = link_next(NULL); l != NULL; l = link_next(l))
		n += is_full(l);
	holds += !held && n > 0;
	held = for_good || n > 0;
	for (l = link_next(NULL); l != NULL; l = link_next(l))
		link_hold(l, for_good || n > (size_t)(is_full(l) &&
		    !is_plain(l)));
}

void
hold_sent(struct link *l)
{
	if (l == full || link_unsettled(l) <= bound(l))
		return;
	full = l;
	hold();
}

void
hold_release(void)
{
	if (!held || for_good)
		return;
	full = NULL;
	hold();
}

void
hold_passing(struct link *l, int gone)
{
	link_hold(l, held && !gone);
	full = l == full ? NULL : full;
}

void
hold_all(void)
{
	for_good = 1;
	hold();
}
