/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../log.h"
#include "source.h"

#define TEXT_MAX	(4 << 20)	/* of a rule with all it includes */
#define NESTING_MAX	16		/* files that include one another */

struct reading {			/* one file of it */
	struct source *s;
	const struct filter_rule *rule;
	const char *name;
	const char *p, *end;
	int line;
	int nesting;
	char **why;
};

static int read_text(struct reading *);

__attribute__((format(printf, 2, 3))) static int
wrong(struct reading *r, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (asprintf(r->why, "%s:%d: %s", r->name, r->line, what) == -1)
		die(111, "out of memory");
	return -1;
}

/* What follows in text was read at this line of this file. */
static void
segment(struct source *s, const char *name, int line)
{
	s->at = mem_grow(s->at, (s->n + 1) * sizeof *s->at);
	s->at[s->n++] = (struct segment){ s->lines + 1, line, mem_str(name) };
}

static int
add(struct reading *r, struct str text)
{
	const char *p = text.p, *end = text.p + text.n;

	if (memchr(text.p, '\0', text.n) != NULL)
		return wrong(r, "a NUL byte");
	if (buf_adds(&r->s->text, text) == -1 ||
	    buf_addc(&r->s->text, '\n') == -1)
		return wrong(r, "a rule of more than %d bytes", TEXT_MAX);
	for (r->s->lines++; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p++)
		r->s->lines++;
	return 1;
}

/* Spaces and comments, and what the comments say to us. */
static void
skip(struct reading *r)
{
	int depth;

	for (; r->p < r->end; r->p++) {
		if (*r->p == '\n')
			r->line++;
		else if (*r->p == '#') {
			if (r->nesting == 0 &&
			    sscanf(r->p, "# rk: depth %d", &depth) == 1)
				r->s->depth = depth;
			r->p = memchr(r->p, '\n', (size_t)(r->end - r->p));
			if (r->p == NULL)
				r->p = r->end;
			r->p--;
		} else if (strchr(" \t\r", *r->p) == NULL)
			break;
	}
}

static int
word(struct reading *r, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(r->end - r->p) <= n || memcmp(r->p, w, n) != 0 ||
	    strchr(" \t\r\n\"#{", r->p[n]) == NULL)
		return 0;
	r->p += n;
	return 1;
}

/* The whole file, terminated by its buf's owner; -1 with errno. */
static int
slurp(struct buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	ssize_t n;

	if (fd == -1)
		return -1;
	while ((n = buf_read(b, fd, 65536)) > 0)
		;
	saved = errno;
	close(fd);
	errno = saved;
	return n == 0 ? 1 : -1;
}

static int
try(struct reading *r, struct str dir, struct str name)
{
	struct buf b = BUF(TEXT_MAX);
	struct reading sub = *r;
	char *path;
	int done;

	if (asprintf(&path, "%.*s%s%.*s.jq", (int)dir.n, dir.p,
	    dir.n > 0 ? "/" : "", (int)name.n, name.p) == -1)
		die(111, "out of memory");
	if ((done = slurp(&b, path)) == -1 && errno == ENOENT)
		done = 0;
	else if (done == -1)
		done = wrong(r, "%s: %s", path, strerror(errno));
	if (done == 1) {
		sub.name = path;
		sub.p = b.data ? b.data : "";
		sub.end = sub.p + buf_size(&b);
		sub.line = 1;
		sub.nesting++;
		done = read_text(&sub);
	}
	buf_free(&b);
	free(path);
	return done;
}

static int
include(struct reading *r, struct str name)
{
	const char *slash = strrchr(r->name, '/');
	struct str here = { r->name, slash ? (size_t)(slash - r->name) : 0 };
	const char *const *dir = r->rule->dirs;
	int done;

	if (r->nesting == NESTING_MAX)
		return wrong(r, "include within include, %d times",
		    NESTING_MAX);
	if ((done = try(r, here, name)) != 0)
		return done;
	for (; dir != NULL && *dir != NULL; dir++)
		if ((done = try(r, str_of(*dir), name)) != 0)
			return done;
	return wrong(r, "include \"%.*s\": no such file", (int)name.n, name.p);
}

/* include "NAME"; from behind its first word. */
static int
directive(struct reading *r)
{
	const char *from;
	struct str name;

	skip(r);
	if (r->p == r->end || *r->p != '"')
		return wrong(r, "include wants a \"NAME\"");
	from = ++r->p;
	while (r->p < r->end && *r->p != '"' && *r->p != '\n')
		r->p++;
	name = (struct str){ from, (size_t)(r->p - from) };
	if (r->p == r->end || *r->p != '"' || name.n == 0)
		return wrong(r, "include wants a \"NAME\"");
	r->p++;
	skip(r);
	if (r->p == r->end || *r->p != ';')
		return wrong(r, "include \"NAME\" ends with a semicolon");
	r->p++;
	return include(r, name);
}

