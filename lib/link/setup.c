/* SPDX-License-Identifier: ISC */

/*
 * The options of links, stdin and stdout as a link, and what a station makes
 * of both.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../log.h"
#include "inside.h"

#define HEADER_MAX	(64 << 10)	/* of a frame beside its payload */

struct link_settings settings = {
	.max = 1 << 20, .window = 4 << 20, .mode = 0600, .group = (gid_t)-1,
	.stations = PEERS_MAX
};

static gid_t
group_id(const struct opts *o, const char *name)
{
	struct group *g = getgrnam(name);

	if (g == NULL)
		opt_usage(o, "%s: no such group", name);
	return g->gr_gid;
}

static mode_t
socket_mode(const struct opts *o, const char *text)
{
	char *end;
	unsigned long m = strtoul(text, &end, 8);

	if (*text == '\0' || *end != '\0' || m > 0777)
		opt_usage(o, "%s: not permissions (0600)", text);
	return (mode_t)m;
}

int
link_option(const struct opts *o, int key)
{
	switch (key) {
	case 'D':
		loop_notify_fd((int)opt_number(o, o->arg, 0, 1 << 20));
		return 1;
	case 'm':
		settings.max = (size_t)opt_bytes(o, o->arg);
		if (settings.max < 1 || settings.max > 1 << 30)
			opt_usage(o, "%s: not from 1 to 1g", o->arg);
		return 1;
	case 's':
		settings.path = o->arg;
		return 1;
	case KEY_WINDOW:
		settings.window = (size_t)opt_bytes(o, o->arg);
		if (settings.window < 1 || settings.window > 1 << 30)
			opt_usage(o, "%s: not from 1 to 1g", o->arg);
		return 1;
	case KEY_BARE:
		settings.bare = 1;
		return 1;
	case KEY_MODE:
		settings.mode = socket_mode(o, o->arg);
		return 1;
	case KEY_GROUP:
		settings.group = group_id(o, o->arg);
		return 1;
	case KEY_NAME:
		settings.name = o->arg;
		return 1;
	case KEY_STATIONS:
		settings.stations = (int)opt_number(o, o->arg, 1, PEERS_MAX);
		return 1;
	default:
		return 0;
	}
}

size_t
link_max(void)
{
	return settings.max;
}

size_t
link_line_max(void)
{
	return settings.max + HEADER_MAX;
}

size_t
link_window(void)
{
	return settings.window;
}

const char *
link_boot(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static char boot[BOOT_LEN + 1];
	unsigned char r[BOOT_LEN];
	size_t i;

	if (boot[0] != '\0')
		return boot;
	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		die(111, "getrandom: %s", strerror(errno));
	for (i = 0; i < BOOT_LEN; i++)
		boot[i] = letters[r[i] % 36];
	return boot;
}

void
link_tap_filter(const char *user, const char *conn, const char *types)
{
	settings.tap_user = user;
	settings.tap_conn = conn;
	settings.tap_types = types;
}

/* stdin and stdout. */

