/* SPDX-License-Identifier: ISC */

/*
 * The socket as OpenSSL sees it, a BIO.  It differs from BIO_s_socket() in that
 * it claims to be one whose kernel does TLS, for what is written, and has
 * seal.c do it.  A broken pipe is no signal.
 */

#include <errno.h>
#include <sys/socket.h>

#include "../log.h"
#include "session.h"

/* "Internal" to OpenSSL since 3.0, but named in <openssl/bio.h>: what would not
 * be asked for in these numbers any more, we would not do. */
#define SET_KTLS	72	/* the key is here */
#define SET_KTLS_TYPE	74	/* of the next record, which is no data */

/* RFC 8446, 4 and 4.6.3. */
#define KEY_UPDATE	24

static int
hear(BIO *b, char *to, int size)
{
	const struct tls *t = BIO_get_data(b);
	ssize_t n = recv(t->fd, to, (size_t)size, 0);

	BIO_clear_retry_flags(b);
	if (n == -1 && errno == EAGAIN)
		BIO_set_retry_read(b);
	if (n == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)n;
}

/* A KeyUpdate is the last record under the key that we know. */
static ssize_t
say_sealed(struct tls *t, const char *p, size_t n)
{
	ssize_t r = seal_write(&t->seal, t->fd, t->type, p, n);

	if (r == -1)
		return -1;
	if (t->type == SSL3_RT_HANDSHAKE && p[0] == KEY_UPDATE)
		t->seal.on = 0;
	t->type = SSL3_RT_APPLICATION_DATA;
	return r;
}

static int
say(BIO *b, const char *from, int size)
{
	struct tls *t = BIO_get_data(b);
	size_t n = (size_t)size;
	ssize_t r = t->seal.on ? say_sealed(t, from, n) :
	    send(t->fd, from, n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (r == -1 && errno == EAGAIN)
		BIO_set_retry_write(b);
	return (int)r;
}

static long
control(BIO *b, int what, long n, void *p)
{
	struct tls *t = BIO_get_data(b);

	switch (what) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	case BIO_CTRL_GET_KTLS_SEND:
		return t->seal.on;
	case SET_KTLS:		/* n: for what is written */
		return n != 0 && seal_begin(&t->seal, p);
	case SET_KTLS_TYPE:
		t->type = (uint8_t)n;
		return 0;
	default:
		return 0;
	}
}

static BIO_METHOD *
method(void)
{
	static BIO_METHOD *m;

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "socket");
	if (m == NULL || !BIO_meth_set_read(m, hear) ||
	    !BIO_meth_set_write(m, say) || !BIO_meth_set_ctrl(m, control))
		die(111, "out of memory");
	return m;
}

int
socket_join(struct tls *t)
{
	BIO *b = BIO_new(method());

	if (b == NULL)
		return 0;
	BIO_set_data(b, t);
	SSL_set_bio(t->ssl, b, b);
	return 1;
}
