/* SPDX-License-Identifier: ISC */
/*
 * Records of TLS 1.3 that we encrypt: one that is known, and what becomes of
 * those that the socket does not take.
 */
#include <errno.h>
#include <sys/socket.h>

#include <linux/tls.h>

#include "tls.h"
#include "tls/seal.h"
#include "unit.h"

#define DATA		23
#define ALERT		21
#define OVERHEAD	22	/* of a record */

/* RFC 8448, 3: the key and IV under which the server writes. */
static const struct tls12_crypto_info_aes_gcm_128 given = {
	.info = { 0x0304, TLS_CIPHER_AES_GCM_128 },
	.key = "\x9f\x02\x28\x3b\x6c\x9c\x07\xef\xc2\x6b\xb9\xf2\xac\x92\xe3"
	    "\x56",
	.salt = { 0xcf, 0x78, 0x2b, 0x88 },
	.iv = { 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 },
	.rec_seq = { 0, 0, 0, 0, 0, 0, 0, 1 }
};

static int ends[2];

static struct seal
begun(void)
{
	struct seal s = { 0 };

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
	    0);
	CHECK_INT(seal_begin(&s, &given), 1);
	return s;
}

static void
over(struct seal *s)
{
	seal_free(s);
	close(ends[0]);
	close(ends[1]);
}

TEST(known, "a record of RFC 8448")
{
	static const unsigned char want[] = "\x17\x03\x03\x00\x43\x2e\x93\x7e"
	    "\x11\xef\x4a\xc7\x40\xe5\x38\xad\x36\x00\x5f\xc4\xa4\x69\x32\xfc"
	    "\x32\x25\xd0\x5f\x82\xaa\x1b\x36\xe3\x0e\xfa\xf9\x7d\x90\xe6\xdf"
	    "\xfc\x60\x2d\xcb\x50\x1a\x59\xa8\xfc\xc4\x9c\x4b\xf2\xe5\xf0\xa2"
	    "\x1c\x00\x47\xc2\xab\xf3\x32\x54\x0d\xd0\x32\xe1\x67\xc2\x95\x5d";
	unsigned char data[50], got[100];
	struct seal s = begun();

	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)i;
	CHECK_INT(seal_write(&s, ends[0], DATA, data, sizeof data), 50);
	CHECK_INT(read(ends[1], got, sizeof got), sizeof want - 1);
	CHECK(memcmp(got, want, sizeof want - 1) == 0);
	CHECK_INT(s.number, 2);
	over(&s);
}

TEST(once, "a key is taken once, and of TLS 1.3 only")
{
	struct tls12_crypto_info_aes_gcm_128 old = given;
	struct seal s = begun(), t = { 0 };

	CHECK_INT(seal_begin(&s, &given), 0);
	old.info.version = 0x0303;
	CHECK_INT(seal_begin(&t, &old), 0);
	old.info.version = 0x0304;
	old.info.cipher_type = TLS_CIPHER_AES_CCM_128;
	CHECK_INT(seal_begin(&t, &old), 0);
	CHECK_INT(t.on, 0);
	over(&s);
}

/* Everything that is there is read: so many bytes. */
static size_t
drain(void)
{
	static char bytes[1 << 16];
	size_t all = 0;
	ssize_t n;

	while ((n = read(ends[1], bytes, sizeof bytes)) > 0)
		all += (size_t)n;
	return all;
}

TEST(full, "what is sealed is sealed once, whoever comes first again")
{
	static char data[2 * TLS_RECORD];
	struct seal s = begun();
	size_t sent = 0, got = 0;

	while (seal_write(&s, ends[0], DATA, data, sizeof data) == TLS_RECORD)
		sent++;
	CHECK_INT(errno, EAGAIN);
	CHECK_INT(s.number, 1 + sent + 1);
	CHECK_INT(seal_write(&s, ends[0], ALERT, data, 2), -1);
	CHECK_INT(errno, EAGAIN);
	CHECK_INT(s.number, 1 + sent + 1);
	got += drain();
	CHECK_INT(seal_write(&s, ends[0], ALERT, data, 2), 2);
	CHECK_INT(seal_write(&s, ends[0], DATA, data, sizeof data),
	    TLS_RECORD);
	CHECK_INT(s.number, 1 + sent + 2);
	got += drain();
	CHECK_INT(got, (sent + 1) * (TLS_RECORD + OVERHEAD) + 2 + OVERHEAD);
	over(&s);
}

TEST(gone, "nobody reads: an error, and no signal")
{
	struct seal s = begun();

	close(ends[1]);
	ends[1] = -1;
	CHECK_INT(seal_write(&s, ends[0], DATA, "x", 1), -1);
	CHECK_INT(errno, EPIPE);
	over(&s);
}
