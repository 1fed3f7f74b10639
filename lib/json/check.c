/* SPDX-License-Identifier: ISC */

/* Values: checked whole, walked over, and what they are. */

#include "inside.h"

typedef const char *at;		/* a place in the text, for short signatures */

struct scan {
	at end;
	const char *why;
	at where;
};

static at
fail(struct scan *s, at p, const char *why)
{
	s->why = why;
	s->where = p;
	return NULL;
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

at
json_space(at p, at end)
{
	while (p < end && (unsigned char)*p <= ' ' && is_space(*p))
		p++;
	return p;
}

static at
escape(struct scan *s, at p)
{
	if (s->end - p < 2)
		return fail(s, p, "unfinished escape");
	if (p[1] == 'u') {
		if (json_hex4(p + 2, s->end) < 0)
			return fail(s, p, "malformed \\u escape");
		return p + 6;
	}
	if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
		return fail(s, p, "unknown escape");
	return p + 2;
}

static at
whole_string(struct scan *s, at p, int *escaped)
{
	size_t n;

	for (;;) {
		p = json_plain(p, s->end);
		if (p == s->end)
			return fail(s, p, "unfinished string");
		if (*p == '"')
			return p;
		if (*p == '\\') {
			*escaped = 1;
			if ((p = escape(s, p)) == NULL)
				return NULL;
		} else if ((unsigned char)*p < 0x20) {
			return fail(s, p, "control character in a string");
		} else {
			if ((n = utf8_length(p, s->end)) == 0)
				return fail(s, p, "invalid UTF-8");
			p += n;
		}
	}
}

/* p is after the opening quote; returns the closing one.  Most strings are
 * short and plain. */
static inline at
string(struct scan *s, at p, int *escaped)
{
	at q = json_plain16(p, s->end);

	return q != NULL && *q == '"' ? q : whole_string(s, p, escaped);
}

static inline at
digits(at p, at end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static at
number(struct scan *s, at p)
{
	at q, from = p;

	if (*p == '-')
		p++;
	q = digits(p, s->end);
	if (q == p || (*p == '0' && q - p > 1))
		return fail(s, from, "malformed number");
	p = q;
	if (p < s->end && *p == '.') {
		q = digits(p + 1, s->end);
		if (q == p + 1)
			return fail(s, from, "malformed number");
		p = q;
	}
	if (p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		q = digits(p, s->end);
		if (q == p)
			return fail(s, from, "malformed number");
		p = q;
	}
	return p;
}

static at
word(struct scan *s, at p, const char *w, size_t n)
{
	if ((size_t)(s->end - p) < n || memcmp(p, w, n) != 0)
		return fail(s, p, "unknown word");
	return p + n;
}

static at
scalar(struct scan *s, at p)
{
	int escaped = 0;

	switch (*p) {
	case '"':
		p = string(s, p + 1, &escaped);
		return p ? p + 1 : NULL;
	case 't':
		return word(s, p, "true", 4);
	case 'f':
		return word(s, p, "false", 5);
	case 'n':
		return word(s, p, "null", 4);
	default:
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			return number(s, p);
		return fail(s, p, "a value is missing");
	}
}

/* p is where a member begins: its key and colon; returns its value. */
static inline at
member(struct scan *s, at p, struct json_member *m)
{
	at q;

	if (p == s->end || *p != '"')
		return fail(s, p, "a key is missing");
	m->escaped = 0;
	if ((q = string(s, p + 1, &m->escaped)) == NULL)
		return NULL;
	m->key = (struct str){ p + 1, (size_t)(q - p - 1) };
	p = json_space(q + 1, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p, "a colon is missing");
	return json_space(p + 1, s->end);
}

static at
value(struct scan *s, at p)
{
	char close[JSON_DEPTH + 1];	/* what ends each level */
	struct json_member m;
	unsigned depth = 0;

	for (;;) {
		/* p is where a value begins */
		if (p == s->end)
			return fail(s, p, "a value is missing");
		if (*p == '{' || *p == '[') {
			if (++depth > JSON_DEPTH)
				return fail(s, p, "too deep");
			close[depth] = *p == '{' ? '}' : ']';
			p = json_space(p + 1, s->end);
			if (p < s->end && *p == close[depth])
				goto ended;
			if (close[depth] == '}' && !(p = member(s, p, &m)))
				return NULL;
			continue;
		}
		if ((p = scalar(s, p)) == NULL)
			return NULL;
		/* p is after a value */
		while (depth > 0) {
			p = json_space(p, s->end);
			if (p == s->end)
				return fail(s, p, "unfinished");
			if (*p == ',') {
				p = json_space(p + 1, s->end);
				if (close[depth] == '}' &&
				    !(p = member(s, p, &m)))
					return NULL;
				break;
			}
			if (*p != close[depth])
				return fail(s, p, "a comma is missing");
ended:
			p++;
			depth--;
		}
		if (depth == 0)
			return p;
	}
}

const char *
json_end(const char *p, const char *end, const char **why, const char **where)
{
	struct scan s = { .end = end };

	p = value(&s, p);
	if (p == NULL) {
		*why = s.why;
		if (where != NULL)
			*where = s.where;
	}
	return p;
}

int
json_check(struct str text, const char **why)
{
	struct str t = json_trim(text);
	at p;

	if (t.n == 0) {
		*why = "empty";
		return 0;
	}
	p = json_end(t.p, t.p + t.n, why, NULL);
	if (p != NULL && p != t.p + t.n) {
		*why = "more than one value";
		return 0;
	}
	return p != NULL;
}

struct str
json_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

int
json_walk(struct json_walk *w, struct str container)
{
	struct str s = json_trim(container);

	*w = (struct json_walk){ .why = NULL };
	if (s.n < 2 || (*s.p != '{' && *s.p != '[') ||
	    s.p[s.n - 1] != (*s.p == '{' ? '}' : ']'))
		return 0;
	w->object = *s.p == '{';
	w->end = s.p + s.n - 1;
	w->p = json_space(s.p + 1, w->end);
	return 1;
}

int
json_next(struct json_walk *w, struct json_member *m)
{
	struct scan s = { .end = w->end };
	at p = w->p;

	*m = (struct json_member){ .escaped = 0 };
	if (p == w->end && !w->comma)
		return 0;
	if (w->object && (p = member(&s, p, m)) == NULL)
		goto bad;
	m->value.p = p;
	p = p < w->end && *p != '{' && *p != '[' ? scalar(&s, p) : value(&s, p);
	if (p == NULL)
		goto bad;
	m->value.n = (size_t)(p - m->value.p);
	p = json_space(p, w->end);
	w->comma = p < w->end;
	if (w->comma && *p != ',') {
		fail(&s, p, "a comma is missing");
		goto bad;
	}
	w->p = w->comma ? json_space(p + 1, w->end) : p;
	return 1;
bad:
	w->why = s.why;
	return -1;
}

int
json_kind(struct str v)
{
	if (v.n == 0)
		return 0;
	switch (*v.p) {
	case '{':
		return 'o';
	case '[':
		return 'a';
	case '"':
		return 's';
	case 't':
	case 'f':
	case 'n':
		return *v.p;
	default:
		return '0';
	}
}

int
json_int(struct str v, int64_t *out)
{
	uint64_t n = 0, limit;
	size_t i = 0;
	int minus = v.n > 0 && v.p[0] == '-';

	if (minus)
		i = 1;
	if (i == v.n || v.n - i > 19)
		return 0;
	for (; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	limit = (uint64_t)INT64_MAX;
	if (n > limit)
		return 0;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 1;
}
