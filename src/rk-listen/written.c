/* SPDX-License-Identifier: ISC */
#include "codec/engineio.h"
#include "codec/payload.h"
#include "link/link.h"
#include "written.h"

static struct buf text, args, list_buf, bytes;

const char *
written_wrong(const struct frame *f)
{
	bytes.max = link_line_max();
	return payload_wrong(f, &bytes);
}

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
write(struct str way, struct sio_packet *p, struct str list)
{
	int version = way.p[0] - '0';
	struct json_walk w;
	struct json_member x;
	struct ws_msg *m;

	p->ns = (struct str){ way.p + 1, way.n - 1 };
	text.max = 2 * link_line_max();
	buf_clear(&text);
	eio_begin(&text, version, EIO_MESSAGE, 0);
	sio_write(&text, p);
	m = ws_msg_new(WS_TEXT, buf_str(&text));
	if (p->attachments > 0 && json_walk(&w, list))
		while (json_next(&w, &x) == 1)
			m = add_bytes(m, version, payload_inside(x.value));
	return m;
}

static struct ws_msg *
write_payload(struct str way, struct sio_packet *p, const struct frame *f)
{
	struct str list;

	list_buf.max = link_line_max() + 2;
	payload_as_socketio(p, &list, f, &list_buf);
	return write(way, p, list);
}

struct ws_msg *
written_event(struct str way, const struct frame *f, int64_t id)
{
	struct sio_packet p = { .type = SIO_EVENT, .id = id,
	    .event = frame_has(f, K_EVENT) ? f->v[K_EVENT] :
	    STR("\"message\"") };

	return write_payload(way, &p, f);
}

/* An error is {"error":"why"}: Socket.IO knows none. */
struct ws_msg *
written_ack(struct str way, const struct frame *f, const char **why)
{
	struct sio_packet p = { .type = SIO_ACK };

	if (!frame_int(f, K_REF, &p.id) || p.id < 0) {
		*why = "ref is not one of this client";
		return NULL;
	}
	if (!frame_has(f, K_ERROR))
		return write_payload(way, &p, f);
	args.max = link_line_max();
	buf_clear(&args);
	buf_adds(&args, STR("{\"error\":"));
	buf_adds(&args, f->v[K_ERROR]);
	buf_addc(&args, '}');
	p.args = buf_str(&args);
	return write(way, &p, STR(""));
}
