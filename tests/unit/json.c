/* SPDX-License-Identifier: ISC */
/*
 * JSON as bytes: the grammar, at every place of a vector and against a guard
 * page, and the JSONTestSuite where it is ($JSON_TEST_SUITE, or
 * ../shared/JSONTestSuite): y_ must be accepted, n_ refused, i_ either way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "json.h"
#include "unit.h"

static const char *const right[] = {
	"null", "true", "false", "0", "-0", "1", "-1", "10", "1.0", "-0.0",
	"1e5", "1E+5", "1e-5", "1e400", "0e0", "0.5e00",
	"123456789012345678901",
	"\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"",
	"\"\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\"", "\"\x7f\"",
	"\"\\ud800\"", "\"\\udc00\\ud800\"", "[]", "{}", "[ ]", "{ }",
	" [ 1 , 2 ] ", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ { } ] }",
	"{\"\":0}", "{\"a\":1,\"a\":2}", "\t\r\n 1 \t\r\n", "[[[[]]]]",
	"[\"\xe2\x80\xa8\"]", "[1,[2,[3,{\"a\":[4]}]]]",
	"[{},[1]]", "[[],{\"a\":1}]",
};

static const char *const wrong[] = {
	"", " ", "nul", "nulll", "True", "+1", "01", "-", "-01", "1.", ".1",
	"1.e5", "1e", "1e+", "0x1", "1 2", "1,", "NaN", "Infinity", "--1",
	"\"", "\"a", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u\"", "\"\\u12\"",
	"\"\\u123g\"", "\"\\u123", "\"\t\"", "\"\n\"", "\"\x1f\"", "'a'",
	"[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[}", "{", "}", "{]",
	"{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\" 1}",
	"{\"a\":1 \"b\":2}", "{a:1}", "[1]]", "[]{}", "1\f", "\v1", "\xa0",
	"\xef\xbb\xbf{}", "\"\x80\"", "\"\xc3\"", "\"\xc0\x80\"",
	"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xff\"", "/**/1",
};

#define COUNT(a)	(sizeof (a) / sizeof (a)[0])

static int
accepted(struct str s)
{
	const char *why = NULL;
	int ok = json_check(s, &why);

	if (!ok && why == NULL)
		CHECK(!"a reason");
	return ok;
}

TEST(grammar, "RFC 8259: what is JSON and what is not")
{
	for (size_t i = 0; i < COUNT(right); i++)
		if (!accepted(guard_end(str_of(right[i])))) {
			printf("# refused: %s\n", right[i]);
			unit_bad = 1;
		}
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (accepted(guard_end(str_of(wrong[i])))) {
			printf("# accepted: %s\n", wrong[i]);
			unit_bad = 1;
		}
}

TEST(nul, "a NUL is no end and no escape")
{
	CHECK(!accepted(STR("1\0")));
	CHECK(!accepted(STR("\"a\0b\"")));
	CHECK(!accepted(STR("\"\\\0\"")));
	CHECK(accepted(STR("\"a\\u0000b\"")));
}

/* n containers within containers around a 0. */
static struct str
nested(struct buf *b, size_t n, const char *open, const char *shut)
{
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_adds(b, str_of(open));
	buf_addc(b, '0');
	for (size_t i = 0; i < n; i++)
		buf_adds(b, str_of(shut));
	return buf_str(b);
}

TEST(depth, "JSON_DEPTH containers, and not one more")
{
	struct buf b = BUF(1 << 20);
	const char *why = "";

	CHECK(accepted(nested(&b, JSON_DEPTH, "[", "]")));
	CHECK(accepted(nested(&b, JSON_DEPTH, "{\"a\":", "}")));
	CHECK(accepted(nested(&b, JSON_DEPTH / 2, "[{\"a\":", "}]")));
	CHECK(!json_check(nested(&b, JSON_DEPTH + 1, "[", "]"), &why));
	CHECK(strcmp(why, "too deep") == 0);
	CHECK(!accepted(nested(&b, JSON_DEPTH + 1, "{\"a\":", "}")));
	CHECK(!accepted(nested(&b, 100000, "[", "]")));
	buf_free(&b);
}

/* The wrong bracket at each depth: the kind of every level is remembered. */
TEST(brackets, "each level ends with its own bracket")
{
	struct buf b = BUF(1 << 12);
	size_t n = JSON_DEPTH / 2, at;
	struct str s;

	nested(&b, n, "[{\"a\":", "}]");
	for (at = b.len - 2 * n; at < b.len; at++) {
		b.data[at] ^= ']' ^ '}';
		s = guard_end(buf_str(&b));
		CHECK(!accepted(s));
		b.data[at] ^= ']' ^ '}';
	}
	CHECK(accepted(buf_str(&b)));
	buf_free(&b);
}

