/* SPDX-License-Identifier: ISC */
#ifndef DB_H
#define DB_H

/*
 * A database in a file: what must outlive us.  The only module that knows
 * SQLite.
 *
 *  - One process a file: who comes second ends with 111.
 *  - Group commit: the first write of a turn opens a transaction, and it is
 *    committed before the loop sleeps.  Then, and in every turn, turn() is
 *    called: with NULL what was written in it is on disk (WAL,
 *    synchronous=FULL), else all of it was undone, and why says how that came
 *    (a full disk).  So whoever promises something answers in turn().
 *  - After a write has failed, the rest of its turn fails without a try.
 *  - A file that is damaged, another program's or a newer version's ends the
 *    program (100).
 */

#include <stdint.h>

#include "buf.h"

struct query;			/* a prepared statement */

struct db_config {
	const char *path;
	uint32_t application;	/* whose files these are */
	const char *const *schema;	/* step n makes version n + 1 of n;
					   NULL ends */
	int64_t size;		/* bytes the file may have */
	void (*turn)(const char *why);
};

/* The config is kept.  Before links are made, so that turn() comes before
 * what it sends leaves. */
void	 db_open(const struct db_config *);
void	 db_close(void);	/* what was committed is in the file itself */

struct query *db_query(const char *sql);	/* 101 when it is wrong */

/* Binds the parameters: i int64_t, s struct str (a text), b struct str (a
 * blob); a text or blob whose p is NULL is null.  The bytes are borrowed until
 * the next db_step() is done with. */
void	 db_bind(struct query *, const char *kinds, ...);	/* anew */
/* 1: a row; 0: no more, and it can be bound again; -1: it failed. */
int	 db_step(struct query *);
void	 db_reset(struct query *);	/* before its end */
int64_t	 db_int(struct query *, int column);
/* Lives until the query's next step or bind, or the end of the turn. */
struct str db_str(struct query *, int column);
/* Binds and runs it to its end: rows that changed, or -1. */
int	 db_run(struct query *, const char *kinds, ...);
int64_t	 db_last(void);		/* the id of the row inserted last */

struct db_counts {
	uint64_t commits, undone;
};
const struct db_counts *db_counts(void);

#endif
