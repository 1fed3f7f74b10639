/* SPDX-License-Identifier: ISC */
/*
 * Frames: what is scanned, what is written, and that a payload comes out as
 * it went in, byte for byte.
 */
#include <errno.h>

#include "frame.h"
#include "unit.h"

#define COUNT(a)	(sizeof (a) / sizeof (a)[0])

/* Each line of the vocabulary's page, more or less. */
static const char *const lines[] = {
	"{\"type\":\"open\",\"conn\":\"b.1\",\"n\":1,\"at\":1,\"user\":\"T\","
	    "\"proto\":\"ws\",\"path\":\"/api/T\",\"query\":{},\"remote\":"
	    "\"127.0.0.1:1\",\"headers\":{\"x\":\"\\u00e9\"}}",
	"{\"type\":\"message\",\"conn\":\"b.1\",\"n\":1,\"data\":"
	    "{\"id\":9007199254740993,\"x\":[1.0,-0,1e400]}}",
	"{\"type\":\"send\",\"user\":\"T\",\"text\":\"not \\\"json\\\"\"}",
	"{\"seq\":7,\"again\":true,\"of\":[\"abc\",1,0],\"type\":\"publish\","
	    "\"base64\":\"AAEC\",\"key\":\"k\"}",
	"{\"type\":\"ack\",\"seq\":[[1,17],[19,19]],"
	    "\"refused\":[[18,\"why\"]]}",
};

TEST(vocabulary, "every word is found, and no other")
{
	struct buf b = BUF(100);

	for (int k = 0; k < FRAME_NKEYS; k++)
		CHECK_INT(frame_key(str_of(frame_keys[k])), k);
	for (int t = 1; t < FRAME_NTYPES; t++)
		CHECK_INT(frame_type(str_of(frame_types[t])), t);
	CHECK_INT(frame_key(STR("")), -1);
	CHECK_INT(frame_key(STR("datas")), -1);
	CHECK_INT(frame_key(STR("dat")), -1);
	CHECK_INT(frame_key(STR("Data")), -1);
	CHECK_INT(frame_type(STR("?")), T_UNKNOWN);
	CHECK_INT(frame_type(STR("")), T_UNKNOWN);
	for (int k = 0; k < FRAME_NKEYS; k++) {
		buf_clear(&b);
		buf_addf(&b, "%sx", frame_keys[k]);
		CHECK_INT(frame_key(buf_str(&b)), -1);
	}
	buf_free(&b);
}

TEST(spans, "values are spans of the line, as spelled")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR(" { \"n\" : 1 , \"other\":[2], \"data\" : "
	    "{ \"a\": 1.0 } ,\"type\":\"message\" } "), &why) == 1);
	CHECK(f.type == T_MESSAGE);
	CHECK_STR(f.v[K_N], "1");
	CHECK_STR(f.v[K_DATA], "{ \"a\": 1.0 }");
	CHECK_STR(f.v[K_TYPE], "\"message\"");
	CHECK(!frame_has(&f, K_USER));
	CHECK(f.line.p[0] == '{' && f.line.p[f.line.n - 1] == '}');
}

TEST(nulls, "null means absent, but in data")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR("{\"type\":null,\"user\":null,\"data\":null}"),
	    &why) == 1);
	CHECK(f.type == T_UNKNOWN && !frame_has(&f, K_USER));
	CHECK_STR(f.v[K_DATA], "null");
}

TEST(types, "an unknown type is unknown, not wrong")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR("{}"), &why) == 1 && f.type == T_UNKNOWN);
	CHECK(frame_scan(&f, STR("{\"type\":\"x\"}"), &why) == 1 &&
	    f.type == T_UNKNOWN);
	CHECK(frame_scan(&f, STR("{\"type\":1}"), &why) == 1 &&
	    f.type == T_UNKNOWN);
	CHECK(frame_scan(&f, STR("{\"type\":\"s\\u0065nd\"}"), &why) == 1 &&
	    f.type == T_SEND);
}

TEST(escaped, "a key with escapes is the key it spells")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR("{\"\\u0064\\u0061t\\u0061\":1}"), &why) == 1);
	CHECK_STR(f.v[K_DATA], "1");
	CHECK(frame_scan(&f, STR("{\"dat\\u0061x\":1,\"\\u0000data\":2}"),
	    &why) == 1);
	CHECK(!frame_has(&f, K_DATA));
}

