/* SPDX-License-Identifier: ISC */
/*
 * The voice of SocketCluster, protocols 1 and 2: events and invokes both
 * ways, channels, and a token that a server may set and take away.
 *
 *  - It is up when the server has answered the handshake, which has the token.
 *  - The server pings; who is silent for longer than it promised is gone.
 *  - What the protocol says of itself is a message whose event begins with
 *    "#": #subscribe and #subscribeFail (of a channel), #kickOut,
 *    #setAuthToken, #removeAuthToken.
 *  - Our questions are numbered on: the handshake is 1, the others are the
 *    far end's own numbers, from 2 on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "codec/payload.h"
#include "codec/socketcluster.h"
#include "loop.h"
#include "speech.h"
#include "voice.h"

#define LONGEST_MS	86400000	/* that a server may promise */
#define TOKEN_MAX	AUTH_MAX
#define FIRST_ID	2

struct cluster {
	int protocol;
	int in;				/* the handshake was answered */
	char *token;			/* quoted; or NULL */
	double silence;			/* seconds; longer is too long */
	ev_timer timer;
};

static struct buf text, data;

/* ---- out --------------------------------------------------------- */

static struct ws_msg *
written(const struct far *f, const struct sc_packet *p)
{
	text.max = 2 * link_line_max();
	buf_clear(&text);
	sc_write(&text, f->cluster->protocol, 0, p);
	return ws_msg_new(WS_TEXT, buf_str(&text));
}

static void
hand(struct far *f, struct sc_packet *p)
{
	speech_hand(f, written(f, p));
}

/* The number of a question, as text that is valid until the next one. */
static struct str
cid(int64_t id)
{
	static char number[24];

	snprintf(number, sizeof number, "%lld", (long long)(id + FIRST_ID));
	return str_of(number);
}

static struct buf *
cleared(struct buf *b)
{
	b->max = 2 * link_line_max();
	buf_clear(b);
	return b;
}

static struct ws_msg *
membership(struct far *f, struct str quoted, int joins)
{
	struct sc_packet p = { .type = joins ? SC_SUBSCRIBE : SC_UNSUBSCRIBE,
	    .channel = quoted, .data = quoted };
	int64_t id = f->asked++;

	if (joins) {
		far_channel(f, quoted)->id = id;
		sc_write_channel(cleared(&data), &p);
		p.data = buf_str(&data);
	}
	p.id = cid(id);
	return written(f, &p);
}

/* ---- how it begins and ends -------------------------------------- */

static void
wait_for(struct cluster *k, double seconds)
{
	ev_timer_stop(loop, &k->timer);
	ev_timer_set(&k->timer, seconds, 0);
	ev_timer_start(loop, &k->timer);
}

static void
leave(struct far *f, const char *by, const char *why, int code)
{
	f->ending.by = by;
	f->ending.why = why;
	ev_timer_stop(loop, &f->cluster->timer);
	ws_close(f->ws, code, STR(""));
}

static void
expired(struct ev_loop *l, ev_timer *t, int events)
{
	struct far *f = t->data;

	(void)l;
	(void)events;
	if (f->cluster->in)
		leave(f, "timeout", "the server is silent", 4000);
	else
		leave(f, "timeout", "no handshake in time", 1000);
}

static void
opened(struct far *f)
{
	struct cluster *k = f->cluster;
	struct sc_packet p = { .type = SC_HANDSHAKE, .id = STR("1") };

	k->in = 0;
	wait_for(k, set.timeout > 0 ? (double)set.timeout / 1000 : 20);
	sc_write_handshake(cleared(&data), k->token != NULL ?
	    str_of(k->token) : STR(""));
	p.data = buf_str(&data);
	hand(f, &p);
}

static void
welcome(struct far *f, const struct sc_packet *p)
{
	struct cluster *k = f->cluster;
	struct sc_status s;
	size_t i;

	if (p->error.n > 0) {
		buf_adds(&f->ending.refusal, p->error);
		leave(f, "server", "refused", 1000);
		return;
	}
	if (sc_read_status(&s, p->data) == -1) {
		leave(f, "error", "malformed handshake", 1002);
		return;
	}
	k->in = 1;
	k->silence = (double)(s.ping_timeout < LONGEST_MS ? s.ping_timeout :
	    LONGEST_MS) / 1000;
	wait_for(k, k->silence);
	for (i = 0; i < f->nchannels; i++)
		speech_hand(f, membership(f, str_of(f->channels[i].name), 1));
	speech->up(f, p->data);
}

