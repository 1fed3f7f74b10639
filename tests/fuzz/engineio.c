/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a message and as a polling body, in its three forms: what is
 * read, put together again, reads the same.
 */
#include <stdlib.h>

#include "codec/engineio.h"
#include "json.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf bytes = { .max = 1 << 20 }, more = { .max = 1 << 20 },
    message = { .max = 1 << 20 }, body = { .max = 4 << 20 };

static void
as_message(int version, struct str s, int binary)
{
	struct eio_packet p, q;

	if (eio_read(&p, version, s, binary, &bytes) == -1)
		return;
	MUST(p.type <= EIO_NOOP);
	buf_clear(&message);
	MUST(eio_begin(&message, version, p.type, p.binary) == 1);
	buf_adds(&message, p.data);
	MUST(eio_read(&q, version, buf_str(&message), p.binary, &more) == 1);
	MUST((p.type == q.type || version == 4) && p.binary == q.binary &&
	    str_eq(p.data, q.data));
}

static void
as_body(enum eio_form form, struct str s)
{
	int version = form == EIO_RECORDS ? 4 : 3, n = 0, m = 0, r;
	struct eio_body b = { form, s, 0 };
	struct eio_packet p;

	buf_clear(&body);
	while ((r = eio_next(&b, &p, &bytes)) == 1) {
		n++;
		buf_clear(&message);
		eio_begin(&message, version, p.type, p.binary);
		buf_adds(&message, p.data);
		MUST(eio_add(&body, form, buf_str(&message), p.binary) == 1);
	}
	if (n == 0) {
		MUST(r == -1);
		return;
	}
	b = (struct eio_body){ form, buf_str(&body), 0 };
	while ((r = eio_next(&b, &p, &bytes)) == 1)
		m++;
	MUST(r == 0 && m == n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	struct eio_open o;
	struct eio_query q;

	for (int version = 3; version <= 4; version++) {
		as_message(version, s, 1);
		if (utf8_check(s))
			as_message(version, s, 0);
	}
	as_body(EIO_BYTES, s);
	if (utf8_check(s)) {
		as_body(EIO_RECORDS, s);
		as_body(EIO_LENGTHS, s);
		eio_open_read(&o, s);
	}
	eio_query_read(&q, s);
	return 0;
}
