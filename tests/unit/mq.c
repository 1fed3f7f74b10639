/* SPDX-License-Identifier: ISC */
/*
 * AMQP without a broker: URLs, tables and properties as JSON and back, and
 * frames that come in pieces or are none.
 */
#include "json.h"
#include "loop.h"
#include "mq/conn.h"
#include "unit.h"

#define COUNT(a)	(sizeof (a) / sizeof (a)[0])
#define BYTES(literal)	{ (literal), sizeof(literal) - 1 }

/* --- URLs --- */

static const struct {
	const char *url, *user, *password, *host, *port, *vhost;
	int heartbeat;
} urls[] = {
	{ "amqp://h", "guest", "guest", "h", "5672", "/", 20 },
	{ "amqp://", "guest", "guest", "localhost", "5672", "/", 20 },
	{ "amqp://h:1/", "guest", "guest", "h", "1", "/", 20 },
	{ "amqp://h//", "guest", "guest", "h", "5672", "/", 20 },
	{ "amqp://h/%2f", "guest", "guest", "h", "5672", "/", 20 },
	{ "amqp://h/a%2Fb", "guest", "guest", "h", "5672", "a/b", 20 },
	{ "amqp://u@h/v", "u", "guest", "h", "5672", "v", 20 },
	{ "amqp://u:@h/v", "u", "", "h", "5672", "v", 20 },
	{ "amqp://u%3a:p%40%2f@h", "u:", "p@/", "h", "5672", "/", 20 },
	{ "amqp://u:p:q@h", "u", "p:q", "h", "5672", "/", 20 },
	{ "amqp://u:p@q@h", "u", "p@q", "h", "5672", "/", 20 },
	{ "amqp://[::1]", "guest", "guest", "::1", "5672", "/", 20 },
	{ "amqp://[::1]:9/v", "guest", "guest", "::1", "9", "v", 20 },
	{ "amqp://h?heartbeat=0", "guest", "guest", "h", "5672", "/", 0 },
	{ "amqps://h", "guest", "guest", "h", "5671", "/", 20 },
	{ "amqps://h/v?cacertfile=/a%20b&heartbeat=1&certfile=c&keyfile=k",
	    "guest", "guest", "h", "5671", "v", 1 },
	{ "amqp://h/v?heartbeat=60&connection_timeout=5", "guest", "guest",
	    "h", "5672", "v", 60 },
};

static const char *const no_urls[] = {
	"", "h", "http://h", "amqp:/h", "amqp://h:x",
	"amqp://[::1", "amqp://[::1]x", "amqp://%zz", "amqp://%2",
	"amqp://%00", "amqp://u:%@h", "amqp://h/%", "amqp://h?x=1",
	"amqp://h?heartbeat", "amqp://h?heartbeat=", "amqp://h?heartbeat=x",
	"amqp://h?heartbeat=-1", "amqp://h?heartbeat=99999",
	"amqp://h?cacertfile=a", "amqps://h?cacertfile=%", "amqps://h?certfile",
	"amqp://h?heartbeat=1;", "amqp://h?connection_timeout=0",
};

TEST(urls, "what a URL says")
{
	struct mq_url u;
	const char *why;

	for (size_t i = 0; i < COUNT(urls); i++) {
		if (mq_url_parse(&u, urls[i].url, &why) != 1) {
			printf("# %s: %s\n", urls[i].url, why);
			unit_bad = 1;
			continue;
		}
		CHECK_STR(str_of(u.user), urls[i].user);
		CHECK_STR(str_of(u.password), urls[i].password);
		CHECK_STR(str_of(u.host), urls[i].host);
		CHECK_STR(str_of(u.port), urls[i].port);
		CHECK_STR(str_of(u.vhost), urls[i].vhost);
		CHECK_INT(u.heartbeat, urls[i].heartbeat);
		mq_url_free(&u);
	}
}

TEST(no_urls, "what is no URL has a reason")
{
	struct mq_url u;
	const char *why;

	for (size_t i = 0; i < COUNT(no_urls); i++) {
		why = NULL;
		if (mq_url_parse(&u, no_urls[i], &why) != -1 || why == NULL) {
			printf("# taken: %s\n", no_urls[i]);
			unit_bad = 1;
		}
	}
}

TEST(shown, "a URL is shown without user and password")
{
	struct mq_url u;
	const char *why;

	mq_url_parse(&u, "amqp://me:secret@[::1]/v", &why);
	CHECK_STR(str_of(mq_url_show(&u)), "amqp://[::1]:5672/v");
	mq_url_free(&u);
}

