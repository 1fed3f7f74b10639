/* SPDX-License-Identifier: ISC */
#ifndef INSIDE_H
#define INSIDE_H

/*
 * What the files of lib/link/ know of each other; link.h is for the rest.
 *
 *   setup.c   options, stdin and stdout, the end
 *   link.c    the places: who is there, sending, the turn's end
 *   receive.c lines in, custody of frames
 *   hello.c   attach and ready: what peers say to each other first
 *   child.c   co-processes: start, end, start again
 *   socket.c  Unix sockets: serve, connect, connect again
 *   tap.c     copies for those who look on
 *   count.c   what is counted, by link
 *   stats.c   figures of stages, on their way to who shows them
 *   bare.c    payload lines for programs that know no frames
 *   track.c   tracked links as a pure state machine
 *   seen.c    what was made of what, over all links
 *   wire.c    descriptors: lines in, bytes out
 */

#include "link.h"
#include "seen.h"
#include "track.h"
#include "wire.h"

struct hello;

/* The longest line that comes: a frame, and what its link adds (seq, of). */
#define LINE_MAX_IN	(link_line_max() + 256)
#define PEERS_MAX	1024	/* on one served socket */

struct link_settings {		/* what the options said */
	size_t max, window;
	const char *path, *name, *tap_user, *tap_conn, *tap_types;
	mode_t mode;
	gid_t group;
	int bare, snapshot, stations;
};
extern struct link_settings settings;

struct link {
	struct link *next;
	const char *name;
	enum link_as we, peer;
	const struct link_ops *ops;
	struct wire *wire;	/* NULL: nobody is there */
	struct link_counts *counts;	/* of our name */
	int64_t asked_at;	/* ms: for figures */
	ev_tstamp lost_at;
	struct track track;
	struct buf held_lines;	/* what came on a tracked link while held */
	void (*lost)(struct link *);	/* its maker: the wire broke */
	void *maker;		/* struct child, dial or server */
	char peer_name[64];	/* what a station called itself */
	unsigned refs;		/* taken frames that name us */
	unsigned char tracked,	/* the peer attached */
	    answers,		/* ready is ours to say */
	    silent,		/* nothing is sent: the peer may attach yet */
	    bare,
	    held,
	    short_of_room,	/* link_room() said 0 since it last had some */
	    passing,		/* ends with its peer */
	    gone,
	    deserted,		/* when it was lost, nobody read us */
	    snapshot,
	    tells,		/* the peer tells figures, when it is asked */
	    shows,		/* the peer asked for ours */
	    dirty,		/* something is to leave */
	    was_up;		/* state() said so last */
};

struct taken {
	struct link *link;
	uint64_t seq;		/* 0: untracked */
	unsigned epoch;
	struct seen *seen;	/* it carried "of" */
	char boot[BOOT_LEN + 1];
};

extern const struct wire_ops link_wire_ops;	/* wires owned by a link */

struct link *link_new(const char *name, enum link_as we, enum link_as peer,
	    const struct link_ops *);
void	 link_bind(struct link *, struct wire *);	/* a wire comes */
void	 link_unbind(struct link *);	/* the wire broke: state, then closed */
void	 link_plain(struct link *);	/* the peer will not attach */
void	 link_attached(struct link *, const struct hello *);
void	 link_owner_settled(void *link, void *owner, struct str line,
	    size_t bytes, const char *why);		/* a track_settled */
void	 link_wake(void);	/* come back in the next turn, without sleep */

/* receive.c */
void	 link_line(struct link *, struct str);
void	 link_pause(struct link *);	/* no line follows for now */
void	 link_deliver_held(struct link *);
void	 link_bad_line(struct link *, const char *why, struct str line);
void	 link_say_error(struct wire *, const char *why, struct str line);

/* hello.c */
struct hello {
	enum link_as as;
	char name[64];
	char boot[BOOT_LEN + 1];
	size_t window;
	int snapshot, stats;
	struct str user, conn, types;	/* a tap's; into the frame */
};
int	 hello_read(struct hello *, const struct frame *, const char **why);
void	 hello_write(struct wire *, const char *type, enum link_as as,
	    int snapshot);

/* child.c */
void	 child_attached(struct link *);	/* it attached, or never will */
int	 child_starting(void);	/* some have not attached yet */
void	 child_hup(void);
void	 child_end_input(void);		/* each sees end of file */
int	 child_kill(int signal);	/* how many are there, or said more */

/* socket.c */
void	 socket_close_all(void);	/* stop serving; remove the paths */

/* tap.c */
struct tap;
struct tap *tap_new(struct wire *, const struct hello *,
	    struct link_counts *);	/* NULL: there are enough */
void	 tap_copy(struct str line);	/* cheap when nobody looks on */
void	 tap_flush(void);

/* count.c */
struct link_counts *count_of(const char *name);
void	 count_json(struct buf *);	/* members: figure, "link", name */

/* stats.c */
#define STATS_MAX	(16 << 10)	/* bytes of one stage's figures */
int	 stats_may_be(struct str line);
int	 stats_is(const struct link *, const struct frame *);
void	 stats_frame(struct link *, const struct frame *);

/* bare.c */
int	 bare_out(struct buf *wire, struct str frame);
int	 bare_in(struct buf *frame, struct str line);

#endif
