/* SPDX-License-Identifier: ISC */
#ifndef JOBS_H
#define JOBS_H

/*
 * rk-jobs: deliveries at a time, that survive restarts.
 *
 *	main.c		options, the end
 *	commands.c	frames in: schedule, cancel, force, done, nack, list
 *	outbox.c	frames out: due, fired, failed
 *	ends.c		what becomes of a job that was sent
 *	table.c		the jobs, as rows;  heap.c: when they are due
 *
 *  - A job is waiting, then sent, then done or failed; or it is cancelled.
 *    Each step is on disk before anybody hears of it: a job that may have been
 *    sent is marked as sent first, so that after a crash it goes again with a
 *    higher "try", and never twice with the same.
 *  - In memory is only when each is due (heap.h); a turn looks at the first,
 *    and takes a batch.  So a million waiting jobs cost what a thousand do.
 *  - A command that comes again after a crash finds in its job which frame
 *    made it, or changed it last, and gets the answer that it got.
 */

#include <stdint.h>

#include "heap.h"
#include "station.h"
#include "when.h"

enum state { WAITING, SENT, DONE, FAILED, CANCELLED };

enum told { UNTOLD, TOLD, TELLING };	/* of its end, to the rules */

struct job {
	int64_t id;
	struct str name;	/* n is 0: the id is all it has */
	struct str key, user;	/* p is NULL: none */
	int64_t at;		/* when it was to be, ms */
	int64_t due;		/* when there is something to do */
	enum state state, was;	/* was: in the table */
	int64_t tries;		/* times sent */
	int64_t failures;
	int64_t most;		/* failures, after which it failed */
	int64_t pause;		/* ms, after the first failure */
	int64_t wait;		/* ms for done or nack; 0: settled is done */
	int64_t late;		/* 1: sent however late */
	int64_t payload;	/* the key it was in; -1: none */
	struct str value;	/* only of table_whole() */
	struct str made, word;	/* identities: of the frame that made it, and
				   of the command that changed it last */
	struct str why;		/* of the last failure */
};

struct settings {		/* what the options say */
	struct job job;		/* for schedules that do not */
	int64_t longest, grace, keep;
	int utc;
};
extern struct settings set;

struct tally {
	uint64_t jobs[CANCELLED + 1];	/* that are; SENT is in WAITING */
	uint64_t scheduled, sent, again, fired, failed, cancelled,
	    late, commits, undone;
};
extern struct tally tally;

/* --- table.c --- rows; what a job borrows lives until the next call --- */

extern const char *const jobs_schema[];
void	 table_open(void);
int64_t	 table_insert(struct job *);	/* its id; -1 */
int	 table_by_id(int64_t, struct job *);		/* 1, 0 */
int	 table_by_name(struct str, struct job *);
int	 table_by_made(struct str, struct job *);
/* The last that was sent to this user, of this key unless its p is NULL. */
int	 table_by_target(struct str user, struct str key, struct job *);
/* Writes state, due, at, tries, failures, late, why and the identity of the
 * word; told when it has ended. */
void	 table_change(const struct job *, enum told);
void	 table_sent(int64_t id);	/* once more; due is WHEN_NEVER */
void	 table_told(int64_t id);
/* Rows in order of id: begin, then next until it is 0, or end. */
void	 table_list_begin(int64_t after);
int	 table_list_next(struct job *);
void	 table_list_end(void);
int	 table_untold(int64_t after, struct job *);
int	 table_whole(int64_t, struct job *);	/* by id, with its value */
/* Fills the heap with what can be due, and counts tally.jobs. */
void	 table_live(struct heap *);
int	 table_forget(int64_t before);	/* ended ones: 1, some are left */

/* --- outbox.c --- */

void	 outbox_open(void);	/* before db_open() and the links */
void	 outbox_turn(const char *why);	/* the turn is on disk, or undone */
void	 outbox_new(const struct job *);	/* it was inserted */
void	 outbox_due(const struct job *);	/* its due has changed */
void	 outbox_gone(const struct job *);	/* it ends; due is as it was */
void	 outbox_report(const struct job *);	/* it has ended */
void	 outbox_settled(void *owner, const char *why);
size_t	 outbox_unsettled(void);
void	 outbox_stop(void);	/* nothing more is sent */

/* Adds what every frame about a job has: id, key, user. */
void	 job_frame(struct buf *, const struct job *);

/* --- ends.c --- */

void	 job_done(struct job *);
void	 job_late(struct job *);
/* It was tried, and not taken: again after a pause, or failed. */
void	 job_failure(struct job *, struct str why);
/* What became of this sending of it; why is NULL: it was taken. */
void	 job_settled(int64_t id, int64_t tries, const char *why);

/* --- commands.c --- */

extern const struct command commands[];

#endif
