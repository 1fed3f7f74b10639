/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/tls.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl3.h>

#include "../buf.h"
#include "../log.h"
#include "../tls.h"
#include "seal.h"

#define HEADER		5	/* of a record; RFC 8446, 5.2 */
#define TAG		16

/* Where a struct of the kernel's holds what; the nonce is in two parts. */
static const struct cipher {
	const char *name;
	uint16_t type;
	uint8_t key, key_size, salt, salt_size, iv, iv_size, number;
} ciphers[] = {
#define CIPHER(name, what, type) { name, TLS_CIPHER_##type, \
	offsetof(struct what, key), TLS_CIPHER_##type##_KEY_SIZE, \
	offsetof(struct what, salt), TLS_CIPHER_##type##_SALT_SIZE, \
	offsetof(struct what, iv), TLS_CIPHER_##type##_IV_SIZE, \
	offsetof(struct what, rec_seq) }
	CIPHER("AES-128-GCM", tls12_crypto_info_aes_gcm_128, AES_GCM_128),
	CIPHER("AES-256-GCM", tls12_crypto_info_aes_gcm_256, AES_GCM_256),
	CIPHER("ChaCha20-Poly1305", tls12_crypto_info_chacha20_poly1305,
	    CHACHA20_POLY1305)
#undef CIPHER
};

#define CIPHERS		(sizeof ciphers / sizeof *ciphers)

struct rest {
	size_t pos, n;
	unsigned char bytes[];
};

static EVP_CIPHER_CTX *contexts[CIPHERS];
static unsigned char record[HEADER + TLS_RECORD + 1 + TAG];

/* ---- keys ------------------------------------------------------------ */

static int
has_context(size_t i)
{
	EVP_CIPHER *c;

	if (contexts[i] != NULL)
		return 1;
	c = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
	contexts[i] = EVP_CIPHER_CTX_new();
	if (EVP_EncryptInit_ex(contexts[i], c, NULL, NULL, NULL) != 1) {
		EVP_CIPHER_CTX_free(contexts[i]);
		contexts[i] = NULL;
	}
	EVP_CIPHER_free(c);
	return contexts[i] != NULL;
}

static uint64_t
big_endian(const unsigned char *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

int
seal_begin(struct seal *s, const void *from)
{
	const struct tls_crypto_info *info = from;
	const unsigned char *p = from;
	const struct cipher *c;
	size_t i;

	for (i = 0; i < CIPHERS; i++)
		if (info->cipher_type == ciphers[i].type)
			break;
	if (info->version != TLS_1_3_VERSION || s->number > 0 ||
	    i == CIPHERS || !has_context(i))
		return 0;
	c = &ciphers[i];
	memcpy(s->key, p + c->key, c->key_size);
	memcpy(s->nonce, p + c->salt, c->salt_size);
	memcpy(s->nonce + c->salt_size, p + c->iv, c->iv_size);
	s->number = big_endian(p + c->number);
	s->cipher = (uint8_t)i;
	s->on = 1;
	return 1;
}

void
seal_free(struct seal *s)
{
	free(s->rest);
	OPENSSL_cleanse(s, sizeof *s);
}

/* ---- records --------------------------------------------------------- */

/* RFC 8446, 5.3. */
static void
next_nonce(struct seal *s, unsigned char nonce[SEAL_NONCE])
{
	uint64_t n = s->number++;

	memcpy(nonce, s->nonce, SEAL_NONCE);
	for (int i = SEAL_NONCE - 1; n > 0; i--, n >>= 8)
		nonce[i] ^= (unsigned char)n;
}

/* The record's size. */
static size_t
encrypt(struct seal *s, int type, const void *from, size_t n)
{
	EVP_CIPHER_CTX *x = contexts[s->cipher];
	unsigned char nonce[SEAL_NONCE], *p = record + HEADER;
	size_t size = n + 1 + TAG;
	int len;

	memcpy(record, (unsigned char []){ SSL3_RT_APPLICATION_DATA, 3, 3,
	    (unsigned char)(size >> 8), (unsigned char)size }, HEADER);
	memcpy(p, from, n);
	p[n] = (unsigned char)type;
	next_nonce(s, nonce);
	if (EVP_EncryptInit_ex(x, NULL, NULL, s->key, nonce) != 1 ||
	    EVP_EncryptUpdate(x, NULL, &len, record, HEADER) != 1 ||
	    EVP_EncryptUpdate(x, p, &len, p, (int)n + 1) != 1 ||
	    EVP_EncryptFinal_ex(x, p + n + 1, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, TAG, p + n + 1) != 1)
		die(111, "OpenSSL does not encrypt");
	return HEADER + size;
}

static void
keep(struct seal *s, const unsigned char *p, size_t n)
{
	s->rest = mem_grow(NULL, sizeof *s->rest + n);
	s->rest->pos = 0;
	s->rest->n = n;
	memcpy(s->rest->bytes, p, n);
}

/* 1, or -1 with errno. */
static int
send_rest(struct seal *s, int fd)
{
	struct rest *r = s->rest;
	ssize_t n;

	for (; r->pos < r->n; r->pos += (size_t)n) {
		n = send(fd, r->bytes + r->pos, r->n - r->pos, MSG_NOSIGNAL);
		if (n == -1)
			return -1;
	}
	free(r);
	s->rest = NULL;
	return 1;
}

/* Sealed once, whatever the socket takes of it: 1; or -1 with errno, which is
 * EAGAIN when the rest will follow. */
static int
send_record(struct seal *s, int fd, size_t size)
{
	ssize_t n = send(fd, record, size, MSG_NOSIGNAL);

	if (n == (ssize_t)size)
		return 1;
	if (n == -1 && errno != EAGAIN)
		return -1;
	n = n > 0 ? n : 0;
	keep(s, record + n, size - (size_t)n);
	errno = EAGAIN;
	return -1;
}

ssize_t
seal_write(struct seal *s, int fd, int type, const void *p, size_t n)
{
	uint16_t *owed = &s->owed[type != SSL3_RT_APPLICATION_DATA];

	if (s->rest != NULL && send_rest(s, fd) == -1)
		return -1;
	if (*owed > 0) {
		n = *owed;
		*owed = 0;
		return (ssize_t)n;
	}
	n = n < TLS_RECORD ? n : TLS_RECORD;
	if (send_record(s, fd, encrypt(s, type, p, n)) == 1)
		return (ssize_t)n;
	if (errno == EAGAIN)
		*owed = (uint16_t)n;
	return -1;
}