TEST(refused, "what is no frame is refused with a reason")
{
	static const char *const cases[] = {
		"", " ", "1", "[]", "null", "\"{}\"", "{", "}", "{}{}", "{} x",
		"{\"a\"}", "{\"a\":1,}", "{\"a\":01}", "{'a':1}",
		"{\"data\":[1}", "{\"data\":tru}", "{\"x\":\"\xff\"}",
		"{\"data\":1,\"data\":2}", "{\"data\":1,\"d\\u0061ta\":2}",
		"{\"user\":\"a\",\"conn\":\"b\",\"user\":\"a\"}",
	};
	struct frame f;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *why = NULL;

		if (frame_scan(&f, guard_end(str_of(cases[i])), &why) == -1 &&
		    why != NULL)
			continue;
		printf("# accepted: %s\n", cases[i]);
		unit_bad = 1;
	}
}

TEST(twice, "keys that mean nothing may come twice, and in payloads any")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR("{\"x\":1,\"x\":2,\"data\":{\"data\":1,"
	    "\"data\":2}}"), &why) == 1);
	CHECK_STR(f.v[K_DATA], "{\"data\":1,\"data\":2}");
}

TEST(prefixes, "every prefix of a frame is refused, within its bytes")
{
	struct frame f;
	const char *why;

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct str s = str_of(lines[i]);

		CHECK(frame_scan(&f, guard_end(s), &why) == 1);
		CHECK(f.type != T_UNKNOWN);
		while (s.n-- > 0) {
			CHECK(frame_scan(&f, guard_end(s), &why) == -1);
			CHECK(frame_scan(&f, guard_start(s), &why) == -1);
		}
	}
}

TEST(values, "values of another kind count as absent")
{
	struct buf b = BUF(20);
	struct frame f;
	struct str s;
	const char *why;
	int64_t n = 0;

	CHECK(frame_scan(&f, STR("{\"n\":12,\"at\":1.5,\"user\":\"plain\","
	    "\"event\":\"a\\nb\",\"name\":3,\"all\":true,\"last\":false,"
	    "\"reason\":\"12345678901234567890+\","
	    "\"why\":\"\\t2345678901234567890+\"}"), &why) == 1);
	CHECK(frame_int(&f, K_N, &n) == 1 && n == 12);
	CHECK(frame_int(&f, K_AT, &n) == 0 && frame_int(&f, K_CODE, &n) == 0);
	CHECK(frame_int(&f, K_USER, &n) == 0);
	CHECK(frame_true(&f, K_ALL) && !frame_true(&f, K_LAST));
	CHECK(!frame_true(&f, K_MORE) && !frame_true(&f, K_N));
	CHECK(frame_str(&f, K_USER, &b, &s) == 1);
	CHECK_STR(s, "plain");
	CHECK(s.p == f.v[K_USER].p + 1);
	CHECK(frame_str(&f, K_EVENT, &b, &s) == 1);
	CHECK_STR(s, "a\nb");
	CHECK(frame_str(&f, K_NAME, &b, &s) == 0);
	CHECK(frame_str(&f, K_REF, &b, &s) == 0);
	CHECK(frame_str(&f, K_REASON, &b, &s) == 0);
	CHECK(frame_str(&f, K_WHY, &b, &s) == 0);
	buf_free(&b);
}

TEST(payload, "one payload, or none, or too many")
{
	struct frame f;
	const char *why;

	CHECK(frame_scan(&f, STR("{\"data\":null}"), &why) == 1);
	CHECK_INT(frame_payload(&f, &why), K_DATA);
	CHECK(frame_scan(&f, STR("{\"text\":\"\"}"), &why) == 1);
	CHECK_INT(frame_payload(&f, &why), K_TEXT);
	CHECK(frame_scan(&f, STR("{\"text\":null,\"base64\":\"\"}"),
	    &why) == 1);
	CHECK_INT(frame_payload(&f, &why), K_BASE64);
	CHECK(frame_scan(&f, STR("{}"), &why) == 1);
	CHECK_INT(frame_payload(&f, &why), -1);
	CHECK(strcmp(why, "no payload") == 0);
	CHECK(frame_scan(&f, STR("{\"data\":1,\"text\":\"\"}"), &why) == 1);
	CHECK_INT(frame_payload(&f, &why), -1);
	CHECK(strcmp(why, "more than one payload") == 0);
}

TEST(written, "a frame is written type first")
{
	struct buf b = BUF(1000);

	frame_begin(&b, "close");
	frame_text(&b, "conn", STR("b.1"));
	frame_num(&b, "code", -1006);
	frame_flag(&b, "last");
	frame_raw(&b, "state", STR("{ \"a\":1.0}"));
	frame_text(&b, "reason", STR("\"\n"));
	CHECK(frame_end(&b) == 1);
	CHECK_STR(buf_str(&b), "{\"type\":\"close\",\"conn\":\"b.1\","
	    "\"code\":-1006,\"last\":true,\"state\":{ \"a\":1.0},"
	    "\"reason\":\"\\\"\\n\"}");
	buf_free(&b);
}

