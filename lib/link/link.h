/* SPDX-License-Identifier: ISC */
#ifndef LINK_H
#define LINK_H

/*
 * Links: duplex streams of frames, made in four ways that look the same from
 * here: stdin and stdout, a co-process, a socket we serve, a socket we
 * connect to.  rk-frame(5), LINKS, is the protocol.
 *
 *  - A struct link is a place, not a connection: it outlives the peer that
 *    comes, leaves and comes back, and keeps what the peer has not settled.
 *    Only the links of sources and plain peers end with their peer (LINK_GONE).
 *  - Custody: each frame that comes in is handed over with a struct taken,
 *    which the program settles or refuses exactly once, now or later.  Each
 *    frame sent may name an owner, which comes back through ops->settled
 *    exactly once.  Plain (untracked) links keep the same two promises as
 *    well as they can: sent is settled when written; settling a taken frame
 *    says nothing; refusing it answers an error frame.
 *  - Nobody blocks here.  link_send() always takes the frame.  New work asks
 *    link_room() first and waits for ops->room; answers do not ask.
 *  - A repeat (a frame with an "of" that was seen) never reaches ops->frame.
 *  - Everything runs on the loop of loop.h; what was sent leaves before it
 *    sleeps, in one write a link.
 */

#include <stdint.h>

#include "../buf.h"
#include "../figure.h"
#include "../frame.h"
#include "../opt.h"

struct link;
struct taken;

enum link_as {		/* what a peer is on a link */
	LINK_PLAIN,	/* it never attached: frames without tracking */
	LINK_ROUTER,	/* runs the rules; one active, the next stand by */
	LINK_STATION,	/* a listener, a bridge: makes events, takes commands */
	LINK_SOURCE,	/* a publisher: writes, gets acks */
	LINK_TAP	/* a copy of everything; slows nobody */
};

enum link_state {
	LINK_UP,	/* the peer that was there is back */
	LINK_NEW,	/* a peer with a boot that we did not know */
	LINK_DOWN,	/* nobody is there; what is unsettled waits */
	LINK_GONE	/* a source or plain peer left, or a station is
			   forgotten: the link is freed when the callback
			   returns; its taken frames stay valid */
};

struct link_ops {
	/* A frame came in.  Spans die with the call; taken is the program's
	 * until link_settle() or link_refuse(). */
	void (*frame)(struct link *, struct frame *, struct taken *);
	/* No frame follows for now: behind the last of those that came
	 * together, and before acks and questions for figures among them. */
	void (*pause)(struct link *);			/* may be NULL */
	/* A frame with an owner was taken over (why NULL) or refused.  bytes
	 * is what it held of the window. */
	void (*settled)(struct link *, void *owner, size_t bytes,
	    const char *why);
	/* Before that, when it was refused: what it was, as it was sent. */
	void (*refused)(struct link *, void *owner, struct str line,
	    const char *why);				/* may be NULL */
	void (*state)(struct link *, enum link_state);	/* may be NULL */
	/* New work may be sent again: the link had no room and has. */
	void (*room)(struct link *);			/* may be NULL */
	/* A plain input ended (end of file on stdin): no more frames. */
	void (*end)(struct link *);			/* may be NULL */
};

/* The rows every program with links has, then the server's.  link_option()
 * returns 1 when the key was one of them. */
enum { LINK_KEYS = OPT_LONG + 1000, KEY_WINDOW, KEY_BARE, KEY_MODE, KEY_GROUP,
    KEY_NAME, KEY_STATIONS };
#define LINK_OPTS \
	{ 'D', "ready-fd", "FD", "write a newline there when ready" }, \
	{ 'm', "max", "BYTES", "largest payload, as it stands in a frame " \
	    "(1m)" }, \
	{ KEY_WINDOW, "window", "BYTES", "unsettled bytes on a link (4m)" }, \
	{ KEY_NAME, "name", "NAME", "our name on links (the program's)" }
#define LINK_OPTS_CHILD \
	{ KEY_BARE, "bare", NULL, "the co-process speaks payloads, not frames" }
#define LINK_OPTS_SERVE \
	{ 's', "socket", "PATH", "serve this Unix socket" }, \
	{ KEY_MODE, "socket-mode", "MODE", "its permissions (0600)" }, \
	{ KEY_GROUP, "socket-group", "GROUP", "its group" }
/* Of who serves stations. */
#define LINK_OPTS_STATIONS \
	{ KEY_STATIONS, "max-stations", "N", "remembered at a socket (1024)" }
int	 link_option(const struct opts *, int key);

size_t	 link_max(void);	/* -m: largest payload in a frame */
size_t	 link_line_max(void);	/* longest line: that, and 64 KiB */
size_t	 link_window(void);	/* --window */
const char *link_boot(void);	/* ours: random, 13 letters and digits */

