/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "endpoint.h"
#include "event.h"
#include "people.h"
#include "pending.h"
#include "state.h"

#define PAGE	(64 << 10)	/* bytes of members in one frame, about */

/* ---- names and channels ---------------------------------------------- */

/* A sound name from a key: NULL, or why not. */
static const char *
sound(const struct frame *f, enum key k, struct buf *b, struct str *s)
{
	if (command_string(f, k, b, s) == 1 && name_sound(*s))
		return NULL;
	return k == K_USER ? "user is a string of 1 to 255 bytes" :
	    "channel is a string of 1 to 255 bytes";
}

const char *
people_identify(struct command *k)
{
	static struct buf b = { .max = 4096 };
	struct target t;
	struct str user;
	const char *why = target_read(&t, k->frame, TO_CONN);

	if (why == NULL)
		why = sound(k->frame, K_USER, &b, &user);
	if (why == NULL && t.conn != NULL)
		user_set(t.conn, &user);
	return why;
}

struct moved {
	const struct frame *frame;
	struct str channel;
	const char *why;
};

static void
join(struct conn *c, void *arg)
{
	struct moved *m = arg;

	const char *why = NULL;

	switch (channel_join(c, m->channel)) {
	case 1:
		event_note("occupied", m->channel);
		break;
	case -1:
		m->why = why = "too many channels";
		break;
	}
	if (c->endpoint->dialect->joined != NULL)
		c->endpoint->dialect->joined(c, m->channel, why);
}

static void
leave(struct conn *c, void *arg)
{
	struct moved *m = arg;

	if (channel_leave(c, m->channel) == 1)
		event_note("vacated", m->channel);
}

/* It leaves, and its client is told, where its dialect has words for that. */
static void
kick_out(struct conn *c, void *arg)
{
	struct moved *m = arg;
	const struct dialect *d = c->endpoint->dialect;

	if (!channel_has(c, m->channel))
		return;
	leave(c, m);
	if (d->kicked_out != NULL && ws_is_open(c->ws))
		d->kicked_out(c, m->frame);
}

static const char *
move(struct command *k, void (*each)(struct conn *, void *))
{
	static struct buf b = { .max = 4096 };
	struct moved m = { .frame = k->frame };
	struct target t;
	const char *why = target_read(&t, k->frame, TO_CONN | TO_USER);

	if (why == NULL)
		why = sound(k->frame, K_CHANNEL, &b, &m.channel);
	if (why != NULL)
		return why;
	target_each(&t, each, &m);
	return m.why;
}

const char *
people_join(struct command *k)
{
	return move(k, join);
}

const char *
people_leave(struct command *k)
{
	return move(k, leave);
}

const char *
people_kickout(struct command *k)
{
	const struct frame *f = k->frame;

	if (frame_has(f, K_REASON) && json_kind(f->v[K_REASON]) != 's')
		return "reason is a string";
	return move(k, kick_out);
}

/* ---- who ------------------------------------------------------------- */

/* An answer in pages. */
struct pages {
	struct buf list, one;	/* members of this page; the next one */
	struct command *question;
};

static void
page_send(struct pages *p, int more)
{
	struct buf *b = answer_begin(p->question, "members");

	buf_addc(&p->list, ']');
	frame_raw(b, "members", buf_str(&p->list));
	if (more)
		frame_flag(b, "more");
	answer_end(p->question);
	buf_clear(&p->list);
	buf_addc(&p->list, '[');
}

/* The keys of a member, as those of a frame without its type. */
static void
put_member(struct buf *b, const struct conn *c)
{
	static const struct str type = { "\"type\":\"x\",", 11 };

	frame_begin(b, "x");
	event_put_id(b, c);
	event_put_roster(b, c, WITH_CHANNELS | WITH_STATE);
	if (frame_end(b) == -1)
		return;
	memmove(b->data + 1, b->data + 1 + type.n, b->len - 1 - type.n);
	b->len -= type.n;
}

static void
page_add(struct pages *p, const struct conn *c)
{
	if (c->pending || c->kind != KIND_WS)
		return;
	put_member(&p->one, c);
	if (buf_size(&p->list) > 1 &&
	    buf_size(&p->list) + buf_size(&p->one) > PAGE)
		page_send(p, 1);
	if (buf_size(&p->list) > 1)
		buf_addc(&p->list, ',');
	buf_adds(&p->list, buf_str(&p->one));
}

static struct pages
pages_begin(struct command *k)
{
	struct pages p = { BUF(link_line_max() + PAGE),
	    BUF(link_line_max() + PAGE), k };

	buf_addc(&p.list, '[');
	return p;
}

static void
pages_end(struct pages *p)
{
	page_send(p, 0);
	buf_free(&p->list);
	buf_free(&p->one);
}

