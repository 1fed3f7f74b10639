/* SPDX-License-Identifier: ISC */
#ifndef KEEP_H
#define KEEP_H

/*
 * rk-log: keeps what passes.
 *
 *	main.c		options, the end
 *	pass.c		frames: from where, and where they go on
 *	entry.c		what is written of a frame, and where
 *	files.c		the files: opened, written, repaired, forgotten
 *	name.c		names of files, pure
 *	replay.c	what was kept, back on standard output
 *
 *  - What came in a turn is written at its end, one write a file, and then
 *    the frames go on or are settled.
 *  - An entry is whole lines.  What a full disk took half of is cut off again,
 *    and so is a line that a crash left without its end.
 *  - What cannot be written is counted and lost, and the frames go on; with
 *    --must they wait instead.
 */

#include "filter.h"
#include "figure.h"
#include "frame.h"
#include "when.h"

struct settings {
	const char *dir;
	const char *types;	/* of frames that are kept; NULL: all */
	int64_t keep;		/* ms; 0: for ever */
	int fsync, must;
	struct zone zone;
};
extern struct settings set;

struct tally {
	uint64_t entries, bytes, lost, wrong, forgotten, failures;
};
extern struct tally tally;

/* --- name.c --- */

#define NAME_DEPTH	8	/* directories in a name, and the file */

/* A name as a rule gives it, "{day}" in it replaced, and nothing left in it
 * that leads out of the directory or hides: the parts of a path.  A string is
 * cut at slashes; in an array each string is a part, and a slash in it a "_".
 * The parts are terminated, in the buf.  How many, or 0: no name. */
int	 name_parts(struct buf *, struct str json, const char *day,
	    const char *parts[NAME_DEPTH]);
/* The day that a name of a file begins with: 1; or 0, it does not. */
int	 name_day(const char *name, char day[WHEN_DAY]);
/* One of the words with commas between them; all when there are none. */
int	 name_listed(const char *words, struct str type);

/* --- entry.c --- */

void	 entry_rule(struct filter *);	/* the rule; NULL: frames as they are */
void	 entry_keep(const struct frame *);
/* The frame without what its link added; the line is in the buf, or it is the
 * frame's own. */
struct str entry_line(const struct frame *, struct buf *);

/* --- files.c --- */

void	 files_open(void);	/* the directory is there; or it ends us */
/* text ends in a newline; head is what a new file begins with. */
void	 files_add(struct str name, struct str text, struct str head);
int	 files_write(void);	/* 1: nothing waits any more */
void	 files_reopen(void);	/* at the next write */
void	 files_close(void);
const char *files_day(void);	/* today */

/* --- pass.c --- */

struct opts;
struct pass {
	const char *tap;	/* a copy of what passes there */
	const char *link;	/* NULL: standard input and output */
	int serve;
};
void	 pass_open(struct opts *, const struct pass *);
/* What the end of input calls; before pass_open(). */
void	 pass_ended(void (*done)(void));
void	 pass_close(void (*done)(void));

/* --- replay.c --- */

struct replay {
	const char *file, *types;
	int64_t from, to;	/* ms; from <= kept < to */
	int timed;
};
void	 replay_open(const struct replay *);

#endif
