/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db.h"
#include "log.h"
#include "loop.h"

#define PATIENCE	1000		/* ms for who had the file to end */
#define PAGE		4096
#define CACHE		(64 << 20)	/* bytes, at most */
#define CHECKPOINT	4000		/* pages of the log */

struct query {
	sqlite3_stmt *st;
	int writes;
	struct query *next;
};

static sqlite3 *db;
static struct db_config config;
static struct query *queries;
static struct db_counts tally;
static struct before_sleep before_sleep;
static ev_idle awake;		/* a turn must end: something was written */
static int open_turn;
static int reading;		/* some query has given a row in this turn */
static char *failed;		/* why this turn will be undone */
static int complained;		/* and the last one was */

static _Noreturn void
cannot(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		die(111, "%s: another process has it", config.path);
	case SQLITE_NOTADB:
		die(100, "%s: not a database", config.path);
	case SQLITE_CORRUPT:
		die(100, "%s: it is damaged: %s", config.path,
		    sqlite3_errmsg(db));
	case SQLITE_NOMEM:
		die(111, "out of memory");
	default:
		die(111, "%s: %s", config.path, sqlite3_errmsg(db));
	}
}

static void
must(int code)
{
	if (code != SQLITE_OK)
		cannot(code);
}

static int
exec(const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* A statement of ours that takes a number, or gives one. */
static int64_t
pragma(const char *name, int64_t value, int set)
{
	char sql[128];
	sqlite3_stmt *st;
	int64_t got = 0;
	int r;

	if (set)
		snprintf(sql, sizeof sql, "pragma %s = %lld", name,
		    (long long)value);
	else
		snprintf(sql, sizeof sql, "pragma %s", name);
	must(sqlite3_prepare_v2(db, sql, -1, &st, NULL));
	while ((r = sqlite3_step(st)) == SQLITE_ROW)
		got = sqlite3_column_int64(st, 0);
	if (r != SQLITE_DONE)
		cannot(r);
	sqlite3_finalize(st);
	return got;
}

/* Whose is it, and of which version?  Both are 0 in a new file. */
static void
check_owner(int64_t known)
{
	int64_t application = pragma("application_id", 0, 0);
	int64_t version = pragma("user_version", 0, 0);
	int64_t changes = pragma("schema_version", 0, 0);

	if (application != config.application &&
	    (application != 0 || changes != 0))
		die(100, "%s: another program's database", config.path);
	if (version > known)
		die(100, "%s: a newer %s made it", config.path, log_program());
}

/* The steps to the newest version, all or none. */
static void
make_schema(void)
{
	int64_t known = 0, version;

	while (config.schema[known] != NULL)
		known++;
	check_owner(known);
	version = pragma("user_version", 0, 0);
	if (version == known)
		return;
	must(exec("begin immediate"));
	for (; version < known; version++)
		must(exec(config.schema[version]));
	pragma("application_id", config.application, 1);
	pragma("user_version", known, 1);
	must(exec("commit"));
}

/* What is kept may be private, as the sockets are. */
static void
create(void)
{
	int fd = open(config.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		die(111, "%s: %s", config.path, strerror(errno));
	close(fd);
}

/* The end of a turn. */

static char *
reason(int code)
{
	if ((code & 0xff) == SQLITE_FULL)
		return mem_str("the disk is full, or the file at its --size");
	return mem_str(sqlite3_errmsg(db));
}

static void
fail(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_NOMEM:
		cannot(code);
	}
	if (failed == NULL)
		failed = reason(code);
}

static void
undo(void)
{
	if (!sqlite3_get_autocommit(db))
		exec("rollback");
	tally.undone++;
	if (!complained++)
		warn("%s: %s", config.path, failed);
}

/* A query that stands at a row would keep the log from being emptied. */
static void
end_reading(void)
{
	struct query *q;

	for (q = queries; reading && q != NULL; q = q->next)
		sqlite3_reset(q->st);
	reading = 0;
}

static void
end_turn(struct before_sleep *b)
{
	int code;

	(void)b;
	end_reading();
	if (open_turn && failed == NULL && (code = exec("commit")) != SQLITE_OK)
		fail(code);
	if (failed != NULL) {
		undo();
	} else if (open_turn) {
		complained = 0;
		tally.commits++;
	}
	open_turn = 0;
	ev_idle_stop(loop, &awake);
	config.turn(failed);
	free(failed);
	failed = NULL;
}

/* Links settle what they write when the turn is over already: another one. */
static void
wake(struct ev_loop *l, ev_idle *w, int events)
{
	(void)l;
	(void)w;
	(void)events;
}

static void
begin(void)
{
	int code = exec("begin immediate");

	if (code != SQLITE_OK)
		fail(code);
	open_turn = 1;
	ev_idle_start(loop, &awake);
}

void
db_open(const struct db_config *c)
{
	config = *c;
	create();
	must(sqlite3_open_v2(config.path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL));
	sqlite3_busy_timeout(db, PATIENCE);
	must(exec("pragma locking_mode = exclusive; pragma journal_mode = wal;"
	    "pragma synchronous = full; pragma temp_store = memory;"
	    "pragma trusted_schema = off; pragma cell_size_check = on"));
	pragma("cache_size", -(CACHE >> 10), 1);
	pragma("wal_autocheckpoint", CHECKPOINT, 1);
	make_schema();
	pragma("max_page_count", config.size / PAGE, 1);
	ev_idle_init(&awake, wake);
	before_sleep.run = end_turn;
	loop_before_sleep(&before_sleep);
}

void
db_close(void)
{
	struct query *q;

	end_turn(NULL);
	while ((q = queries) != NULL) {
		queries = q->next;
		sqlite3_finalize(q->st);
		free(q);
	}
	sqlite3_close(db);
	db = NULL;
}

/* Queries. */

struct query *
db_query(const char *sql)
{
	struct query *q = mem_new(sizeof *q);
	int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &q->st, NULL);

	if ((code & 0xff) == SQLITE_ERROR)
		die(101, "%s: %s", sql, sqlite3_errmsg(db));
	must(code);
	q->writes = !sqlite3_stmt_readonly(q->st);
	q->next = queries;
	queries = q;
	return q;
}

