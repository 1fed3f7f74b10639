/* SPDX-License-Identifier: ISC */

/* A session: begun, at work, and what went wrong with it. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "../buf.h"
#include "../log.h"
#include "session.h"

static struct tls *
session(struct tls_context *x, int fd)
{
	struct tls *t = mem_new(sizeof *t);

	t->why = "it goes on";
	t->fd = fd;
	t->type = SSL3_RT_APPLICATION_DATA;
	t->ssl = SSL_new(theirs(x));
	if (t->ssl == NULL || !socket_join(t))
		die(111, "out of memory");
	return t;
}

struct tls *
tls_accept(struct tls_context *x, int fd)
{
	struct tls *t = session(x, fd);

	SSL_set_accept_state(t->ssl);
	return t;
}

static int
is_address(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET, host, &a) == 1 ||
	    inet_pton(AF_INET6, host, &a) == 1;
}

/* RFC 6125: the name we meant is the one that is proven.  An address is no
 * name for SNI (RFC 6066, 3). */
struct tls *
tls_connect(struct tls_context *x, int fd, const char *host)
{
	struct tls *t = session(x, fd);
	X509_VERIFY_PARAM *p = SSL_get0_param(t->ssl);
	int ok;

	X509_VERIFY_PARAM_set_hostflags(p,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(p, host);
	else
		ok = X509_VERIFY_PARAM_set1_host(p, host, 0) == 1 &&
		    SSL_set_tlsext_host_name(t->ssl, host) == 1;
	if (ok != 1)
		die(100, "%s: no name that TLS can verify", host);
	SSL_set_connect_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	seal_free(&t->seal);
	free(t);
}

/* ---- what went wrong ------------------------------------------------- */

static enum tls_failure
failure_of(int reason)
{
	switch (reason) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return TLS_LEFT;
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return TLS_HTTP;
	case SSL_R_WRONG_VERSION_NUMBER:
		return TLS_PLAIN;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_APPLICATION_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		return TLS_VERSION;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return TLS_CERTIFICATE;
	default:
		return reason >= SSL_AD_REASON_OFFSET ? TLS_ALERT : TLS_OTHER;
	}
}

static const char *
words(const struct tls *t, unsigned long e)
{
	static const char *const ours[] = {
		[TLS_LEFT] = "the connection ended in the handshake",
		[TLS_PLAIN] = "what came is no TLS",
		[TLS_HTTP] = "a plain HTTP request",
		[TLS_OTHER] = NULL
	};
	const char *theirs = ERR_reason_error_string(e);

	if (t->failure == TLS_CERTIFICATE)
		return X509_verify_cert_error_string(
		    SSL_get_verify_result(t->ssl));
	if (ours[t->failure] != NULL)
		return ours[t->failure];
	return theirs != NULL ? theirs : "it went wrong";
}

/* Sets errno: EAGAIN, or what broke it. */
static void
explain(struct tls *t, int r)
{
	int error = errno, what = SSL_get_error(t->ssl, r);
	unsigned long e = ERR_peek_error();

	if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return;
	}
	if (what == SSL_ERROR_SYSCALL) {
		t->failure = TLS_LEFT;
		t->why = error != 0 ? strerror(error) : words(t, 0);
		errno = error != 0 ? error : ECONNRESET;
		return;
	}
	t->failure = failure_of(ERR_GET_REASON(e));
	t->why = words(t, e);
	errno = EPROTO;
}

static void
begin(void)
{
	ERR_clear_error();
	errno = 0;
}

enum tls_failure
tls_failure(const struct tls *t)
{
	return t->failure;
}

const char *
tls_why(const struct tls *t)
{
	return t->why;
}

/* ---- at work --------------------------------------------------------- */

int
tls_handshake(struct tls *t)
{
	int r;

	begin();
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return 1;
	explain(t, r);
	return errno == EAGAIN ? 0 : -1;
}

int
tls_wants_write(const struct tls *t)
{
	return SSL_want_write(t->ssl);
}

ssize_t
tls_read(struct tls *t, void *to, size_t n)
{
	int r;

	begin();
	r = SSL_read(t->ssl, to, n < INT_MAX ? (int)n : INT_MAX);
	t->update = SSL_get_key_update_type(t->ssl) != SSL_KEY_UPDATE_NONE;
	if (r > 0)
		return r;
	if (SSL_get_error(t->ssl, r) == SSL_ERROR_ZERO_RETURN)
		return 0;
	explain(t, r);
	if (errno == EPROTO && t->failure == TLS_LEFT)
		return 0;
	return -1;
}

ssize_t
tls_write(struct tls *t, const void *from, size_t n)
{
	int r;

	if (t->seal.on && (!t->update || t->seal.owed[0] > 0))
		return seal_write(&t->seal, t->fd, SSL3_RT_APPLICATION_DATA,
		    from, n);
	begin();
	r = SSL_write(t->ssl, from, n < INT_MAX ? (int)n : INT_MAX);
	if (r > 0)
		return r;
	explain(t, r);
	return -1;
}

void
tls_look_ahead(const struct tls *t)
{
	__builtin_prefetch(t);
	__builtin_prefetch(&t->seal.rest);
}

int
tls_goodbye(struct tls *t)
{
	int r;

	begin();
	r = SSL_shutdown(t->ssl);
	if (r >= 0)
		return 1;
	explain(t, r);
	return -1;
}
