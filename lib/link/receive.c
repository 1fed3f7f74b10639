/* SPDX-License-Identifier: ISC */

/*
 * Receiving: from a line to the program's hands, and what became of it back
 * to the peer.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../block.h"
#include "../log.h"
#include "inside.h"

#define ERROR_FRAME	1024		/* a longer line is not shown back */
#define ERRORS_MAX	(64 << 10)	/* bytes waiting; then none is added */

static struct block *block;		/* of the next taken */

static struct taken *
take(struct link *l, uint64_t seq)
{
	struct taken *t = block_cut(&block, sizeof *t);

	*t = (struct taken){ .link = l, .seq = seq, .epoch = l->track.epoch };
	memcpy(t->boot, l->track.peer, sizeof t->boot);
	l->refs++;
	return t;
}

static void
release(struct link *l)
{
	l->refs--;	/* one that is gone is swept at the turn's end */
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
	if (current(t)) {
		track_settle(&t->link->track, t->seq, NULL);
		t->link->dirty = 1;
	}
	if (t->seen != NULL)
		seen_settled(t->seen);
	release(t->link);
	block_free(&block, t);
}

static void
error_frame(struct buf *b, const char *why, struct str line)
{
	frame_begin(b, "error");
	frame_text(b, "why", str_of(utf8_check(str_of(why)) ? why : "?"));
	if (line.n > 0 && line.n <= ERROR_FRAME && utf8_check(line))
		frame_text(b, "text", line);
	if (frame_end(b) == -1)
		buf_adds(b, STR("{\"type\":\"error\",\"why\":\"?\"}"));
}

/* At once: to a peer that speaks out of turn, or has no link yet; unless it
 * does not read what it was told before. */
void
link_say_error(struct wire *w, const char *why, struct str line)
{
	struct buf b = BUF(4 * ERROR_FRAME);

	if (buf_size(&w->out) > ERRORS_MAX)
		return;
	error_frame(&b, why, line);
	buf_adds(&w->out, buf_str(&b));
	buf_addc(&w->out, '\n');
	buf_free(&b);
}

/* In its turn: what was sent before comes before. */
static void
answer_error(struct link *l, const char *why)
{
	struct buf b = BUF(4 * ERROR_FRAME);

	error_frame(&b, why, (struct str){ "", 0 });
	link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	buf_free(&b);
}

static void
say_refused(const struct link *l, const char *why)
{
	static struct log_kind kind;
	unsigned long long unsaid;

	if (!log_flood(&kind, &unsaid))
		return;
	if (unsaid > 0)
		warn("%llu refusals were not told of", unsaid);
	warn("%s: %s", l->name, why);
}

