/* SPDX-License-Identifier: ISC */
/*
 * Any text as a message: what is read of each packet, written again, reads
 * the same, by client and server of both protocols.
 */
#include <stdlib.h>

#include "codec/socketcluster.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf written = { .max = 1 << 20 };

static void
must_be(struct str value, char kind)
{
	const char *why;

	MUST(value.n == 0 || (json_check(value, &why) &&
	    (kind == 0 || json_kind(value) == kind)));
}

static void
as_packet(const struct sc_packet *p, int protocol, int server)
{
	struct sc_message m;
	struct sc_packet q;
	struct sc_status status;

	if (sc_read_status(&status, p->data) == 1)
		must_be(status.error, 0);
	must_be(p->id, '0');
	must_be(p->event, 's');
	must_be(p->channel, 's');
	must_be(p->reason, 's');
	must_be(p->data, 0);
	must_be(p->payload, 0);
	must_be(p->token, 0);
	if (p->type == SC_RAW)
		return;
	buf_clear(&written);
	MUST(sc_write(&written, protocol, server, p) == 1);
	MUST(sc_begin(&m, protocol, buf_str(&written)));
	MUST(sc_next(&m, &q) == 1);
	MUST(p->type == q.type && p->waits == q.waits && p->code == q.code);
	MUST(str_eq(p->id, q.id) && str_eq(p->data, q.data) &&
	    str_eq(p->error, q.error) && str_eq(p->channel, q.channel) &&
	    str_eq(p->payload, q.payload) && str_eq(p->token, q.token));
	MUST(sc_next(&m, &q) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str s = { (const char *)bytes, n };
	struct sc_message m;
	struct sc_packet p;

	for (int protocol = 1; protocol <= 2; protocol++)
		if (sc_begin(&m, protocol, s))
			while (sc_next(&m, &p) == 1)
				as_packet(&p, protocol, n & 1);
	return 0;
}
