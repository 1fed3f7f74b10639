/* SPDX-License-Identifier: ISC */

/*
 * Unix sockets: served, where any number of peers attach, and connected to,
 * again and again.
 *
 *  - Who connects is nobody until its first line: an attach says what it is;
 *    any other line makes it a plain peer.
 *  - A server has one main link a router, the next routers stand by without
 *    a ready until it leaves.  Stations get a link each, and get the same one
 *    back when they return (same boot, else same name); of those that do not
 *    the longest lost is forgotten when there are too many.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../local.h"
#include "../log.h"
#include "../pause.h"
#include "inside.h"

#define NO_FILES_PAUSE	0.1	/* seconds, when descriptors ran out */

struct server {
	struct server *next;
	const char *name;
	struct local at;
	struct link_counts *counts;
	enum link_as peer;	/* of the main links; LINK_PLAIN: none */
	const struct link_ops *ops;
	struct link *main;
	int fd, peers;
	ev_io accept;
	ev_timer pause;		/* descriptors ran out */
	struct peer *standby;	/* in order of arrival */
};

struct peer {			/* a connection that is no link yet */
	struct peer *next;
	struct server *server;
	struct wire *wire;
	struct hello hello;	/* of one that stands by */
	int waits;		/* in standby; says nothing until it is ready */
};

struct dial {
	struct link *link;
	const char *path;
	struct sockaddr_un address;
	ev_timer retry;
	struct pause pause;
	int said;		/* the failure was reported */
};

static struct server *servers;

/* Served. */

static void
peer_free(struct peer *p)
{
	struct peer **at = &p->server->standby;

	while (*at != NULL && *at != p)
		at = &(*at)->next;
	if (*at != NULL)
		*at = p->next;
	free(p);
}

static void
served_lost(struct link *l)
{
	struct server *s = l->maker;
	struct peer *p = s->standby;

	s->peers--;
	if (p == NULL || l != s->main)
		return;
	link_bind(l, p->wire);
	link_attached(l, &p->hello);
	peer_free(p);
}

/* The link of a station that does not come back, or a newer one's at least: it
 * ends, and who waited for it is told. */
static void
forget(struct server *s, struct link *l)
{
	s->counts->forgotten++;
	s->main = l == s->main ? NULL : s->main;
	l->gone = 1;
	track_drop(&l->track, "its station did not come back",
	    link_owner_settled, l);
	if (l->ops->state != NULL)
		l->ops->state(l, LINK_GONE);
}

/* One more, where there is room, or the longest lost makes some; else NULL. */
static struct link *
new_station(struct server *s)
{
	struct link *l, *oldest = NULL;
	int n = 0;

	for (l = link_next(NULL); l != NULL; l = link_next(l)) {
		if (l->maker != s || l->passing)
			continue;
		n++;
		if (l->wire == NULL && (oldest == NULL ||
		    l->lost_at < oldest->lost_at))
			oldest = l;
	}
	if (n >= settings.stations && oldest == NULL)
		return NULL;
	if (n >= settings.stations)
		forget(s, oldest);
	l = link_new(s->name, LINK_ROUTER, s->peer, s->ops);
	l->maker = s;
	l->lost = served_lost;
	l->answers = 1;
	return l;
}

/* The link this station gets: its own; NULL: there are too many. */
static struct link *
station_link(struct server *s, const struct hello *h)
{
	struct link *l, *spare = NULL;

	for (l = link_next(NULL); l != NULL; l = link_next(l)) {
		if (l->maker != s || l->passing || l->wire != NULL)
			continue;
		if (strcmp(l->track.peer, h->boot) == 0)
			return l;
		if (l->track.peer[0] == '\0' || strcmp(l->peer_name, h->name)
		    == 0)
			spare = l;
	}
	if (spare == NULL && (spare = new_station(s)) == NULL)
		return NULL;
	snprintf(spare->peer_name, sizeof spare->peer_name, "%s", h->name);
	return spare;
}

