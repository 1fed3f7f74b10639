/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../log.h"
#include "inside.h"

#define WIRE_MAX	(256 << 10)	/* bytes gathered for one write */

static struct link *links;
static ev_idle idle;		/* a turn without sleep is wanted */
static struct before_sleep before_sleep;

void
link_owner_settled(void *ctx, void *owner, struct str line, size_t bytes,
    const char *why)
{
	struct link *l = ctx;

	if (why != NULL) {
		l->counts->refused_out++;
		if (l->ops->refused != NULL)
			l->ops->refused(l, owner, line, why);
	}
	if (l->ops->settled != NULL)
		l->ops->settled(l, owner, bytes, why);
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
	link_bad_line(w->owner, "a line is too long", (struct str){ "", 0 });
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
on_pause(struct wire *w)
{
	link_pause(w->owner);
}

const struct wire_ops link_wire_ops = {
	.line = on_line,
	.too_long = on_too_long,
	.down = on_down,
	.pause = on_pause
};

static void
say_state(struct link *l, enum link_state s)
{
	l->was_up = s == LINK_UP || s == LINK_NEW;
	l->counts->attached += l->was_up;
	l->counts->lost += !l->was_up;
	if (l->ops->state != NULL)
		l->ops->state(l, s);
}

void
link_bind(struct link *l, struct wire *w)
{
	l->wire = w;
	w->owner = l;
	w->ops = &link_wire_ops;
	l->tracked = 0;		/* a held one is read until it attached */
}

void
link_plain(struct link *l)
{
	l->silent = 0;
	l->tracked = 0;
	wire_read(l->wire, !l->held);
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
	same = track_peer(&l->track, h->boot, h->window, &dropped,
	    link_owner_settled, l);
	l->counts->dead_dropped += dropped;
	l->tracked = 1;
	l->peer = h->as;
	l->snapshot = (unsigned char)h->snapshot;
	l->tells = (unsigned char)h->stats;
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
	if (l->tracked)		/* its peer says again what was not settled */
		buf_clear(&l->held_lines);
	l->deserted = l->tracked && wire_deserted(w);
	l->wire = NULL;
	l->lost_at = ev_now(loop);
	l->tracked = 0;
	l->shows = 0;
	l->asked_at = 0;
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

	l->counts->frames_out++;
	l->counts->bytes_out += line.n + 1;
	l->dirty = 1;
	tap_copy(line);
	if (l->gone) {
		if (owner != NULL)
			link_owner_settled(l, owner, line, line.n,
			    "the peer left");
		return;
	}
	if (l->bare) {		/* of which nothing may be left */
		bare_out(&bare, line);
		track_send(&l->track, buf_str(&bare), line.n, owner, 0);
		buf_free(&bare);
		return;
	}
	track_send(&l->track, line, line.n, owner, how == LINK_ANSWER);
}

size_t
link_unsettled(const struct link *l)
{
	return l->track.unsettled + l->track.waiting;
}

size_t
link_peer_window(const struct link *l)
{
	return l->track.window;
}

static size_t
room_of(const struct link *l)
{
	size_t used = link_unsettled(l);

	if (l->wire != NULL && !l->tracked)
		used += buf_size(&l->wire->out);
	return !l->gone && used < l->track.window ? l->track.window - used : 0;
}

size_t
link_room(struct link *l)
{
	size_t n = room_of(l);

	if (n > 0)
		return n;
	l->counts->stalls += !l->short_of_room;
	l->short_of_room = 1;
	return 0;
}

/* The turn's end: acks and frames leave, in one write where the kernel takes
 * it. */
static void
flush(struct link *l)
{
	int more;

	l->dirty = 0;
	if (l->tracked && track_has_acks(&l->track)) {
		l->counts->acks_out++;
		track_acks(&l->track, &l->wire->out);
	}
	do {
		more = !l->silent && track_pull(&l->track, &l->wire->out,
		    WIRE_MAX, !l->tracked, link_owner_settled, l);
	} while (l->wire != NULL && wire_flush(l->wire) == 1 && more);
	l->counts->resent += l->track.again;
	l->track.again = 0;
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

/* What we keep for a peer that comes and goes: not written, not settled. */
static size_t
owed(const struct link *l)
{
	return link_unsettled(l) + buf_size(&l->wire->out) +
	    buf_size(&l->track.refused);
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
		    owed(l) > link_window() + WIRE_MAX) {
			warn("%s: a peer does not read or settle, it is closed",
			    l->name);
			l->counts->closed++;
			link_unbind(l);
		}
		room |= l->short_of_room && room_of(l) > 0;
	}
	/* what a later link settled may be an earlier one's to say */
	for (l = links; l != NULL; l = l->next)
		room |= l->dirty && l->wire != NULL;
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
		link_deliver_held(l);
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
	l->counts = count_of(name);
	l->we = we;
	l->peer = peer;
	l->ops = ops;
	l->silent = 1;
	l->held_lines = BUF(2 * link_window() + 2 * LINE_MAX_IN);
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
link_deserted(const struct link *l)
{
	return l->deserted;
}

int
link_snapshot(const struct link *l)
{
	return l->snapshot;
}

struct link *
link_next(const struct link *l)
{
	struct link *next = l ? l->next : links;

	while (next != NULL && next->gone)
		next = next->next;
	return next;
}

void
link_hup(void)
{
	child_hup();
}
