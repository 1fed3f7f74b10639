/* SPDX-License-Identifier: ISC */

/* A connection to wss://, whose handshake goes by itself in the first reads and
 * writes.  Certificates are not checked: what is measured is the server. */

#include <errno.h>
#include <openssl/ssl.h>

#include "load.h"

static SSL_CTX *
context(void)
{
	static SSL_CTX *c;

	if (c == NULL) {
		c = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
		    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		    SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	}
	return c;
}

void
tls_start(struct conn *c)
{
	if ((c->tls = SSL_new(context())) == NULL ||
	    SSL_set_fd(c->tls, c->fd) != 1)
		die(111, "no TLS session");
	SSL_set_connect_state(c->tls);
}

/* As recv(2) and send(2) would say it. */
static ssize_t
said(struct conn *c, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(c->tls, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EPROTO;
		return -1;
	}
}

ssize_t
tls_read(struct conn *c, void *p, size_t n)
{
	return said(c, SSL_read(c->tls, p, (int)n));
}

ssize_t
tls_write(struct conn *c, struct str s)
{
	return said(c, SSL_write(c->tls, s.p, (int)s.n));
}

void
tls_free(struct conn *c)
{
	SSL_free(c->tls);
	c->tls = NULL;
}