TEST(prefixes, "every prefix stays within its bytes")
{
	struct json_member m;
	struct json_walk w;
	struct str s;

	for (size_t i = 0; i < COUNT(right) + COUNT(wrong); i++) {
		s = str_of(i < COUNT(right) ? right[i] :
		    wrong[i - COUNT(right)]);
		for (; ; s.n--) {
			struct str at_end = guard_end(s);

			accepted(at_end);
			utf8_check(at_end);
			if (json_walk(&w, at_end))
				while (json_next(&w, &m) == 1)
					;
			accepted(guard_start(s));
			if (s.n == 0)
				break;
		}
	}
}

/* A byte that matters, at each place of a vector of 16 and past it. */
TEST(places, "bytes that matter are seen wherever they stand")
{
	static const struct {
		const char *bytes;
		int ok;
	} cases[] = {
		{ "\\n", 1 }, { "\xc3\xa9", 1 }, { "\xe2\x82\xac", 1 },
		{ "\xf0\x9f\x98\x80", 1 }, { "\\u00e9", 1 }, { "\x7f", 1 },
		{ "\x1f", 0 }, { "\n", 0 }, { "\x80", 0 }, { "\xc3", 0 },
		{ "\xe2\x82", 0 }, { "\\", 0 }, { "\"", 0 }, { "\\u00e", 0 },
	};
	struct buf b = BUF(200);

	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t before = 0; before < 40; before++)
			for (size_t after = 0; after < 20; after++) {
				buf_clear(&b);
				buf_addf(&b, "\"%.*s%s%.*s\"", (int)before,
				    "........................................",
				    cases[i].bytes, (int)after,
				    "zzzzzzzzzzzzzzzzzzzz");
				if (accepted(guard_end(buf_str(&b))) ==
				    cases[i].ok)
					continue;
				printf("# %s\n", b.data);
				unit_bad = 1;
			}
	buf_free(&b);
}

/* One sequence by the arithmetic of RFC 3629: its length, 0 when malformed. */
static size_t
sequence(const unsigned char *u, size_t n)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t want = u[0] < 0x80 ? 1 : u[0] >> 5 == 6 ? 2 :
	    u[0] >> 4 == 14 ? 3 : u[0] >> 3 == 30 ? 4 : 0;
	unsigned long c;

	if (want <= 1 || want > n)
		return want <= n ? want : 0;
	c = u[0] & (0xffu >> (want + 1));
	for (size_t i = 1; i < want; i++) {
		if (u[i] >> 6 != 2)
			return 0;
		c = c << 6 | (u[i] & 63);
	}
	return c >= least[want] && c <= 0x10ffff && c >> 11 != 0x1b ? want : 0;
}

static int
well_formed(const unsigned char *u, size_t n)
{
	size_t k;

	for (; n > 0; u += k, n -= k)
		if ((k = sequence(u, n)) == 0)
			return 0;
	return 1;
}

TEST(utf8, "UTF-8 as RFC 3629 has it, in four bytes of every kind")
{
	static const unsigned char kinds[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f,
	    0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
	    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff };
	const size_t n = sizeof kinds;
	char bytes[20] = "0123456789abcdef";

	for (size_t i = 0; i < n * n * n * n; i++) {
		struct str s = { bytes + 16, 4 };

		bytes[16] = (char)kinds[i / (n * n * n)];
		bytes[17] = (char)kinds[i / (n * n) % n];
		bytes[18] = (char)kinds[i / n % n];
		bytes[19] = (char)kinds[i % n];
		if (i % 3 == 0)
			s = (struct str){ bytes, 20 };
		if (utf8_check(s) != well_formed(
		    (const unsigned char *)bytes + 16, 4)) {
			printf("# %zu\n", i);
			unit_bad = 1;
		}
	}
	for (size_t cut = 0; cut <= 4; cut++)
		CHECK(utf8_check(guard_end((struct str){
		    "\xf0\x9f\x98\x80", cut })) == (cut == 0 || cut == 4));
}

