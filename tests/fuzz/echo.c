/* SPDX-License-Identifier: ISC */
/*
 * Any text as a packet of laravel-echo-server's: what is read of it is JSON,
 * and what is made of that reads the same.
 */
#include <stdlib.h>

#include "codec/echo.h"
#include "json.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf args = { .max = 1 << 20 }, text = { .max = 1 << 20 };

/* Written, and read again: its one argument is an object. */
static void
goes_round(struct sio_packet *p)
{
	struct sio_packet q;

	buf_clear(&text);
	MUST(sio_write(&text, p) == 1);
	MUST(sio_read(&q, 3, buf_str(&text)) == 1);
	MUST(q.type == SIO_EVENT && q.nargs == 1 &&
	    json_kind(q.args) == 'o' && str_eq(q.args, p->args) &&
	    str_eq(q.event, p->event));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str s = { (const char *)bytes, n }, channel, data;
	struct sio_packet p, q;
	const char *why;

	if (sio_read(&p, 3, s) != 1 || !echo_read(&p, &channel, &data))
		return 0;
	MUST(json_check(channel, &why) && json_kind(channel) == 's');
	MUST(data.n == 0 || json_check(data, &why));
	MUST(echo_membership(&q, &args, ECHO_SUBSCRIBE, channel, data) == 1);
	goes_round(&q);
	MUST(echo_whisper(&q, &args, channel, p.event, data) == 1);
	goes_round(&q);
	return 0;
}
