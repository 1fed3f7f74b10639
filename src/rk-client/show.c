/* SPDX-License-Identifier: ISC */
#include "frame.h"
#include "json.h"
#include "show.h"

#define INDENT		2

/* The colours of jq 1.6, and one for what is about the message. */
#define KEY		"34;1"
#define STRING		"0;32"
#define NUL		"1;30"
#define ABOUT		"0;36"

struct pretty {
	struct buf *out;
	int colour;
	int depth;
	int is_key;			/* the next string is one */
	char in[JSON_DEPTH + 1];	/* '{' or '[' by depth */
};

static void
text(struct pretty *y, const char *s)
{
	buf_adds(y->out, str_of(s));
}

static void
colour(struct pretty *y, const char *code)
{
	if (!y->colour)
		return;
	text(y, "\033[");
	text(y, code ? code : "0");
	text(y, "m");
}

static void
newline(struct pretty *y, int depth)
{
	int n;

	text(y, "\n");
	for (n = INDENT * (depth + 1); n > 0; n--)
		text(y, " ");
}

/*
 * The length of what a terminal may obey, and no more than a terminal: the
 * control characters but tab, DEL, and C1 (U+0080 to U+009F, RFC 3629: C2 and
 * one byte).  0: none begins here.
 */
static size_t
control(const char *p, const char *end, unsigned *code)
{
	unsigned char c = (unsigned char)*p;

	*code = c;
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return 1;
	if (c != 0xc2 || p + 1 == end || (unsigned char)p[1] > 0x9f)
		return 0;
	*code = (unsigned char)p[1];
	return 2;
}

static void
safe(struct pretty *y, struct str s, int newlines)
{
	const char *p = s.p, *end = p + s.n;
	unsigned code;
	size_t n;

	while (p < end) {
		n = control(p, end, &code);
		if (n == 0)
			buf_addc(y->out, *p++);
		else if (newlines && *p == '\n')
			newline(y, 0);
		else
			buf_addf(y->out, "\\u%04x", code);
		p += n;
	}
}

/* Past the string or word that begins at p. */
static const char *
token_end(const char *p, const char *end)
{
	if (*p == '"') {
		for (p++; *p != '"'; p++)
			if (*p == '\\')
				p++;
		return p + 1;
	}
	while (p < end && strchr(",:]} \t\r\n", *p) == NULL)
		p++;
	return p;
}

static const char *
token_colour(const struct pretty *y, char first)
{
	if (first == '"')
		return y->is_key ? KEY : STRING;
	return first == 'n' ? NUL : NULL;
}

static const char *
token(struct pretty *y, const char *p, const char *end)
{
	const char *to = token_end(p, end);
	const char *code = token_colour(y, *p);

	if (code != NULL)
		colour(y, code);
	safe(y, (struct str){ p, (size_t)(to - p) }, 0);
	if (code != NULL)
		colour(y, NULL);
	return to;
}

static const char *
open_or_empty(struct pretty *y, const char *p, const char *end)
{
	const char *next = json_space(p + 1, end);

	buf_addc(y->out, *p);
	if (*next == ']' || *next == '}') {
		buf_addc(y->out, *next);
		return next + 1;
	}
	y->in[++y->depth] = *p;
	y->is_key = *p == '{';
	newline(y, y->depth);
	return next;
}

static const char *
punctuation(struct pretty *y, const char *p, const char *end)
{
	switch (*p) {
	case '{':
	case '[':
		return open_or_empty(y, p, end);
	case '}':
	case ']':
		newline(y, --y->depth);
		buf_addc(y->out, *p);
		break;
	case ',':
		buf_addc(y->out, ',');
		newline(y, y->depth);
		y->is_key = y->in[y->depth] == '{';
		break;
	case ':':
		text(y, ": ");
		y->is_key = 0;
	}
	return p + 1;
}

/* Checked JSON, so that no step can go wrong. */
static void
pretty_json(struct pretty *y, struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	while ((p = json_space(p, end)) < end)
		p = strchr("{}[],:", *p) ? punctuation(y, p, end) :
		    token(y, p, end);
}

static void
pretty_binary(struct pretty *y, struct str s)
{
	colour(y, ABOUT);
	buf_addf(y->out, "%zu bytes ", s.n);
	colour(y, NULL);
	base64_encode(y->out, s);
}

static void
pretty(struct buf *out, int colours, char mark, struct str s, int binary)
{
	struct pretty y = { .out = out, .colour = colours };
	const char *why;

	colour(&y, ABOUT);
	buf_addf(out, "%c ", mark);
	colour(&y, NULL);
	if (binary)
		pretty_binary(&y, s);
	else if (json_check(s, &why))
		pretty_json(&y, s);
	else
		safe(&y, s, 1);
}

/* A message is a line. */
static void
flat(struct buf *out, struct str s)
{
	char *p;

	buf_adds(out, s);
	for (p = out->data + out->len - s.n; s.n > 0; p++, s.n--)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
}

static void
line(struct buf *out, int json, struct str s, int binary)
{
	const char *why;

	if (binary) {
		buf_adds(out, STR("{\"base64\":\""));
		base64_encode(out, s);
		buf_adds(out, STR("\"}"));
	} else if (json_check(s, &why)) {
		flat(out, json_trim(s));
	} else if (json) {
		json_quote(out, s);
	} else {
		flat(out, s);
	}
}

void
show(struct buf *out, const struct style *style, char mark, struct str s,
    int binary)
{
	if (style->how == SHOW_PRETTY)
		pretty(out, style->colour, mark, s, binary);
	else
		line(out, style->how == SHOW_JSON, s, binary);
}

int
show_word(const char *word)
{
	static const char *const words[] = { [SHOW_LINES] = "lines",
	    [SHOW_JSON] = "json", [SHOW_PRETTY] = "pretty" };
	int i;

	for (i = SHOW_LINES; i <= SHOW_PRETTY; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}
