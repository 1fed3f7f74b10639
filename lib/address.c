/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"

#define MAPPED	12		/* bytes before the four of an IPv4 address */

static const unsigned char mapped[MAPPED] = { [10] = 0xff, [11] = 0xff };

struct network {
	struct address address;
	int bits;			/* that count */
};

struct networks {
	size_t n;
	struct network all[];
};

static struct address
four(const void *ip)
{
	struct address a = { .kind = ADDRESS_IP };

	memcpy(a.ip, mapped, MAPPED);
	memcpy(a.ip + MAPPED, ip, 4);
	return a;
}

static int
is_four(const struct address *a)
{
	return a->kind == ADDRESS_IP && memcmp(a->ip, mapped, MAPPED) == 0;
}

struct address
address_of(const struct sockaddr *s)
{
	struct address a = { .kind = ADDRESS_NONE };

	switch (s->sa_family) {
	case AF_UNIX:
		a.kind = ADDRESS_UNIX;
		break;
	case AF_INET:
		return four(&((const struct sockaddr_in *)s)->sin_addr);
	case AF_INET6:
		a.kind = ADDRESS_IP;
		memcpy(a.ip, &((const struct sockaddr_in6 *)s)->sin6_addr, 16);
		break;
	}
	return a;
}

void
address_text(const struct address *a, char to[static ADDRESS_TEXT])
{
	to[0] = '\0';
	if (a->kind == ADDRESS_UNIX)
		snprintf(to, ADDRESS_TEXT, "unix");
	else if (is_four(a))
		inet_ntop(AF_INET, a->ip + MAPPED, to, ADDRESS_TEXT);
	else if (a->kind == ADDRESS_IP)
		inet_ntop(AF_INET6, a->ip, to, ADDRESS_TEXT);
}

/* ::/64 holds nobody (::1 is one of the few in it), so 0 is free. */
uint64_t
address_peer(const struct address *a)
{
	uint64_t peer = 0;

	if (is_four(a))
		for (int i = MAPPED - 2; i < 16; i++)
			peer = peer << 8 | a->ip[i];
	else if (a->kind == ADDRESS_IP)
		for (int i = 0; i < 8; i++)
			peer = peer << 8 | a->ip[i];
	return a->kind == ADDRESS_IP && peer == 0 ? 1 : peer;
}

void
address_peer_text(uint64_t peer, char to[static ADDRESS_TEXT])
{
	struct address a = { .kind = ADDRESS_IP };
	uint32_t ip = htonl((uint32_t)peer);

	if (peer >> 32 == 0xffff) {
		a = four(&ip);
		address_text(&a, to);
		return;
	}
	for (int i = 8; i-- > 0; peer >>= 8)
		a.ip[i] = (unsigned char)peer;
	address_text(&a, to);
	strcat(to, "/64");
}

/* ---- reading --------------------------------------------------------- */

/* The text without its port and brackets. */
static struct str
host(struct str s)
{
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL, *end;

	if (s.n > 0 && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		if (end == NULL || (end + 1 < s.p + s.n && end[1] != ':'))
			return STR("");
		return (struct str){ s.p + 1, (size_t)(end - s.p) - 1 };
	}
	if (colon != NULL &&
	    memchr(colon + 1, ':', s.n - (size_t)(colon + 1 - s.p)) == NULL)
		s.n = (size_t)(colon - s.p);
	return s;
}

int
address_read(struct address *a, struct str s)
{
	char text[ADDRESS_TEXT], ip[4];

	s = host(s);
	if (s.n >= sizeof text)
		return 0;
	snprintf(text, sizeof text, "%.*s", (int)s.n, s.n > 0 ? s.p : "");
	if (strlen(text) != s.n)
		return 0;
	if (inet_pton(AF_INET, text, ip) == 1) {
		*a = four(ip);
		return 1;
	}
	a->kind = ADDRESS_IP;
	return inet_pton(AF_INET6, text, a->ip) == 1;
}

static int
network_read(struct network *n, struct str s)
{
	const char *slash = memchr(s.p, '/', s.n);
	struct str address = { s.p, slash == NULL ? s.n :
	    (size_t)(slash - s.p) };
	int most, bits = 0;

	if (str_eq(s, STR("unix:"))) {
		n->address = (struct address){ .kind = ADDRESS_UNIX };
		return 1;
	}
	if (host(address).n != address.n ||
	    !address_read(&n->address, address))
		return 0;
	n->bits = 128;
	if (slash == NULL)
		return 1;
	most = is_four(&n->address) ? 32 : 128;
	s = (struct str){ slash + 1, s.n - address.n - 1 };
	if (s.n < 1 || s.n > 3)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		bits = bits * 10 + (s.p[i] - '0');
	}
	n->bits = 128 - most + bits;
	return bits <= most;
}

/* The last word of a list with commas, which loses it: 1 or 0. */
static int
last_word(struct str *list, struct str *word)
{
	size_t from;

	while (list->n > 0 && strchr(", \t", list->p[list->n - 1]) != NULL)
		list->n--;
	for (from = list->n; from > 0; from--)
		if (strchr(", \t", list->p[from - 1]) != NULL)
			break;
	*word = (struct str){ list->p + from, list->n - from };
	list->n = from;
	return word->n > 0;
}

struct networks *
networks_read(struct str list)
{
	struct networks *all = mem_new(sizeof *all +
	    (list.n / 2 + 1) * sizeof *all->all);
	struct str word;

	while (last_word(&list, &word))
		if (!network_read(&all->all[all->n++], word)) {
			free(all);
			errno = EINVAL;
			return NULL;
		}
	return all;
}

/* ---- whom to believe ------------------------------------------------- */

static int
network_has(const struct network *n, const struct address *a)
{
	size_t bytes = (size_t)n->bits / 8;
	int rest = n->bits % 8;

	if (n->address.kind != a->kind)
		return 0;
	if (memcmp(n->address.ip, a->ip, bytes) != 0)
		return 0;
	return rest == 0 ||
	    (n->address.ip[bytes] ^ a->ip[bytes]) >> (8 - rest) == 0;
}

int
networks_have(const struct networks *all, const struct address *a)
{
	if (all != NULL)
		for (size_t i = 0; i < all->n; i++)
			if (network_has(&all->all[i], a))
				return 1;
	return 0;
}

struct address
address_forwarded(const struct networks *trusted, struct address from,
    const struct http_head *h)
{
	struct address a;
	struct str list, word;
	size_t i;

	for (i = h->n; i-- > 0;) {
		if (!http_same(h->headers[i].name, "x-forwarded-for"))
			continue;
		list = h->headers[i].value;
		while (networks_have(trusted, &from) &&
		    last_word(&list, &word)) {
			if (!address_read(&a, word))
				return from;
			from = a;
		}
	}
	return from;
}