static void
bind_all(struct query *q, const char *kinds, va_list ap)
{
	struct str s;
	int i, code;

	sqlite3_reset(q->st);
	for (i = 1; *kinds != '\0'; i++, kinds++) {
		if (*kinds == 'i') {
			code = sqlite3_bind_int64(q->st, i,
			    va_arg(ap, int64_t));
		} else {
			s = va_arg(ap, struct str);
			code = *kinds == 's' ?
			    sqlite3_bind_text(q->st, i, s.p, (int)s.n,
			    SQLITE_STATIC) :
			    sqlite3_bind_blob(q->st, i, s.p, (int)s.n,
			    SQLITE_STATIC);
		}
		if (code != SQLITE_OK)
			fail(code);
	}
}

void
db_bind(struct query *q, const char *kinds, ...)
{
	va_list ap;

	va_start(ap, kinds);
	bind_all(q, kinds, ap);
	va_end(ap);
}

int
db_step(struct query *q)
{
	int code;

	if (q->writes && !open_turn)
		begin();
	if (failed != NULL)
		return -1;
	code = sqlite3_step(q->st);
	if (code == SQLITE_ROW)
		return reading = 1;
	sqlite3_reset(q->st);
	if (code == SQLITE_DONE)
		return 0;
	fail(code);
	return -1;
}

void
db_reset(struct query *q)
{
	sqlite3_reset(q->st);
}

int64_t
db_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->st, column);
}

struct str
db_str(struct query *q, int column)
{
	const void *p = sqlite3_column_blob(q->st, column);

	return (struct str){ p, (size_t)sqlite3_column_bytes(q->st, column) };
}

int
db_run(struct query *q, const char *kinds, ...)
{
	va_list ap;
	int r;

	va_start(ap, kinds);
	bind_all(q, kinds, ap);
	va_end(ap);
	while ((r = db_step(q)) == 1)
		;
	return r == -1 ? -1 : sqlite3_changes(db);
}

int64_t
db_last(void)
{
	return sqlite3_last_insert_rowid(db);
}

const struct db_counts *
db_counts(void)
{
	return &tally;
}
