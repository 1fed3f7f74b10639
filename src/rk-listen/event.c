/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "endpoint.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "loop.h"
#include "pending.h"
#include "send.h"

#define HEAD_MAX	1024	/* bytes of an event's head, as it is kept */

struct link *router;
struct event_counts event_counts;

const struct figure event_figures[] = {
	{ "opens_total", &event_counts.opens, "WebSockets opened" },
	{ "closes_total", &event_counts.closes, "WebSockets closed" },
	{ "events_refused_total", &event_counts.refused,
	    "events that the router refused" },
	{ "events_dropped_total", &event_counts.dropped,
	    "events that grew too big while they waited" },
	{ "events_waiting", &event_counts.waiting,
	    "events that wait for room on the link" },
	{ NULL, NULL, NULL }
};

struct event {
	struct event *next;
	const char *type;
	int64_t at;
	enum link_how how;
	size_t n;
	char text[];		/* the frame's tail, without its head */
};

static struct buf tail, line;	/* being made */
static const char *tail_type;
static size_t tail_from;	/* behind its {"type":"..." */

static struct conn *waiting, **waiting_end = &waiting;

/* ---- making ---------------------------------------------------------- */

static int
is_close(const char *type)
{
	return strcmp(type, "close") == 0;
}

/* The channels a connection is in, as an array. */
static struct str
channels(const struct conn *c)
{
	static struct buf list = { .max = CHANNELS_MAX * (6 * NAME_BYTES + 3) };
	const struct member *m;

	buf_clear(&list);
	buf_addc(&list, '[');
	for (m = c->channels; m != NULL; m = m->more) {
		json_quote(&list, m->of->name);
		if (m->more != NULL)
			buf_addc(&list, ',');
	}
	buf_addc(&list, ']');
	return buf_str(&list);
}

static void
put_object(struct buf *b, const char *key, const char *json)
{
	frame_raw(b, key, json == NULL ? STR("{}") : str_of(json));
}

void
event_put_id(struct buf *b, const struct conn *c)
{
	static struct buf id = { .max = 64 };

	buf_clear(&id);
	buf_addc(&id, '"');
	buf_adds(&id, str_of(link_boot()));
	buf_addc(&id, '.');
	buf_addn(&id, (int64_t)c->n);
	buf_addc(&id, '"');
	frame_raw(b, "conn", buf_str(&id));
	frame_num(b, "n", (int64_t)c->n);
}

void
event_put_roster(struct buf *b, const struct conn *c, unsigned with)
{
	if (c->user != NULL)
		frame_text(b, "user", c->user->of->name);
	if (with & WITH_STATE)
		put_object(b, "state", c->state);
	if (with & WITH_CLAIMS)
		put_object(b, "claims", grant_claims(c));
	if (with & WITH_HEADERS && c->headers != NULL)
		put_object(b, "headers", c->headers);
	if (with & WITH_CHANNELS)
		frame_raw(b, "channels", channels(c));
}

struct buf *
event_begin(const char *type)
{
	tail.max = line.max = link_line_max() + 1;
	tail_type = type;
	frame_begin(&tail, type);
	tail_from = tail.len;
	return &tail;
}

static int
put_frame(const struct conn *c, const char *type, int64_t at,
    struct str text, unsigned with)
{
	frame_begin(&line, type);
	event_put_id(&line, c);
	frame_num(&line, "at", at);
	event_put_roster(&line, c, with);
	if (buf_size(&line) == 0 || buf_adds(&line, text) == -1)
		return 0;
	if (is_close(type) && c->user != NULL && c->user->of->count == 1)
		frame_flag(&line, "last");
	return frame_end(&line) == 1 && buf_size(&line) <= link_line_max();
}

/* The frame in line: 1, or 0 when it is too long.  A close must leave,
 * however small -m is. */
static int
render(const struct conn *c, const char *type, int64_t at, struct str text)
{
	unsigned with = c->endpoint->with;

	if (strcmp(type, "claims") == 0 ||
	    (strcmp(type, "open") == 0 && c->claims != NULL))
		with |= WITH_CLAIMS;
	if (strcmp(type, "open") == 0)
		with &= ~(unsigned)WITH_HEADERS;	/* it has them anyway */
	if (!is_close(type))
		return put_frame(c, type, at, text, with);
	return put_frame(c, type, at, text, with | WITH_STATE | WITH_CHANNELS)
	    || put_frame(c, type, at, text, 0);
}

/* ---- waiting --------------------------------------------------------- */

static void
wait_for_room(struct conn *c)
{
	if (c->waits)
		return;
	c->waits = 1;
	c->waiting = NULL;
	*waiting_end = c;
	waiting_end = &c->waiting;
	ws_accepting(0);
}

static struct conn *
waited(void)
{
	struct conn *c = waiting;

	waiting = c->waiting;
	if (waiting == NULL)
		waiting_end = &waiting;
	c->waits = 0;
	return c;
}

static struct event *
event_new(const char *type, int64_t at, enum link_how how, struct str text)
{
	struct event *e = mem_grow(NULL, sizeof *e + text.n);

	*e = (struct event){ .type = type, .at = at, .how = how, .n = text.n };
	memcpy(e->text, text.p, text.n);
	return e;
}

static void
append(struct conn *c, struct event *e)
{
	if (c->first == NULL)
		c->first = e;
	else
		c->last->next = e;
	c->last = e;
	event_counts.waiting++;
}

