/* SPDX-License-Identifier: ISC */
/*
 * Standard output and the last word: what is shown leaves first, then the
 * loop stops, then the reason is told.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "lines.h"

static struct lines_out out;
static struct buf one = { .max = SIZE_MAX / 2 };	/* as shown */
static void (*have_room)(void);
static int ending, result;
static char reason[1024];

static void
room(struct lines_out *o)
{
	if (ending && lines_waiting(o) == 0)
		loop_stop(result);
	else if (!ending)
		have_room();
}

void
output_open(void (*on_room)(void))
{
	have_room = on_room;
	lines_out_open(&out, STDOUT_FILENO, HIGH_BYTES, room);
}

void
output_show(char mark, struct str bytes, int binary)
{
	buf_clear(&one);
	show(&one, &set.style, mark, bytes, binary);
	lines_add(&out, buf_str(&one));
}

int
output_full(void)
{
	return lines_full(&out);
}

void
output_end(int status)
{
	result = status;
	ending = 1;
	if (lines_waiting(&out) == 0)
		loop_stop(status);
}

void
output_last(const char *fmt, ...)
{
	va_list ap;

	if (reason[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
}

const char *
output_reason(void)
{
	return reason[0] != '\0' ? reason : NULL;
}