/* The same frame, into a buf of any size: whole, or refused. */
static int
written(struct buf *b)
{
	frame_begin(b, "send");
	frame_text(b, "user", STR("T\n"));
	frame_num(b, "n", 12);
	frame_flag(b, "all");
	frame_raw(b, "ref", STR("[1]"));
	frame_add_text(b, STR("{\"a\":1}"));
	return frame_end(b);
}

TEST(full, "a frame that does not fit is refused, wherever it got full")
{
	struct buf whole = BUF(1000);
	size_t max;

	CHECK(written(&whole) == 1);
	for (max = 0; max <= whole.len; max++) {
		struct buf b = BUF(max);

		CHECK_INT(written(&b), max == whole.len ? 1 : -1);
		CHECK(max == whole.len || buf_size(&b) == 0);
		buf_free(&b);
	}
	buf_free(&whole);
}

/* A payload into a frame and out again. */
struct trip {
	struct buf frame, out;
	int binary, key, result;
};

static void
trip(struct trip *t, struct str bytes, int binary, int json)
{
	struct frame f;
	const char *why;

	t->frame = t->out = BUF(1 << 20);
	frame_begin(&t->frame, "message");
	CHECK(binary ? frame_add_binary(&t->frame, guard_end(bytes), json) :
	    frame_add_text(&t->frame, guard_end(bytes)));
	CHECK(frame_end(&t->frame) == 1);
	CHECK(frame_scan(&f, buf_str(&t->frame), &why) == 1);
	t->key = frame_payload(&f, &why);
	t->result = frame_payload_bytes(&f, &t->out, &t->binary);
	CHECK_INT(t->result, 1);
	CHECK(memchr(t->frame.data, '\n', t->frame.len) == NULL);
}

static void
trip_free(struct trip *t)
{
	buf_free(&t->frame);
	buf_free(&t->out);
}

TEST(fidelity, "a text comes out byte for byte, JSON or not")
{
	static const struct {
		const char *text;
		int key;
	} cases[] = {
		{ "9007199254740993", K_DATA }, { "1.0", K_DATA },
		{ "-0", K_DATA }, { "1e400", K_DATA }, { "1E+2", K_DATA },
		{ "{\"b\":1,\"a\":2,\"b\":3}", K_DATA }, { " 1 ", K_DATA },
		{ "\"\\u0041\\/\\ud800\"", K_DATA }, { "null", K_DATA },
		{ "", K_TEXT }, { " ", K_TEXT }, { "hello", K_TEXT },
		{ "01", K_TEXT }, { "{\"a\":1}{\"b\":2}", K_TEXT },
		{ "line\r\nline\n", K_TEXT }, { "\"open", K_TEXT },
		{ "\x01\x1f\x7f\\\"", K_TEXT }, { "\xe2\x82\xac", K_TEXT },
	};
	struct trip t;

	for (size_t i = 0; i < COUNT(cases); i++) {
		trip(&t, str_of(cases[i].text), 0, 0);
		CHECK_INT(t.key, cases[i].key);
		CHECK(t.binary == 0);
		/* space around a value is not part of it */
		CHECK_STR(buf_str(&t.out), strcmp(cases[i].text, " 1 ") == 0 ?
		    "1" : cases[i].text);
		trip_free(&t);
	}
	trip(&t, STR("a\0b"), 0, 0);
	CHECK(str_eq(buf_str(&t.out), STR("a\0b")));
	trip_free(&t);
}

TEST(newlines, "a line break between tokens becomes a space, not in strings")
{
	struct trip t;

	trip(&t, STR("{\r\n\t\"a\":\n[1,\r2,\"\\r\\n\"]}\n"), 0, 0);
	CHECK_INT(t.key, K_DATA);
	CHECK_STR(buf_str(&t.out), "{  \t\"a\": [1, 2,\"\\r\\n\"]}");
	trip_free(&t);
}

TEST(deep, "JSON deeper than JSON_DEPTH is text")
{
	char deep[2 * JSON_DEPTH + 2];
	struct trip t;

	memset(deep, '[', JSON_DEPTH);
	memset(deep + JSON_DEPTH, ']', JSON_DEPTH);
	trip(&t, (struct str){ deep, 2 * JSON_DEPTH }, 0, 0);
	CHECK_INT(t.key, K_DATA);
	trip_free(&t);
	memset(deep, '[', JSON_DEPTH + 1);
	memset(deep + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
	trip(&t, (struct str){ deep, sizeof deep }, 0, 0);
	CHECK_INT(t.key, K_TEXT);
	CHECK(str_eq(buf_str(&t.out), (struct str){ deep, sizeof deep }));
	trip_free(&t);
}

TEST(binary, "binary comes out byte for byte; as JSON where it is asked for")
{
	char all[256];
	struct trip t;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t n = 0; n <= sizeof all; n++) {
		trip(&t, (struct str){ all + sizeof all - n, n }, 1, 0);
		CHECK(t.key == K_BASE64 && t.binary == 1);
		CHECK(str_eq(buf_str(&t.out),
		    (struct str){ all + sizeof all - n, n }));
		trip_free(&t);
	}
	trip(&t, STR("{\"a\":1}"), 1, 1);
	CHECK(t.key == K_DATA && t.binary == 0);
	trip_free(&t);
	trip(&t, STR("\xff{}"), 1, 1);
	CHECK(t.key == K_BASE64 && t.binary == 1);
	trip_free(&t);
}