const char *
people_who(struct command *k)
{
	struct target t;
	struct pages p;
	const struct conn *c;
	struct conn **sorted;
	size_t n, i;
	const char *why = target_read(&t, k->frame,
	    TO_CONN | TO_USER | TO_CHANNEL | TO_ALL);

	if (why != NULL)
		return why;
	p = pages_begin(k);
	if (t.conn != NULL && t.conn->ws != NULL)
		page_add(&p, t.conn);
	if (t.name != NULL) {
		sorted = roster_sort(t.name, &n);
		for (i = 0; i < n; i++)
			if (sorted[i]->ws != NULL)
				page_add(&p, sorted[i]);
	}
	for (c = t.kind == TO_ALL ? roster_first : NULL; c != NULL;
	    c = c->next)
		if (c->ws != NULL)
			page_add(&p, c);
	pages_end(&p);
	return NULL;
}

void
people_here(struct link *l)
{
	struct buf b = BUF(link_line_max() + PAGE);
	const struct conn *c;

	for (c = roster_first; c != NULL; c = c->next) {
		if (c->pending || c->ws == NULL)
			continue;
		frame_begin(&b, "here");
		event_put_id(&b, c);
		event_put_roster(&b, c, WITH_CHANNELS | WITH_STATE);
		if (frame_end(&b) == 1)
			link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	}
	buf_free(&b);
}

/* ---- state ----------------------------------------------------------- */

static struct str
text(const char *json)
{
	return json == NULL ? STR("{}") : str_of(json);
}

/* Merges patch into old (replace: into nothing), into out. */
static int
merged(struct buf *out, struct str old, struct str patch, int replace)
{
	if (replace || old.p == NULL || json_kind(old) != 'o')
		old = STR("{}");
	return state_merge(out, old, patch);
}

/* {"key":value} around what was merged into the member of that name. */
static int
merge_member(struct buf *out, struct str state, struct str name,
    struct str patch, int replace)
{
	struct buf inner = BUF(STATE_MAX), around = BUF(2 * STATE_MAX);
	struct str old = { NULL, 0 };
	int r;

	state_member(state, name, &old);
	r = merged(&inner, old, patch, replace);
	if (r == 1) {
		buf_addc(&around, '{');
		json_quote(&around, name);
		buf_addc(&around, ':');
		buf_adds(&around, buf_str(&inner));
		r = buf_addc(&around, '}');
	}
	if (r == 1)
		r = state_merge(out, state, buf_str(&around));
	buf_free(&inner);
	buf_free(&around);
	return r;
}

static const char *
merge(struct conn *c, const struct frame *f)
{
	static struct buf key = { .max = 4096 };
	struct buf out = BUF(STATE_MAX);
	struct str name, patch = f->v[K_STATE];
	int replace = frame_true(f, K_REPLACE), r;

	switch (command_string(f, K_KEY, &key, &name)) {
	case 0:
		r = merged(&out, text(c->state), patch, replace);
		break;
	case 1:
		r = merge_member(&out, text(c->state), name, patch, replace);
		break;
	default:
		return "key is a string";
	}
	if (r == 1) {
		free(c->state);
		c->state = mem_strn(out.data, out.len);
	}
	buf_free(&out);
	return r == 1 ? NULL : "state is larger than 64 KiB";
}

/* Who asked hears of it, and can say so to whom it concerns. */
static void
not_merged(const struct command *k, const struct conn *c, const char *why)
{
	struct buf *b = answer_begin(k, "error");

	command_counts.refused++;
	event_put_id(b, c);
	frame_text(b, "why", str_of(why));
	answer_end(k);
}

const char *
people_merge(struct command *k)
{
	const struct frame *f = k->frame;
	struct target t;
	struct pages p;
	const char *why = target_read(&t, f, TO_CONN);

	if (why != NULL)
		return why;
	if (!frame_has(f, K_STATE) || json_kind(f->v[K_STATE]) != 'o')
		return "state is an object";
	why = t.conn == NULL ? NULL : merge(t.conn, f);
	if (!frame_has(f, K_REF))
		return why;
	if (why != NULL)
		not_merged(k, t.conn, why);
	else {
		p = pages_begin(k);
		if (t.conn != NULL)
			page_add(&p, t.conn);
		pages_end(&p);
	}
	return NULL;
}

/* ---- the rest -------------------------------------------------------- */

struct kick {
	int64_t code;
	struct str reason;
};

static void
kick(struct conn *c, void *arg)
{
	const struct kick *k = arg;

	if (c->pending)
		pending_refused(c);
	else
		c->endpoint->dialect->kick(c, (int)k->code, k->reason);
}

/* RFC 6455 7.4: what may stand in a close frame. */
static int
is_close_code(int64_t code)
{
	return (code >= 3000 && code <= 4999) ||
	    (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	    code != 1006);
}

const char *
people_kick(struct command *k)
{
	static struct buf b = { .max = 4096 };
	struct kick how = { .code = 1000 };
	struct target t;
	const char *why = target_read(&t, k->frame, TO_CONN | TO_USER);

	if (why != NULL)
		return why;
	if (frame_has(k->frame, K_CODE) &&
	    (!frame_int(k->frame, K_CODE, &how.code) ||
	    !is_close_code(how.code)))
		return "code is none of a close frame";
	if (command_string(k->frame, K_REASON, &b, &how.reason) == -1 ||
	    how.reason.n > 123)
		return "reason is a string of up to 123 bytes";
	target_each(&t, kick, &how);
	return NULL;
}
