/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../log.h"
#include "inside.h"

#define WIRE_MAX	(256 << 10)	/* bytes gathered for one write */
#define ERROR_FRAME	1024		/* a longer line is not shown back */

struct link_counts counts;

static struct link *links;
static ev_idle idle;		/* a turn without sleep is wanted */
static struct before_sleep before_sleep;

static void
settled(void *ctx, void *owner, size_t bytes, const char *why)
{
	struct link *l = ctx;

	if (why != NULL)
		counts.refused_out++;
	if (l->ops->settled != NULL)
		l->ops->settled(l, owner, bytes, why);
}

/* Receiving. */

static struct taken *
take(struct link *l, uint64_t seq)
{
	struct taken *t = mem_new(sizeof *t);

	t->link = l;
	t->seq = seq;
	t->epoch = l->track.epoch;
	memcpy(t->boot, l->track.peer, sizeof t->boot);
	l->refs++;
	return t;
}

static void
release(struct link *l)
{
	l->refs--;		/* one that is gone is swept at the turn's end */
}

static int
current(const struct taken *t)
{
	return t->seq != 0 && !t->link->gone &&
	    t->epoch == t->link->track.epoch;
}

void
link_settle(struct taken *t)
{
	if (current(t))
		track_settle(&t->link->track, t->seq, NULL);
	if (t->seen != NULL)
		seen_settled(t->seen);
	release(t->link);
	free(t);
}

void
link_refuse(struct taken *t, const char *why)
{
	counts.refused_in++;
	if (current(t))
		track_settle(&t->link->track, t->seq, why);
	else if (t->seq == 0 && !t->link->gone && t->link->wire != NULL &&
	    !t->link->bare && t->link->wire->out_fd != -1)
		link_say_error(t->link->wire, why, (struct str){ "", 0 });
	else
		warn("%s: %s", t->link->name, why);
	if (t->seen != NULL)
		seen_forget(t->seen);
	release(t->link);
	free(t);
}

struct link *
taken_link(const struct taken *t)
{
	return t->link->gone ? NULL : t->link;
}

int
taken_of(const struct taken *t, const char **boot, uint64_t *seq)
{
	*boot = t->boot;
	*seq = t->seq;
	return t->seq != 0;
}

void
link_say_error(struct wire *w, const char *why, struct str line)
{
	struct buf b = BUF(4 * ERROR_FRAME);

	frame_begin(&b, "error");
	frame_text(&b, "why", str_of(utf8_check(str_of(why)) ? why : "?"));
	if (line.n > 0 && line.n <= ERROR_FRAME && utf8_check(line))
		frame_text(&b, "text", line);
	if (frame_end(&b) == 1) {
		buf_adds(&w->out, buf_str(&b));
		buf_addc(&w->out, '\n');
	}
	buf_free(&b);
}

/* "of": [boot, seq, k], checked: 1, else 0. */
static int
of_read(const struct frame *f, char boot[BOOT_LEN + 1], uint64_t *seq,
    uint32_t *k)
{
	struct json_walk w;
	struct json_member m;
	int64_t n;

	if (!frame_has(f, K_OF) || !json_walk(&w, f->v[K_OF]) || w.object)
		return 0;
	if (json_next(&w, &m) != 1 || json_kind(m.value) != 's' ||
	    m.value.n > BOOT_LEN + 2)
		return 0;
	memcpy(boot, m.value.p + 1, m.value.n - 2);
	boot[m.value.n - 2] = '\0';
	if (json_next(&w, &m) != 1 || !json_int(m.value, &n) || n < 1)
		return 0;
	*seq = (uint64_t)n;
	if (json_next(&w, &m) != 1 || !json_int(m.value, &n) || n < 0 ||
	    n > UINT32_MAX)
		return 0;
	*k = (uint32_t)n;
	return 1;
}

/* The frame that is in hand already is settled here from now on. */
static void
rebind(struct taken *t, struct link *l, uint64_t seq)
{
	if (current(t))
		seqs_take(&t->link->track.open, t->seq);
	l->refs++;
	release(t->link);
	t->link = l;
	t->seq = seq;
	t->epoch = l->track.epoch;
	memcpy(t->boot, l->track.peer, sizeof t->boot);
	track_open(&l->track, seq, t);
}

