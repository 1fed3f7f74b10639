/* SPDX-License-Identifier: ISC */
/*
 * Objects merged into objects, and the hash that finds their keys.
 */
#include "unit.h"

#include "../../src/rk-listen/state.c"

static struct buf out = { .max = STATE_MAX };

static struct str
merge(const char *old, const char *patch)
{
	buf_clear(&out);
	if (state_merge(&out, str_of(old), str_of(patch)) != 1)
		return STR("-1");
	return buf_str(&out);
}

TEST(merge, "members stand where they stood, new ones come last")
{
	CHECK_STR(merge("{}", "{}"), "{}");
	CHECK_STR(merge("{}", "{\"a\":1}"), "{\"a\":1}");
	CHECK_STR(merge("{\"a\":1}", "{}"), "{\"a\":1}");
	CHECK_STR(merge("{\"a\":1,\"b\":2,\"c\":3}", "{\"d\":4,\"b\":5}"),
	    "{\"a\":1,\"b\":5,\"c\":3,\"d\":4}");
}

TEST(shallow, "a nested object is replaced whole")
{
	CHECK_STR(merge("{\"a\":{\"x\":1}}", "{\"a\":{\"y\":2}}"),
	    "{\"a\":{\"y\":2}}");
	CHECK_STR(merge("{\"a\":1}", "{\"a\":null}"), "{\"a\":null}");
}

TEST(spelling, "values keep their spelling, keys mean what they mean")
{
	CHECK_STR(merge("{ \"a\" : 1.0 , \"b\":1e400}", "{\"c\":\"\\u00e4\"}"),
	    "{\"a\":1.0,\"b\":1e400,\"c\":\"\\u00e4\"}");
	CHECK_STR(merge("{\"a\":1}", "{\"\\u0061\":2}"), "{\"a\":2}");
	CHECK_STR(merge("{\"\\u0061\":1}", "{\"a\":2}"), "{\"\\u0061\":2}");
	CHECK_STR(merge("{\"\":1}", "{\"\":2}"), "{\"\":2}");
	CHECK_STR(merge("{\"a\\u0000\":1}", "{\"a\":2}"),
	    "{\"a\\u0000\":1,\"a\":2}");
}

TEST(twice, "of equal keys the last value counts")
{
	CHECK_STR(merge("{}", "{\"a\":1,\"b\":2,\"a\":3}"),
	    "{\"a\":3,\"b\":2}");
}

TEST(bound, "what does not fit leaves the buf alone")
{
	struct buf small = BUF(12);

	buf_adds(&small, STR("x"));
	CHECK_INT(state_merge(&small, STR("{\"a\":1}"),
	    STR("{\"bb\":123}")), -1);
	CHECK_STR(buf_str(&small), "x");
	CHECK_INT(state_merge(&small, STR("{\"a\":1}"), STR("{}")), 1);
	CHECK_STR(buf_str(&small), "x{\"a\":1}");
	buf_free(&small);
}

TEST(many, "10,000 members are merged in no time")
{
	struct buf a = BUF(1 << 20), b = BUF(1 << 20), c = BUF(1 << 20);
	clock_t began = clock();
	int i;

	for (i = 0; i < 10000; i++) {
		buf_addf(&a, "%c\"k%d\":0", i == 0 ? '{' : ',', i);
		buf_addf(&b, "%c\"k%d\":1", i == 0 ? '{' : ',', 9999 - i);
	}
	buf_addc(&a, '}');
	buf_addc(&b, '}');
	CHECK_INT(state_merge(&c, buf_str(&a), buf_str(&b)), 1);
	CHECK_INT(buf_size(&c), buf_size(&a));
	CHECK(memcmp(c.data, "{\"k0\":1,\"k1\":1,", 15) == 0);
	CHECK((clock() - began) / CLOCKS_PER_SEC < 2);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

TEST(member, "a member by its name")
{
	struct str v;

	CHECK(state_member(STR("{\"a\":1,\"b\":{\"c\":2}}"), STR("b"), &v));
	CHECK_STR(v, "{\"c\":2}");
	CHECK(state_member(STR("{\"\\u0062\":3,\"b\":4}"), STR("b"), &v));
	CHECK_STR(v, "4");
	CHECK(!state_member(STR("{\"a\":1}"), STR("c"), &v));
	CHECK(!state_member(STR("{}"), STR(""), &v));
}

TEST(hash, "SipHash-1-3: every length gives another value")
{
	uint64_t seen[64];
	char text[64];
	int i, k;

	memset(text, 'a', sizeof text);
	for (i = 0; i < 64; i++) {
		seen[i] = table_hash((struct str){ text, (size_t)i });
		CHECK(seen[i] == table_hash((struct str){ text, (size_t)i }));
		for (k = 0; k < i; k++)
			CHECK(seen[k] != seen[i]);
	}
}
