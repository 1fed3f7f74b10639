/* SPDX-License-Identifier: ISC */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "skim.h"

/* p is after the opening quote; returns the closing one. */
static const char *
string(const char *p, int *escaped)
{
	for (; *p != '"'; p++)
		if (*p == '\\') {
			*escaped = 1;
			p++;
		}
	return p;
}

static const char *
space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

/* p is after the opening bracket: past the closing one. */
static const char *
container(const char *p)
{
	int depth = 1, escaped;

	for (; depth > 0; p++) {
		if (*p == '"')
			p = string(p + 1, &escaped);
		else if ((*p | 32) == '{')
			depth++;
		else if ((*p | 32) == '}')
			depth--;
	}
	return p;
}

const char *
skim_end(const char *p)
{
	int escaped;

	switch (*p) {
	case '"':
		return string(p + 1, &escaped) + 1;
	case '{':
	case '[':
		return container(p + 1);
	default:
		while (strchr(",]} \t\r\n", *p) == NULL)
			p++;
		return p;
	}
}

void
skim_open(struct skim *s, struct str text)
{
	s->object = *text.p == '{';
	s->p = space(text.p + 1);
}

int
skim_key(struct skim *s, struct json_member *m)
{
	const char *end;

	if (*s->p == '}' || *s->p == ']')
		return 0;
	m->escaped = 0;
	m->key = (struct str){ NULL, 0 };
	if (s->object) {
		end = string(s->p + 1, &m->escaped);
		m->key = (struct str){ s->p + 1, (size_t)(end - s->p) - 1 };
		s->p = space(space(end + 1) + 1);
	}
	m->value.p = s->p;
	return 1;
}

void
skim_value(struct skim *s, struct json_member *m, const char *end)
{
	m->value.n = (size_t)(end - m->value.p);
	s->p = space(end);
	if (*s->p == ',')
		s->p = space(s->p + 1);
}
