/* SPDX-License-Identifier: ISC */
#ifndef DEADLINE_H
#define DEADLINE_H

/* Those who wait equally long, --deadline: who began first is late first, so
 * one timer does for all of them. */

#include <stdint.h>

#include "loop.h"

extern int64_t deadline_ms;		/* --deadline */

struct deadline {
	struct deadline *later, **earlier;	/* .earlier is NULL: none */
	int64_t at;
};

struct deadlines {
	struct deadline *oldest, **youngest;
	void (*late)(struct deadline *);	/* ends it */
	ev_timer timer;
};
#define DEADLINES(list, late)	{ NULL, &(list).oldest, late, { 0 } }

void	 deadline_begin(struct deadlines *, struct deadline *);
void	 deadline_end(struct deadlines *, struct deadline *);

#endif
