/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "link/link.h"
#include "log.h"
#include "rule.h"

#define FILE_MAX	(64 << 20)	/* bytes of a rule, and of a file of an
					   argument */
#define NAME		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"0123456789_"

struct argument {
	int kind;		/* RULE_ARG, RULE_ARGJSON and so on */
	const char *name, *value;
	struct buf json;
};

static const char *path, *text;
static struct argument *arguments;
static const char **dirs;		/* NULL ends */
static size_t narguments, ndirs;
static struct filter_rule rule = { .depth = -1 };

static void
add_argument(struct opts *o, int kind)
{
	struct argument a = { kind, o->arg, opt_value(o), BUF(FILE_MAX) };
	const char *why;

	if (a.name[strspn(a.name, NAME)] != '\0' || a.name[0] == '\0' ||
	    (a.name[0] >= '0' && a.name[0] <= '9'))
		opt_usage(o, "%s: not a name", a.name);
	if (kind == RULE_ARGJSON && !json_check(str_of(a.value), &why))
		opt_usage(o, "--argjson %s: %s", a.name, why);
	if (kind == RULE_ARG && !utf8_check(str_of(a.value)))
		opt_usage(o, "--arg %s: not UTF-8", a.name);
	arguments = mem_grow(arguments, (narguments + 1) * sizeof *arguments);
	arguments[narguments++] = a;
}

int
rule_option(struct opts *o, int key)
{
	switch (key) {
	case 'e':
		text = o->arg;
		return 1;
	case 'L':
		dirs = mem_grow(dirs, (ndirs + 2) * sizeof *dirs);
		dirs[ndirs++] = o->arg;
		dirs[ndirs] = NULL;
		return 1;
	case RULE_ARG:
	case RULE_ARGJSON:
	case RULE_SLURPFILE:
	case RULE_RAWFILE:
		add_argument(o, key);
		return 1;
	case RULE_DEPTH:
		rule.depth = (int)opt_number(o, o->arg, 0, JSON_DEPTH);
		return 1;
	case RULE_BUDGET:
		rule.budget = opt_ms(o, o->arg);
		if (rule.budget < 1 || rule.budget > 3600000)
			opt_usage(o, "%s: not from 1ms to 1h", o->arg);
		return 1;
	case RULE_IMPURE:
		rule.impure = 1;
		return 1;
	default:
		return 0;
	}
}

void
rule_operand(const struct opts *o)
{
	if (o->nargs > (text == NULL))
		opt_usage(o, "%s: one rule only", o->args[text == NULL]);
	if (text == NULL && o->nargs == 0)
		opt_usage(o, "a rule is missing: FILE, or -e TEXT");
	if (text == NULL)
		path = o->args[0];
}

static char *
reason(const char *what, const char *why)
{
	char *out;

	if (asprintf(&out, "%s: %s", what, why) == -1)
		die(111, "out of memory");
	return out;
}

static int
slurp(struct buf *b, const char *file, char **why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), saved;
	ssize_t n;

	if (fd == -1) {
		*why = reason(file, strerror(errno));
		return -1;
	}
	while ((n = buf_read(b, fd, 65536)) > 0)
		;
	saved = errno;
	close(fd);
	if (n == 0)
		return 1;
	*why = reason(file, saved == ENOBUFS ? "too long" : strerror(saved));
	return -1;
}

/* All values of the file, as an array: what --slurpfile of jq makes. */
static int
slurp_values(struct buf *json, const char *file, char **why)
{
	struct buf all = BUF(FILE_MAX);
	struct str rest;
	const char *end, *wrong = NULL;
	int done = slurp(&all, file, why);

	buf_addc(json, '[');
	rest = json_trim(buf_str(&all));
	while (done == 1 && rest.n > 0) {
		end = json_end(rest.p, rest.p + rest.n, &wrong, NULL);
		if (end == NULL) {
			*why = reason(file, wrong);
			done = -1;
			break;
		}
		if (buf_size(json) > 1)
			buf_addc(json, ',');
		buf_add(json, rest.p, (size_t)(end - rest.p));
		rest = json_trim((struct str){ end,
		    (size_t)(rest.p + rest.n - end) });
	}
	if (done == 1 && buf_addc(json, ']') == -1) {
		*why = reason(file, "too long");
		done = -1;
	}
	buf_free(&all);
	return done;
}

/* The file as a string: its JSON. */
static int
slurp_text(struct buf *json, const char *file, char **why)
{
	struct buf all = BUF(FILE_MAX);
	int done = slurp(&all, file, why);

	if (done == 1 && !utf8_check(buf_str(&all))) {
		*why = reason(file, "not UTF-8");
		done = -1;
	} else if (done == 1 && json_quote(json, buf_str(&all)) == -1) {
		*why = reason(file, "too long");
		done = -1;
	}
	buf_free(&all);
	return done;
}

static int
read_argument(struct argument *a, char **why)
{
	buf_clear(&a->json);
	switch (a->kind) {
	case RULE_ARG:
		return json_quote(&a->json, str_of(a->value));
	case RULE_ARGJSON:
		return buf_adds(&a->json, str_of(a->value));
	case RULE_RAWFILE:
		return slurp_text(&a->json, a->value, why);
	default:
		return slurp_values(&a->json, a->value, why);
	}
}

struct filter *
rule_open(int routing, int early, char **why)
{
	struct buf file = BUF(FILE_MAX);
	struct filter_arg *args = mem_new((narguments + 1) * sizeof *args);
	struct filter *f = NULL;
	int done = 1;
	size_t i;

	*why = NULL;
	for (i = 0; done == 1 && i < narguments; i++) {
		done = read_argument(&arguments[i], why);
		args[i] = (struct filter_arg){ arguments[i].name,
		    buf_str(&arguments[i].json) };
	}
	if (done == 1 && path != NULL)
		done = slurp(&file, path, why);
	rule.name = path ? path : "-e";
	rule.text = path ? buf_str(&file) : str_of(text);
	if (rule.text.p == NULL)
		rule.text = STR("");
	rule.dirs = dirs;
	rule.args = args;
	rule.nargs = narguments;
	rule.line_max = link_line_max();
	rule.routing = routing;
	rule.early = early;
	if (done == 1)
		f = filter_open(&rule, why);
	free(args);
	buf_free(&file);
	return f;
}
