/* SPDX-License-Identifier: ISC */
/*
 * Heads of requests: whole, in pieces, and all that is wrong with them.
 */
#include "http.h"
#include "unit.h"

static struct http_head h;
static int status;

static ssize_t
parse(const char *text)
{
	return http_parse(&h, guard_end(str_of(text)), &status);
}

static ssize_t
piece(const char *text, size_t n)
{
	return http_parse(&h, guard_end((struct str){ text, n }), &status);
}

#define REFUSED(text, want) do { \
	CHECK_INT(parse(text), -1); \
	CHECK_INT(status, want); \
} while (0)

TEST(plain, "a request: method, path, query, headers")
{
	const char *text = "GET /a%20b?x=1&y HTTP/1.1\r\n"
	    "Host: h\r\nX-Empty:\r\nX-Two:  a b \t\r\n\r\nrest";

	CHECK_INT(parse(text), (long long)strlen(text) - 4);
	CHECK_STR(h.method, "GET");
	CHECK_STR(h.path, "/a%20b");
	CHECK_STR(h.query, "x=1&y");
	CHECK_INT(h.minor, 1);
	CHECK_INT(h.length, -1);
	CHECK_INT(h.n, 3);
	CHECK_STR(http_header(&h, "x-two"), "a b");
	CHECK_STR(http_header(&h, "X-EMPTY"), "");
	CHECK(http_header(&h, "x-none").p == NULL);
}

TEST(pieces, "every shorter piece is not yet a request")
{
	const char *text = "POST / HTTP/1.0\r\nHost: h\r\n"
	    "Content-Length: 5\r\n\r\n";
	size_t n = strlen(text), i;

	for (i = 0; i < n; i++)
		CHECK_INT(piece(text, i), 0);
	CHECK_INT(piece(text, n), (long long)n);
	CHECK_INT(h.length, 5);
}

