/* SPDX-License-Identifier: ISC */
#ifndef SEAL_H
#define SEAL_H

/*
 * The records that leave a session of TLS 1.3, encrypted by us.
 *
 *  - A message to each of a thousand sessions costs what the cache misses: on
 *    its way through a session OpenSSL touches dozens of lines, we two.  The
 *    key is expanded anew for each record, in a context that all share; that
 *    is cheaper than to fetch the expanded one from memory.
 *  - OpenSSL offers it: it takes us for a kernel that does TLS, and gives our
 *    BIO the key and the number of the next record (socket.c).  From then on
 *    what it has to say itself comes here in plain, so that one counter goes
 *    through all records, and no nonce is used twice.
 *  - A seal that never began (TLS 1.2, another cipher, an OpenSSL that offers
 *    nothing) leaves all to OpenSSL.  So does one that ended: with a
 *    KeyUpdate, after which OpenSSL has the new key, and we have not.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SEAL_KEY	32	/* bytes, at most */
#define SEAL_NONCE	12

struct rest;

struct seal {				/* zero: it has not begun */
	uint64_t number;		/* of the next record */
	unsigned char key[SEAL_KEY];
	unsigned char nonce[SEAL_NONCE];
	uint8_t cipher;			/* in the table of seal.c */
	uint8_t on;
	uint16_t owed[2];	/* data, other: sealed, and not yet reported */
	struct rest *rest;		/* of a record, that must leave first */
};

/* What is left of it is forgotten. */
void	 seal_free(struct seal *);

/* p: a struct tls_crypto_info of <linux/tls.h>, with what follows it: 1; 0:
 * nothing that we do. */
int	 seal_begin(struct seal *, const void *p);

/* At most one record, of that type: how many of the bytes; -1 with errno.
 * After EAGAIN the same bytes must be written again. */
ssize_t	 seal_write(struct seal *, int fd, int type, const void *, size_t);

#endif
