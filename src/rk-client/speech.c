/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "client.h"
#include "codec/echo.h"
#include "json.h"
#include "loop.h"
#include "speech.h"
#include "station.h"

#define ANSWER_MS	10000		/* for an ack, without --timeout */

struct speech_counts speech_counts;

const struct figure speech_figures[] = {
	{ "asks_open", &speech_counts.asks, "sends that wait for an answer" },
	{ "asks_late_total", &speech_counts.late,
	    "sends that were not answered in time" },
	{ NULL, NULL, NULL }
};

static struct buf text = { .max = SIZE_MAX / 2 };
static struct buf name = { .max = 255 };

static struct str
inside(struct str s)
{
	return json_trim((struct str){ s.p + 1, s.n - 2 });
}

/* ---- sends that wait for an answer ------------------------------------- */

struct ask {
	struct ask *next;		/* the oldest comes first */
	struct far *far;
	int64_t id;
	ev_timer limit;
	size_t n;
	char ref[];
};

static void
answer_begin(struct far *f, struct str ref)
{
	station_begin("answer", f);
	frame_raw(&station_out, "ref", ref);
}

static void
answer_error(struct far *f, struct str ref, const char *why)
{
	answer_begin(f, ref);
	frame_text(&station_out, "error", str_of(why));
	station_emit(LINK_ANSWER);
}

static void
forget(struct ask *a)
{
	struct ask **at = &a->far->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	ev_timer_stop(loop, &a->limit);
	speech_counts.asks--;
	free(a);
}

static void
fail(struct ask *a, const char *why)
{
	answer_error(a->far, (struct str){ a->ref, a->n }, why);
	forget(a);
}

static void
too_late(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)events;
	speech_counts.late++;
	fail(t->data, "no answer in time");
}

/* The number of a new one; -1: there are too many. */
static int64_t
ask(struct far *f, struct str ref)
{
	int64_t ms = set.timeout > 0 ? set.timeout : ANSWER_MS;
	struct ask **at = &f->asks, *a;
	int n = 0;

	for (; *at != NULL; at = &(*at)->next)
		n++;
	if (n == ASKS_MAX)
		return -1;
	a = mem_grow(NULL, sizeof *a + ref.n);
	*a = (struct ask){ .far = f, .id = f->asked++, .n = ref.n };
	memcpy(a->ref, ref.p, ref.n);
	*at = a;
	ev_timer_init(&a->limit, too_late, (double)ms / 1000, 0);
	a->limit.data = a;
	ev_timer_start(loop, &a->limit);
	speech_counts.asks++;
	return a->id;
}

void
speech_over(struct far *f)
{
	while (f->asks != NULL)
		fail(f->asks, "the connection is over");
	if (f->talk != NULL)
		talk_stop(f->talk);
}

void
speech_bye(struct far *f)
{
	struct sio_packet p = { .type = SIO_DISCONNECT, .id = -1 };
	struct ws_msg *m;

	if (f->talk == NULL)
		return;
	m = talk_packet(f->talk, &p);
	ws_send(f->ws, m);
	ws_msg_drop(m);
}

/* ---- in ----------------------------------------------------------------- */

static void
put_payload(const struct sio_packet *p, struct str list)
{
	if (p->attachments == 1 && p->nargs == 1 &&
	    sio_is_placeholder(p->args)) {
		frame_raw(&station_out, "base64", inside(list));
		return;
	}
	if (p->nargs == 1) {
		frame_json(&station_out, "data", p->args);
	} else {
		frame_raw(&station_out, "args", STR("["));
		frame_more(&station_out, p->args);
		frame_more(&station_out, STR("]"));
	}
	if (p->attachments > 0)
		frame_raw(&station_out, "attachments", list);
}

static void
on_ack(struct far *f, const struct sio_packet *p, struct str list)
{
	struct ask *a = f->asks;

	while (a != NULL && a->id != p->id)
		a = a->next;
	if (a == NULL)
		return;
	answer_begin(f, (struct str){ a->ref, a->n });
	put_payload(p, list);
	station_emit(LINK_ANSWER);
	forget(a);
}