static struct link *
passing_link(struct server *s, enum link_as as)
{
	struct link *l = link_new(s->name, s->peer == LINK_STATION ?
	    LINK_ROUTER : LINK_STATION, as, s->ops);

	l->passing = 1;
	l->answers = 1;
	l->maker = s;
	l->lost = served_lost;
	return l;
}

static void
refuse(struct peer *p, const char *why, struct str line)
{
	p->server->counts->turned_away++;
	warn("%s: %s", p->server->name, why);
	link_say_error(p->wire, why, line);
	if (wire_flush(p->wire) == -1)
		return;			/* down() has cleaned up */
	wire_close(p->wire);
	p->server->peers--;
	peer_free(p);
}

static void
stand_by(struct peer *p)
{
	struct peer **end = &p->server->standby;

	while (*end != NULL)
		end = &(*end)->next;
	p->waits = 1;
	p->next = NULL;
	*end = p;
}

static void
peer_attach(struct peer *p, struct str line, const struct frame *f)
{
	struct server *s = p->server;
	struct link *l = NULL;
	const char *why;

	if (hello_read(&p->hello, f, &why) == -1) {
		refuse(p, why, line);
		return;
	}
	if (p->hello.as == LINK_TAP) {
		if (tap_new(p->wire, &p->hello, s->counts) == NULL) {
			refuse(p, "attach: too many taps", line);
			return;
		}
		s->peers--;
		peer_free(p);
		return;
	}
	if (p->hello.as == LINK_SOURCE) {
		l = passing_link(s, LINK_SOURCE);
	} else if (p->hello.as != s->peer) {
		refuse(p, s->peer == LINK_PLAIN ?
		    "attach: a co-process or stdout has that place" :
		    "attach: this side wants another kind of peer", line);
		return;
	} else if (s->peer == LINK_STATION) {
		l = station_link(s, &p->hello);
		if (l == NULL) {
			refuse(p, "attach: too many stations", line);
			return;
		}
	} else if (s->main->wire == NULL) {
		l = s->main;
	} else {
		stand_by(p);
		return;
	}
	link_bind(l, p->wire);
	link_attached(l, &p->hello);
	peer_free(p);
}

/* Its first line was no attach. */
static struct link *
plain_peer(struct peer *p)
{
	struct link *l = passing_link(p->server, LINK_PLAIN);

	link_bind(l, p->wire);
	link_plain(l);
	peer_free(p);
	return l;
}

static void
peer_line(struct wire *w, struct str line)
{
	struct peer *p = w->owner;
	struct frame f;
	const char *why;

	if (p->waits || json_trim(line).n == 0)
		return;
	if (frame_scan(&f, line, &why) == 1 && f.type == T_ATTACH) {
		peer_attach(p, line, &f);
		return;
	}
	link_line(plain_peer(p), line);
}

static void
peer_too_long(struct wire *w)
{
	struct peer *p = w->owner;

	if (!p->waits)
		link_wire_ops.too_long(plain_peer(p)->wire);
}

static void
peer_down(struct wire *w, const char *why)
{
	struct peer *p = w->owner;

	(void)why;
	p->server->peers--;
	wire_close(w);
	peer_free(p);
}

static const struct wire_ops peer_ops = {
	.line = peer_line,
	.too_long = peer_too_long,
	.down = peer_down
};

static void
resume(struct ev_loop *lp, ev_timer *t, int events)
{
	struct server *s = t->data;

	(void)events;
	ev_io_start(lp, &s->accept);
}

/* Nobody can be accepted for a while; asking on would only take the time. */
static void
no_files(struct server *s)
{
	static struct log_kind kind;
	unsigned long long unsaid;

	s->counts->no_files++;
	if (log_flood(&kind, &unsaid))
		warn("%s: accept: %s", s->at.path, strerror(errno));
	ev_io_stop(loop, &s->accept);
	ev_timer_init(&s->pause, resume, NO_FILES_PAUSE, 0);
	s->pause.data = s;
	ev_timer_start(loop, &s->pause);
}