static void
over(struct far *f)
{
	ev_timer_stop(loop, &f->cluster->timer);
	f->cluster->in = 0;
}

/* ---- the token --------------------------------------------------- */

static void
keep_token(struct cluster *k, struct str token)
{
	free(k->token);
	k->token = token.n > 0 && token.n <= TOKEN_MAX &&
	    json_kind(token) == 's' ? mem_strn(token.p, token.n) : NULL;
}

/* {"token":T} */
static int
read_auth(struct cluster *k, const char *auth)
{
	struct json_walk w;
	struct json_member m;

	if (auth != NULL && json_walk(&w, str_of(auth)))
		while (json_next(&w, &m) == 1)
			if (json_says(m.key, "token"))
				keep_token(k, m.value);
	return auth == NULL || k->token != NULL;
}

static const char *
begin(struct far *f, const struct frame *dial, int protocol)
{
	(void)dial;
	f->cluster = mem_new(sizeof *f->cluster);
	f->cluster->protocol = protocol;
	ev_init(&f->cluster->timer, expired);
	f->cluster->timer.data = f;
	f->dialled = url_websocket(f->url, "/socketcluster/", NULL);
	return read_auth(f->cluster, f->auth) ? NULL :
	    "auth: not an object with a token";
}

static void
end(struct far *f)
{
	if (f->cluster != NULL)
		free(f->cluster->token);
	free(f->cluster);
}

/* ---- in ---------------------------------------------------------- */

/* A message about a channel, or about the connection when it is none. */
static void
tell(const struct far *f, struct str channel, const char *event,
    struct str value)
{
	struct buf *b = speech->begin("message", f);

	if (channel.n > 0)
		frame_raw(b, "channel", channel);
	frame_text(b, "event", str_of(event));
	frame_json(b, "data", value.n > 0 ? value : STR("null"));
	speech->end(LINK_WORK);
}

static void
subscribed(struct far *f, int64_t id, struct str error)
{
	static struct buf name = { .max = 6 * NAME_MAX_BYTES + 2 };
	size_t i = 0;

	while (i < f->nchannels && f->channels[i].id != id)
		i++;
	if (i == f->nchannels)
		return;
	buf_clear(&name);
	buf_adds(&name, str_of(f->channels[i].name));
	f->channels[i].id = -1;
	if (error.n > 0)
		far_leave(f, buf_str(&name));
	tell(f, buf_str(&name), error.n > 0 ? "#subscribeFail" :
	    "#subscribe", error);
}

static void
answer(struct far *f, const struct sc_packet *p)
{
	struct buf *b;
	int64_t id;

	if (!json_int(p->id, &id))
		return;
	if (!f->cluster->in) {
		if (id == 1)
			welcome(f, p);
		return;
	}
	id -= FIRST_ID;
	if ((b = ask_begin(f, id)) == NULL) {
		subscribed(f, id, p->error);
		return;
	}
	if (p->error.n > 0)
		frame_json(b, "error", p->error);
	else
		payload_of_socketcluster(b, p->data);
	speech->end(LINK_ANSWER);
}

static void
event(struct far *f, const struct sc_packet *p)
{
	struct buf *b = speech->begin("message", f);

	if (p->type == SC_PUBLISH)
		frame_json(b, "channel", p->channel);
	else
		frame_json(b, "event", p->event);
	payload_of_socketcluster(b, p->type == SC_PUBLISH ? p->payload :
	    p->data);
	if (p->id.n > 0)
		frame_raw(b, "ref", p->id);
	speech->end(LINK_WORK);
}

static void
set_token(struct far *f, const struct sc_packet *p)
{
	struct sc_packet yes = { .type = SC_ANSWER, .id = p->id };

	keep_token(f->cluster, p->token);
	if (p->id.n > 0)
		hand(f, &yes);
	tell(f, STR(""), "#setAuthToken", p->data);
}

/* A name as we spell it. */
static struct str
spelled(struct str quoted)
{
	static struct buf name = { .max = NAME_MAX_BYTES }, ours = {
	    .max = 6 * NAME_MAX_BYTES + 2 };

	buf_clear(&name);
	buf_clear(&ours);
	if (json_unquote(&name, payload_inside(quoted)) == 1)
		json_quote(&ours, buf_str(&name));
	return buf_str(&ours);
}