TEST(malformed, "a malformed payload is none, a long one is told")
{
	static const char *const cases[] = {
		"{}", "{\"text\":1}", "{\"text\":{}}", "{\"base64\":true}",
		"{\"base64\":\"A\"}", "{\"base64\":\"A===\"}",
		"{\"base64\":\"AA\\u003d=\"}", "{\"data\":1,\"text\":\"\"}",
	};
	struct buf b = BUF(4);
	struct frame f;
	const char *why;
	int binary;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK(frame_scan(&f, str_of(cases[i]), &why) == 1);
		CHECK_INT(frame_payload_bytes(&f, &b, &binary), 0);
		CHECK(buf_size(&b) == 0);
	}
	CHECK(frame_scan(&f, STR("{\"data\":12345}"), &why) == 1);
	CHECK_INT(frame_payload_bytes(&f, &b, &binary), -1);
	CHECK(frame_scan(&f, STR("{\"base64\":\"AAAAAAA=\"}"), &why) == 1);
	CHECK_INT(frame_payload_bytes(&f, &b, &binary), -1);
	buf_free(&b);
}

TEST(base64, "RFC 4648: its vectors, and nothing that is not canonical")
{
	static const char *const vectors[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=",
		"Z*==", "Zm9v\n", "Zg==Zg==", "Zm=v", "-_-_", "Zm9vYg= ",
		"\xffm9v",
	};
	struct buf b = BUF(100);

	for (size_t i = 0; i < COUNT(vectors); i++) {
		buf_clear(&b);
		CHECK(base64_encode(&b, guard_end(str_of(vectors[i][0]))) == 1);
		CHECK_STR(buf_str(&b), vectors[i][1]);
		buf_clear(&b);
		CHECK(base64_decode(&b, guard_end(str_of(vectors[i][1]))) == 1);
		CHECK_STR(buf_str(&b), vectors[i][0]);
	}
	buf_clear(&b);
	buf_adds(&b, STR("before"));
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (base64_decode(&b, guard_end(str_of(bad[i]))) != 0) {
			printf("# decoded: %s\n", bad[i]);
			unit_bad = 1;
		}
		CHECK_STR(buf_str(&b), "before");
	}
	CHECK(base64_decode(&b, STR("Z\0==")) == 0);
	buf_free(&b);
	b = BUF(7);
	CHECK(base64_encode(&b, STR("1234")) == -1 && buf_size(&b) == 0);
	CHECK(base64_encode(&b, STR("123")) == 1);
	CHECK(base64_decode(&b, STR("Zm9vYg==")) == -1);
	CHECK_STR(buf_str(&b), "MTIz");
	buf_free(&b);
}

TEST(bound64, "base64 may fill a buf to its bound")
{
	struct buf b = BUF(4);

	CHECK(base64_decode(&b, STR("Zm9vYg==")) == 1);
	CHECK_STR(buf_str(&b), "foob");
	buf_free(&b);
}

TEST(args, "args are a payload, and stand alone")
{
	struct frame f;
	const char *why;
	struct buf out = BUF(1 << 20);
	int binary;

	CHECK_INT(frame_scan(&f, STR("{\"type\":\"send\",\"args\":[1, 2]}"),
	    &why), 1);
	CHECK_INT(frame_payload(&f, &why), K_ARGS);
	CHECK_INT(frame_payload_bytes(&f, &out, &binary), 1);
	CHECK_STR(buf_str(&out), "[1, 2]");
	CHECK_INT(binary, 0);
	buf_free(&out);
	frame_scan(&f, STR("{\"type\":\"send\",\"args\":[],\"data\":1}"),
	    &why);
	CHECK_INT(frame_payload(&f, &why), -1);
}

TEST(more, "a value in pieces, without newlines")
{
	struct buf out = BUF(1 << 20);

	frame_begin(&out, "x");
	frame_json(&out, "args", STR("[1,\r\n"));
	frame_more(&out, STR("2\n]"));
	frame_end(&out);
	CHECK_STR(buf_str(&out), "{\"type\":\"x\",\"args\":[1,  2 ]}");
	out.max = 20;
	buf_free(&out);
	frame_begin(&out, "x");
	frame_more(&out, STR("more than there is room for"));
	CHECK_INT(frame_end(&out), -1);
	buf_free(&out);
}
