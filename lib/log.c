/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE_MAX_BYTES	1024

int verbose;
static const char *program = "rk";

void
log_name(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	if (argv0 != NULL)
		program = slash ? slash + 1 : argv0;
}

const char *
log_program(void)
{
	return program;
}

/* C0, DEL, and C1, whose U+009B begins an escape sequence as ESC [ does. */
static void
mask(char *line, int n)
{
	unsigned char c, last = 0;

	for (int i = 0; i < n; i++, last = c) {
		c = (unsigned char)line[i];
		if (c < 0x20 || c == 0x7f)
			line[i] = '?';
		else if (last == 0xc2 && c < 0xa0)
			line[i - 1] = line[i] = '?';
	}
}

static void
put(const char *level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int n, m;

	n = snprintf(line, sizeof line, "%.64s: %s", program, level);
	m = vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	n += m < 0 ? 0 : m;
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	mask(line, n);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;		/* nobody is left to tell */
}

void
die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("", fmt, ap);
	va_end(ap);
	exit(code);
}

void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("warning: ", fmt, ap);
	va_end(ap);
}

void
info(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	put("info: ", fmt, ap);
	va_end(ap);
}

int
log_flood(struct log_kind *k, unsigned long long *unsaid)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec / 60 != k->minute) {
		k->minute = now.tv_sec / 60;
		k->said = 0;
	}
	*unsaid = k->unsaid;
	if (k->said == LOG_BURST) {
		k->unsaid++;
		return 0;
	}
	k->said++;
	k->unsaid = 0;
	return 1;
}
