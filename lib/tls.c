/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "buf.h"
#include "log.h"
#include "tls.h"

/* TLS 1.2: forward secrecy and authenticated encryption only. */
#define CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
	SSL *ssl;
	enum tls_failure failure;
	const char *why;
};

/* A context is OpenSSL's own. */
static SSL_CTX *
theirs(struct tls_context *x)
{
	return (SSL_CTX *)(void *)x;
}

/* ---- contexts -------------------------------------------------------- */

/* What went wrong with a file: the system's word, or ours. */
static const char *
complain(const char *file, const char *what)
{
	static char text[512];
	unsigned long e = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(e) ?
	    strerror(ERR_GET_REASON(e)) : what;

	snprintf(text, sizeof text, "%s: %s", file, reason);
	ERR_clear_error();
	return text;
}

/* A key under a password: nobody is asked for it. */
static int
no_password(char *to, int size, int writing, void *data)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static SSL_CTX *
context(const SSL_METHOD *method)
{
	SSL_CTX *x = SSL_CTX_new(method);

	if (x == NULL || !SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(x, CIPHERS))
		die(111, "OpenSSL does not start");
	SSL_CTX_set_options(x, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(x, no_password);
	return x;
}

/* Who we are: NULL, or what is wrong. */
static const char *
identify(SSL_CTX *x, const char *cert, const char *key)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(x, cert) != 1)
		return complain(cert, "holds no certificate in PEM");
	if (SSL_CTX_use_PrivateKey_file(x, key, SSL_FILETYPE_PEM) == 1)
		return NULL;
	return complain(key, ERR_GET_REASON(ERR_peek_error()) ==
	    X509_R_KEY_VALUES_MISMATCH ? "is not the key of the certificate" :
	    "holds no key in PEM that needs no password");
}

/* RFC 7301: who asks for other protocols only is told so. */
static int
choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size,
    const unsigned char *offered, unsigned n, void *data)
{
	static const unsigned char ours[] = "\10http/1.1";
	unsigned char *found;

	(void)ssl;
	(void)data;
	if (SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered,
	    n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

struct tls_context *
tls_server(const char *cert, const char *key, const char **why)
{
	SSL_CTX *x = context(TLS_server_method());

	SSL_CTX_set_alpn_select_cb(x, choose_protocol, NULL);
	SSL_CTX_set_num_tickets(x, 1);
	*why = identify(x, cert, key);
	if (*why == NULL)
		return (struct tls_context *)(void *)x;
	SSL_CTX_free(x);
	return NULL;
}

static const char *
trust(SSL_CTX *x, const char *ca)
{
	ERR_clear_error();
	if (ca == NULL)
		return SSL_CTX_set_default_verify_paths(x) == 1 ? NULL :
		    complain("OpenSSL", "nobody is trusted");
	return SSL_CTX_load_verify_file(x, ca) == 1 ? NULL :
	    complain(ca, "holds no certificate in PEM");
}

struct tls_context *
tls_client(const char *ca, const char *cert, const char *key, const char **why)
{
	SSL_CTX *x = context(TLS_client_method());

	SSL_CTX_set_verify(x, SSL_VERIFY_PEER, NULL);
	*why = trust(x, ca);
	if (*why == NULL && cert != NULL)
		*why = identify(x, cert, key);
	if (*why == NULL)
		return (struct tls_context *)(void *)x;
	SSL_CTX_free(x);
	return NULL;
}

void
tls_context_free(struct tls_context *x)
{
	SSL_CTX_free(theirs(x));
}

/* ---- sessions -------------------------------------------------------- */

static struct tls *
session(struct tls_context *x, int fd)
{
	struct tls *t = mem_new(sizeof *t);

	t->why = "it goes on";
	t->ssl = SSL_new(theirs(x));
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1)
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

	begin();
	r = SSL_write(t->ssl, from, n < INT_MAX ? (int)n : INT_MAX);
	if (r > 0)
		return r;
	explain(t, r);
	return -1;
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