static int
walk(const char *text, const char *want)
{
	struct buf b = BUF(1000);
	struct json_member m;
	struct json_walk w;
	int more = 0, same;

	if (json_walk(&w, guard_end(str_of(text))))
		while ((more = json_next(&w, &m)) == 1)
			buf_addf(&b, "<%.*s%s=%.*s>", (int)m.key.n, m.key.p ?
			    m.key.p : "", m.escaped ? "!" : "",
			    (int)m.value.n, m.value.p);
	buf_addf(&b, "%s", more == -1 ? w.why : ".");
	same = str_eq(buf_str(&b), str_of(want));
	if (!same)
		printf("# %s: %.*s\n", text, (int)b.len, b.data);
	buf_free(&b);
	return same;
}

TEST(members, "the walk gives each member as it was spelled")
{
	CHECK(walk("{}", "."));
	CHECK(walk(" [ ] ", "."));
	CHECK(walk("{ \"a\" : 1.0 , \"\\u0062\":[1 , {}] }",
	    "<a=1.0><\\u0062!=[1 , {}]>."));
	CHECK(walk("[1e400,\"x,]\",[2],{\"k\":3}]",
	    "<=1e400><=\"x,]\"><=[2]><={\"k\":3}>."));
	CHECK(walk("{\"a\":1,\"a\":2}", "<a=1><a=2>."));
	CHECK(walk("1", "."));
	CHECK(walk("{]", "."));
	CHECK(walk("[1,]", "<=1>a value is missing"));
	CHECK(walk("{\"a\":1,}", "<a=1>a key is missing"));
	CHECK(walk("{\"a\":1 2}", "a comma is missing"));
	CHECK(walk("{\"a\":[1}", "unfinished"));
	CHECK(walk("{\"a\":1}{\"b\":2}", "a comma is missing"));
}

TEST(kinds, "the kind of a value shows in its first byte")
{
	static const char text[] = "{o [a \"s tt ff nn 00 -0 90 ";

	for (const char *p = text; *p != '\0'; p += 3)
		CHECK(json_kind((struct str){ p, 1 }) == p[1]);
	CHECK(json_kind((struct str){ NULL, 0 }) == 0);
}

TEST(integers, "integers that fit, and nothing else")
{
	static const struct {
		const char *text;
		int ok;
		int64_t n;
	} cases[] = {
		{ "0", 1, 0 }, { "-0", 1, 0 }, { "7", 1, 7 }, { "-7", 1, -7 },
		{ "9007199254740993", 1, INT64_C(9007199254740993) },
		{ "9223372036854775807", 1, INT64_MAX },
		{ "-9223372036854775807", 1, -INT64_MAX },
		{ "9223372036854775808", 0, 0 },
		{ "9999999999999999999", 0, 0 },
		{ "18446744073709551616", 0, 0 },
		{ "99999999999999999999", 0, 0 },
		{ "1.0", 0, 0 }, { "1e2", 0, 0 }, { "\"1\"", 0, 0 },
		{ "true", 0, 0 }, { "[]", 0, 0 }, { "-", 0, 0 },
	};
	int64_t n;

	for (size_t i = 0; i < COUNT(cases); i++) {
		n = 0;
		CHECK_INT(json_int(guard_end(str_of(cases[i].text)), &n),
		    cases[i].ok);
		CHECK_INT(n, cases[i].n);
	}
	CHECK(json_int((struct str){ NULL, 0 }, &n) == 0);
}