static void
on_event(struct far *f, const struct sio_packet *p, struct str list)
{
	struct str channel, data;

	station_begin("message", f);
	if (f->echo && echo_read(p, &channel, &data)) {
		frame_raw(&station_out, "channel", channel);
		frame_json(&station_out, "event", p->event);
		frame_json(&station_out, "data",
		    data.n > 0 ? data : STR("null"));
	} else {
		frame_json(&station_out, "event", p->event);
		put_payload(p, list);
	}
	if (p->id != -1)
		frame_num(&station_out, "ref", p->id);
	station_emit(LINK_WORK);
}

static void
on_said(struct talk *t, const struct sio_packet *p, struct str list)
{
	if (p->type == SIO_ACK)
		on_ack(t->data, p, list);
	else if (p->type == SIO_EVENT)
		on_event(t->data, p, list);
}

void
speech_heard(struct far *f, struct str bytes, int binary)
{
	if (f->talk != NULL) {
		talk_message(f->talk, bytes, binary);
		return;
	}
	station_begin("message", f);
	if (binary)
		frame_add_binary(&station_out, bytes, 0);
	else
		frame_add_text(&station_out, bytes);
	station_emit(LINK_WORK);
}

/* ---- subscriptions ------------------------------------------------------ */

static void
put_membership(struct far *f, enum echo_what what, const char *quoted)
{
	struct str auth = f->auth != NULL ? str_of(f->auth) : STR("");
	struct sio_packet p;

	echo_membership(&p, &text, what, str_of(quoted), auth);
	station_put(f, talk_packet(f->talk, &p), NULL);
}

static void
on_joined(struct talk *t)
{
	struct far *f = t->data;
	size_t i;

	station_up(f);
	for (i = 0; i < f->nchannels; i++)
		put_membership(f, ECHO_SUBSCRIBE, f->channels[i]);
	station_deliver(f);
}

static const struct talk_ops talk_ops = { on_joined, on_said };

void
speech_open(struct far *f)
{
	if (f->talk == NULL) {
		station_up(f);
		station_deliver(f);
		return;
	}
	f->talk->ops = &talk_ops;
	f->talk->timeout = set.timeout;
	f->talk->max = link_max();
	talk_start(f->talk, f->ws);
}

const char *
speech_member(struct far *f, const struct frame *frame)
{
	static struct buf quoted = { .max = 4096 };
	enum echo_what what = frame->type == T_JOIN ? ECHO_SUBSCRIBE :
	    ECHO_UNSUBSCRIBE;
	struct str channel;
	int r;

	if (!f->echo)
		return "no channels on this connection";
	if (!frame_str(frame, K_CHANNEL, &name, &channel) || channel.n == 0)
		return "channel: missing, or no name";
	buf_clear(&quoted);
	json_quote(&quoted, channel);
	r = what == ECHO_SUBSCRIBE ? far_join(f, buf_str(&quoted)) :
	    far_leave(f, buf_str(&quoted));
	if (r == -1)
		return "too many channels";
	if (r == 1 && f->open) {
		buf_addc(&quoted, '\0');
		put_membership(f, what, quoted.data);
	}
	return NULL;
}

/* ---- out ---------------------------------------------------------------- */

static const char *
send_raw(struct far *f, const struct frame *frame, struct taken **taken)
{
	int binary;

	buf_clear(&text);
	if (frame_payload_bytes(frame, &text, &binary) != 1)
		return "the payload is missing or malformed";
	if (frame_has(frame, K_REF))
		answer_error(f, frame->v[K_REF],
		    "no answers on this connection");
	station_put(f, ws_msg_new(binary || set.binary ? WS_BINARY : WS_TEXT,
	    buf_str(&text)), taken);
	return NULL;
}

static const char *
whisper(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p;

	if (json_kind(frame->v[K_CHANNEL]) != 's' ||
	    !frame_has(frame, K_EVENT) || !frame_has(frame, K_DATA))
		return "a whisper has a channel, an event and data";
	echo_whisper(&p, &text, frame->v[K_CHANNEL], frame->v[K_EVENT],
	    frame->v[K_DATA]);
	station_put(f, talk_packet(f->talk, &p), taken);
	return NULL;
}