/* Making links.  Each returns at once; state() tells when a peer is there.
 * The strings and ops are kept, not copied. */
struct link *link_stdio(const char *name, enum link_as we,
	    const struct link_ops *);
struct link *link_child(const char *name, enum link_as we, char **argv,
	    const struct link_ops *);
/* One more, beside that one: it speaks frames, also with --bare. */
struct link *link_beside(const char *name, enum link_as we, char **argv,
	    const struct link_ops *);
struct link *link_connect(const char *name, enum link_as we,
	    const char *path, const struct link_ops *);
/* peer: what the main peer is to us (LINK_ROUTER for a station, LINK_STATION
 * for a router).  The result is the link of that main peer; sources and plain
 * peers come as links of their own, through the same ops. */
struct link *link_serve(const char *name, enum link_as peer,
	    const char *path, const struct link_ops *);
/* What the options say: the co-process, else -s, else stdin and stdout.
 * With -s beside one of the others, sources and taps come there. */
struct link *link_station(struct opts *, const struct link_ops *);

/* Sending.  line is a whole object without newline; it is copied. */
enum link_how {
	LINK_WORK,	/* waits in order when the window is full */
	LINK_ANSWER	/* answers, close, drop: pass a full window */
};
void	 link_send(struct link *, struct str line, void *owner,
	    enum link_how);
/* Bytes of new work that may be sent now; 0 when full or nobody can hold
 * it. */
size_t	 link_room(struct link *);
size_t	 link_unsettled(const struct link *);
size_t	 link_peer_window(const struct link *);	/* what the peer can hold */

/* Receiving. */
void	 link_settle(struct taken *);
void	 link_refuse(struct taken *, const char *why);
/* While held, nothing reaches ops->frame: a tracked link keeps what comes (the
 * window bounds it), a plain one stops reading. */
void	 link_hold(struct link *, int on);
/* Of a plain one: nothing more is read, and what was is all. */
void	 link_end(struct link *);
struct link *taken_link(const struct taken *);	/* NULL: it is gone */
/* The identity of a tracked frame, for "of": 1, or 0 on a plain link. */
int	 taken_of(const struct taken *, const char **boot, uint64_t *seq);
/* What rules made a frame of, its "of", as BOOT-SEQ-K; n is 0 when it says
 * nothing sound.  Valid until the next call. */
struct str link_made_of(const struct frame *, const struct taken *);

const char *link_name(const struct link *);
enum link_as link_peer(const struct link *);
const char *link_peer_boot(const struct link *);	/* "" when unknown */
int	 link_present(const struct link *);	/* a peer is there */
int	 link_tracked(const struct link *);
/* It was tracked and is lost, and whoever was there has not only finished (a
 * pipe to it would be open still): all it gave us is its sender's again. */
int	 link_deserted(const struct link *);
int	 link_snapshot(const struct link *);	/* the peer asked for one */

/* Every link there is; NULL begins, NULL ends. */
struct link *link_next(const struct link *);

/* What is counted, since the start, of all links together.  link_counts()
 * adds it up: a program calls it before it shows link_figures. */
struct link_counts {
	uint64_t frames_in, frames_out, bytes_in, bytes_out, acks_in, acks_out,
	    refused_in, refused_out, repeats, resent, bad_lines, dead_dropped,
	    attached, lost, turned_away, no_files, forgotten, closed, stalls,
	    peers, unsettled, taps, tap_dropped, restarts;
};
const struct link_counts *link_counts(void);
extern const struct figure link_figures[];

/* Figures of every stage.  A program tells its own when it is asked, and a
 * router those of the stages behind it.  tables (NULL ends it) are what it
 * counts besides its links; now(), or NULL, brings them up to date. */
void	 link_tells(const struct figure *const *tables, void (*now)(void));
/* To show them: told() gets each telling, a `stats` frame with a stage, that
 * link_ask() brings. */
void	 link_shows(void (*told)(const struct frame *));
void	 link_ask(struct link *);
/* Answers a command that asks for our own. */
void	 link_stats(struct link *, const struct frame *);

/* A tap asks for part only: any may be NULL; types is "send,message". */
void	 link_tap_filter(const char *user, const char *conn,
	    const char *types);

void	 link_hup(void);	/* passes HUP down to the co-processes */
/* This program is ready: says so (loop_ready) when its co-processes are. */
void	 link_ready(void);

/* Ends all links: waits until what was sent is settled, then co-processes see
 * end of file, then TERM, then KILL.  The first two steps take at most ms, and
 * those behind one that took all of it a second.  Then done() is called.
 * Frames still come in meanwhile. */
void	 link_close_all(int64_t ms, void (*done)(void));

#endif
