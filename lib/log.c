/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
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

static void
put(const char *level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int n, i, m;

	n = snprintf(line, sizeof line, "%.64s: %s", program, level);
	m = vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	n += m < 0 ? 0 : m;
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	for (i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
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

const char *
log_mask(struct str secret)
{
	static char out[2][16];
	static int which;

	which = !which;
	snprintf(out[which], sizeof out[which], "%.*s...",
	    (int)(secret.n > 4 ? 4 : secret.n), secret.p);
	return out[which];
}
