/* SPDX-License-Identifier: ISC */
#ifndef SESSION_H
#define SESSION_H

/* What the files of this folder share. */

#include <openssl/ssl.h>

#include "../tls.h"

struct tls {
	SSL *ssl;
	enum tls_failure failure;
	const char *why;
};

/* context.c */
SSL_CTX	*theirs(struct tls_context *);

#endif