/* ---- leaving --------------------------------------------------------- */

void
event_note(const char *type, struct str channel)
{
	line.max = link_line_max() + 1;
	frame_begin(&line, type);
	frame_num(&line, "at", loop_ms());
	frame_text(&line, "channel", channel);
	if (frame_end(&line) == 1)
		link_send(router, buf_str(&line), NULL, LINK_ANSWER);
}

void
event_over(struct conn *c)
{
	char name[NAME_BYTES + 1];
	int r;

	while ((r = channel_leave_one(c, name)) != -1)
		if (r == 1)
			event_note("vacated", str_of(name));
	conn_leave(c);
}

static void
send_line(struct conn *c, const char *type, enum link_how how)
{
	size_t n = buf_size(&line);

	c->unsettled += (uint32_t)n;
	c->events++;
	link_send(router, buf_str(&line), c, how);
	if (is_close(type))
		event_over(c);
}

/* Has it its share of the window? */
static int
is_full(const struct conn *c)
{
	return c->events > 0 &&
	    c->unsettled >= link_peer_window(router) / 16;
}

static int
may_leave(struct conn *c, enum link_how how)
{
	if (c->endpoint->step && c->events > 0)
		return 0;
	if (how == LINK_ANSWER)
		return 1;
	if (is_full(c))
		return 0;
	if (link_room(router) > 0)
		return 1;
	wait_for_room(c);
	return 0;
}

int
event_room_for(struct conn *c)
{
	return c->first == NULL && may_leave(c, LINK_WORK);
}

/* The first of what waits leaves: 1; 0: it cannot. */
static int
leave(struct conn *c)
{
	struct event *e = c->first;

	if (e == NULL || !may_leave(c, e->how))
		return 0;
	c->first = e->next;
	event_counts.waiting--;
	if (render(c, e->type, e->at, (struct str){ e->text, e->n }))
		send_line(c, e->type, e->how);
	else {			/* its state has grown since it came */
		event_counts.dropped++;
		if (c->ws != NULL)
			ws_close(c->ws, 1009, STR("message too big"));
	}
	free(e);
	return 1;
}

static void
read_or_not(struct conn *c)
{
	int paused = c->first != NULL || c->waits || c->throttled ||
	    is_full(c);

	if (c->ws != NULL && c->open && c->paused != paused) {
		c->paused = paused != 0;
		c->endpoint->dialect->read(c, !paused);
	}
}

/* What can leave does, at most that many; then what the connection is for. */
static void
pump(struct conn *c, int most)
{
	while (most-- > 0 && leave(c))
		;
	send_room(c);
	read_or_not(c);
	if (c->ws == NULL && c->first == NULL && c->events == 0 && !c->waits)
		conn_destroy(c);
}

int
event_post(struct conn *c, enum link_how how)
{
	struct str text = buf_str(&tail);

	if (text.n == 0)
		return -1;		/* it was full */
	text.p += tail_from;
	text.n -= tail_from;
	if (!render(c, tail_type, loop_ms(), text))
		return -1;
	if (c->first == NULL && may_leave(c, how)) {
		send_line(c, tail_type, how);
		read_or_not(c);
		return 1;
	}
	append(c, event_new(tail_type, loop_ms(), how, text));
	read_or_not(c);
	return 1;
}

int
event_keep(struct conn *c)
{
	struct str text = buf_str(&tail);

	if (text.n == 0 || text.n + HEAD_MAX > link_line_max())
		return -1;
	text.p += tail_from;
	text.n -= tail_from;
	append(c, event_new(tail_type, loop_ms(), LINK_WORK, text));
	return 1;
}

void
event_release(struct conn *c)
{
	pump(c, 1 << 20);
}

void
event_forget(struct conn *c)
{
	struct event *e;

	while ((e = c->first) != NULL) {
		c->first = e->next;
		event_counts.waiting--;
		free(e);
	}
	c->last = NULL;
	pump(c, 0);
}

/* ---- from the link --------------------------------------------------- */

/* Did the client itself ask, with a ref? */
static int
asks(enum type type)
{
	return type == T_MESSAGE || type == T_POST || type == T_SUBSCRIBE;
}

/* The reason is for us: it may tell of the rule, which is no client's
 * business. */
void
event_refused(struct link *l, void *owner, struct str sent, const char *why)
{
	struct conn *c = owner;
	struct frame f;
	const char *wrong;

	(void)l;
	event_counts.refused++;
	info("%s.%llu: refused by the router: %s", link_boot(),
	    (unsigned long long)c->n, why);
	pending_refused(c);
	if (frame_scan(&f, sent, &wrong) == 1 && asks(f.type) &&
	    frame_has(&f, K_REF))
		send_refusal(c, f.v[K_REF]);
}

void
event_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	struct conn *c = owner;

	(void)l;
	c->unsettled -= (uint32_t)bytes;
	c->events--;
	(void)why;
	pump(c, 1 << 20);
}

/* One event each, in turns.  Who may not go on for another reason than room
 * goes on when that is over. */
void
event_room(struct link *l)
{
	struct conn *c;

	if (l != router)
		return;
	while (waiting != NULL && link_room(router) > 0) {
		c = waited();
		leave(c);
		if (c->first != NULL && may_leave(c, c->first->how))
			wait_for_room(c);
		else
			pump(c, 0);
	}
	if (waiting == NULL)
		ws_accepting(1);
}