void
link_refuse(struct taken *t, const char *why)
{
	t->link->counts->refused_in++;
	t->link->dirty = 1;
	if (current(t))
		track_settle(&t->link->track, t->seq, why);
	else if (t->seq == 0 && link_present(t->link) && !t->link->bare &&
	    link_unsettled(t->link) <= link_window())
		answer_error(t->link, why);
	else
		say_refused(t->link, why);
	if (t->seen != NULL)
		seen_forget(t->seen);
	release(t->link);
	block_free(&block, t);
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

/* "of": [boot, seq, k], checked: 1, else 0. */
static int
of_read(const struct frame *f, char boot[static SEEN_BOOT], uint64_t *seq,
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
	memset(boot, 0, SEEN_BOOT);
	memcpy(boot, m.value.p + 1, m.value.n - 2);
	if (json_next(&w, &m) != 1 || !json_int(m.value, &n) || n < 1)
		return 0;
	*seq = (uint64_t)n;
	if (json_next(&w, &m) != 1 || !json_int(m.value, &n) || n < 0 ||
	    n > UINT32_MAX)
		return 0;
	*k = (uint32_t)n;
	return 1;
}

struct str
link_made_of(const struct frame *f, const struct taken *t)
{
	static struct buf id = { .max = 80 };
	struct seen s;

	if (t->seen != NULL)	/* it was read already */
		s = *t->seen;
	else if (!of_read(f, s.boot, &s.seq, &s.k))
		return STR("");
	buf_clear(&id);
	buf_adds(&id, str_of(s.boot));
	buf_addc(&id, '-');
	buf_addn(&id, (int64_t)s.seq);
	buf_addc(&id, '-');
	buf_addn(&id, s.k);
	return buf_str(&id);
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
	char boot[SEEN_BOOT];
	struct seen *s = NULL;
	struct taken *t;
	uint64_t of;
	uint32_t k;
	int fresh = 1;

	if (of_read(f, boot, &of, &k))
		s = seen_get(boot, of, k, &fresh);
	if (!fresh) {
		l->counts->repeats++;
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
		l->counts->repeats++;
		break;
	case TRACK_SETTLED:
		l->counts->repeats++;
		track_settle(&l->track, seq, NULL);
		break;
	case TRACK_REFUSED:
		l->counts->repeats++;
		track_settle(&l->track, seq, "refused before");
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

	l->counts->frames_in++;
	tap_copy(f->line);
	if (l->tracked && frame_int(f, K_SEQ, &seq) && seq > 0)
		tracked_frame(l, f, (uint64_t)seq);
	else
		l->ops->frame(l, f, take(l, 0));
}

/* Each is counted; who says them without an end fills no disk. */
static void
say_bad_line(const struct link *l, const char *why)
{
	static struct log_kind kind;
	unsigned long long unsaid;

	if (!log_flood(&kind, &unsaid))
		return;
	if (unsaid > 0)
		warn("%llu malformed lines were not told of", unsaid);
	if (l->wire != NULL && l->wire->in == STDIN_FILENO)
		warn("stdin:%llu: %s", (unsigned long long)l->wire->number,
		    why);
	else
		warn("%s: %s", l->name, why);
}

void
link_bad_line(struct link *l, const char *why, struct str line)
{
	l->counts->bad_lines++;
	say_bad_line(l, why);
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
		link_bad_line(l, "a line is too long", line);
	buf_free(&b);
}

static void
control(struct link *l, const struct frame *f)
{
	struct hello h;
	const char *why;

	if (f->type == T_ACK) {
		l->counts->acks_in++;
		if (!l->tracked ||
		    track_ack(&l->track, f, link_owner_settled, l) == -1)
			link_bad_line(l, "malformed ack", f->line);
		return;
	}
	if (l->tracked || l->wire == NULL || (!l->answers && !l->silent) ||
	    (f->type == T_ATTACH) != l->answers)
		link_bad_line(l, "attach and ready come once, first",
		    f->line);
	else if (hello_read(&h, f, &why) == -1)
		link_bad_line(l, why, f->line);
	else
		link_attached(l, &h);
}

/* The link's own business, which a held link hears, too. */
static int
is_ours(const struct link *l, struct str line)
{
	static const char ack[] = "{\"type\":\"ack\"";
	struct frame f;
	const char *why;

	if (line.n > sizeof ack && memcmp(line.p, ack, sizeof ack - 1) == 0)
		return 1;
	return stats_may_be(line) && frame_scan(&f, line, &why) == 1 &&
	    stats_is(l, &f);
}

static void
hold_line(struct link *l, struct str line)
{
	buf_adds(&l->held_lines, line);
	if (buf_addc(&l->held_lines, '\n') == -1) {
		link_bad_line(l, "the peer ignores the window", line);
		l->counts->closed++;
		link_unbind(l);
	}
}

void
link_pause(struct link *l)
{
	if (l->ops->pause != NULL)
		l->ops->pause(l);
}

static void
line_in(struct link *l, struct str line)
{
	struct frame f;
	const char *why;

	if (json_trim(line).n == 0)
		return;
	if (frame_scan(&f, line, &why) == -1)
		link_bad_line(l, why, line);
	else if (f.type == T_ACK || f.type == T_ATTACH || f.type == T_READY) {
		link_pause(l);
		control(l, &f);
	} else if (stats_is(l, &f)) {
		link_pause(l);
		stats_frame(l, &f);
	} else
		frame_in(l, &f);
}

void
link_line(struct link *l, struct str line)
{
	static const char attach[] = "{\"type\":\"attach\"";

	l->counts->bytes_in += line.n + 1;
	if (!l->tracked && line.n > link_line_max()) {
		link_bad_line(l, "a line is too long", (struct str){ "", 0 });
		return;
	}
	if (l->bare) {
		bare_line(l, line);
		return;
	}
	if (l->silent && l->answers && (line.n < sizeof attach ||
	    memcmp(line.p, attach, sizeof attach - 1) != 0))
		link_plain(l);
	if (!l->silent && !is_ours(l, line) &&
	    (l->held || buf_size(&l->held_lines) > 0))
		hold_line(l, line);
	else
		line_in(l, line);
}

void
link_deliver_held(struct link *l)
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
	link_pause(l);
	if (!l->gone)
		buf_adds(&l->held_lines, buf_str(&lines));
	buf_free(&lines);
}

void
link_end(struct link *l)
{
	if (l->wire != NULL && !l->tracked)
		wire_end(l->wire);
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