/* How many strings of base64 there are; -1: it is no array of such. */
static int
attachments(struct str list)
{
	static struct buf bytes;
	struct json_walk w;
	struct json_member m;
	int n = 0;

	bytes.max = link_line_max();
	if (!json_walk(&w, list) || w.object)
		return -1;
	for (; json_next(&w, &m) == 1; n++) {
		buf_clear(&bytes);
		if (json_kind(m.value) != 's' || n == SIO_ATTACHMENTS ||
		    base64_decode(&bytes, inside(m.value)) != 1)
			return -1;
	}
	return n;
}

/* The payload as arguments; list: the attachments, as a JSON array. */
static const char *
arguments(struct sio_packet *p, const struct frame *f, struct str *list)
{
	static struct buf one;
	const char *why;
	int k = frame_payload(f, &why), n = 0;

	*list = f->v[K_ATTACHMENTS];
	if (k == -1)
		return why;
	p->args = f->v[k];
	if (k == K_ARGS) {
		if (json_kind(f->v[k]) != 'a')
			return "args is an array";
		p->args = inside(f->v[k]);
	} else if (k == K_BASE64) {
		one.max = link_line_max() + 2;
		buf_clear(&one);
		buf_addc(&one, '[');
		buf_adds(&one, f->v[k]);
		buf_addc(&one, ']');
		*list = buf_str(&one);
		p->args = STR("{\"_placeholder\":true,\"num\":0}");
	}
	if (list->p != NULL && ((n = attachments(*list)) == -1 ||
	    !sio_placeholders(p->args, (size_t)n)))
		return "malformed base64, or placeholders that stand for none";
	p->attachments = (size_t)n;
	return NULL;
}

/* The packet, then its attachments; the last one of them settles it. */
static void
put_packet(struct far *f, struct sio_packet *p, struct str list,
    struct taken **taken)
{
	struct json_walk w;
	struct json_member m;
	size_t left = p->attachments;

	station_put(f, talk_packet(f->talk, p), left == 0 ? taken : NULL);
	if (left == 0 || !json_walk(&w, list))
		return;
	while (json_next(&w, &m) == 1)
		station_put(f, talk_bytes(f->talk, inside(m.value)),
		    --left == 0 ? taken : NULL);
}

const char *
speech_send(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p = { .type = SIO_EVENT, .id = -1 };
	struct str list;
	const char *why;

	if (f->talk == NULL)
		return send_raw(f, frame, taken);
	if (frame_has(frame, K_EVENT) && json_kind(frame->v[K_EVENT]) != 's')
		return "event is a string";
	if (f->echo && frame_has(frame, K_CHANNEL))
		return whisper(f, frame, taken);
	if ((why = arguments(&p, frame, &list)) != NULL)
		return why;
	p.event = frame_has(frame, K_EVENT) ? frame->v[K_EVENT] :
	    STR("\"message\"");
	if (frame_has(frame, K_REF) &&
	    (p.id = ask(f, frame->v[K_REF])) == -1) {
		answer_error(f, frame->v[K_REF], "too many open questions");
		return NULL;
	}
	put_packet(f, &p, list, taken);
	return NULL;
}

const char *
speech_reply(struct far *f, const struct frame *frame, struct taken **taken)
{
	struct sio_packet p = { .type = SIO_ACK, .id = -1 };
	struct str list = STR("");
	const char *why;

	if (f->talk == NULL)
		return "no answers on this connection";
	if (!frame_int(frame, K_REF, &p.id) || p.id < 0)
		return "ref is not one of this connection";
	if (frame_has(frame, K_ERROR)) {
		buf_clear(&text);
		buf_addf(&text, "{\"error\":");
		buf_adds(&text, frame->v[K_ERROR]);
		buf_addc(&text, '}');
		p.args = buf_str(&text);
	} else if ((why = arguments(&p, frame, &list)) != NULL)
		return why;
	put_packet(f, &p, list, taken);
	return NULL;
}