/* --- tables --- */

static struct buf wire = { .max = 1 << 20 }, json = { .max = 8 << 20 };
static amqp_pool_t pool;

/* The bytes of a table, without their length, or why not. */
static const char *
encode(const char *text)
{
	const char *why = NULL;
	amqp_table_t t;
	size_t n = 0;

	if (pool.pagesize == 0)
		init_amqp_pool(&pool, 4096);
	recycle_amqp_pool(&pool);
	buf_clear(&wire);
	if (!mq_table_encode(&pool, str_of(text), &t, &why))
		return why;
	buf_room(&wire, 65536);
	CHECK(amqp_encode_table((amqp_bytes_t){ 65536, wire.data }, &t,
	    &n) == 0);
	wire.len = n;
	buf_take(&wire, 4);
	return NULL;
}

static int
decode(struct str table)
{
	buf_clear(&json);
	return mq_table_decode(&json, guard_end(table));
}

static const char *const tables[] = {
	"{}", "{\"\":\"\"}", "{\"a\":\"\\u0000\\n\\\"\xc3\xa9\"}",
	"{\"a\":0,\"b\":-1,\"c\":2147483647,\"d\":-2147483648}",
	"{\"a\":2147483648,\"b\":9223372036854775807}",
	"{\"a\":1.0,\"b\":0.1,\"c\":1e+300,\"d\":-2.5}",
	"{\"a\":true,\"b\":false,\"c\":null}",
	"{\"a\":[],\"b\":{},\"c\":[{\"d\":[[1]]},\"x\"]}",
	"{\"a\":{\"$base64\":\"AAH/\"},\"b\":{\"$base64\":\"\"}}",
	"{\"a\":{\"$timestamp\":0},\"b\":{\"$timestamp\":1700000000}}",
	"{\"a\":{\"$decimal\":\"12.50\"},\"b\":{\"$decimal\":\"0.007\"}}",
	"{\"a\":{\"$decimal\":\"4294967295\"}}",
	"{\"a\":{\"$base64\":\"AA==\",\"b\":1}}", "{\"a\":1,\"a\":2}",
};

TEST(tables, "JSON comes back as it was")
{
	const char *why;

	for (size_t i = 0; i < COUNT(tables); i++) {
		if ((why = encode(tables[i])) != NULL) {
			printf("# %s: %s\n", tables[i], why);
			unit_bad = 1;
			continue;
		}
		CHECK_INT(decode(buf_str(&wire)), 1);
		CHECK_STR(buf_str(&json), tables[i]);
	}
}

static const char *const no_tables[] = {
	"{\"a\":9223372036854775808}", "{\"a\":1e400}",
	"{\"a\":12345678901234567890}", "{\"a\":{\"$base64\":1}}",
	"{\"a\":{\"$base64\":\"?\"}}", "{\"a\":{\"$timestamp\":-1}}",
	"{\"a\":{\"$timestamp\":\"1\"}}", "{\"a\":{\"$decimal\":1}}",
	"{\"a\":{\"$decimal\":\"\"}}", "{\"a\":{\"$decimal\":\"-1\"}}",
	"{\"a\":{\"$decimal\":\"1.2.3\"}}",
	"{\"a\":{\"$decimal\":\"4294967296\"}}",
};

TEST(no_tables, "what AMQP cannot hold has a reason")
{
	char long_name[300];

	for (size_t i = 0; i < COUNT(no_tables); i++)
		if (encode(no_tables[i]) == NULL) {
			printf("# taken: %s\n", no_tables[i]);
			unit_bad = 1;
		}
	snprintf(long_name, sizeof long_name, "{\"%0256d\":1}", 0);
	CHECK(encode(long_name) != NULL);
	snprintf(long_name, sizeof long_name, "{\"%0255d\":1}", 0);
	CHECK(encode(long_name) == NULL);
}