static int
is_file(int fd, const char *dev_ino)
{
	struct stat st;
	char here[64];

	if (fstat(fd, &st) == -1)
		return 0;
	snprintf(here, sizeof here, "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return strcmp(here, dev_ino) == 0;
}

/* Did a program of the kit start us, with these very pipes? */
static int
parent_knows(void)
{
	const char *env = getenv("RK_LINK");
	char in[64], out[64];

	return env != NULL && sscanf(env, "%63s %63s", in, out) == 2 &&
	    is_file(STDIN_FILENO, in) && is_file(STDOUT_FILENO, out);
}

static void
stdio_lost(struct link *l)
{
	if (l->ops->end != NULL)
		l->ops->end(l);
}

/* Plain stdin ended; stdout goes on, so the link stays. */
static void
stdio_down(struct wire *w, const char *why)
{
	struct link *l = w->owner;

	if (l->tracked || why != NULL) {
		link_wire_ops.down(w, why);
		return;
	}
	if (l->ops->end != NULL)
		l->ops->end(l);
}

struct link *
link_stdio(const char *name, enum link_as we, const struct link_ops *ops)
{
	static struct wire_ops plain;
	enum link_as peer = we == LINK_ROUTER ? LINK_STATION : LINK_ROUTER;
	struct link *l = link_new(name, we, peer, ops);

	l->lost = stdio_lost;
	link_bind(l, wire_new(wire_nonblocking(STDIN_FILENO, O_RDONLY),
	    wire_nonblocking(STDOUT_FILENO, O_WRONLY), LINE_MAX_IN,
	    &link_wire_ops, l));
	if (parent_knows()) {
		hello_write(l->wire, "attach", we, settings.snapshot);
		return l;
	}
	plain = link_wire_ops;
	plain.down = stdio_down;
	l->wire->ops = &plain;
	link_plain(l);
	return l;
}

/* Is stdout a place where frames are expected, though we serve a socket?  A
 * pipe or a socket is, unless it is where the messages go. */
static int
stdout_wanted(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	struct stat out, err;

	if (fstat(STDOUT_FILENO, &out) == -1 ||
	    !(S_ISFIFO(out.st_mode) || S_ISSOCK(out.st_mode)))
		return 0;
	if (journal != NULL && is_file(STDOUT_FILENO, journal))
		return 0;
	return fstat(STDERR_FILENO, &err) == -1 ||
	    out.st_dev != err.st_dev || out.st_ino != err.st_ino;
}

struct link *
link_station(struct opts *o, const struct link_ops *ops)
{
	struct link *l;

	if (o->child == NULL && settings.path != NULL && !stdout_wanted())
		return link_serve("router", LINK_ROUTER, settings.path, ops);
	l = o->child != NULL ?
	    link_child("router", LINK_STATION, o->child, ops) :
	    link_stdio("router", LINK_STATION, ops);
	if (settings.path != NULL)
		link_serve("socket", LINK_PLAIN, settings.path, ops);
	return l;
}

/* The end. */

#define CLOSE_LATE	1000	/* ms for a step when there was no end yet */

static struct {
	void (*done)(void);
	ev_timer tick;
	int64_t ms, until;
	int late;			/* some step took all its time */
	enum { DRAIN, CLOSE, TERMINATE, KILLED } step;
} closing;

static int
all_settled(void)
{
	struct link *l;

	for (l = link_next(NULL); l != NULL; l = link_next(l)) {
		if (l->wire == NULL || l->passing)
			continue;
		if (link_unsettled(l) > 0 || buf_size(&l->wire->out) > 0)
			return 0;
	}
	return 1;
}

static void
close_step(struct ev_loop *lp, ev_timer *t, int events)
{
	int late = loop_ms() >= closing.until;

	(void)events;
	switch (closing.step) {
	case DRAIN:
		if (!all_settled() && !late)
			return;
		child_end_input();
		break;
	case CLOSE:
		if (child_kill(0) > 0 && !late)
			return;
		child_kill(SIGTERM);
		break;
	case TERMINATE:
		if (child_kill(0) > 0 && !late)
			return;
		child_kill(SIGKILL);
		break;
	case KILLED:
		/* what the co-processes said last has still to leave */
		if ((child_kill(0) > 0 || !all_settled()) && !late)
			return;
		ev_timer_stop(lp, t);
		socket_close_all();
		closing.done();
		return;
	}
	closing.step++;
	closing.late |= late;
	closing.until = loop_ms() + (closing.step == TERMINATE ||
	    closing.late ? CLOSE_LATE : closing.ms);
	ev_feed_event(lp, t, EV_CUSTOM);
}

void
link_close_all(int64_t ms, void (*done)(void))
{
	if (closing.done != NULL)
		return;
	closing.done = done;
	closing.ms = ms;
	ev_now_update(loop);
	closing.until = loop_ms() + ms;
	ev_timer_init(&closing.tick, close_step, 0, 0.01);
	ev_timer_start(loop, &closing.tick);
}
