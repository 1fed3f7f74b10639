/* SPDX-License-Identifier: ISC */
#include "payload.h"

struct str
payload_inside(struct str s)
{
	return json_trim((struct str){ s.p + 1, s.n - 2 });
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

/* ---- checking -------------------------------------------------------- */

static const char *
attachments_wrong(const struct frame *f, int k, struct buf *bytes)
{
	struct json_walk w;
	struct json_member m;
	size_t n = 0;

	if (!json_walk(&w, f->v[K_ATTACHMENTS]) || w.object ||
	    (k != K_DATA && k != K_ARGS))
		return "attachments is an array, beside data or args";
	while (json_next(&w, &m) == 1) {
		buf_clear(bytes);
		if (json_kind(m.value) != 's' ||
		    base64_decode(bytes, payload_inside(m.value)) != 1)
			return "attachments are strings of base64";
		n++;
	}
	if (n > SIO_ATTACHMENTS || !sio_placeholders(f->v[k], n))
		return "attachments are up to 10, and each placeholder"
		    " stands for one";
	return NULL;
}

const char *
payload_wrong(const struct frame *f, struct buf *bytes)
{
	const char *why;
	int k = frame_payload(f, &why), binary;

	if (k == -1)
		return why;
	if (frame_has(f, K_EVENT) && json_kind(f->v[K_EVENT]) != 's')
		return "event is a string";
	if (k == K_ARGS && json_kind(f->v[k]) != 'a')
		return "args is an array";
	if (frame_has(f, K_ATTACHMENTS))
		return attachments_wrong(f, k, bytes);
	buf_clear(bytes);
	if (k != K_DATA && frame_payload_bytes(f, bytes, &binary) != 1)
		return "malformed text or base64";
	return NULL;
}

/* ---- Socket.IO ------------------------------------------------------- */

static struct str
arguments(const struct frame *f, int k)
{
	if (k == -1)
		return STR("");
	if (k == K_ARGS)
		return payload_inside(f->v[k]);
	if (k == K_BASE64)
		return STR("{\"_placeholder\":true,\"num\":0}");
	return f->v[k];
}

void
payload_as_socketio(struct sio_packet *p, struct str *list,
    const struct frame *f, struct buf *b)
{
	const char *why;

	p->args = arguments(f, frame_payload(f, &why));
	*list = f->v[K_ATTACHMENTS];
	if (frame_has(f, K_BASE64)) {
		buf_clear(b);
		buf_addc(b, '[');
		buf_adds(b, f->v[K_BASE64]);
		buf_addc(b, ']');
		*list = buf_str(b);
	}
	p->attachments = list->p != NULL ? count(*list) : 0;
}

void
payload_of_socketio(struct buf *b, const struct sio_packet *p,
    struct str list)
{
	if (p->attachments == 1 && p->nargs == 1 &&
	    sio_is_placeholder(p->args)) {
		frame_raw(b, "base64", payload_inside(list));
		return;
	}
	if (p->nargs == 1)
		frame_json(b, "data", p->args);
	else {
		frame_raw(b, "args", STR("["));
		frame_more(b, p->args);
		frame_more(b, STR("]"));
	}
	if (p->attachments > 0)
		frame_raw(b, "attachments", list);
}

/* ---- SocketCluster --------------------------------------------------- */

struct str
payload_as_socketcluster(const struct frame *f, struct buf *b)
{
	const char *why;
	int k = frame_payload(f, &why);
	struct json_walk w;
	struct json_member first, more;

	if (k == -1)
		return STR("");
	if (k == K_BASE64) {
		buf_clear(b);
		buf_adds(b, STR("{\"base64\":true,\"data\":"));
		buf_adds(b, f->v[k]);
		buf_addc(b, '}');
		return buf_str(b);
	}
	if (k != K_ARGS || !json_walk(&w, f->v[k]))
		return f->v[k];
	if (json_next(&w, &first) != 1)
		return STR("");
	return json_next(&w, &more) == 1 ? f->v[k] : first.value;
}

void
payload_of_socketcluster(struct buf *b, struct str data)
{
	if (data.n > 0)
		frame_json(b, "data", data);
	else
		frame_raw(b, "args", STR("[]"));
}