static const struct {
	struct str wire;
	const char *json;
} kinds[] = {
	{ BYTES("\1at\1"), "{\"a\":true}" },
	{ BYTES("\1at\0"), "{\"a\":false}" },
	{ BYTES("\1ab\377"), "{\"a\":-1}" },
	{ BYTES("\1aB\377"), "{\"a\":255}" },
	{ BYTES("\1as\200\0"), "{\"a\":-32768}" },
	{ BYTES("\1au\200\0"), "{\"a\":32768}" },
	{ BYTES("\1aI\377\377\377\376"), "{\"a\":-2}" },
	{ BYTES("\1ai\377\377\377\376"), "{\"a\":4294967294}" },
	{ BYTES("\1al\200\0\0\0\0\0\0\0"), "{\"a\":-9223372036854775808}" },
	{ BYTES("\1aL\377\377\377\377\377\377\377\377"),
	    "{\"a\":18446744073709551615}" },
	{ BYTES("\1af\76\200\0\0"), "{\"a\":0.25}" },
	{ BYTES("\1af\75\314\314\315"), "{\"a\":0.1}" },
	{ BYTES("\1ad\177\360\0\0\0\0\0\0"), "{\"a\":null}" },
	{ BYTES("\1aD\2\0\0\0\5"), "{\"a\":{\"$decimal\":\"0.05\"}}" },
	{ BYTES("\1aS\0\0\0\1\377"), "{\"a\":{\"$base64\":\"/w==\"}}" },
	{ BYTES("\1\377V"), "{\"$base64:/w==\":null}" },
};

TEST(kinds, "every kind of value, and no byte past it is touched")
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		CHECK_INT(decode(kinds[i].wire), 1);
		CHECK_STR(buf_str(&json), kinds[i].json);
	}
}

TEST(short_tables, "a table that is cut short is malformed, at every place")
{
	struct str s;

	for (size_t i = 0; i < COUNT(kinds); i++)
		for (s = kinds[i].wire; s.n-- > 1; )
			CHECK_INT(decode(s), 0);
	CHECK_INT(decode(STR("\1a?")), 0);
	CHECK_INT(decode(STR("\1aF\377\377\377\377")), 0);
}

TEST(deep, "what is nested too deep is kept as bytes")
{
	struct buf b = BUF(1 << 20);
	const char *why;
	size_t depth, n = 20000;

	/* arrays within arrays: each A and a length */
	buf_adds(&b, STR("\1a"));
	for (depth = n; depth-- > 0; ) {
		size_t left = 5 * depth;
		char head[5] = { 'A', (char)(left >> 24), (char)(left >> 16),
		    (char)(left >> 8), (char)left };

		buf_add(&b, head, sizeof head);
	}
	CHECK_INT(decode(buf_str(&b)), 1);
	CHECK(json_check(buf_str(&json), &why));
	CHECK(strncmp(json.data, "{\"a\":[[[[[", 10) == 0);
	buf_free(&b);
}

/* --- properties --- */

static struct buf props = { .max = 65536 }, headers = { .max = 65536 };

TEST(properties, "properties, both ways")
{
	static const char all[] = "{\"content_type\":\"a\","
	    "\"content_encoding\":\"b\",\"delivery_mode\":1,\"priority\":255,"
	    "\"correlation_id\":\"c\",\"reply_to\":\"\","
	    "\"expiration\":\"1\",\"message_id\":{\"$base64\":\"/w==\"},"
	    "\"timestamp\":1700000000,\"type\":\"d\",\"user_id\":\"e\","
	    "\"app_id\":\"f\",\"cluster_id\":\"g\"}";
	amqp_basic_properties_t p = { ._flags = 0 };
	const char *why;
	char raw[512];
	int n;

	encode("{}");		/* makes the pool */
	CHECK_INT(mq_properties_encode(&pool, STR(all), &p, &why), 1);
	n = amqp_encode_properties(AMQP_BASIC_CLASS, &p,
	    (amqp_bytes_t){ sizeof raw, raw });
	CHECK(n > 0);
	CHECK_INT(mq_properties_decode(&props, &headers,
	    guard_end((struct str){ raw, (size_t)n })), 1);
	CHECK_STR(buf_str(&props), all);
	CHECK_INT(buf_size(&headers), 0);
	while (n-- > 0)
		CHECK_INT(mq_properties_decode(&props, &headers,
		    guard_end((struct str){ raw, (size_t)n })), 0);
}

TEST(no_properties, "what is no property has a reason")
{
	static const char *const wrong[] = {
		"[]", "{\"x\":1}", "{\"headers\":{}}", "{\"priority\":256}",
		"{\"priority\":-1}", "{\"priority\":\"1\"}", "{\"type\":1}",
		"{\"timestamp\":1.5}", "{\"type\":{\"a\":1}}",
	};
	amqp_basic_properties_t p = { ._flags = 0 };
	const char *why;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		why = NULL;
		CHECK_INT(mq_properties_encode(&pool, str_of(wrong[i]), &p,
		    &why), 0);
		CHECK(why != NULL);
	}
	p._flags = 0;
	CHECK_INT(mq_properties_encode(&pool, STR("{\"type\":null}"), &p,
	    &why), 1);
	CHECK_INT(p._flags, 0);
	CHECK_INT(mq_properties_decode(&props, &headers, STR("\0\1")), 0);
}

