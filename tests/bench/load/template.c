/* SPDX-License-Identifier: ISC */

/*
 * Texts with places to fill:
 *
 *	%d %0Nd  the client's number	%t  the marker
 *	%s  the message			%e  the same, JSON-escaped
 *	%l  its length			%p  padding
 *	%c  the channel (filled when the text is parsed)
 *
 * and, with the length of what is between the braces before it, %1{...}
 * %2{...} %4{...} %8{...} (big-endian), %R{...} (MQTT) and %${...} (RESP).
 */

#include "load.h"

static int
digit(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Undoes the backslash escapes of the command line. */
static struct str
unescape(struct str s)
{
	static const char from[] = "nrt0", to[] = "\n\r\t\0";
	char *out = mem_new(s.n + 1);
	const char *hit, *p = s.p, *end = s.p + s.n;
	size_t n = 0;

	for (; p < end; p++) {
		out[n] = *p;
		if (*p == '\\' && p + 1 < end) {
			out[n] = *++p;
			if ((hit = strchr(from, *p)) != NULL && *hit != '\0')
				out[n] = to[hit - from];
			else if (*p == 'x' && end - p > 2) {
				out[n] = (char)(digit(p[1]) << 4 | digit(p[2]));
				p += 2;
			}
		}
		n++;
	}
	return (struct str){ out, n };
}

struct str
template_parse(const char *text, const char *channel)
{
	struct buf b = BUF(SIZE_MAX / 2);
	struct str s;

	for (; *text != '\0'; text++)
		if (text[0] == '%' && text[1] == 'c') {
			buf_adds(&b, str_of(channel));
			text++;
		} else
			buf_addc(&b, *text);
	s = unescape(buf_str(&b));
	buf_free(&b);
	return s;
}

/* Where the brace that opened before p closes. */
static const char *
closing(const char *p, const char *end)
{
	int depth = 1;

	for (; p < end; p++) {
		depth += (*p == '{') - (*p == '}');
		if (depth == 0)
			break;
	}
	return p;
}

static void
put_length(struct buf *b, char kind, size_t n)
{
	int i;

	if (kind == '$')
		buf_addf(b, "$%zu\r\n", n);
	else if (kind == 'R')
		do
			buf_addc(b, (char)((n & 127) | (n > 127 ? 128 : 0)));
		while ((n >>= 7) != 0);
	else
		for (i = kind - '1'; i >= 0; i--)
			buf_addc(b, i > 7 ? 0 : (char)((uint64_t)n >> 8 * i));
}

static void
put_measured(struct buf *b, char kind, struct str inner, const struct fill *f)
{
	struct buf text = BUF(SIZE_MAX / 2);

	template_fill(&text, inner, f);
	put_length(b, kind, buf_size(&text));
	buf_adds(b, buf_str(&text));
	if (kind == '$')
		buf_adds(b, STR("\r\n"));
	buf_free(&text);
}

static void
put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, s.p[i]);
	}
}

static void
put_padding(struct buf *b)
{
	buf_room(b, set.padding);
	memset(b->data + b->len, 'x', set.padding);
	b->len += set.padding;
}

/* p is behind the percent sign; returns what comes after the place. */
static const char *
put_place(struct buf *b, const char *p, const char *end, const struct fill *f)
{
	const char *close;

	if (*p == '0' && end - p > 2 && p[2] == 'd') {
		buf_addf(b, "%0*u", p[1] - '0', f->client);
		return p + 3;
	}
	if (strchr("1248R$", *p) != NULL && end - p > 1 && p[1] == '{') {
		close = closing(p + 2, end);
		put_measured(b, *p, (struct str){ p + 2,
		    (size_t)(close - p - 2) }, f);
		return close + 1;
	}
	switch (*p) {
	case 'd':
		buf_addn(b, f->client);
		break;
	case 't':
		buf_addf(b, "@%019llu.%09u.%06u@", (unsigned long long)f->ns,
		    f->seq, f->client);
		break;
	case 'p':
		put_padding(b);
		break;
	case 's':
		buf_adds(b, f->message);
		break;
	case 'l':
		buf_addn(b, (int64_t)f->message.n);
		break;
	case 'e':
		put_escaped(b, f->message);
		break;
	default:
		buf_addc(b, *p);
	}
	return p + 1;
}

void
template_fill(struct buf *b, struct str t, const struct fill *f)
{
	const char *p = t.p, *end = t.p + t.n, *place;

	while (p < end) {
		place = memchr(p, '%', (size_t)(end - p));
		if (place == NULL || place + 1 == end)
			place = end;
		buf_add(b, p, (size_t)(place - p));
		if (place == end)
			return;
		p = put_place(b, place + 1, end, f);
	}
}
