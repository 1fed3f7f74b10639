/* SPDX-License-Identifier: ISC */
/*
 * Which path is whose, and what it says.
 */
#include "unit.h"

#include "../../src/rk-listen/endpoint.c"
#include "../../src/rk-listen/roster.c"

static struct captures found = { .user = { .max = NAME_BYTES },
    .params = { .max = 1 << 16 } };

static int
match(const char *template, const char *path)
{
	struct endpoint e = { .template = template };

	return endpoint_match(&e, str_of(path), &found);
}

TEST(literal, "segments match as they mean, whole")
{
	CHECK_INT(match("/", "/"), 1);
	CHECK_INT(match("/", "/x"), 0);
	CHECK_INT(match("/api", "/api"), 1);
	CHECK_INT(match("/api", "/%61pi"), 1);
	CHECK_INT(match("/api", "/api/"), 0);
	CHECK_INT(match("/api", "/apis"), 0);
	CHECK_INT(match("/api", "/API"), 0);
	CHECK_INT(match("/api/", "/api/"), 1);
	CHECK_INT(match("/api", "/%zz"), 0);
}

TEST(user, "{user} takes one segment, decoded")
{
	CHECK_INT(match("/api/{user}", "/api/T"), 1);
	CHECK_STR(buf_str(&found.user), "T");
	CHECK_INT(match("/api/{user}", "/api/a%2Fb+c%20d;e"), 1);
	CHECK_STR(buf_str(&found.user), "a/b+c d;e");
	CHECK_INT(match("/api/{user}", "/api/"), 0);
	CHECK_INT(match("/api/{user}", "/api"), 0);
	CHECK_INT(match("/api/{user}", "/api/a/b"), 0);
	CHECK_INT(match("/api/{user}", "/api/.."), 1);
	CHECK_STR(buf_str(&found.user), "..");
}

TEST(unsound, "names that are none")
{
	char path[300] = "/api/";

	CHECK_INT(match("/api/{user}", "/api/%00"), -1);
	CHECK_INT(match("/api/{user}", "/api/%"), -1);
	CHECK_INT(match("/api/{user}", "/api/%ff"), -1);
	CHECK_INT(match("/api/{user}", "/api/a%0Ab"), -1);
	CHECK_INT(match("/api/{user}", "/api/%7f"), -1);
	memset(path + 5, 'u', 255);
	CHECK_INT(match("/api/{user}", path), 1);
	path[260] = 'u';
	CHECK_INT(match("/api/{user}", path), -1);
}

TEST(params, "other names are members of params")
{
	CHECK_INT(match("/{room}/x/{user}/{a_1}", "/r%22/x/u/2"), 1);
	CHECK_STR(buf_str(&found.user), "u");
	CHECK_STR(buf_str(&found.params), "\"room\":\"r\\\"\",\"a_1\":\"2\"");
}

TEST(rest, "a last * takes the rest")
{
	CHECK_INT(match("/*", "/"), 1);
	CHECK_INT(match("/*", "/a/b"), 1);
	CHECK_INT(match("/a/*", "/a/b/c"), 1);
	CHECK_INT(match("/a/*", "/a"), 1);
	CHECK_INT(match("/a/*", "/b"), 0);
}

TEST(prefix, "a prefix of plain requests ends at a slash")
{
	struct endpoint e = { .template = "/pub", .http = 1 };

	CHECK_INT(endpoint_match(&e, STR("/pub"), &found), 1);
	CHECK_INT(endpoint_match(&e, STR("/pub/x"), &found), 1);
	CHECK_INT(endpoint_match(&e, STR("/public"), &found), 0);
	e.template = "/";
	CHECK_INT(endpoint_match(&e, STR("/x/y"), &found), 1);
}

TEST(wrong, "templates that are refused")
{
	CHECK(endpoint_wrong("/api/{user}") == NULL);
	CHECK(endpoint_wrong("/") == NULL);
	CHECK(endpoint_wrong("/*") == NULL);
	CHECK(endpoint_wrong("api") != NULL);
	CHECK(endpoint_wrong("/*/x") != NULL);
	CHECK(endpoint_wrong("/x{user}") != NULL);
	CHECK(endpoint_wrong("/{}") != NULL);
	CHECK(endpoint_wrong("/{a b}") != NULL);
}

TEST(subprotocol, "the first that both know")
{
	struct endpoint e = { .subprotocols = "v2, v1" };
	struct str chosen = STR("");

	CHECK_INT(endpoint_subprotocol(&e, STR("v0,v1, v2"), &chosen), 1);
	CHECK_STR(chosen, "v1");
	CHECK_INT(endpoint_subprotocol(&e, STR("v0"), &chosen), -1);
	CHECK_INT(endpoint_subprotocol(&e, STR(""), &chosen), 0);
	e.subprotocols = NULL;
	CHECK_INT(endpoint_subprotocol(&e, STR("v1"), &chosen), -1);
	CHECK(endpoint_lists("http://a,http://b", STR("http://b")));
	CHECK(!endpoint_lists("http://a,http://b", STR("http://")));
}

TEST(origin, "origins: to the letter, below a name, null")
{
	static const char list[] = "https://a.org, https://*.b.org:8443,null";
	static const char *const in[] = { "https://a.org", "null",
		"https://x.b.org:8443", "https://x.y.b.org:8443" };
	static const char *const out[] = { "", "http://a.org", "https://a.or",
		"https://a.org.", "https://a.org:443", "https://x.a.org",
		"https://b.org:8443", "https://.b.org:8443",
		"https://x.b.org", "http://x.b.org:8443",
		"https://evil.org:1/x.b.org:8443", "https://xb.org:8443",
		"https://u@x.b.org:8443", "NULL" };
	static const char *const wrong[] = { "*", "a.org", "https://",
		"https://*.", "https://*", "https://x*.org", "https://a.org/",
		"https://*.*.org", "*://a.org/", "://a", "https://a,b" };

	CHECK(endpoint_origins_wrong(list) == NULL);
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		CHECK(endpoint_origin(list, str_of(in[i])));
	for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
		if (endpoint_origin(list, str_of(out[i])))
			printf("# it was let in: %s\n", out[i]);
		CHECK(!endpoint_origin(list, str_of(out[i])));
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (endpoint_origins_wrong(wrong[i]) == NULL)
			printf("# it was taken: %s\n", wrong[i]);
		CHECK(endpoint_origins_wrong(wrong[i]) != NULL);
	}
}

TEST(policies, "a policy is one of three words, whole")
{
	static const struct { const char *word; int policy; } rows[] = {
		{ "close", POLICY_CLOSE }, { "drop-oldest", POLICY_OLDEST },
		{ "drop-newest", POLICY_NEWEST }, { "drop", -1 },
		{ "closed", -1 }, { "", -1 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_INT(endpoint_choose(endpoint_policies,
		    str_of(rows[i].word)), rows[i].policy);
}
