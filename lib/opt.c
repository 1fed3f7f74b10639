/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "log.h"
#include "opt.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { KEY_HELP = 1, KEY_VERSION = 2 };

/* Added to the key of a long option while getopt has it, so that an error
 * tells --port from -p. */
#define SPELLED_OUT	0x10000

struct parsed {
	char letters[256];
	struct option *longs;
};

static int
takes(const struct opt *o)
{
	if (o->arg == NULL)
		return no_argument;
	return o->arg[0] == '[' ? optional_argument : required_argument;
}

/* Where the co-process begins: NULL, or argv after the first "--". */
static char **
cut(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			*argc = i;
			argv[i] = NULL;
			return argv + i + 1;
		}
	return NULL;
}

static struct parsed *
tables(const struct opt *table)
{
	struct parsed *t = mem_new(sizeof *t);
	size_t n = 0, k = 0, i;

	while (table[n].key != 0)
		n++;
	t->longs = mem_new((n + 4) * sizeof *t->longs);
	t->letters[k++] = ':';
	t->letters[k++] = 'v';
	for (i = 0; i < n; i++) {
		t->longs[i] = (struct option){ table[i].name,
		    takes(&table[i]), NULL, SPELLED_OUT + table[i].key };
		if (table[i].key >= OPT_LONG)
			continue;
		t->letters[k++] = (char)table[i].key;
		if (table[i].arg != NULL)
			t->letters[k++] = ':';
		if (takes(&table[i]) == optional_argument)
			t->letters[k++] = ':';
	}
	t->longs[n] = (struct option){ "help", no_argument, NULL, KEY_HELP };
	t->longs[n + 1] =
	    (struct option){ "version", no_argument, NULL, KEY_VERSION };
	t->longs[n + 2] = (struct option){ "verbose", no_argument, NULL,
	    SPELLED_OUT + 'v' };
	return t;
}

void
opt_start(struct opts *o, int argc, char **argv, const char *synopsis,
    const struct opt *table)
{
	log_name(argv[0]);
	*o = (struct opts){ .synopsis = synopsis, .table = table };
	o->child = cut(&argc, argv);
	if (o->child != NULL && o->child[0] == NULL)
		opt_usage(o, "--: a command is missing");
	o->argc = argc;
	o->argv = argv;
	o->parsed = tables(table);
	optind = 1;
	opterr = 0;
}

static void
row(const struct opt *o)
{
	char left[64];
	const char *eq = o->arg == NULL || o->arg[0] == '[' ? "" : "=";
	char arg[40];

	if (o->arg == NULL)
		arg[0] = '\0';
	else if (o->arg[0] == '[')
		snprintf(arg, sizeof arg, "[=%s", o->arg + 1);
	else
		snprintf(arg, sizeof arg, "%s", o->arg);
	if (o->key > 2 && o->key < OPT_LONG)
		snprintf(left, sizeof left, "-%c, --%s%s%s", o->key, o->name,
		    eq, arg);
	else
		snprintf(left, sizeof left, "    --%s%s%s", o->name, eq, arg);
	if (strlen(left) > 26)
		printf("  %s\n  %-26s  %s\n", left, "", o->help);
	else
		printf("  %-26s  %s\n", left, o->help);
}

static _Noreturn void
help(const struct opts *o)
{
	static const struct opt common[] = {
		{ 'v', "verbose", NULL, "say more on standard error" },
		{ KEY_HELP, "help", NULL, "this text" },
		{ KEY_VERSION, "version", NULL, "the version" },
		OPT_END
	};
	const struct opt *t;

	printf("usage: %s %s\n\n", log_program(), o->synopsis);
	for (t = o->table; t->key != 0; t++)
		row(t);
	for (t = common; t->key != 0; t++)
		row(t);
	exit(fflush(stdout) == 0 ? 0 : 111);
}

void
opt_usage(const struct opts *o, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	(void)o;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	die(100, "%s (--help lists the options)", why);
}

int
opt_next(struct opts *o)
{
	struct parsed *t = o->parsed;
	int key;

	key = getopt_long(o->argc, o->argv, t->letters, t->longs, NULL);
	if (key >= SPELLED_OUT)
		key -= SPELLED_OUT;
	switch (key) {
	case -1:
		o->args = o->argv + optind;
		o->nargs = o->argc - optind;
		free(t->longs);
		free(t);
		o->parsed = NULL;
		return -1;
	case KEY_HELP:
		help(o);
	case KEY_VERSION:
		printf("%s %s\n", log_program(), VERSION);
		exit(fflush(stdout) == 0 ? 0 : 111);
	case 'v':
		verbose++;
		return opt_next(o);
	case ':':
		opt_usage(o, "%s: a value is missing", o->argv[optind - 1]);
	case '?':
		if (optopt > 0 && optopt < OPT_LONG)
			opt_usage(o, "-%c: no such option", optopt);
		/* without the value: it may be a secret */
		opt_usage(o, "%.*s: no such option, or not with a value",
		    (int)strcspn(o->argv[optind - 1], "="),
		    o->argv[optind - 1]);
	default:
		o->arg = optarg;
		return key;
	}
}

const char *
opt_value(struct opts *o)
{
	if (optind >= o->argc)
		opt_usage(o, "%s: a second value is missing", o->arg);
	return o->argv[optind++];
}

/* The number that text begins with: 1, and what follows it; or 0. */
static int
integer(const char *text, long long *n, char **end)
{
	if (*text != '-' && (*text < '0' || *text > '9'))
		return 0;
	errno = 0;
	*n = strtoll(text, end, 10);
	return errno == 0 && *end != text;
}

int64_t
opt_number(const struct opts *o, const char *text, int64_t min, int64_t max)
{
	char *end;
	long long n;

	if (!integer(text, &n, &end) || *end != '\0' || n < min || n > max)
		opt_usage(o, "%s: not a number from %lld to %lld", text,
		    (long long)min, (long long)max);
	return n;
}

struct unit {
	const char *name;
	int64_t times;
};

static int64_t
scaled(const struct opts *o, const char *text, const struct unit *units,
    const char *what)
{
	char *end;
	long long n;

	if (integer(text, &n, &end) && n >= 0)
		for (; units->name != NULL; units++)
			if (strcmp(end, units->name) == 0 &&
			    n <= INT64_MAX / 2 / units->times)
				return n * units->times;
	opt_usage(o, "%s: not %s", text, what);
}

int64_t
opt_bytes(const struct opts *o, const char *text)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 },
		{ "g", 1 << 30 }, { "K", 1 << 10 }, { "M", 1 << 20 },
		{ "G", 1 << 30 }, { NULL, 0 }
	};

	return scaled(o, text, units, "a size (4096, 64k, 1m)");
}

int64_t
opt_ms(const struct opts *o, const char *text)
{
	static const struct unit units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
	};

	return scaled(o, text, units, "a time (5, 250ms, 30s, 2m)");
}
