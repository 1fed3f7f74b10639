/* SPDX-License-Identifier: ISC */
/*
 * The voices on Socket.IO: events and acks as frames, and those of
 * laravel-echo-server, whose events name a channel.  The conversation below
 * them is in talk.c.
 */
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "codec/echo.h"
#include "codec/payload.h"
#include "json.h"
#include "speech.h"
#include "talk.h"
#include "voice.h"

static struct buf text = { .max = SIZE_MAX / 2 };

/* ---- in ----------------------------------------------------------------- */

static void
on_ack(struct far *f, const struct sio_packet *p, struct str list)
{
	struct buf *b = ask_begin(f, p->id);

	if (b == NULL)
		return;
	payload_of_socketio(b, p, list);
	speech->end(LINK_ANSWER);
}

static void
on_event(struct far *f, const struct sio_packet *p, struct str list)
{
	struct buf *b = speech->begin("message", f);
	struct str channel, data;

	if (f->voice == &echo_voice && echo_read(p, &channel, &data)) {
		frame_raw(b, "channel", channel);
		frame_json(b, "event", p->event);
		frame_json(b, "data", data.n > 0 ? data : STR("null"));
	} else {
		frame_json(b, "event", p->event);
		payload_of_socketio(b, p, list);
	}
	if (p->id != -1)
		frame_num(b, "ref", p->id);
	speech->end(LINK_WORK);
}

static void
on_said(struct talk *t, const struct sio_packet *p, struct str list)
{
	if (p->type == SIO_ACK)
		on_ack(t->data, p, list);
	else if (p->type == SIO_EVENT)
		on_event(t->data, p, list);
}

static void
heard(struct far *f, struct str bytes, int binary)
{
	talk_message(f->talk, bytes, binary);
}

/* ---- the conversation ---------------------------------------------------- */

static struct ws_msg *
membership(const struct far *f, enum echo_what what, struct str quoted)
{
	struct str auth = f->auth != NULL ? str_of(f->auth) : STR("");
	struct sio_packet p;

	echo_membership(&p, &text, what, quoted, auth);
	return talk_packet(f->talk, &p);
}

static void
on_joined(struct talk *t)
{
	struct far *f = t->data;
	size_t i;

	for (i = 0; i < f->nchannels; i++)
		speech_hand(f, membership(f, ECHO_SUBSCRIBE,
		    str_of(f->channels[i].name)));
	speech->up(f, STR(""));
}

static const struct talk_ops talk_ops = { on_joined, on_said };

static const char *
begin(struct far *f, const struct frame *dial, int version)
{
	char *ns = far_word(dial, K_NS, NAME_MAX_BYTES);

	if (frame_has(dial, K_NS) && (ns == NULL || ns[0] != '/' ||
	    strchr(ns, ',') != NULL)) {
		free(ns);
		return "ns: no namespace";
	}
	f->talk = mem_new(sizeof *f->talk);
	f->talk->ops = &talk_ops;
	f->talk->data = f;
	f->talk->version = version;
	f->talk->ns = ns;
	f->talk->auth = f->auth;
	f->talk->ending = &f->ending;
	f->dialled = talk_url(f->url, version);
	return NULL;
}

static void
end(struct far *f)
{
	if (f->talk != NULL)
		free(f->talk->ns);
	free(f->talk);
}

static void
opened(struct far *f)
{
	f->talk->timeout = set.timeout;
	f->talk->max = link_max();
	talk_start(f->talk, f->ws);
}

static void
bye(struct far *f)
{
	struct sio_packet p = { .type = SIO_DISCONNECT, .id = -1 };

	speech_hand(f, talk_packet(f->talk, &p));
}

static void
over(struct far *f)
{
	talk_stop(f->talk);
}

/* ---- out ---------------------------------------------------------------- */

/* The packet, then its attachments; the last one of them settles it. */
static void
put_packet(struct far *f, struct sio_packet *p, struct str list,
    struct taken **taken)
{
	struct json_walk w;
	struct json_member m;
	size_t left = p->attachments;

	speech->put(f, talk_packet(f->talk, p), left == 0 ? taken : NULL);
	if (left == 0 || !json_walk(&w, list))
		return;
	while (json_next(&w, &m) == 1)
		speech->put(f, talk_bytes(f->talk, payload_inside(m.value)),
		    --left == 0 ? taken : NULL);
}

static void
put_payload(struct far *f, struct sio_packet *p, const struct frame *frame,
    struct taken **taken)
{
	static struct buf one;
	struct str list;

	one.max = link_line_max() + 2;
	payload_as_socketio(p, &list, frame, &one);
	put_packet(f, p, list, taken);
}

static const char *
send_event(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p = { .type = SIO_EVENT, .id = -1,
	    .event = frame_has(frame, K_EVENT) ? frame->v[K_EVENT] :
	    STR("\"message\"") };
	const char *why = payload_wrong(frame, &text);

	if (why != NULL)
		return why;
	if (!frame_has(frame, K_REF) ||
	    (p.id = ask(f, frame->v[K_REF])) != -1)
		put_payload(f, &p, frame, taken);
	return NULL;
}

static const char *
reply(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p = { .type = SIO_ACK, .id = -1 };
	const char *why;

	if (!frame_int(frame, K_REF, &p.id) || p.id < 0)
		return "ref is not one of this connection";
	if (frame_has(frame, K_ERROR)) {
		buf_clear(&text);
		buf_adds(&text, STR("{\"error\":"));
		buf_adds(&text, frame->v[K_ERROR]);
		buf_addc(&text, '}');
		p.args = buf_str(&text);
		put_packet(f, &p, STR(""), taken);
		return NULL;
	}
	if ((why = payload_wrong(frame, &text)) == NULL)
		put_payload(f, &p, frame, taken);
	return why;
}

const struct voice socketio_voice = { .begin = begin, .end = end,
    .open = opened, .heard = heard, .bye = bye, .over = over,
    .send = send_event, .reply = reply };

/* ---- laravel-echo-server ------------------------------------------------- */

static void
member(struct far *f, struct str quoted, int joins)
{
	speech->put(f, membership(f, joins ? ECHO_SUBSCRIBE :
	    ECHO_UNSUBSCRIBE, quoted), NULL);
}

/* To a channel it is a whisper. */
static const char *
send_echo(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p;
	const char *why;
	int k;

	if (!frame_has(frame, K_CHANNEL))
		return send_event(f, frame, taken);
	if (json_kind(frame->v[K_CHANNEL]) != 's' ||
	    !frame_has(frame, K_EVENT) || json_kind(frame->v[K_EVENT]) != 's' ||
	    ((k = frame_payload(frame, &why)) != K_DATA && k != K_TEXT))
		return "a whisper has a channel, an event and data";
	echo_whisper(&p, &text, frame->v[K_CHANNEL], frame->v[K_EVENT],
	    frame->v[k]);
	speech->put(f, talk_packet(f->talk, &p), taken);
	return NULL;
}

const struct voice echo_voice = { .begin = begin, .end = end,
    .open = opened, .heard = heard, .bye = bye, .over = over,
    .send = send_echo, .reply = reply, .member = member };
