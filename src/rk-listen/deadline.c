/* SPDX-License-Identifier: ISC */
#include "deadline.h"

int64_t deadline_ms = 10000;

static void	expired(struct ev_loop *, ev_timer *, int);

static void
set_timer(struct deadlines *all)
{
	double left;

	ev_timer_stop(loop, &all->timer);
	if (all->oldest == NULL)
		return;
	left = (double)(all->oldest->at - loop_ms()) / 1000;
	ev_timer_init(&all->timer, expired, left > 0 ? left : 0, 0);
	all->timer.data = all;
	ev_timer_start(loop, &all->timer);
}

static void
expired(struct ev_loop *l, ev_timer *timer, int events)
{
	struct deadlines *all = timer->data;

	(void)l;
	(void)events;
	while (all->oldest != NULL && all->oldest->at <= loop_ms())
		all->late(all->oldest);
	set_timer(all);
}

void
deadline_begin(struct deadlines *all, struct deadline *d)
{
	*d = (struct deadline){ NULL, all->youngest, loop_ms() + deadline_ms };
	*all->youngest = d;
	all->youngest = &d->later;
	if (all->oldest == d)
		set_timer(all);
}

void
deadline_end(struct deadlines *all, struct deadline *d)
{
	*d->earlier = d->later;
	if (d->later != NULL)
		d->later->earlier = d->earlier;
	else
		all->youngest = d->earlier;
	d->later = NULL;
	d->earlier = NULL;
}