/* A fresh tracked frame: unless it repeats one that came another way, it is
 * the program's.  Returns NULL when nothing is left to do. */
static struct taken *
take_tracked(struct link *l, const struct frame *f, uint64_t seq)
{
	char boot[BOOT_LEN + 1];
	struct seen *s = NULL;
	struct taken *t;
	uint64_t of;
	uint32_t k;
	int fresh = 1;

	if (of_read(f, boot, &of, &k))
		s = seen_get(boot, of, k, &fresh);
	if (!fresh) {
		counts.repeats++;
		if (s->open != NULL) {
			rebind(s->open, l, seq);
			return NULL;
		}
		track_open(&l->track, seq, s);
		track_settle(&l->track, seq, NULL);
		return NULL;
	}
	t = take(l, seq);
	t->seen = s;
	if (s != NULL)
		s->open = t;
	track_open(&l->track, seq, t);
	return t;
}

static void
tracked_frame(struct link *l, struct frame *f, uint64_t seq)
{
	struct taken *t;

	switch (track_in(&l->track, seq)) {
	case TRACK_OPEN:
		counts.repeats++;
		break;
	case TRACK_SETTLED:
		counts.repeats++;
		track_settle(&l->track, seq, NULL);
		break;
	case TRACK_FRESH:
		if ((t = take_tracked(l, f, seq)) != NULL)
			l->ops->frame(l, f, t);
	}
}

/* A frame that is not the link's own business. */
static void
frame_in(struct link *l, struct frame *f)
{
	int64_t seq;

	counts.frames_in++;
	tap_copy(f->line);
	if (l->tracked && frame_int(f, K_SEQ, &seq) && seq > 0)
		tracked_frame(l, f, (uint64_t)seq);
	else
		l->ops->frame(l, f, take(l, 0));
}

static void
bad_line(struct link *l, const char *why, struct str line)
{
	counts.bad_lines++;
	warn("%s: %s", l->name, why);
	if (l->wire != NULL && l->wire->out_fd != -1 && !l->bare)
		link_say_error(l->wire, why, line);
}

static void
bare_line(struct link *l, struct str line)
{
	struct buf b = BUF(link_line_max());
	struct frame f;
	const char *why;

	if (bare_in(&b, line) == 1 && frame_scan(&f, buf_str(&b), &why) == 1)
		frame_in(l, &f);
	else
		bad_line(l, "a line is too long", line);
	buf_free(&b);
}

static void
control(struct link *l, const struct frame *f)
{
	struct hello h;
	const char *why;

	if (f->type == T_ACK) {
		counts.acks_in++;
		if (!l->tracked ||
		    track_ack(&l->track, f, settled, l) == -1)
			bad_line(l, "malformed ack", f->line);
		return;
	}
	if (hello_read(&h, f, &why) == -1)
		bad_line(l, why, f->line);
	else
		link_attached(l, &h);
}

static int
is_ack(struct str line)
{
	static const char ack[] = "{\"type\":\"ack\"";

	return line.n > sizeof ack && memcmp(line.p, ack, sizeof ack - 1) == 0;
}

static void
hold_line(struct link *l, struct str line)
{
	buf_adds(&l->held_lines, line);
	if (buf_addc(&l->held_lines, '\n') == -1) {
		bad_line(l, "the peer ignores the window", line);
		link_unbind(l);
	}
}

static void
line_in(struct link *l, struct str line)
{
	struct frame f;
	const char *why;

	if (json_trim(line).n == 0)
		return;
	if (frame_scan(&f, line, &why) == -1)
		bad_line(l, why, line);
	else if (f.type == T_ACK || f.type == T_ATTACH || f.type == T_READY)
		control(l, &f);
	else
		frame_in(l, &f);
}

void
link_line(struct link *l, struct str line)
{
	static const char attach[] = "{\"type\":\"attach\"";

	counts.bytes_in += line.n + 1;
	if (l->bare) {
		bare_line(l, line);
		return;
	}
	if (l->silent && l->answers && (line.n < sizeof attach ||
	    memcmp(line.p, attach, sizeof attach - 1) != 0))
		link_plain(l);
	if ((l->held || buf_size(&l->held_lines) > 0) && !is_ack(line))
		hold_line(l, line);
	else
		line_in(l, line);
}