static void
kicked(struct far *f, const struct sc_packet *p)
{
	if (p->channel.n > 0)
		far_leave(f, spelled(p->channel));
	tell(f, p->channel, "#kickOut", p->data);
}

static void
packet(struct far *f, const struct sc_packet *p)
{
	if (p->type == SC_ANSWER)
		answer(f, p);
	else if (p->type == SC_REMOVE_TOKEN)
		keep_token(f->cluster, STR(""));
	if (!f->cluster->in)
		return;
	switch (p->type) {
	case SC_REMOVE_TOKEN:
		tell(f, STR(""), "#removeAuthToken", STR(""));
		break;
	case SC_SET_TOKEN:
		set_token(f, p);
		break;
	case SC_KICK_OUT:
		kicked(f, p);
		break;
	case SC_PUBLISH:
		if (p->channel.n > 0)
			event(f, p);
		break;
	case SC_EVENT:
		event(f, p);
		break;
	default:
		break;
	}
}

static void
heard(struct far *f, struct str message, int binary)
{
	struct cluster *k = f->cluster;
	struct sc_message m;
	struct sc_packet p;

	if (f->ending.why != NULL || binary)
		return;
	if (str_eq(message, sc_ping(k->protocol))) {
		speech_hand(f, ws_msg_new(WS_TEXT, sc_pong(k->protocol)));
		if (k->in)
			wait_for(k, k->silence);
		return;
	}
	if (!sc_begin(&m, k->protocol, message))
		return;
	while (f->ending.why == NULL && sc_next(&m, &p))
		packet(f, &p);
}

/* ---- commands ---------------------------------------------------- */

/* What we authenticate with counts for the next connection, too. */
static void
note_token(struct far *f, const struct sc_packet *p)
{
	if (str_eq(p->event, STR("\"#authenticate\"")) && p->data.n > 0)
		keep_token(f->cluster, p->data);
}

static const char *
send_event(struct far *f, const struct frame *frame, struct taken **taken)
{
	static struct buf payload, body;
	struct sc_packet p = { .type = frame_has(frame, K_CHANNEL) ?
	    SC_PUBLISH : SC_EVENT, .event = frame_has(frame, K_EVENT) ?
	    frame->v[K_EVENT] : STR("\"message\"") };
	const char *why = payload_wrong(frame, cleared(&payload));
	int64_t id;

	if (why == NULL && p.type == SC_PUBLISH &&
	    json_kind(frame->v[K_CHANNEL]) != 's')
		why = "channel is a string";
	if (why != NULL)
		return why;
	if (frame_has(frame, K_REF)) {
		if ((id = ask(f, frame->v[K_REF])) == -1)
			return NULL;
		p.id = cid(id);
	}
	p.data = payload_as_socketcluster(frame, cleared(&payload));
	note_token(f, &p);
	if (p.type == SC_PUBLISH) {
		p.channel = frame->v[K_CHANNEL];
		p.payload = p.data;
		sc_write_channel(cleared(&body), &p);
		p.data = buf_str(&body);
	}
	speech->put(f, written(f, &p), taken);
	return NULL;
}

/* An error in words becomes an object. */
static const char *
reply(struct far *f, const struct frame *frame, struct taken **taken)
{
	static struct buf payload;
	struct sc_packet p = { .type = SC_ANSWER, .id = frame->v[K_REF],
	    .error = frame->v[K_ERROR] };
	const char *why = NULL;

	if (!frame_has(frame, K_REF) || json_kind(p.id) != '0')
		return "ref is not one of this connection";
	if (p.error.n > 0 && json_kind(p.error) == 's') {
		sc_write_error(cleared(&payload), p.error, STR("\"Error\""));
		p.error = buf_str(&payload);
	} else if (p.error.n == 0 &&
	    (why = payload_wrong(frame, cleared(&payload))) == NULL)
		p.data = payload_as_socketcluster(frame, cleared(&payload));
	if (why == NULL)
		speech->put(f, written(f, &p), taken);
	return why;
}

static void
member(struct far *f, struct str quoted, int joins)
{
	speech->put(f, membership(f, quoted, joins), NULL);
}

const struct voice socketcluster_voice = { .begin = begin, .end = end,
    .open = opened, .heard = heard, .over = over, .send = send_event,
    .reply = reply, .member = member };
