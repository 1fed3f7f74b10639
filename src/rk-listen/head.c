/* SPDX-License-Identifier: ISC */
#include <strings.h>

#include "endpoint.h"
#include "frame.h"
#include "head.h"
#include "link/link.h"
#include "state.h"

/*
 * What an HTTP request said, as JSON: headers under their names in lower
 * case, a query as an object.
 */

/* A header's bytes are ISO 8859-1 where they are not UTF-8 (RFC 9110 5.5). */
static void
put_bytes(struct buf *b, struct str s)
{
	if (utf8_check(s)) {
		buf_adds(b, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80)
			buf_addc(b, (char)(0xc0 | c >> 6));
		buf_addc(b, (char)(c < 0x80 ? c : (0x80 | (c & 0x3f))));
	}
}

static int
same_name(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* What only the handshake is about, and names that came before. */
static int
hidden(const struct http_head *h, size_t i)
{
	static const char *const names[] = { "connection", "upgrade",
	    "sec-websocket-key", "sec-websocket-version",
	    "sec-websocket-extensions", "content-length" };
	struct str name = h->headers[i].name;

	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (http_same(name, names[k]))
			return 1;
	for (size_t k = 0; k < i; k++)
		if (same_name(name, h->headers[k].name))
			return 1;
	return 0;
}

/* "name":"value", the values of one name joined. */
static void
put_header(struct buf *b, const struct http_head *h, size_t i)
{
	static struct buf text = { .max = 2 * HTTP_HEAD_MAX };
	struct str name = h->headers[i].name;

	buf_clear(&text);
	for (size_t k = 0; k < name.n; k++)
		buf_addc(&text, (char)(name.p[k] >= 'A' && name.p[k] <= 'Z' ?
		    name.p[k] | 0x20 : name.p[k]));
	json_quote(b, buf_str(&text));
	buf_addc(b, ':');
	buf_clear(&text);
	for (size_t k = i; k < h->n; k++) {
		if (!same_name(name, h->headers[k].name))
			continue;
		if (k > i)
			buf_adds(&text, http_same(name, "cookie") ?
			    STR("; ") : STR(", "));
		put_bytes(&text, h->headers[k].value);
	}
	json_quote(b, buf_str(&text));
}

static struct str
headers(const struct http_head *h)
{
	static struct buf b = { .max = 16 * HTTP_HEAD_MAX };

	buf_clear(&b);
	buf_addc(&b, '{');
	for (size_t i = 0; i < h->n; i++) {
		if (hidden(h, i))
			continue;
		if (buf_size(&b) > 1)
			buf_addc(&b, ',');
		put_header(&b, h, i);
	}
	buf_addc(&b, '}');
	return buf_str(&b);
}

/* One name=value of a query: a member, unless it cannot be decoded. */
static void
put_parameter(struct buf *b, struct str s)
{
	static struct buf name = { .max = HTTP_HEAD_MAX },
	    value = { .max = HTTP_HEAD_MAX };
	const char *eq = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
	size_t n = eq == NULL ? s.n : (size_t)(eq - s.p);

	buf_clear(&name);
	buf_clear(&value);
	if (n == 0 || http_unescape(&name, (struct str){ s.p, n }, 1) != 1 ||
	    (eq != NULL && http_unescape(&value,
	    (struct str){ eq + 1, s.n - n - 1 }, 1) != 1) ||
	    !utf8_check(buf_str(&name)) || !utf8_check(buf_str(&value)))
		return;
	if (buf_size(b) > 1)
		buf_addc(b, ',');
	json_quote(b, buf_str(&name));
	buf_addc(b, ':');
	json_quote(b, buf_str(&value));
}

/* Of equal names the last one counts. */
static struct str
query(struct str q)
{
	static struct buf b = { .max = 16 * HTTP_HEAD_MAX },
	    once = { .max = 16 * HTTP_HEAD_MAX };
	const char *end = q.p + q.n, *amp;

	buf_clear(&b);
	buf_clear(&once);
	buf_addc(&b, '{');
	for (; q.n > 0; q = (struct str){ amp + 1, (size_t)(end - amp - 1) }) {
		amp = memchr(q.p, '&', q.n);
		put_parameter(&b, (struct str){ q.p,
		    amp == NULL ? q.n : (size_t)(amp - q.p) });
		if (amp == NULL)
			break;
	}
	buf_addc(&b, '}');
	state_merge(&once, STR("{}"), buf_str(&b));
	return buf_str(&once);
}

char *
head_headers(const struct http_head *h)
{
	struct str s = headers(h);

	return mem_strn(s.p, s.n);
}

void
head_put_query(struct buf *b, struct str q)
{
	frame_raw(b, "query", query(q));
}

void
head_put(struct buf *b, struct ws_conn *ws, const struct http_head *h,
    const struct captures *c)
{
	char remote[64];
	struct buf params = { .max = 8 * HTTP_HEAD_MAX };

	frame_text(b, "path", h->path);
	if (h->query.n > 0)
		head_put_query(b, h->query);
	if (buf_size(&c->params) > 0) {
		buf_addc(&params, '{');
		buf_adds(&params, buf_str(&c->params));
		buf_addc(&params, '}');
		frame_raw(b, "params", buf_str(&params));
		buf_free(&params);
	}
	frame_raw(b, "headers", headers(h));
	ws_remote(ws, remote, sizeof remote);
	if (remote[0] != '\0')
		frame_text(b, "remote", str_of(remote));
}

char *
head_keep(struct ws_conn *ws, const struct http_head *h)
{
	static const struct captures none = { .user = { .max = 1 } };
	struct buf b = BUF(link_line_max());
	char *head = NULL;

	buf_addc(&b, '{');		/* a frame that has begun */
	head_put(&b, ws, h, &none);
	if (buf_size(&b) > 0)
		head = mem_strn(b.data + 1, b.len - 1);
	buf_free(&b);
	return head;
}