static void
deliver_held(struct link *l)
{
	struct buf lines = l->held_lines;
	struct str line;
	size_t scan = 0;

	if (l->held || buf_size(&lines) == 0)
		return;
	l->held_lines = BUF(lines.max);
	while (!l->held && !l->gone && buf_line(&lines, &scan, &line)) {
		buf_take(&lines, line.n + 1);
		line_in(l, line);
	}
	if (!l->gone)
		buf_adds(&l->held_lines, buf_str(&lines));
	buf_free(&lines);
}

void
link_hold(struct link *l, int on)
{
	if (l->held == on)
		return;
	l->held = on != 0;
	if (l->wire != NULL && !l->tracked)
		wire_read(l->wire, !on);
	if (!on && buf_size(&l->held_lines) > 0)
		link_wake();
}

/* Wires. */

static void
on_line(struct wire *w, struct str line)
{
	link_line(w->owner, line);
}

static void
on_too_long(struct wire *w)
{
	bad_line(w->owner, "a line is too long", (struct str){ "", 0 });
}

static void
on_down(struct wire *w, const char *why)
{
	struct link *l = w->owner;

	if (why != NULL)
		info("%s: %s", l->name, why);
	link_unbind(l);
}

static void
on_writable(struct wire *w)
{
	(void)w;	/* more is pulled before the loop sleeps */
}

const struct wire_ops link_wire_ops = {
	on_line, on_too_long, on_down, on_writable
};

static void
say_state(struct link *l, enum link_state s)
{
	l->was_up = s == LINK_UP || s == LINK_NEW;
	if (l->ops->state != NULL)
		l->ops->state(l, s);
}

void
link_bind(struct link *l, struct wire *w)
{
	l->wire = w;
	w->owner = l;
	w->ops = &link_wire_ops;
	l->tracked = 0;
	if (l->held)
		wire_read(w, 0);
}

void
link_plain(struct link *l)
{
	l->silent = 0;
	l->tracked = 0;
	child_attached(l);
	say_state(l, LINK_NEW);
}

/* A peer with another boot: what the old one sent is nobody's any more. */
static void
forget_old(struct link *l)
{
	struct taken *t;
	uint64_t seq = 0;

	buf_clear(&l->held_lines);
	for (; (t = seqs_from(&l->track.open, &seq)) != NULL; seq++)
		seqs_take(&l->track.open, seq);
}

void
link_attached(struct link *l, const struct hello *h)
{
	uint64_t dropped;
	int same;

	l->silent = 0;
	child_attached(l);
	if (l->we == LINK_TAP) {
		say_state(l, LINK_NEW);
		return;
	}
	if (strcmp(l->track.peer, h->boot) != 0)
		forget_old(l);
	same = track_peer(&l->track, h->boot, h->window, &dropped, settled,
	    l);
	counts.dead_dropped += dropped;
	l->tracked = 1;
	l->peer = h->as;
	l->snapshot = (unsigned char)h->snapshot;
	wire_read(l->wire, 1);	/* nobody stops reading a tracked link */
	if (l->answers)
		hello_write(l->wire, "ready", l->we, 0);
	say_state(l, same ? LINK_UP : LINK_NEW);
}

void
link_unbind(struct link *l)
{
	struct wire *w = l->wire;

	if (w == NULL)
		return;
	l->wire = NULL;
	l->tracked = 0;
	l->silent = 1;
	wire_close(w);
	if (l->passing) {
		say_state(l, LINK_GONE);
		l->gone = 1;
	} else if (l->was_up) {
		say_state(l, LINK_DOWN);
	}
	if (l->lost != NULL)
		l->lost(l);
}

/* Sending. */

void
link_send(struct link *l, struct str line, void *owner, enum link_how how)
{
	struct buf bare = BUF(2 * line.n + 64);

	counts.frames_out++;
	counts.bytes_out += line.n + 1;
	tap_copy(line);
	if (l->gone) {
		if (owner != NULL)
			settled(l, owner, line.n, "the peer left");
		return;
	}
	if (!l->bare) {
		track_send(&l->track, line, owner, how == LINK_ANSWER);
		return;
	}
	if (bare_out(&bare, line))
		track_send(&l->track, buf_str(&bare), owner, 0);
	else if (owner != NULL)
		settled(l, owner, line.n, NULL);
	buf_free(&bare);
}

