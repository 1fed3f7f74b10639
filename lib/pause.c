/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "pause.h"

double
pause_next(struct pause *p)
{
	int64_t ms = p->next ? p->next : p->first;
	uint32_t half;

	if (ms > p->longest)
		ms = p->longest;
	p->next = ms * 2;
	half = (uint32_t)(ms / 2);
	return (double)(half + arc4random_uniform(half + 1)) / 1000;
}

void
pause_forget(struct pause *p)
{
	p->next = 0;
}
