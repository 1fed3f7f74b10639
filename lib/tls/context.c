/* SPDX-License-Identifier: ISC */

/* What is read from files, and what all sessions have in common. */

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "../log.h"
#include "session.h"

/* TLS 1.2: forward secrecy and authenticated encryption only. */
#define CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20"

/* A context is OpenSSL's own. */
SSL_CTX *
theirs(struct tls_context *x)
{
	return (SSL_CTX *)(void *)x;
}

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
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_KTLS);
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