static void
on_accept(struct ev_loop *lp, ev_io *io, int events)
{
	struct server *s = io->data;
	struct peer *p;
	int fd;

	(void)lp;
	(void)events;
	while ((fd = accept4(s->fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if (s->peers >= PEERS_MAX) {
			warn("%s: more than %d peers", s->at.path, PEERS_MAX);
			s->counts->turned_away++;
			close(fd);
			continue;
		}
		s->peers++;
		p = mem_new(sizeof *p);
		p->server = s;
		p->wire = wire_new(fd, fd, LINE_MAX_IN, &peer_ops, p);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		no_files(s);
}

static int
listen_at(struct local *l, const char *path)
{
	int fd = local_listen(l, path, settings.mode, settings.group);

	if (fd != -1)
		return fd;
	if (errno == ENAMETOOLONG)
		die(100, "%s: too long for a socket", path);
	if (errno == EEXIST)
		die(100, "%s: is there and no socket", path);
	if (errno == EADDRINUSE)
		die(111, "%s: somebody serves it already", path);
	die(111, "%s: %s", path, strerror(errno));
}

struct link *
link_serve(const char *name, enum link_as peer, const char *path,
    const struct link_ops *ops)
{
	struct server *s = mem_new(sizeof *s);

	s->name = name;
	s->counts = count_of(name);
	s->peer = peer;
	s->ops = ops;
	s->fd = listen_at(&s->at, path);
	ev_io_init(&s->accept, on_accept, s->fd, EV_READ);
	s->accept.data = s;
	ev_io_start(loop, &s->accept);
	s->next = servers;
	servers = s;
	if (peer == LINK_PLAIN)
		return NULL;
	s->main = link_new(name, peer == LINK_ROUTER ? LINK_STATION :
	    LINK_ROUTER, peer, ops);
	s->main->maker = s;
	s->main->lost = served_lost;
	s->main->answers = 1;
	return s->main;
}

/* Once, at the end: the servers stay, because their links name them. */
void
socket_close_all(void)
{
	struct server *s;

	for (s = servers; s != NULL; s = s->next) {
		ev_io_stop(loop, &s->accept);
		ev_timer_stop(loop, &s->pause);
		local_remove(&s->at);
		close(s->fd);
	}
}

/* Connected to. */

static void dial(struct dial *);

static void
dial_later(struct dial *d)
{
	ev_timer_set(&d->retry, pause_next(&d->pause), 0);
	ev_timer_start(loop, &d->retry);
}

static void
dial_retry(struct ev_loop *lp, ev_timer *t, int events)
{
	(void)lp;
	(void)events;
	dial(t->data);
}

static void
dial_lost(struct link *l)
{
	dial_later(l->maker);
}

static void
dial(struct dial *d)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1 || connect(fd, (const struct sockaddr *)&d->address,
	    sizeof d->address) == -1) {
		if (!d->said++)
			info("%s: %s", d->path, strerror(errno));
		if (fd != -1)
			close(fd);
		dial_later(d);
		return;
	}
	d->said = 0;
	pause_forget(&d->pause);
	link_bind(d->link, wire_new(fd, fd, LINE_MAX_IN, &link_wire_ops,
	    d->link));
	hello_write(d->link->wire, "attach", d->link->we, settings.snapshot);
}

struct link *
link_connect(const char *name, enum link_as we, const char *path,
    const struct link_ops *ops)
{
	struct link *l = link_new(name, we,
	    we == LINK_ROUTER ? LINK_STATION : LINK_ROUTER, ops);
	struct dial *d = mem_new(sizeof *d);

	l->maker = d;
	l->lost = dial_lost;
	d->link = l;
	d->path = path;
	if (local_address(&d->address, path) == -1)
		die(100, "%s: too long for a socket", path);
	d->pause = (struct pause){ .first = 100, .longest = 5000 };
	ev_init(&d->retry, dial_retry);
	d->retry.data = d;
	dial(d);
	return l;
}
