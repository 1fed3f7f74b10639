/* SPDX-License-Identifier: ISC */
/*
 * Addresses: reading and writing, networks, and which of those that
 * X-Forwarded-For names is believed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "address.h"
#include "unit.h"

static const char *
text_of(struct address a)
{
	static char text[ADDRESS_TEXT];

	address_text(&a, text);
	return text;
}

TEST(reading, "addresses are read, with and without port, and written")
{
	static const char *const rows[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:80", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:DB8:0:0::0001", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:65535", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::1", "::1" },
		{ "::", "::" },
	};
	static const char *const wrong[] = { "", "unknown", "unix:", "1.2.3",
		"1.2.3.4.5", "256.1.1.1", "01.2.3.4", "[::1", "[::1]80", "[]",
		":", "::1::", "1.2.3.4 ", " 1.2.3.4", "_hidden", "fe80::1%eth0",
		"2001:db8::1 2001:db8::2", "\"[::1]\"",
		"1111111111111111111111111111111111111111111111111111" };
	struct address a;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(address_read(&a, str_of(rows[i][0])));
		CHECK_STR(str_of(text_of(a)), rows[i][1]);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (address_read(&a, str_of(wrong[i])))
			printf("# it was taken: %s\n", wrong[i]);
		CHECK(!address_read(&a, str_of(wrong[i])));
	}
	CHECK(!address_read(&a, (struct str){ "1.2.3.4\0", 8 }));
}

TEST(sockets, "what the kernel says of a peer")
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	inet_pton(AF_INET, "192.0.2.1", &four.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr);
	CHECK_STR(str_of(text_of(address_of((void *)&four))), "192.0.2.1");
	CHECK_STR(str_of(text_of(address_of((void *)&six))), "2001:db8::1");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &six.sin6_addr);
	CHECK_STR(str_of(text_of(address_of((void *)&six))), "192.0.2.1");
	CHECK_STR(str_of(text_of(address_of((void *)&un))), "unix");
	CHECK_STR(str_of(text_of(address_of(&none))), "");
}

static uint64_t
peer(const char *text)
{
	struct address a;

	CHECK(address_read(&a, str_of(text)));
	return address_peer(&a);
}

TEST(peers, "one peer is an IPv4 address, or the /64 of an IPv6 one")
{
	const struct address un = { .kind = ADDRESS_UNIX }, none = { 0 };

	CHECK(peer("192.0.2.1") == peer("::ffff:192.0.2.1"));
	CHECK(peer("192.0.2.1") != peer("192.0.2.2"));
	CHECK(peer("192.0.2.1") != peer("191.0.2.1"));
	CHECK(peer("2001:db8:0:1::1") == peer("2001:db8:0:1:ffff::2"));
	CHECK(peer("2001:db8:0:1::1") != peer("2001:db8:0:2::1"));
	CHECK(peer("::1") != 0);
	CHECK(peer("0.0.0.0") != 0);
	CHECK(address_peer(&un) == 0);
	CHECK(address_peer(&none) == 0);
}

static int
has(const char *list, const char *address)
{
	struct networks *n = networks_read(str_of(list));
	struct address a = { .kind = ADDRESS_UNIX };
	int r;

	CHECK(n != NULL);
	if (strcmp(address, "unix") != 0)
		CHECK(address_read(&a, str_of(address)));
	r = n != NULL && networks_have(n, &a);
	free(n);
	return r;
}

TEST(networks, "networks of any width, and the Unix socket")
{
	static const char *const wrong[] = { "x", "10.0.0.0/33", "10.0.0.0/",
		"10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "1.2.3.4:80",
		"[::1]", "unix:/tmp/x", "10.0.0.1,,x", "10.0.0.0/0008" };

	CHECK(has("192.0.2.1", "192.0.2.1"));
	CHECK(!has("192.0.2.1", "192.0.2.0"));
	CHECK(has("10.0.0.0/8", "10.255.0.1"));
	CHECK(!has("10.0.0.0/8", "11.0.0.1"));
	CHECK(has("172.16.0.0/12", "172.31.255.255"));
	CHECK(!has("172.16.0.0/12", "172.32.0.0"));
	CHECK(has("0.0.0.0/0", "8.8.8.8"));
	CHECK(!has("0.0.0.0/0", "2001:db8::1"));
	CHECK(has("::/0", "2001:db8::1"));
	CHECK(has("2001:db8::/33", "2001:db8:7fff::"));
	CHECK(!has("2001:db8::/33", "2001:db8:8000::"));
	CHECK(has("::1, 10.0.0.0/8 , unix:", "unix"));
	CHECK(has("::1, 10.0.0.0/8 , unix:", "::1"));
	CHECK(!has("::/0,0.0.0.0/0", "unix"));
	CHECK(!has("unix:", "0.0.0.0"));
	CHECK(!has("", "1.2.3.4"));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (networks_read(str_of(wrong[i])) != NULL)
			printf("# it was taken: %s\n", wrong[i]);
		CHECK(networks_read(str_of(wrong[i])) == NULL);
	}
}

TEST(forwarded, "X-Forwarded-For: from the right, as long as it is trusted")
{
	/* from whom, its lines, what is believed */
	static const char *const rows[][4] = {
		{ "10.0.0.1", NULL, NULL, "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1", NULL, "192.0.2.1" },
		{ "unix", "192.0.2.1", NULL, "192.0.2.1" },
		{ "10.0.0.1", "6.6.6.6, 192.0.2.1", NULL, "192.0.2.1" },
		{ "10.0.0.1", "6.6.6.6,192.0.2.1,10.0.0.2", NULL,
		    "192.0.2.1" },
		{ "10.0.0.1", "10.0.0.3, 10.0.0.2", NULL, "10.0.0.3" },
		{ "10.0.0.1", "6.6.6.6", "192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1", "192.0.2.1", "10.0.0.2", "192.0.2.1" },
		{ "10.0.0.1", "192.0.2.1:4711", NULL, "192.0.2.1" },
		{ "10.0.0.1", "[2001:db8::1]:4711", NULL, "2001:db8::1" },
		{ "10.0.0.1", " , 192.0.2.1 , ,", NULL, "192.0.2.1" },
		/* strangers */
		{ "192.0.2.9", "10.0.0.1", NULL, "192.0.2.9" },
		{ "192.0.2.9", "10.0.0.1", "10.0.0.2", "192.0.2.9" },
		/* what cannot be read */
		{ "10.0.0.1", "192.0.2.1, unknown", NULL, "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1, x, 10.0.0.2", NULL, "10.0.0.2" },
		{ "10.0.0.1", "192.0.2.1", "unix:", "10.0.0.1" },
		{ "10.0.0.1", "", NULL, "10.0.0.1" },
		{ "10.0.0.1", ",,", NULL, "10.0.0.1" },
	};
	struct networks *trusted = networks_read(STR("10.0.0.0/8,unix:"));

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_head h = { .n = 0 };
		struct address from = { .kind = ADDRESS_UNIX };

		if (strcmp(rows[i][0], "unix") != 0)
			CHECK(address_read(&from, str_of(rows[i][0])));
		for (int k = 1; k < 3 && rows[i][k] != NULL; k++) {
			h.headers[h.n].name = STR("X-Forwarded-FOR");
			h.headers[h.n++].value = str_of(rows[i][k]);
			h.headers[h.n].name = STR("X-Other");
			h.headers[h.n++].value = STR("7.7.7.7");
		}
		CHECK_STR(str_of(text_of(address_forwarded(trusted, from,
		    &h))), rows[i][3]);
		CHECK_STR(str_of(text_of(address_forwarded(NULL, from, &h))),
		    rows[i][0]);
	}
	free(trusted);
}
