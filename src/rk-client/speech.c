/* SPDX-License-Identifier: ISC */
#include "ask.h"
#include "client.h"
#include "json.h"
#include "speech.h"
#include "voice.h"

const struct speech_ops *speech;

static struct buf text = { .max = SIZE_MAX / 2 };

void
speech_hand(struct far *f, struct ws_msg *m)
{
	ws_send(f->ws, m);
	ws_msg_drop(m);
}

void
speech_open(struct far *f)
{
	f->voice->open(f);
}

void
speech_heard(struct far *f, struct str bytes, int binary)
{
	f->voice->heard(f, bytes, binary);
}

void
speech_bye(struct far *f)
{
	if (f->voice->bye != NULL)
		f->voice->bye(f);
}

void
speech_over(struct far *f)
{
	ask_over(f);
	if (f->voice->over != NULL)
		f->voice->over(f);
	f->ending.why = f->ending.by = NULL;
	buf_free(&f->ending.refusal);
}

const char *
speech_send(struct far *f, const struct frame *frame, struct taken **taken)
{
	return f->voice->send(f, frame, taken);
}

const char *
speech_reply(struct far *f, const struct frame *frame, struct taken **taken)
{
	return f->voice->reply != NULL ? f->voice->reply(f, frame, taken) :
	    "no answers on this connection";
}

const char *
speech_member(struct far *f, const struct frame *frame)
{
	static struct buf name = { .max = NAME_MAX_BYTES }, quoted = {
	    .max = 6 * NAME_MAX_BYTES + 2 };
	int joins = frame->type == T_JOIN, r;
	struct str channel;

	if (f->voice->member == NULL)
		return "no channels on this connection";
	if (!frame_str(frame, K_CHANNEL, &name, &channel) || channel.n == 0)
		return "channel: missing, or no name";
	buf_clear(&quoted);
	json_quote(&quoted, channel);
	r = joins ? far_join(f, buf_str(&quoted)) :
	    far_leave(f, buf_str(&quoted));
	if (r == -1)
		return "too many channels";
	if (r == 1 && f->open)
		f->voice->member(f, buf_str(&quoted), joins);
	return NULL;
}

/* ---- raw ----------------------------------------------------------------- */

static const char *
raw_begin(struct far *f, const struct frame *dial, int version)
{
	(void)dial;
	(void)version;
	f->dialled = mem_str(f->url);
	return NULL;
}

static void
raw_open(struct far *f)
{
	speech->up(f, STR(""));
}

static void
raw_heard(struct far *f, struct str bytes, int binary)
{
	struct buf *b = speech->begin("message", f);

	if (binary)
		frame_add_binary(b, bytes, 0);
	else
		frame_add_text(b, bytes);
	speech->end(LINK_WORK);
}

static const char *
raw_send(struct far *f, const struct frame *frame, struct taken **taken)
{
	int binary;

	buf_clear(&text);
	if (frame_payload_bytes(frame, &text, &binary) != 1)
		return "the payload is missing or malformed";
	if (frame_has(frame, K_REF))
		ask_refuse(f, frame->v[K_REF],
		    "no answers on this connection");
	speech->put(f, ws_msg_new(binary || set.binary ? WS_BINARY : WS_TEXT,
	    buf_str(&text)), taken);
	return NULL;
}

const struct voice raw_voice = { .begin = raw_begin, .open = raw_open,
    .heard = raw_heard, .send = raw_send };
