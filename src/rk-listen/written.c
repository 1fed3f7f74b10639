/* SPDX-License-Identifier: ISC */
#include "codec/engineio.h"
#include "codec/socketio.h"
#include "link/link.h"
#include "written.h"

static struct buf text, args, bytes;

/* What is between the first byte and the last one. */
static struct str
inside(struct str s)
{
	return json_trim((struct str){ s.p + 1, s.n - 2 });
}

/* ---- checking -------------------------------------------------------- */

static const char *
attachments_wrong(const struct frame *f, int k)
{
	struct json_walk w;
	struct json_member m;
	size_t n = 0;

	if (!json_walk(&w, f->v[K_ATTACHMENTS]) || w.object ||
	    (k != K_DATA && k != K_ARGS))
		return "attachments is an array, beside data or args";
	while (json_next(&w, &m) == 1) {
		buf_clear(&bytes);
		if (json_kind(m.value) != 's' ||
		    base64_decode(&bytes, inside(m.value)) != 1)
			return "attachments are strings of base64";
		n++;
	}
	if (n > SIO_ATTACHMENTS || !sio_placeholders(f->v[k], n))
		return "attachments are up to 10, and each placeholder"
		    " stands for one";
	return NULL;
}

const char *
written_wrong(const struct frame *f)
{
	const char *why;
	int k = frame_payload(f, &why), binary;

	bytes.max = link_line_max();
	if (k == -1)
		return why;
	if (frame_has(f, K_EVENT) && json_kind(f->v[K_EVENT]) != 's')
		return "event is a string";
	if (k == K_ARGS && json_kind(f->v[k]) != 'a')
		return "args is an array";
	if (frame_has(f, K_ATTACHMENTS))
		return attachments_wrong(f, k);
	buf_clear(&bytes);
	if (k != K_DATA && frame_payload_bytes(f, &bytes, &binary) != 1)
		return "malformed text or base64";
	return NULL;
}

/* ---- writing --------------------------------------------------------- */

static struct ws_msg *
add_bytes(struct ws_msg *m, int version, struct str base64)
{
	bytes.max = link_line_max();
	buf_clear(&bytes);
	eio_begin(&bytes, version, EIO_MESSAGE, 1);
	base64_decode(&bytes, base64);
	return ws_msg_more(m, WS_BINARY, buf_str(&bytes));
}

static struct ws_msg *
add_attachments(struct ws_msg *m, int version, const struct frame *f)
{
	struct json_walk w;
	struct json_member x;

	if (frame_has(f, K_BASE64))
		return add_bytes(m, version, inside(f->v[K_BASE64]));
	if (!frame_has(f, K_ATTACHMENTS) ||
	    !json_walk(&w, f->v[K_ATTACHMENTS]))
		return m;
	while (json_next(&w, &x) == 1)
		m = add_bytes(m, version, inside(x.value));
	return m;
}

static size_t
count(struct str array)
{
	struct json_walk w;
	struct json_member m;
	size_t n = 0;

	if (json_walk(&w, array))
		while (json_next(&w, &m) == 1)
			n++;
	return n;
}

/* The arguments that a payload is. */
static struct str
arguments(const struct frame *f)
{
	const char *why;
	int k = frame_payload(f, &why);

	if (k == -1)
		return STR("");
	if (k == K_ARGS)
		return inside(f->v[k]);
	if (k == K_BASE64)
		return STR("{\"_placeholder\":true,\"num\":0}");
	return f->v[k];
}

static struct ws_msg *
write(struct str way, struct sio_packet *p, const struct frame *f)
{
	int version = way.p[0] - '0';
	struct ws_msg *m;

	p->ns = (struct str){ way.p + 1, way.n - 1 };
	p->attachments = frame_has(f, K_BASE64) ? 1 :
	    frame_has(f, K_ATTACHMENTS) ? count(f->v[K_ATTACHMENTS]) : 0;
	text.max = 2 * link_line_max();
	buf_clear(&text);
	eio_begin(&text, version, EIO_MESSAGE, 0);
	sio_write(&text, p);
	m = ws_msg_new(WS_TEXT, buf_str(&text));
	return add_attachments(m, version, f);
}

struct ws_msg *
written_event(struct str way, const struct frame *f, int64_t id)
{
	struct sio_packet p = { .type = SIO_EVENT, .id = id,
	    .event = frame_has(f, K_EVENT) ? f->v[K_EVENT] :
	    STR("\"message\""), .args = arguments(f) };

	return write(way, &p, f);
}

/* An error is {"error":"why"}: Socket.IO knows none. */
struct ws_msg *
written_ack(struct str way, const struct frame *f, const char **why)
{
	struct sio_packet p = { .type = SIO_ACK, .args = arguments(f) };

	if (!frame_int(f, K_REF, &p.id) || p.id < 0) {
		*why = "ref is not one of this client";
		return NULL;
	}
	if (frame_has(f, K_ERROR)) {
		args.max = link_line_max();
		buf_clear(&args);
		buf_adds(&args, STR("{\"error\":"));
		buf_adds(&args, f->v[K_ERROR]);
		buf_addc(&args, '}');
		p.args = buf_str(&args);
	}
	return write(way, &p, f);
}
