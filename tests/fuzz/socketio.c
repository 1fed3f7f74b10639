/* SPDX-License-Identifier: ISC */
/*
 * Any text as a packet: what is read, written again, reads the same.  Any
 * bytes as a packet's text and its attachments.
 */
#include <stdlib.h>

#include "codec/socketio.h"
#include "json.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf written = { .max = 1 << 20 };

static void
as_packet(int version, struct str s)
{
	struct sio_packet p, q;
	struct str array;
	const char *why;

	if (sio_read(&p, version, s) != 1)
		return;
	MUST(p.attachments <= SIO_ATTACHMENTS && p.type <= SIO_ERROR);
	MUST(p.data.n == 0 || json_check(p.data, &why));
	if (p.type == SIO_EVENT || p.type == SIO_ACK)
		p.data.n = 0;
	if (p.query.n > 0 || json_kind(p.data) == '0')
		return;		/* not written; read as an id */
	buf_clear(&written);
	MUST(sio_write(&written, &p) == 1);
	MUST(sio_read(&q, version, buf_str(&written)) == 1);
	MUST(p.type == q.type && p.id == q.id && str_eq(p.ns, q.ns) &&
	    p.attachments == q.attachments && str_eq(p.event, q.event) &&
	    p.nargs == q.nargs);
	array = q.data;
	MUST(array.n == 0 || json_check(array, &why));
}

/* Lines: the first is the packet, the others follow it. */
static void
as_assembly(struct str s)
{
	struct sio_assembly a;
	const char *end = s.p + s.n, *nl, *why;
	int r = 0;

	nl = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;
	if (nl == NULL)
		return;
	if (sio_begin(&a, (struct str){ s.p, (size_t)(nl - s.p) },
	    1 + s.n % 4, 256) == 1) {
		while (r == 0 && nl != NULL && nl + 1 < end) {
			s.p = nl + 1;
			nl = memchr(s.p, '\n', (size_t)(end - s.p));
			s.n = (size_t)((nl == NULL ? end : nl) - s.p);
			r = sio_attach(&a, s);
		}
		MUST(buf_size(&a.list) <= 256);
		MUST(r != 1 || json_check(buf_str(&a.list), &why));
	}
	sio_assembly_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	const char *why;

	if (utf8_check(s)) {
		as_packet(3, s);
		as_packet(4, s);
	}
	as_assembly(s);
	if (json_check(s, &why)) {
		sio_placeholders(json_trim(s), 3);
		sio_is_placeholder(s);
	}
	return 0;
}
