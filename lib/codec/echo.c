/* SPDX-License-Identifier: ISC */
#include "echo.h"
#include "json.h"

static int
member(struct buf *b, const char *key, struct str value)
{
	if (value.n == 0)
		return 1;
	if (buf_addc(b, b->len == 0 ? '{' : ',') == -1 ||
	    buf_addf(b, "\"%s\":", key) == -1)
		return -1;
	return buf_adds(b, value);
}

static int
end(struct sio_packet *p, struct buf *b, struct str event)
{
	if (buf_addc(b, '}') == -1)
		return -1;
	*p = (struct sio_packet){ .type = SIO_EVENT, .id = -1,
	    .ns = { "/", 1 }, .event = event, .args = buf_str(b),
	    .nargs = 1 };
	return 1;
}

int
echo_membership(struct sio_packet *p, struct buf *b, enum echo_what what,
    struct str channel, struct str auth)
{
	static const struct str events[] = {
	    [ECHO_SUBSCRIBE] = { "\"subscribe\"", 11 },
	    [ECHO_UNSUBSCRIBE] = { "\"unsubscribe\"", 13 } };

	buf_clear(b);
	if (member(b, "channel", channel) == -1 ||
	    member(b, "auth", auth) == -1)
		return -1;
	return end(p, b, events[what]);
}

int
echo_whisper(struct sio_packet *p, struct buf *b, struct str channel,
    struct str event, struct str data)
{
	buf_clear(b);
	if (member(b, "channel", channel) == -1 ||
	    member(b, "event", event) == -1 || member(b, "data", data) == -1)
		return -1;
	return end(p, b, STR("\"client event\""));
}

int
echo_read(const struct sio_packet *p, struct str *channel, struct str *data)
{
	const char *why, *last = p->args.p + p->args.n, *at;

	if (p->type != SIO_EVENT || p->nargs < 1 || p->nargs > 2 ||
	    json_kind(p->args) != 's')
		return 0;
	at = json_end(p->args.p, last, &why, NULL);
	*channel = (struct str){ p->args.p, (size_t)(at - p->args.p) };
	*data = (struct str){ at, (size_t)(last - at) };
	if (p->nargs == 2) {
		*data = json_trim(*data);	/* a comma, then the value */
		*data = json_trim((struct str){ data->p + 1, data->n - 1 });
	}
	return 1;
}
