/* SPDX-License-Identifier: ISC */
/*
 * The roster: who is in, under which name, in which channels.
 */
#include "link/link.h"
#include "unit.h"

#include "../../src/rk-listen/roster.c"

static struct conn *
come(const char *user)
{
	struct conn *c = conn_make(NULL, NULL, KIND_WS);
	struct str name;

	conn_enter(c);
	if (user != NULL) {
		name = str_of(user);
		user_set(c, &name);
	}
	return c;
}

static void
go(struct conn *c)
{
	char name[NAME_BYTES + 1];

	while (channel_leave_one(c, name) != -1)
		;
	conn_leave(c);
	conn_destroy(c);
}

static uint64_t
figure(const char *name)
{
	return *figure_find(roster_figures, str_of(name))->value;
}

static struct conn *
by_id(uint64_t n)
{
	char id[64];

	snprintf(id, sizeof id, "%s.%llu", link_boot(), (unsigned long long)n);
	return conn_named(str_of(id));
}

TEST(ids, "a connection is found by its id, and only by its id")
{
	struct conn *c = come(NULL);
	char id[64];
	uint64_t n;

	CHECK(by_id(c->n) == c);
	CHECK(by_id(c->n + 1) == NULL);
	CHECK(conn_named(STR("")) == NULL);
	CHECK(conn_named(STR("aaaaaaaaaaaaa.1")) == NULL);
	CHECK(conn_named(str_of(link_boot())) == NULL);
	snprintf(id, sizeof id, "%s.", link_boot());
	CHECK(conn_named(str_of(id)) == NULL);
	snprintf(id, sizeof id, "%s.-1", link_boot());
	CHECK(conn_named(str_of(id)) == NULL);
	snprintf(id, sizeof id, "%s.1x", link_boot());
	CHECK(conn_named(str_of(id)) == NULL);
	snprintf(id, sizeof id, "%s.77", link_boot());
	CHECK(conn_number(str_of(id), &n) && n == 77);
	go(c);
	CHECK(by_id(1) == NULL);
	CHECK_INT(figure("connections"), 0);
}

TEST(users, "a user has any number of connections, one has one user")
{
	struct conn *a = come("T"), *b = come("T"), *c = come("U");
	struct str other = STR("V");

	CHECK_INT(figure("users"), 2);
	CHECK_INT(user_named(STR("T"))->count, 2);
	user_set(b, &other);
	CHECK_INT(user_named(STR("T"))->count, 1);
	CHECK_INT(user_named(STR("V"))->count, 1);
	user_set(a, &other);
	CHECK(user_named(STR("T")) == NULL);
	user_set(a, &other);
	CHECK_INT(user_named(STR("V"))->count, 2);
	go(a);
	go(b);
	CHECK(user_named(STR("V")) == NULL);
	go(c);
	CHECK_INT(figure("users"), 0);
}

TEST(channels, "a channel is there while somebody is in it")
{
	struct conn *a = come(NULL), *b = come(NULL);
	char name[NAME_BYTES + 1];

	CHECK_INT(channel_join(a, STR("x")), 1);
	CHECK_INT(channel_join(a, STR("x")), 0);
	CHECK_INT(channel_join(b, STR("x")), 0);
	CHECK_INT(channel_join(a, STR("y")), 1);
	CHECK_INT(channel_named(STR("x"))->count, 2);
	CHECK_INT(channel_leave(a, STR("x")), 0);
	CHECK_INT(channel_leave(a, STR("x")), 0);
	CHECK_INT(channel_leave(a, STR("z")), 0);
	CHECK_INT(channel_leave(b, STR("x")), 1);
	CHECK(channel_named(STR("x")) == NULL);
	CHECK_INT(channel_leave_one(a, name), 1);
	CHECK_STR(str_of(name), "y");
	CHECK_INT(channel_leave_one(a, name), -1);
	go(a);
	go(b);
	CHECK_INT(figure("channels"), 0);
}

TEST(bounds, "channels of one connection, names")
{
	struct conn *a = come(NULL);
	char name[NAME_BYTES + 2];
	int i;

	for (i = 0; i < CHANNELS_MAX; i++) {
		snprintf(name, sizeof name, "%d", i);
		CHECK_INT(channel_join(a, str_of(name)), 1);
	}
	CHECK_INT(channel_join(a, STR("one more")), -1);
	CHECK(channel_named(STR("one more")) == NULL);
	go(a);
	CHECK_INT(figure("channels"), 0);
	memset(name, 'a', sizeof name);
	CHECK(name_sound((struct str){ name, NAME_BYTES }));
	CHECK(!name_sound((struct str){ name, NAME_BYTES + 1 }));
	CHECK(!name_sound(STR("")));
	CHECK(!name_sound(STR("a\nb")));
	CHECK(!name_sound(STR("\x7f")));
	CHECK(!name_sound(STR("\xff")));
	CHECK(name_sound(STR("\xc3\xa4 /")));
}

TEST(order, "all are in the order of n, sorted names too")
{
	struct conn *v[100], **sorted, *c;
	size_t i, n;
	uint64_t last = 0;

	for (i = 0; i < 100; i++)
		v[i] = come(NULL);
	for (i = 0; i < 100; i++)
		channel_join(v[i * 37 % 100], STR("x"));
	sorted = roster_sort(channel_named(STR("x")), &n);
	CHECK_INT(n, 100);
	for (i = 0; i < 100; i++)
		CHECK(sorted[i] == v[i]);
	for (i = 0; i < 100; i += 2)
		go(v[i]);
	v[0] = come(NULL);
	for (c = roster_first, n = 0; c != NULL; c = c->next, n++) {
		CHECK(c->n > last);
		last = c->n;
	}
	CHECK_INT(n, 51);
	go(v[0]);
	for (i = 1; i < 100; i += 2)
		go(v[i]);
	CHECK(roster_first == NULL);
}

TEST(many, "100,000 come, meet and go")
{
	static struct conn *v[100000];
	char name[32];
	size_t i;

	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "u%zu", i / 2);
		v[i] = come(name);
		channel_join(v[i], STR("all"));
	}
	CHECK_INT(figure("users"), 50000);
	CHECK_INT(user_named(STR("u777"))->count, 2);
	CHECK_INT(channel_named(STR("all"))->count, 100000);
	for (i = 0; i < 100000; i++)
		go(v[i]);
	CHECK_INT(figure("users"), 0);
	CHECK_INT(figure("connections"), 0);
}