size_t
link_unsettled(const struct link *l)
{
	return l->track.unsettled + l->track.waiting;
}

size_t
link_waiting(const struct link *l)
{
	return l->track.waiting;
}

size_t
link_room(struct link *l)
{
	size_t used = link_unsettled(l);

	if (l->wire != NULL && !l->tracked)
		used += buf_size(&l->wire->out);
	if (!l->gone && used < l->track.window)
		return l->track.window - used;
	l->short_of_room = 1;
	return 0;
}

/* The turn's end: acks and frames leave, in one write where the kernel takes
 * it. */
static void
flush(struct link *l)
{
	int more;

	if (l->tracked && track_has_acks(&l->track)) {
		counts.acks_out++;
		track_acks(&l->track, &l->wire->out);
	}
	do {
		more = !l->silent && track_pull(&l->track, &l->wire->out,
		    WIRE_MAX, !l->tracked, settled, l);
	} while (l->wire != NULL && wire_flush(l->wire) == 1 && more);
}

static void
sweep(void)
{
	struct link **p = &links, *l;

	while ((l = *p) != NULL) {
		if (!l->gone || l->refs > 0) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		track_free(&l->track);
		buf_free(&l->held_lines);
		free(l);
	}
}

static int ready_wanted;

static void
turn_end(struct before_sleep *b)
{
	struct link *l;
	int room = 0;

	(void)b;
	for (l = links; l != NULL; l = l->next) {
		if (l->wire != NULL)
			flush(l);
		if (l->passing && l->wire != NULL &&
		    l->track.waiting > link_window()) {
			warn("%s: a peer does not read, it is closed", l->name);
			link_unbind(l);
		}
		room |= l->short_of_room && !l->gone &&
		    link_unsettled(l) < l->track.window;
	}
	if (room)
		link_wake();
	tap_flush();
	if (ready_wanted && !child_starting())
		loop_ready();
	sweep();
}

void
link_ready(void)
{
	ready_wanted = 1;
}

/* In the next turn: what waited for room, and what was held. */
static void
awake(struct ev_loop *lp, ev_idle *w, int events)
{
	struct link *l;

	(void)events;
	ev_idle_stop(lp, w);
	for (l = links; l != NULL; l = l->next) {
		if (l->gone)
			continue;
		deliver_held(l);
		if (!l->short_of_room || link_room(l) == 0)
			continue;
		l->short_of_room = 0;
		if (l->ops->room != NULL)
			l->ops->room(l);
	}
}

void
link_wake(void)
{
	ev_idle_start(loop, &idle);
}

struct link *
link_new(const char *name, enum link_as we, enum link_as peer,
    const struct link_ops *ops)
{
	struct link *l = mem_new(sizeof *l), **end = &links;

	if (before_sleep.run == NULL) {
		before_sleep.run = turn_end;
		loop_before_sleep(&before_sleep);
		ev_idle_init(&idle, awake);
		ev_set_priority(&idle, EV_MAXPRI);
	}
	l->name = name;
	l->we = we;
	l->peer = peer;
	l->ops = ops;
	l->silent = 1;
	l->held_lines = BUF(link_window() + 2 * link_line_max());
	track_init(&l->track, link_window());
	while (*end != NULL)
		end = &(*end)->next;
	*end = l;
	return l;
}

/* What a program asks. */

const char *
link_name(const struct link *l)
{
	return l->name;
}

enum link_as
link_peer(const struct link *l)
{
	return l->peer;
}

const char *
link_peer_boot(const struct link *l)
{
	return l->track.peer;
}

int
link_present(const struct link *l)
{
	return l->wire != NULL && !l->silent;
}

int
link_tracked(const struct link *l)
{
	return l->tracked;
}

int
link_snapshot(const struct link *l)
{
	return l->snapshot;
}

void *
link_data(const struct link *l)
{
	return l->data;
}

void
link_set_data(struct link *l, void *data)
{
	l->data = data;
}

struct link *
link_next(const struct link *l)
{
	struct link *next = l ? l->next : links;

	while (next != NULL && next->gone)
		next = next->next;
	return next;
}

const struct link_counts *
link_counts(void)
{
	return &counts;
}

void
link_hup(void)
{
	child_hup();
}