TEST(targets, "what a target may be")
{
	parse("GET http://h:80/p?q HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK_STR(h.path, "/p");
	CHECK_STR(h.query, "q");
	REFUSED("GET p HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 400);
	REFUSED("GET  HTTP/1.1\r\nHost: h\r\n\r\n", 400);
}

TEST(versions, "HTTP/1.x only")
{
	REFUSED("PRI * HTTP/2.0\r\n\r\n", 400);
	REFUSED("GET / HTTP/2.0\r\n\r\n", 505);
	REFUSED("GET / HTTP/1.x\r\n\r\n", 400);
	REFUSED("GET /\r\n\r\n", 400);
	REFUSED("G\x01T / HTTP/1.1\r\n\r\n", 400);
}

TEST(lines, "lines end in CRLF, headers are sound")
{
	REFUSED("GET / HTTP/1.1\nHost: h\n\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost h\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
}

TEST(bodies, "one way to say how long a body is")
{
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\n"
	    "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", 501);
	REFUSED("POST / HTTP/1.0\r\nHost: h\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", 400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", 400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
	    "Content-Length: 1\r\n\r\n", 400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
	    400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n",
	    400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 9999999999999999999\r\n\r\n", 400);
	REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Expect: 100-continue\r\n\r\n", 417);
}

static char big[HTTP_HEAD_MAX];

static struct str
big_of(size_t n)
{
	return guard_end((struct str){ big, n });
}

TEST(bounds, "too long, too many")
{
	struct buf b = BUF(HTTP_HEAD_MAX);
	int i;

	memset(big, 'a', sizeof big);
	memcpy(big, "GET /", 5);
	CHECK_INT(http_parse(&h, big_of(HTTP_HEAD_MAX - 1), &status), 0);
	CHECK_INT(http_parse(&h, big_of(HTTP_HEAD_MAX), &status), -1);
	CHECK_INT(status, 414);
	memcpy(big, "GET / HTTP/1.1\r\n", 16);
	CHECK_INT(http_parse(&h, big_of(HTTP_HEAD_MAX), &status), -1);
	CHECK_INT(status, 431);
	buf_adds(&b, STR("GET / HTTP/1.1\r\nHost: h\r\n"));
	for (i = 1; i < HTTP_HEADERS; i++)
		buf_adds(&b, STR("A: b\r\n"));
	buf_adds(&b, STR("\r\n"));
	CHECK_INT(http_parse(&h, buf_str(&b), &status), (long long)b.len);
	CHECK_INT(h.n, HTTP_HEADERS);
	b.len -= 2;
	buf_adds(&b, STR("A: b\r\n\r\n"));
	CHECK_INT(http_parse(&h, buf_str(&b), &status), -1);
	CHECK_INT(status, 431);
	buf_free(&b);
}

TEST(tokens, "tokens in lists, over several lines, in any case")
{
	parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n"
	    "connection: close , UpGrade\r\nX: upgrades\r\n\r\n");
	CHECK(http_has_token(&h, "connection", "upgrade"));
	CHECK(http_has_token(&h, "Connection", "keep-alive"));
	CHECK(!http_has_token(&h, "connection", "up"));
	CHECK(!http_has_token(&h, "x", "upgrade"));
	CHECK(!http_has_token(&h, "none", "upgrade"));
}

TEST(unescape, "percent signs, plus signs, and what is no escape")
{
	struct buf b = BUF(8);

	CHECK_INT(http_unescape(&b, STR("a%2Fb%c3%A4+"), 0), 1);
	CHECK_STR(buf_str(&b), "a/b\xc3\xa4+");
	buf_clear(&b);
	CHECK_INT(http_unescape(&b, STR("+%2b"), 1), 1);
	CHECK_STR(buf_str(&b), " +");
	CHECK_INT(http_unescape(&b, STR("x%00"), 0), 0);
	CHECK_INT(http_unescape(&b, STR("%"), 0), 0);
	CHECK_INT(http_unescape(&b, STR("%4"), 0), 0);
	CHECK_INT(http_unescape(&b, STR("%4g"), 0), 0);
	CHECK_STR(buf_str(&b), " +");
	CHECK_INT(http_unescape(&b, STR("1234567"), 0), -1);
	buf_free(&b);
}

TEST(sound, "what can be sent as a header")
{
	CHECK(http_sound(STR("X-A"), STR("a\tb \xc3\xa4")));
	CHECK(http_sound(STR("X-A"), STR("")));
	CHECK(!http_sound(STR(""), STR("a")));
	CHECK(!http_sound(STR("X A"), STR("a")));
	CHECK(!http_sound(STR("X"), STR("a\r\nY: b")));
	CHECK(!http_sound(STR("X:"), STR("a")));
}

TEST(reasons, "statuses have names")
{
	CHECK_STR(str_of(http_reason(404)), "Not Found");
	CHECK_STR(str_of(http_reason(299)), "");
}

/* ---- chunks ---------------------------------------------------------- */

static char body[8192];
static size_t body_size;

/* The end of a body that comes in pieces of so many bytes. */
static int
unchunk(struct str text, size_t piece)
{
	struct http_chunks c = { 0 };
	size_t at, n;
	int r = 0;

	body_size = 0;
	for (at = 0; at < text.n && r == 0; at += piece) {
		n = piece < text.n - at ? piece : text.n - at;
		memcpy(body + body_size, text.p + at, n);
		r = http_unchunk(&c, body + body_size, &n);
		body_size += n;
	}
	return r;
}

TEST(chunks, "a body in chunks, in pieces of every size")
{
	const struct str text = STR("3\r\nabc\r\n"
	    "0000A;name=\"v\"\r\n\r\n3456789\n\r\n"
	    "1 \r\n \r\n0\r\nTrailer: t\r\n\r\n");
	size_t i;

	for (i = 1; i <= text.n; i++) {
		CHECK_INT(unchunk(text, i), 1);
		CHECK_STR(((struct str){ body, body_size }),
		    "abc\r\n3456789\n ");
	}
	for (i = 0; i < text.n; i++)
		CHECK_INT(unchunk((struct str){ text.p, i }, 1), 0);
	CHECK_INT(unchunk(STR("0\r\n\r\nbehind"), 100), 1);
	CHECK_INT(body_size, 0);
}

TEST(no_chunks, "what is no chunk")
{
	static const char *const wrong[] = {
		"\r\n", "x", "-1\r\n", " 1\r\n", ";\r\n", "1\n", "1\rx",
		"1;\n", "1\r\nab", "1\r\na\n", "1\r\na\rx", "0\r\n\n",
		"0\r\nA: b\n", "0\r\nA: b\r\r", "0\r\n\rx",
		"100000000000000\r\n",
	};
	struct buf long_one = BUF(8192);
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK_INT(unchunk(str_of(wrong[i]), 1), -1);
	buf_adds(&long_one, STR("0\r\nTrailer: "));
	while (buf_size(&long_one) < 4200)
		buf_addc(&long_one, 'x');
	CHECK_INT(unchunk(buf_str(&long_one), 1000), -1);
	buf_free(&long_one);
}