TEST(unquote, "escapes are decoded, a lone surrogate is U+FFFD")
{
	static const char *const cases[][2] = {
		{ "", "" }, { "abc", "abc" }, { "\\\"\\\\\\/", "\"\\/" },
		{ "\\b\\f\\n\\r\\t", "\b\f\n\r\t" },
		{ "\\u0041\\u00e9\\u20ac", "A\xc3\xa9\xe2\x82\xac" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
		{ "\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf" },
		{ "\\ud83d", "\xef\xbf\xbd" }, { "\\ude00", "\xef\xbf\xbd" },
		{ "\\ud83dx", "\xef\xbf\xbdx" },
		{ "\\ud83d\\n", "\xef\xbf\xbd\n" },
		{ "\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\\ud83d\\u0041", "\xef\xbf\xbd" "A" },
		{ "\\udc00\\udc00", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ NULL, NULL },
	};
	struct buf b = BUF(100);

	for (size_t i = 0; cases[i][1] != NULL; i++) {
		buf_clear(&b);
		CHECK(json_unquote(&b, guard_end(str_of(cases[i][0]))) == 1);
		CHECK_STR(buf_str(&b), cases[i][1]);
	}
	buf_clear(&b);
	CHECK(json_unquote(&b, STR("a\\u0000b")) == 1);
	CHECK(str_eq(buf_str(&b), STR("a\0b")));
	buf_free(&b);
}

TEST(full, "what does not fit is not added")
{
	struct buf b = BUF(8);

	CHECK(buf_adds(&b, STR("xy")) == 1);
	errno = 0;
	CHECK(json_unquote(&b, STR("1234567")) == -1 && errno == ENOBUFS);
	CHECK_STR(buf_str(&b), "xy");
	CHECK(json_quote(&b, STR("12345")) == -1 && errno == ENOBUFS);
	CHECK_STR(buf_str(&b), "xy");
	CHECK(json_quote(&b, STR("\n\n\n")) == -1);
	CHECK_STR(buf_str(&b), "xy");
	CHECK(json_quote(&b, STR("1234")) == 1);
	CHECK_STR(buf_str(&b), "xy\"1234\"");
	buf_free(&b);
}

TEST(quote, "quoting is JSON and comes back, whatever the characters")
{
	struct buf text = BUF(1 << 10), quoted = BUF(1 << 14),
	    back = BUF(1 << 14);
	uint64_t seed = unit_seed();
	const char *why;

	CHECK(json_quote(&quoted,
	    STR("\"\\/\b\f\n\r\t\1\x1f\x7f\xc3\xa9")) == 1);
	CHECK_STR(buf_str(&quoted), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f"
	    "\x7f\xc3\xa9\"");
	for (int i = 0; i < 20000; i++) {
		buf_clear(&text);
		buf_clear(&quoted);
		buf_clear(&back);
		for (size_t n = unit_random(&seed, 60); n > 0; n--)
			if (unit_random(&seed, 8) > 0)
				buf_addc(&text,
				    (char)unit_random(&seed, 0x80));
			else
				buf_adds(&text, STR("\xe2\x82\xac"));
		CHECK(json_quote(&quoted, guard_end(buf_str(&text))) == 1);
		CHECK(json_check(buf_str(&quoted), &why));
		CHECK(json_unquote(&back, (struct str){ quoted.data + 1,
		    quoted.len - 2 }) == 1);
		CHECK(str_eq(buf_str(&text), buf_str(&back)));
	}
	buf_free(&text);
	buf_free(&quoted);
	buf_free(&back);
}

TEST(trim, "space around a text is JSON's four, and no other")
{
	CHECK_STR(json_trim(STR(" \t\r\n1 2\n\r\t ")), "1 2");
	CHECK_STR(json_trim(STR(" \t\r\n")), "");
	CHECK_STR(json_trim(STR("\f1\v")), "\f1\v");
}

TEST(end, "the end of a value, and where it went wrong")
{
	static const char text[] = "[1,2] [3", bad[] = "[1,x]";
	const char *why = NULL, *where = NULL;

	CHECK(json_end(text, text + 8, &why, NULL) == text + 5);
	CHECK(json_end(text + 6, text + 8, &why, NULL) == NULL);
	CHECK(strcmp(why, "unfinished") == 0);
	CHECK(json_end(bad, bad + 5, &why, &where) == NULL);
	CHECK(where == bad + 3);
}

static void
suite_file(const char *path, const char *name, size_t *count)
{
	static char text[GUARD_ROOM];
	int fd = open(path, O_RDONLY), ok;
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text);

	if (fd != -1)
		close(fd);
	if (n < 0 || n == sizeof text) {
		printf("# %s: %s\n", path, strerror(errno));
		unit_bad = 1;
		return;
	}
	ok = accepted(guard_end((struct str){ text, (size_t)n }));
	if ((name[0] == 'y' && !ok) || (name[0] == 'n' && ok)) {
		printf("# %s: %s\n", name, ok ? "accepted" : "refused");
		unit_bad = 1;
	}
	*count += 1;
}

TEST(suite, "JSONTestSuite, where it is")
{
	const char *root = getenv("JSON_TEST_SUITE");
	char dir[1024], path[2048];
	struct dirent *e;
	size_t count = 0;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/test_parsing",
	    root ? root : "../shared/JSONTestSuite");
	if ((d = opendir(dir)) == NULL) {
		printf("# not in %s: JSON_TEST_SUITE=DIR names it\n", dir);
		CHECK(root == NULL);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".json") == NULL)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		suite_file(path, e->d_name, &count);
	}
	closedir(d);
	printf("# %zu files of %s\n", count, dir);
	CHECK(count > 300);
}
