/* SPDX-License-Identifier: ISC */
/*
 * What was kept, back on standard output: each frame as it was before its
 * time was put behind it; at once, or as much later than the one before as it
 * was then.
 */
#include <errno.h>
#include <fcntl.h>

#include "frame.h"
#include "lines.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"

#include "keep.h"

#define OUT_BYTES	(256 << 10)

static struct replay replay;
static struct lines in;
static struct lines_out out;
static ev_timer pause_timer;
static struct buf next;		/* the line that waits for its time */
static int64_t before = -1;	/* when the last one was kept */

/* `..., "kept":1700000000000}`, as entry.c wrote it: where it begins, or 0. */
static size_t
time_of(struct str line, int64_t *kept)
{
	static const char mark[] = "\"kept\":";
	size_t i, k = sizeof mark - 1;

	if (line.n < k + 3 || line.p[line.n - 1] != '}')
		return 0;
	for (i = line.n - 1; i > k && line.p[i - 1] >= '0' &&
	    line.p[i - 1] <= '9'; i--)
		;
	if (i <= k || memcmp(line.p + i - k, mark, k) != 0 ||
	    !json_int((struct str){ line.p + i, line.n - 1 - i }, kept))
		return 0;
	return i - k;
}

static int
is_wanted(const struct frame *f, int64_t kept)
{
	struct str type = f->v[K_TYPE];

	return kept >= replay.from && kept < replay.to &&
	    (replay.types == NULL || (type.n >= 2 && name_listed(replay.types,
	    (struct str){ type.p + 1, type.n - 2 })));
}

static void
put(struct str line, size_t end)
{
	buf_clear(&next);
	if (line.p[end - 1] == ',')
		end--;
	buf_add(&next, line.p, end);
	buf_addc(&next, '}');
}

/* 1: it leaves now; 0: later, or never. */
static int
one(struct str line)
{
	struct frame f;
	const char *why;
	int64_t kept, pause;
	size_t end;

	if (frame_scan(&f, line, &why) == -1 ||
	    (end = time_of(f.line, &kept)) == 0) {
		warn("%s:%llu: not what was kept", replay.file,
		    (unsigned long long)in.number);
		tally.wrong++;
		return 0;
	}
	if (!is_wanted(&f, kept))
		return 0;
	put(f.line, end);
	pause = before == -1 ? 0 : kept - before;
	before = kept;
	if (!replay.timed || pause <= 0)
		return 1;
	ev_timer_set(&pause_timer, (double)pause / 1000, 0);
	ev_timer_start(loop, &pause_timer);
	return 0;
}

static void
end(void)
{
	if (in.ended && !ev_is_active(&pause_timer) &&
	    lines_waiting(&out) == 0)
		loop_stop(tally.wrong > 0);
}

static void
flow(void)
{
	struct str line;
	int r;

	while (!ev_is_active(&pause_timer) && !lines_full(&out) &&
	    (r = lines_next(&in, &line)) != 0)
		if (r == -1)
			warn("%s:%llu: the line is too long", replay.file,
			    (unsigned long long)in.number);
		else if (one(line))
			lines_add(&out, buf_str(&next));
	end();
}

static void
on_pause(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	lines_add(&out, buf_str(&next));
	flow();
}

static void
more(struct lines *l)
{
	(void)l;
	flow();
}

static void
room(struct lines_out *o)
{
	(void)o;
	flow();
}

void
replay_open(const struct replay *r)
{
	int fd = strcmp(r->file, "-") == 0 ? 0 :
	    open(r->file, O_RDONLY | O_CLOEXEC);

	replay = *r;
	if (fd == -1)
		die(111, "%s: %s", r->file, strerror(errno));
	next = BUF(link_line_max() + 1024);
	ev_init(&pause_timer, on_pause);
	lines_open(&in, fd, link_line_max() + 1024, more);
	lines_out_open(&out, 1, OUT_BYTES, room);
	loop_ready();
	flow();
}
