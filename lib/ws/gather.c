/* SPDX-License-Identifier: ISC */
#include "gather.h"
#include "../ws.h"

#define MESSAGES	1024

/* Each is held, so that nobody else's takes its address. */
static struct ws_msg *held[MESSAGES];
static size_t nheld, bytes;		/* what they are together */
static char gathered[GATHER];

/* Keeps the first n. */
static void
cut(size_t n)
{
	while (nheld > n) {
		bytes -= held[--nheld]->n;
		ws_msg_drop(held[nheld]);
	}
}

static int
append(struct ws_msg *m)
{
	if (nheld == MESSAGES || m->n > GATHER - bytes)
		return 0;
	memcpy(gathered + bytes, m->frame, m->n);
	bytes += m->n;
	m->refs++;
	held[nheld++] = m;
	return 1;
}

struct str
gather(const struct queue *q)
{
	struct queue_at at = { 0 };
	struct ws_msg *m;
	size_t i = 0, n = 0;

	if (queue_holds(q, held, nheld))
		return (struct str){ gathered, bytes };
	m = queue_next(q, &at);
	for (; m != NULL && i < nheld && held[i] == m; i++) {
		n += m->n;
		m = queue_next(q, &at);
	}
	if (m == NULL)
		return (struct str){ gathered, n };
	cut(i);
	while (m != NULL && append(m))
		m = queue_next(q, &at);
	return (struct str){ gathered, bytes };
}

void
gather_forget(void)
{
	cut(0);
}
