/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "skim.h"
#include "text.h"

#define NUMBER_MAX	63	/* longer spellings are not held */
#define DOUBLE_DIGITS	15	/* so many always come back from a double */
#define DIGITS_MAX	17	/* so many tell all doubles apart */

/* Keys. */

/* seq, again and of are never written, from and via only when asked. */
static const enum key hidden[] = { K_FROM, K_VIA, K_SEQ, K_AGAIN, K_OF };
#define NHIDDEN	(sizeof hidden / sizeof *hidden)

static size_t
first_hidden(int routing)
{
	return routing ? 2 : 0;
}

int
key_hidden(int key, int routing)
{
	size_t i;

	for (i = first_hidden(routing); i < NHIDDEN; i++)
		if (key == (int)hidden[i])
			return 1;
	return 0;
}

int
key_unseen(int key)
{
	return key == K_SEQ || key == K_AGAIN || key == K_OF || key == K_VIA;
}

int
key_levels(int key, int depth)
{
	switch (key) {
	case -1:
	case K_DATA:
	case K_ARGS:
	case K_REF:
	case K_STATE:
	case K_CLAIMS:
	case K_AUTH:
	case K_PROPERTIES:
		return depth;
	default:
		return LEVELS_ALL;
	}
}

/* Within a whole value a user's own JSON begins at a member "state" (members)
 * or "data" (entries). */
int
levels_below(int levels, struct str key, int depth)
{
	if (levels != LEVELS_ALL)
		return levels - 1;
	return key.p != NULL && (str_eq(key, STR("state")) ||
	    str_eq(key, STR("data"))) ? depth : LEVELS_ALL;
}

/* Numbers. */

/* The digits that count, in d (at most DIGITS_MAX + 1). */
static int
digits_of(const char *p, char *d)
{
	int n = 0, zeros = 0;

	for (; *p != '\0' && *p != 'e' && *p != 'E'; p++) {
		if (*p < '0' || *p > '9')
			continue;
		if (*p == '0') {
			zeros += n > 0;
			continue;
		}
		for (; zeros > 0 && n <= DIGITS_MAX; zeros--)
			d[n++] = '0';
		if (n > DIGITS_MAX)
			return n;
		d[n++] = *p;
	}
	return n;
}

static int
spelling_held(struct str s, double *out)
{
	char text[NUMBER_MAX + 1], back[NUMBER_MAX + 1];
	char want[DIGITS_MAX + 2], got[DIGITS_MAX + 2];
	int n;

	if (s.n > NUMBER_MAX)
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	n = digits_of(text, want);
	*out = strtod(text, NULL);
	if (n == 0 || (n <= DOUBLE_DIGITS && isnormal(*out)))
		return 1;
	if (n > DIGITS_MAX || !isfinite(*out))
		return 0;
	snprintf(back, sizeof back, "%.*e", n - 1, *out);
	return digits_of(back, got) == n &&
	    memcmp(got, want, (size_t)n) == 0;
}

int
number_held(struct str s, double *out)
{
	int64_t n;

	if (s.n > DOUBLE_DIGITS || s.p[0] == '-' || !json_int(s, &n))
		return spelling_held(s, out);
	*out = (double)n;
	return 1;
}

/* Containers. */

int
container_empty(struct str text)
{
	size_t i = 1;

	while (strchr(" \t\r\n", text.p[i]) != NULL)
		i++;
	return i == text.n - 1;
}

/* A level takes two bytes, so most are short enough to tell at once. */
int
container_fits(struct str text, int level)
{
	const char *p, *end = text.p + text.n;

	if ((size_t)level + text.n / 2 <= JSON_DEPTH)
		return 1;
	for (p = text.p; p < end && level <= JSON_DEPTH; p++)
		if (*p == '"')
			p = skim_string(p + 1, end);
		else if (*p == '[' || *p == '{')
			level++;
		else if (*p == ']' || *p == '}')
			level--;
	return level <= JSON_DEPTH;
}

/* Frames. */

static int
count_hidden(const struct frame *f, int routing)
{
	size_t i;
	int n = 0;

	for (i = first_hidden(routing); i < NHIDDEN; i++)
		n += f->v[hidden[i]].p != NULL;
	return n;
}

static int
is_hidden(const struct frame *f, int routing, const char *value)
{
	size_t i;

	for (i = first_hidden(routing); i < NHIDDEN; i++)
		if (f->v[hidden[i]].p == value)
			return 1;
	return 0;
}

/* The line's last member, from its comma on, when it is one of the hidden
 * ones as a link writes them: where a line without it ends, else NULL. */
static const char *
last_hidden(const struct frame *f, int routing, const char *end)
{
	struct str key, v;
	const char *p;
	size_t i;

	for (i = first_hidden(routing); i < NHIDDEN; i++) {
		v = f->v[hidden[i]];
		if (v.p == NULL || v.p + v.n != end)
			continue;
		key = str_of(frame_keys[hidden[i]]);
		p = v.p - key.n - 4;
		if (p > f->line.p && p[0] == ',' && p[1] == '"' &&
		    memcmp(p + 2, key.p, key.n) == 0 &&
		    p[key.n + 2] == '"' && p[key.n + 3] == ':')
			return p;
	}
	return NULL;
}

int
frame_seen(struct buf *b, const struct frame *f, int routing)
{
	struct json_member m;
	struct skim s;
	const char *end = f->line.p + f->line.n - 1, *cut;
	char before = '{';
	int left = count_hidden(f, routing);

	for (; left > 0 && (cut = last_hidden(f, routing, end)); left--)
		end = cut;
	if (left == 0 && buf_add(b, f->line.p, (size_t)(end - f->line.p)) == 1)
		return buf_addc(b, '}');
	skim_open(&s, f->line);
	while (skim_key(&s, &m)) {
		if (m.value.p == f->v[K_DATA].p)
			skim_bytes(&s, &m, f->v[K_DATA].n);
		else
			skim_value(&s, &m);
		if (is_hidden(f, routing, m.value.p))
			continue;
		if (buf_addc(b, before) == -1 || buf_add(b, m.key.p - 1,
		    (size_t)(m.value.p + m.value.n - m.key.p) + 1) == -1)
			return -1;
		before = ',';
	}
	if (before == '{' && buf_addc(b, before) == -1)
		return -1;
	return buf_addc(b, '}');
}
