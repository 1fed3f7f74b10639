/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "engineio.h"
#include "frame.h"
#include "json.h"

#define RECORD		0x1e		/* engine.io-protocol 4 */
#define LENGTH_DIGITS	10

/* ---- WebSocket messages ---------------------------------------------- */

static int
is_type(char c)
{
	return c >= '0' && c <= '0' + EIO_NOOP;
}

static struct str
from(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* "bAQID", in version 3 "b4AQID". */
static int
read_base64(struct eio_packet *p, int version, struct str s, struct buf *bytes)
{
	size_t head = version == 3 ? 2 : 1;

	if (s.n < head || (version == 3 && !is_type(s.p[1])))
		return -1;
	buf_clear(bytes);
	if (base64_decode(bytes, from(s, head)) != 1)
		return -1;
	p->type = version == 3 ? (enum eio_type)(s.p[1] - '0') : EIO_MESSAGE;
	p->binary = 1;
	p->data = buf_str(bytes);
	return 1;
}

static int
read_bytes(struct eio_packet *p, int version, struct str s)
{
	p->type = EIO_MESSAGE;
	p->binary = 1;
	p->data = s;
	if (version == 4)
		return 1;
	if (s.n == 0 || (unsigned char)s.p[0] > EIO_NOOP)
		return -1;
	p->type = (enum eio_type)s.p[0];
	p->data = from(s, 1);
	return 1;
}

int
eio_read(struct eio_packet *p, int version, struct str s, int binary,
    struct buf *bytes)
{
	if (binary)
		return read_bytes(p, version, s);
	if (s.n > 0 && s.p[0] == 'b')
		return read_base64(p, version, s, bytes);
	if (s.n == 0 || !is_type(s.p[0]))
		return -1;
	p->type = (enum eio_type)(s.p[0] - '0');
	p->binary = 0;
	p->data = from(s, 1);
	return 1;
}

int
eio_begin(struct buf *b, int version, enum eio_type type, int binary)
{
	if (!binary)
		return buf_addc(b, (char)('0' + type));
	return version == 3 ? buf_addc(b, (char)type) : 1;
}

/* ---- polling bodies -------------------------------------------------- */

enum eio_form
eio_form(int version, int bytes)
{
	return version == 4 ? EIO_RECORDS : bytes ? EIO_BYTES : EIO_LENGTHS;
}

/* The bytes of that many UTF-16 units of UTF-8 text, or -1: there are not so
 * many, or the last one is half of a character. */
static ssize_t
units_to_bytes(struct str s, size_t units)
{
	size_t i = 0;

	while (units > 0 && i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		size_t wide = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (wide > s.n - i || (wide == 4 && units < 2))
			return -1;
		units -= wide == 4 ? 2 : 1;
		i += wide;
	}
	return units > 0 ? -1 : (ssize_t)i;
}

static size_t
bytes_to_units(struct str s)
{
	size_t units = 0;

	for (size_t i = 0; i < s.n; i++)
		units += ((unsigned char)s.p[i] & 0xc0) == 0x80 ? 0 :
		    (unsigned char)s.p[i] >= 0xf0 ? 2 : 1;
	return units;
}

static int
next_record(struct eio_body *b, struct str *message)
{
	const char *end = memchr(b->rest.p, RECORD, b->rest.n);

	message->p = b->rest.p;
	message->n = end == NULL ? b->rest.n : (size_t)(end - b->rest.p);
	b->rest = from(b->rest, message->n);
	if (end == NULL)
		return 1;
	b->rest = from(b->rest, 1);
	return b->rest.n > 0 ? 1 : -1;	/* something is to follow */
}

static int
next_length(struct eio_body *b, struct str *message)
{
	size_t n = 0, i = 0;
	ssize_t bytes;

	for (; i < b->rest.n && i < LENGTH_DIGITS && b->rest.p[i] >= '0' &&
	    b->rest.p[i] <= '9'; i++)
		n = n * 10 + (size_t)(b->rest.p[i] - '0');
	if (i == 0 || i == b->rest.n || b->rest.p[i] != ':')
		return -1;
	b->rest = from(b->rest, i + 1);
	if ((bytes = units_to_bytes(b->rest, n)) < 1)
		return -1;
	*message = (struct str){ b->rest.p, (size_t)bytes };
	b->rest = from(b->rest, (size_t)bytes);
	return 1;
}

/* A byte 0 (text) or 1, digits as bytes 0 to 9, 0xff, the message. */
static int
next_bytes(struct eio_body *b, struct str *message, int *binary)
{
	size_t n = 0, i = 1;

	if ((unsigned char)b->rest.p[0] > 1)
		return -1;
	*binary = b->rest.p[0];
	for (; i < b->rest.n && i <= LENGTH_DIGITS &&
	    (unsigned char)b->rest.p[i] <= 9; i++)
		n = n * 10 + (size_t)b->rest.p[i];
	if (i == 1 || i == b->rest.n || (unsigned char)b->rest.p[i] != 0xff)
		return -1;
	b->rest = from(b->rest, i + 1);
	if (n == 0 || n > b->rest.n)
		return -1;
	*message = (struct str){ b->rest.p, n };
	b->rest = from(b->rest, n);
	return *binary || utf8_check(*message) ? 1 : -1;
}

int
eio_next(struct eio_body *b, struct eio_packet *p, struct buf *bytes)
{
	struct str message = { NULL, 0 };
	int binary = 0, r;

	if (b->rest.n == 0)
		return b->begun ? 0 : -1;
	b->begun = 1;
	r = b->form == EIO_RECORDS ? next_record(b, &message) :
	    b->form == EIO_LENGTHS ? next_length(b, &message) :
	    next_bytes(b, &message, &binary);
	if (r == -1)
		return -1;
	return eio_read(p, b->form == EIO_RECORDS ? 4 : 3, message, binary,
	    bytes);
}

static int
add_bytes(struct buf *b, struct str message, int binary)
{
	char digits[24];
	int r = buf_addc(b, (char)binary);

	snprintf(digits, sizeof digits, "%zu", message.n);
	for (const char *d = digits; r == 1 && *d != '\0'; d++)
		r = buf_addc(b, (char)(*d - '0'));
	if (r == 1)
		r = buf_addc(b, (char)0xff);
	return r == 1 ? buf_adds(b, message) : -1;
}

/* The length of "b4" and so many bytes in base64. */
static int64_t
length_in_base64(size_t n)
{
	return 2 + (int64_t)((n + 2) / 3 * 4);
}

static int
add_length(struct buf *b, struct str message, int binary)
{
	struct str data = binary ? from(message, 1) : message;

	if (buf_addn(b, binary ? length_in_base64(data.n) :
	    (int64_t)bytes_to_units(message)) == -1 || buf_addc(b, ':') == -1)
		return -1;
	if (!binary)
		return buf_adds(b, message);
	if (buf_addc(b, 'b') == -1 ||
	    buf_addc(b, (char)('0' + message.p[0])) == -1)
		return -1;
	return base64_encode(b, data);
}

int
eio_add(struct buf *b, enum eio_form form, struct str message, int binary)
{
	if (form == EIO_BYTES)
		return add_bytes(b, message, binary);
	if (form == EIO_LENGTHS)
		return add_length(b, message, binary);
	if (buf_size(b) > 0 && buf_addc(b, RECORD) == -1)
		return -1;
	if (!binary)
		return buf_adds(b, message);
	return buf_addc(b, 'b') == 1 ? base64_encode(b, message) : -1;
}

/* ---- the handshake --------------------------------------------------- */

int
eio_open_write(struct buf *b, const struct eio_open *o)
{
	buf_adds(b, STR("{\"sid\":\""));
	buf_adds(b, o->sid);
	buf_adds(b, o->upgrade ? STR("\",\"upgrades\":[\"websocket\"]") :
	    STR("\",\"upgrades\":[]"));
	buf_adds(b, STR(",\"pingInterval\":"));
	buf_addn(b, o->interval);
	buf_adds(b, STR(",\"pingTimeout\":"));
	buf_addn(b, o->timeout);
	if (o->max > 0) {
		buf_adds(b, STR(",\"maxPayload\":"));
		buf_addn(b, o->max);
	}
	return buf_addc(b, '}');
}

static int
has_websocket(struct str list)
{
	struct json_walk w;
	struct json_member m;

	if (!json_walk(&w, list))
		return 0;
	while (json_next(&w, &m) == 1)
		if (str_eq(m.value, STR("\"websocket\"")))
			return 1;
	return 0;
}

int
eio_open_read(struct eio_open *o, struct str json)
{
	struct json_walk w;
	struct json_member m;
	int r, sound = 1;

	*o = (struct eio_open){ .interval = 25000, .timeout = 20000 };
	if (!json_walk(&w, json) || !w.object)
		return -1;
	while ((r = json_next(&w, &m)) == 1) {
		if (str_eq(m.key, STR("sid")) && json_kind(m.value) == 's')
			o->sid = (struct str){ m.value.p + 1, m.value.n - 2 };
		else if (str_eq(m.key, STR("upgrades")))
			o->upgrade = has_websocket(m.value);
		else if (str_eq(m.key, STR("pingInterval")))
			sound &= json_int(m.value, &o->interval);
		else if (str_eq(m.key, STR("pingTimeout")))
			sound &= json_int(m.value, &o->timeout);
		else if (str_eq(m.key, STR("maxPayload")))
			sound &= json_int(m.value, &o->max);
	}
	return r == 0 && sound && o->sid.n > 0 ? 1 : -1;
}

/* ---- requests -------------------------------------------------------- */

const char *
eio_reason(enum eio_error e)
{
	static const char *const reasons[] = { "Transport unknown",
	    "Session ID unknown", "Bad handshake method", "Bad request",
	    "Forbidden", "Unsupported protocol version", "" };

	return reasons[e];
}

int
eio_error_write(struct buf *b, enum eio_error e)
{
	return buf_addf(b, "{\"code\":%d,\"message\":\"%s\"}", (int)e,
	    eio_reason(e));
}

static struct str
word(struct str *rest, char end)
{
	const char *p = rest->n > 0 ? memchr(rest->p, end, rest->n) : NULL;
	struct str s = { rest->p, p == NULL ? rest->n :
	    (size_t)(p - rest->p) };

	*rest = from(*rest, s.n + (p != NULL));
	return s;
}

/* The values that mean something need no unescaping. */
enum eio_error
eio_query_read(struct eio_query *q, struct str query)
{
	struct str transport = { NULL, 0 }, value, key;
	int jsonp = 0;

	*q = (struct eio_query){ 0 };
	while (query.n > 0) {
		value = word(&query, '&');
		key = word(&value, '=');
		if (str_eq(key, STR("EIO")))
			q->version = str_eq(value, STR("4")) ? 4 :
			    str_eq(value, STR("3")) ? 3 : 0;
		else if (str_eq(key, STR("transport")))
			transport = value;
		else if (str_eq(key, STR("sid")) && value.n > 0)
			q->sid = value;
		else if (str_eq(key, STR("b64")))
			q->base64 = value.n > 0;
		else if (str_eq(key, STR("j")))
			jsonp = 1;
	}
	q->websocket = str_eq(transport, STR("websocket"));
	if (!q->websocket && !str_eq(transport, STR("polling")))
		return EIO_UNKNOWN_TRANSPORT;
	return jsonp ? EIO_BAD_REQUEST : EIO_FINE;
}
