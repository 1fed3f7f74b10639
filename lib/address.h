/* SPDX-License-Identifier: ISC */
#ifndef ADDRESS_H
#define ADDRESS_H

/*
 * Who is at the other end: addresses, networks, and what proxies say of the
 * address of their client.  Pure.
 *
 *  - An IPv4 address is kept as the IPv6 address that stands for it
 *    (::ffff:a.b.c.d), so there is one kind of address, and one comparison.
 *  - X-Forwarded-For is read as nginx does with real_ip_recursive: from the
 *    right, as long as who said it is trusted.  What a stranger says is never
 *    believed, and what cannot be read ends the reading.
 */

#include <stdint.h>

#include "buf.h"
#include "http.h"

struct sockaddr;

enum address_kind { ADDRESS_NONE, ADDRESS_UNIX, ADDRESS_IP };

struct address {
	uint8_t kind;			/* enum address_kind */
	unsigned char ip[16];
};

#define ADDRESS_TEXT	48		/* the longest one, terminated */

struct address address_of(const struct sockaddr *);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", the first and the last with a
 * port behind it: 1 or 0. */
int	 address_read(struct address *, struct str);
/* "unix" on a Unix socket, "" when it is not known. */
void	 address_text(const struct address *, char [static ADDRESS_TEXT]);
/* What counts as one peer: an IPv4 address, the first 64 bits of an IPv6 one;
 * 0: neither. */
uint64_t address_peer(const struct address *);
void	 address_peer_text(uint64_t, char [static ADDRESS_TEXT]);

struct networks;

/* "10.0.0.0/8,2001:db8::/32,192.0.2.1,unix:": NULL and errno EINVAL when it is
 * no such list; nobody frees it. */
struct networks *networks_read(struct str list);
int	 networks_have(const struct networks *, const struct address *);

/* Whose request it is that came from this address; trusted: NULL is nobody. */
struct address address_forwarded(const struct networks *trusted,
	    struct address from, const struct http_head *);

#endif