static int
read_text(struct reading *r)
{
	for (skip(r); word(r, "include"); skip(r))
		if (directive(r) == -1)
			return -1;
	if (word(r, "import") || word(r, "module"))
		return wrong(r, "import and module are not for rules, "
		    "include \"NAME\"; is");
	segment(r->s, r->name, r->line);
	return add(r, (struct str){ r->p, (size_t)(r->end - r->p) });
}

static int
is_name(char c)
{
	return (c >= '0' && c <= '9') || c == '_' ||
	    ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* $ENV is there whatever is defined: the line of the whole where the text,
 * outside its comments, names it; 0: nowhere.  One that hides behind a # in a
 * string finds nothing, as there is no environment when a rule is compiled. */
static int
names_env(const char *p)
{
	int comment = 0, line = 1;

	for (; *p != '\0'; p++) {
		line += *p == '\n';
		comment = *p != '\n' && (comment || *p == '#');
		if (!comment && strncmp(p, "$ENV", 4) == 0 && !is_name(p[4]))
			return line;
	}
	return 0;
}

int
source_where(const struct source *s, int line, const char **name)
{
	const struct segment *g = s->at + s->n;

	while (g > s->at && (--g)->first > line)
		;
	*name = g->name;
	return g->line + line - g->first;
}

struct str
source_own(const struct source *s, int *line)
{
	*line = s->at->first;
	return (struct str){ s->text.data + s->own,
	    s->text.len - s->own - 1 };
}

/* "FILE:LINE: what", of a line of the whole. */
static char *
at_line(const struct source *s, int line, struct str what)
{
	const char *name;
	char *out;
	int n;

	if (line > 0 && s->n > 0) {
		line = source_where(s, line, &name);
		n = asprintf(&out, "%s:%d: %.*s", name, line, (int)what.n,
		    what.p);
	} else
		n = asprintf(&out, "%.*s", (int)what.n, what.p);
	if (n == -1)
		die(111, "out of memory");
	return out;
}

int
source_open(struct source *s, const struct filter_rule *rule, char **why)
{
	struct reading r = { .s = s, .rule = rule, .name = rule->name,
	    .p = rule->text.p, .end = rule->text.p + rule->text.n,
	    .line = 1, .why = why };
	int line;

	*s = (struct source){ .text = BUF(TEXT_MAX), .depth = -1 };
	add(&r, str_of(filter_prelude));
	if (!rule->impure)
		add(&r, str_of(filter_pure));
	s->own = buf_size(&s->text);
	if (read_text(&r) == -1)
		return -1;
	if (buf_addc(&s->text, '\0') == -1)
		return wrong(&r, "a rule of more than %d bytes", TEXT_MAX);
	line = rule->impure ? 0 : names_env(s->text.data);
	if (line > 0) {
		*why = at_line(s, line, STR("$ENV: rules are pure "
		    "(--impure lifts it)"));
		return -1;
	}
	if (s->depth < -1 || s->depth > JSON_DEPTH)
		return wrong(&r, "rk: depth: not from 0 to %d", JSON_DEPTH);
	return 1;
}

void
source_close(struct source *s)
{
	while (s->n > 0)
		free(s->at[--s->n].name);
	free(s->at);
	buf_free(&s->text);
}

/* jq says "jq: error: WHAT at <top-level>, line N:", then shows the line. */
char *
source_message(const struct source *s, const char *jq)
{
	static const char error[] = "jq: error: ", at[] = " at <top-level>, ";
	const char *where = strstr(jq, at), *pure = strstr(jq, PURE_NAME);
	char *out;
	int line = 0;

	if (pure != NULL) {
		pure += sizeof PURE_NAME - 1;
		if (asprintf(&out, "%s: %.*s: rules are pure (--impure lifts "
		    "it)", s->at[s->n - 1].name, (int)strcspn(pure, "/"),
		    pure) == -1)
			die(111, "out of memory");
		return out;
	}
	if (strncmp(jq, error, sizeof error - 1) == 0)
		jq += sizeof error - 1;
	if (where != NULL)
		sscanf(where + sizeof at - 1, "line %d", &line);
	return at_line(s, line, (struct str){ jq, where ?
	    (size_t)(where - jq) : strcspn(jq, "\n") });
}
