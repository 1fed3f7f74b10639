/* SPDX-License-Identifier: ISC */
#ifndef SESSION_H
#define SESSION_H

/* What the files of this folder share. */

#include <openssl/ssl.h>

#include "../tls.h"
#include "seal.h"

struct tls {
	SSL *ssl;
	int fd;
	enum tls_failure failure;
	const char *why;
	uint8_t type;		/* of what OpenSSL writes next, sealed */
	uint8_t update;		/* it wants to write a KeyUpdate before */
	struct seal seal;
};

/* context.c */
SSL_CTX	*theirs(struct tls_context *);

/* socket.c: 1, or 0: out of memory. */
int	 socket_join(struct tls *);

#endif
