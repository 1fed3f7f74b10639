/* SPDX-License-Identifier: ISC */
#include "ask.h"
#include "client.h"
#include "dialect.h"
#include "json.h"
#include "link/link.h"
#include "log.h"
#include "speech.h"

static const struct dialect_ops *ops;
static struct buf out;			/* a frame that is shown */
static struct buf in;			/* a frame that is said */
static int64_t refs;
static int failed;

/* ---- what comes -------------------------------------------------- */

static struct buf *
begin(const char *type, const struct far *f)
{
	(void)f;
	frame_begin(&out, type);
	return &out;
}

static void
end(enum link_how how)
{
	struct frame f;
	const char *why;

	(void)how;
	if (frame_end(&out) == -1 ||
	    frame_scan(&f, buf_str(&out), &why) == -1) {
		warn("what came is over the bound and lost");
		return;
	}
	failed |= f.type == T_ANSWER && frame_has(&f, K_ERROR);
	ops->shown(f.line);
}

static void
put(struct far *f, struct ws_msg *m, struct taken **taken)
{
	(void)taken;
	ws_send(f->ws, m);
	ws_msg_drop(m);
}

/* A token that is not taken is not the end: one is a stranger then. */
static void
up(struct far *f, struct str more)
{
	struct json_walk w;
	struct json_member m;

	if (more.n > 0 && json_walk(&w, more) && w.object)
		while (json_next(&w, &m) == 1)
			if (json_says(m.key, "authError"))
				warn("%s: not authenticated: %.*s",
				    url_mask(set.url), (int)m.value.n,
				    m.value.p);
	f->open = 1;
	ops->up();
}

static const struct speech_ops speech_ops = { .begin = begin, .end = end,
    .put = put, .up = up };

/* ---- what is said ------------------------------------------------ */

static void
add_payload(struct str text)
{
	const char *why;

	if (set.binary)
		frame_add_binary(&in, text, 0);
	else if (set.args && json_check(text, &why) &&
	    json_kind(json_trim(text)) == 'a')
		frame_json(&in, "args", json_trim(text));
	else
		frame_add_text(&in, text);
}

const char *
dialect_say(struct far *f, const struct script_said *s)
{
	static const char *const types[] = { "send", "join", "leave" };
	struct frame frame;
	const char *why;

	frame_begin(&in, types[s->act]);
	if (s->act != SCRIPT_SEND)
		frame_text(&in, "channel", s->text);
	else {
		if (s->event != NULL)
			frame_text(&in, "event", str_of(s->event));
		if (s->channel != NULL)
			frame_text(&in, "channel", str_of(s->channel));
		add_payload(s->text);
		if (s->ack)
			frame_num(&in, "ref", ++refs);
	}
	if (frame_end(&in) == -1)
		return "longer than a message may be";
	if (frame_scan(&frame, buf_str(&in), &why) == -1)
		return why;
	return s->act == SCRIPT_SEND ? speech_send(f, &frame, NULL) :
	    speech_member(f, &frame);
}

int
dialect_asks(void)
{
	return ask_counts.open > 0;
}

int
dialect_full(void)
{
	return ask_counts.open >= ASKS_MAX;
}

int
dialect_failed(void)
{
	return failed;
}

/* ---- its life ---------------------------------------------------- */

/* Who we are, where a header field does not say it. */
static void
add_auth(struct buf *b)
{
	struct buf quoted = BUF(AUTH_MAX);

	if (set.auth != NULL)
		frame_json(b, "auth", str_of(set.auth));
	else if (set.bearer != NULL && strcmp(set.proto, "echo") == 0) {
		json_quote(&quoted, str_of(set.bearer));
		frame_raw(b, "auth",
		    STR("{\"headers\":{\"Authorization\":\"Bearer "));
		frame_more(b, (struct str){ quoted.data + 1, quoted.len - 1 });
		frame_more(b, STR("}}"));
	} else if (set.bearer != NULL &&
	    strncmp(set.proto, "socketcluster", 13) == 0) {
		json_quote(&quoted, str_of(set.bearer));
		frame_raw(b, "auth", STR("{\"token\":"));
		frame_more(b, buf_str(&quoted));
		frame_more(b, STR("}"));
	}
	buf_free(&quoted);
}

struct far *
dialect_open(const struct dialect_ops *call, const char **why)
{
	struct frame dial;

	ops = call;
	speech = &speech_ops;
	in = out = BUF(link_line_max());
	frame_begin(&in, "dial");
	frame_text(&in, "conn", STR("call"));
	frame_text(&in, "url", str_of(set.url));
	frame_text(&in, "proto", str_of(set.proto));
	if (set.ns != NULL)
		frame_text(&in, "ns", str_of(set.ns));
	add_auth(&in);
	*why = "too long";
	if (frame_end(&in) == -1 || frame_scan(&dial, buf_str(&in), why) == -1)
		return NULL;
	return far_new(&dial, why);
}

/* What a server refuses is an answer, and the answer is no. */
int
dialect_over(const struct far *f, struct buf *why)
{
	const struct ending *e = &f->ending;
	int told = buf_size(&e->refusal) > 0;

	buf_addf(why, "%s%s%.*s", e->why, told ? ": " : "",
	    told ? (int)buf_size(&e->refusal) : 0,
	    told ? e->refusal.data : "");
	if (strcmp(e->by, "server") != 0)
		return 111;
	return f->open ? 0 : 1;
}