/* --- frames --- */

static const struct mq_url url = { .user = (char *)(uintptr_t)"u",
    .password = (char *)(uintptr_t)"p" };

/* A connection that waits for Start. */
static struct mq *
half(void)
{
	struct mq *mq = mem_new(sizeof *mq);

	if (loop == NULL)
		loop_open(&(struct loop_ops){ NULL, NULL });
	mq->set.url = &url;
	mq->set.name = "test";
	mq->state = MQ_START;
	mq->frame_max = FRAME_MAX;
	mq->in.max = mq->out.max = 1 << 20;
	init_amqp_pool(&mq->pool, 4096);
	ev_init(&mq->fall, NULL);
	return mq;
}

static void
half_free(struct mq *mq)
{
	ev_timer_stop(loop, &mq->fall);
	buf_free(&mq->in);
	buf_free(&mq->out);
	empty_amqp_pool(&mq->pool);
	free(mq);
}

static struct str
start_frame(void)
{
	static struct buf b = { .max = 65536 };
	amqp_connection_start_t m = { .version_minor = 9,
	    .server_properties = amqp_empty_table,
	    .mechanisms = bytes_of(STR("AMQPLAIN PLAIN")),
	    .locales = bytes_of(STR("en_US")) };

	buf_clear(&b);
	mq_put_heartbeat(&b);
	mq_put_method(&b, 0, AMQP_CONNECTION_START_METHOD, &m);
	return buf_str(&b);
}

TEST(pieces, "frames are taken whole, in whatever pieces they come")
{
	struct str s = start_frame();
	struct mq *mq = half();

	for (size_t i = 0; i < s.n; i++) {
		CHECK_INT(mq->state, MQ_START);
		buf_addc(&mq->in, s.p[i]);
		CHECK_INT(mq_parse(mq), 1);
	}
	CHECK_INT(mq->state, MQ_TUNE);
	CHECK_INT(buf_size(&mq->in), 0);
	CHECK(memmem(mq->out.data, mq->out.len, "PLAIN\0\0\0\4\0u\0p", 13) !=
	    NULL);
	half_free(mq);
}

TEST(garbage, "what is no frame ends the connection")
{
	static const struct {
		struct str bytes;
		const char *why;
	} wrong[] = {
		{ BYTES("AMQP\0\0\11\1"), "not an AMQP 0-9-1 broker" },
		{ BYTES("HTTP/1.0 400 Bad"), "a frame too large, or no AMQP" },
		{ BYTES("\1\0\0\0\2\0\0x"), "a frame too large, or no AMQP" },
		{ BYTES("\10\0\0\0\0\0\0x"), "a frame without its end" },
		{ BYTES("\1\0\0\0\0\0\2ab\316"), "a method too short" },
		{ BYTES("\1\0\0\0\0\0\4\377\377\0\1\316"),
		    "a method that is no AMQP 0-9-1" },
		{ BYTES("\1\0\0\0\0\0\4\0\12\0\51\316"),
		    "a method that is no AMQP 0-9-1" },
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct mq *mq = half();

		buf_adds(&mq->in, wrong[i].bytes);
		CHECK_INT(mq_parse(mq), -1);
		CHECK_STR(str_of(mq->why), wrong[i].why);
		half_free(mq);
	}
}

TEST(bodies, "a body is cut to the size of frames")
{
	struct buf b = BUF(65536);
	char body[1000] = "";

	CHECK_INT(mq_put_bodies(&b, 1, (struct str){ body, 1000 }, 500), 1);
	CHECK_INT(buf_size(&b), 1000 + 3 * FRAME_OVERHEAD);
	buf_clear(&b);
	CHECK_INT(mq_put_bodies(&b, 1, (struct str){ body, 992 }, 500 + 4), 1);
	CHECK_INT(buf_size(&b), 992 + 2 * FRAME_OVERHEAD);
	buf_clear(&b);
	CHECK_INT(mq_put_bodies(&b, 1, (struct str){ body, 0 }, 500), 1);
	CHECK_INT(buf_size(&b), 0);
	buf_free(&b);
	b.max = 900;
	CHECK_INT(mq_put_bodies(&b, 1, (struct str){ body, 1000 }, 500), -1);
	CHECK_INT(buf_size(&b), 0);
	buf_free(&b);
}
