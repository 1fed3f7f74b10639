/* SPDX-License-Identifier: ISC */
#include <strings.h>

#include "../http.h"
#include "../json.h"

/* RFC 9110 5.6.2: what a method or a header's name is made of. */
static int
is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || strchr(marks, c) == NULL)
			return 0;
	}
	return s.n > 0;
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

int
http_same(struct str a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

int
http_sound(struct str name, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return 0;
	}
	return is_token(name);
}

/* Cuts s at the first c: 1 and both parts, or 0. */
static int
cut(struct str s, char c, struct str *before, struct str *after)
{
	const char *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	if (p == NULL)
		return 0;
	*before = (struct str){ s.p, (size_t)(p - s.p) };
	*after = (struct str){ p + 1, s.n - before->n - 1 };
	return 1;
}

/* The next line of s, without its CRLF: 1; 0: not all there; -1: wrong. */
static int
next_line(struct str *s, struct str *line)
{
	struct str rest;

	if (!cut(*s, '\n', line, &rest))
		return 0;
	if (line->n == 0 || line->p[line->n - 1] != '\r')
		return -1;
	line->n--;
	*s = rest;
	return 1;
}

/* origin-form or absolute-form (RFC 9112 3.2): 1 or 0. */
static int
target(struct http_head *h, struct str t)
{
	struct str scheme, rest;

	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] > '~')
			return 0;
	if (t.n > 0 && t.p[0] != '/') {
		if (!cut(t, ':', &scheme, &rest) || rest.n < 3 ||
		    memcmp(rest.p, "//", 2) != 0)
			return 0;
		t = (struct str){ rest.p + 2, rest.n - 2 };
		if (!cut(t, '/', &scheme, &rest))
			return 0;
		t = (struct str){ rest.p - 1, rest.n + 1 };
	}
	h->path = t;
	h->query = (struct str){ t.p + t.n, 0 };
	cut(t, '?', &h->path, &h->query);
	return t.n > 0;
}

static int
request_line(struct http_head *h, struct str line)
{
	struct str rest, version;

	if (!cut(line, ' ', &h->method, &rest) || !is_token(h->method))
		return 400;
	if (!cut(rest, ' ', &rest, &version) || !target(h, rest))
		return 400;
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0)
		return 400;
	if (version.p[5] != '1' || version.p[6] != '.')
		return 505;
	if (version.p[7] < '0' || version.p[7] > '9')
		return 400;
	h->minor = version.p[7] - '0';
	return 0;
}

static int
header_line(struct http_head *h, struct str line)
{
	struct http_header *x = &h->headers[h->n];

	if (h->n == HTTP_HEADERS)
		return 431;
	if (!cut(line, ':', &x->name, &x->value))
		return 400;
	x->value = trim(x->value);
	if (!http_sound(x->name, x->value))
		return 400;
	h->n++;
	return 0;
}

static size_t
count(const struct http_head *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += (size_t)http_same(h->headers[i].name, name);
	return n;
}

/* Framing of the body (RFC 9112 6): one way to say it, or none. */
static int
body_length(struct http_head *h)
{
	struct str v = http_header(h, "content-length");
	struct str coding = http_header(h, "transfer-encoding");

	h->length = -1;
	h->chunked = coding.p != NULL;
	if (h->chunked && (v.p != NULL || h->minor == 0))
		return 400;
	if (h->chunked)
		return count(h, "transfer-encoding") == 1 &&
		    http_same(coding, "chunked") ? 0 : 501;
	if (v.p == NULL)
		return 0;
	if (v.n == 0 || v.n > 18 || count(h, "content-length") > 1)
		return 400;
	h->length = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return 400;
		h->length = h->length * 10 + (v.p[i] - '0');
	}
	return 0;
}

static int
whole(struct http_head *h)
{
	int status = body_length(h);

	if (status != 0)
		return status;
	if (count(h, "host") != 1 && !(h->minor == 0 && count(h, "host") == 0))
		return 400;
	return http_header(h, "expect").p != NULL ? 417 : 0;
}

ssize_t
http_parse(struct http_head *h, struct str in, int *status)
{
	struct str rest = in, line;
	int first = 1, r;

	h->n = 0;
	while ((r = next_line(&rest, &line)) == 1) {
		if (!first && line.n == 0) {
			*status = whole(h);
			return *status != 0 ? -1 : rest.p - in.p;
		}
		*status = first ? request_line(h, line) : header_line(h, line);
		if (*status != 0)
			return -1;
		first = 0;
	}
	*status = r == -1 ? 400 : first ? 414 : 431;
	return r == -1 || in.n >= HTTP_HEAD_MAX ? -1 : 0;
}

struct str
http_header(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (http_same(h->headers[i].name, name))
			return h->headers[i].value;
	return (struct str){ NULL, 0 };
}

static int
list_has(struct str list, const char *token)
{
	struct str item;

	while (cut(list, ',', &item, &list))
		if (http_same(trim(item), token))
			return 1;
	return http_same(trim(list), token);
}

int
http_has_token(const struct http_head *h, const char *name, const char *token)
{
	for (size_t i = 0; i < h->n; i++)
		if (http_same(h->headers[i].name, name) &&
		    list_has(h->headers[i].value, token))
			return 1;
	return 0;
}

/* The byte that %xx at p means, or -1. */
static int
escaped(const char *p, const char *end)
{
	int high, low;

	if (end - p < 3 || (high = hex_digit(p[1])) == -1 ||
	    (low = hex_digit(p[2])) == -1)
		return -1;
	return high << 4 | low;
}

int
http_unescape(struct buf *out, struct str in, int plus)
{
	const char *p = in.p, *end = p + in.n;
	size_t before = buf_size(out);
	int c, r = 1;

	for (; p < end && r == 1; p++) {
		c = *p == '+' && plus ? ' ' : *p;
		if (c == '%') {
			if ((c = escaped(p, end)) <= 0)
				r = 0;
			p += 2;
		}
		if (r == 1)
			r = buf_addc(out, (char)c);
	}
	if (r != 1)
		out->len = out->pos + before;
	return r;
}

const char *
http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 101, "Switching Protocols" }, { 200, "OK" },
		{ 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" },
		{ 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 410, "Gone" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" }, { 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" }
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}
