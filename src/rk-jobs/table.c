/* SPDX-License-Identifier: ISC */
/*
 * The jobs, as rows of one table.  There is no index of what is due, which
 * would be written all over by each turn: heap.h is that.
 */
#include "db.h"
#include "jobs.h"

#define FORGET		500	/* rows at a time */

/* The value comes last, so that who does not ask for it need not read past
 * it. */
const char *const jobs_schema[] = {
	"create table job (id integer primary key autoincrement,"
	"  state integer not null, due integer not null,"
	"  at integer not null, tries integer not null,"
	"  failures integer not null, late integer not null,"
	"  told integer not null, word text, why text,"
	"  most integer not null, pause integer not null,"
	"  wait integer not null, name text, key text, user text,"
	"  made text, payload integer not null, value blob);"
	"create index job_ended on job (due) where state >= 2;"
	"create index job_sent on job (user, key) where tries > 0;"
	"create index job_untold on job (id) where told <> 1;"
	"create unique index job_name on job (name) where name is not null;"
	"create unique index job_made on job (made) where made is not null",
	NULL
};

#define COLUMNS(value) "select id, name, key, user, at, due, state, tries," \
	" failures, most, pause, wait, late, payload, made, word, why, " value \
	" from job "

static struct {
	struct query *insert, *by_id, *by_name, *by_made, *by_user, *by_key,
	    *change, *sent, *told, *whole, *live, *over, *list, *untold,
	    *ended, *forget;
} q;

static void
after_a_crash(void)
{
	/* what was sent may not have arrived, and what was being told */
	db_run(db_query("update job set state = 0, due = at"
	    " where state = 1"), "");
	db_run(db_query("update job set told = 0 where told = 2"), "");
}

void
table_open(void)
{
	after_a_crash();
	q.insert = db_query("insert into job (state, due, at, tries, failures,"
	    " late, told, most, pause, wait, name, key, user, made, payload,"
	    " value) values (0, ?1, ?1, 0, 0, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8,"
	    " ?9, ?10, ?11)");
	q.by_id = db_query(COLUMNS("null") "where id = ?");
	q.by_name = db_query(COLUMNS("null") "where name = ?");
	q.by_made = db_query(COLUMNS("null") "where made = ?");
	q.by_user = db_query(COLUMNS("null") "indexed by job_sent"
	    " where tries > 0 and user = ? order by id desc limit 1");
	q.by_key = db_query(COLUMNS("null") "indexed by job_sent"
	    " where tries > 0 and user = ? and key = ?"
	    " order by id desc limit 1");
	q.change = db_query("update job set state = ?2, due = ?3, at = ?4,"
	    " tries = ?5, failures = ?6, late = ?7, told = ?8, word = ?9,"
	    " why = ?10 where id = ?1");
	q.told = db_query("update job set told = 1 where id = ?");
	q.whole = db_query(COLUMNS("value") "where id = ?");
	q.live = db_query("select id, due from job where state < 2");
	q.over = db_query("select state, count(*) from job where state >= 2"
	    " group by state");
	q.sent = db_query("update job set state = 1, due = ?, tries = tries + 1"
	    " where id = ?");
	q.list = db_query(COLUMNS("null") "where id > ?"
	    " order by id");
	q.untold = db_query(COLUMNS("null") "where told <> 1"
	    " and told = 0 and id > ? order by id limit 1");
	q.ended = db_query("select 1 from job where state >= 2 and due < ?"
	    " and told = 1 limit 1");
	q.forget = db_query("delete from job where id in (select id from job"
	    " where state >= 2 and due < ? and told = 1"
	    " order by due limit ?) returning state");
}

static uint64_t *
count_of(enum state s)
{
	return &tally.jobs[s == SENT ? WAITING : s];
}

int64_t
table_insert(struct job *j)
{
	if (db_run(q.insert, "iiiiissssib", j->at, j->late, j->most, j->pause,
	    j->wait, j->name, j->key, j->user, j->made, j->payload,
	    j->value) != 1)
		return -1;
	++*count_of(WAITING);
	return j->id = db_last();
}

static void
read_job(struct query *from, struct job *j)
{
	int64_t *const numbers[] = { &j->tries, &j->failures, &j->most,
	    &j->pause, &j->wait, &j->late, &j->payload };
	int i;

	j->id = db_int(from, 0);
	j->name = db_str(from, 1);
	j->key = db_str(from, 2);
	j->user = db_str(from, 3);
	j->at = db_int(from, 4);
	j->due = db_int(from, 5);
	j->state = j->was = (enum state)db_int(from, 6);
	for (i = 0; i < 7; i++)
		*numbers[i] = db_int(from, 7 + i);
	j->made = db_str(from, 14);
	j->word = db_str(from, 15);
	j->why = db_str(from, 16);
	j->value = db_str(from, 17);
}

/* The first row of a query; it stays open, so that what is borrowed lives. */
static int
first_of(struct query *of, struct job *j)
{
	int found = db_step(of) == 1;

	if (found)
		read_job(of, j);
	return found;
}

int
table_by_id(int64_t id, struct job *j)
{
	db_bind(q.by_id, "i", id);
	return first_of(q.by_id, j);
}

int
table_by_name(struct str name, struct job *j)
{
	db_bind(q.by_name, "s", name);
	return first_of(q.by_name, j);
}

int
table_by_made(struct str made, struct job *j)
{
	db_bind(q.by_made, "s", made);
	return first_of(q.by_made, j);
}

int
table_by_target(struct str user, struct str key, struct job *j)
{
	struct query *by = key.p ? q.by_key : q.by_user;

	db_bind(by, key.p ? "ss" : "s", user, key);
	return first_of(by, j);
}

void
table_change(const struct job *j, enum told told)
{
	--*count_of(j->was);
	++*count_of(j->state);
	db_run(q.change, "iiiiiiiiss", j->id, (int64_t)j->state, j->due,
	    j->at, j->tries, j->failures, j->late, (int64_t)told, j->word,
	    j->why);
}

void
table_sent(int64_t id)
{
	db_run(q.sent, "ii", WHEN_NEVER, id);
}

void
table_told(int64_t id)
{
	db_run(q.told, "i", id);
}

int
table_whole(int64_t id, struct job *j)
{
	db_bind(q.whole, "i", id);
	return first_of(q.whole, j);
}

void
table_live(struct heap *h)
{
	memset(tally.jobs, 0, sizeof tally.jobs);
	db_bind(q.over, "");
	while (db_step(q.over) == 1)
		tally.jobs[db_int(q.over, 0)] = (uint64_t)db_int(q.over, 1);
	heap_clear(h);
	db_bind(q.live, "");
	for (; db_step(q.live) == 1; ++*count_of(WAITING))
		if (db_int(q.live, 1) != WHEN_NEVER)
			heap_push(h, db_int(q.live, 1), db_int(q.live, 0));
}

void
table_list_begin(int64_t after)
{
	db_bind(q.list, "i", after);
}

int
table_list_next(struct job *j)
{
	return first_of(q.list, j);
}

void
table_list_end(void)
{
	db_reset(q.list);
}

int
table_untold(int64_t after, struct job *j)
{
	db_bind(q.untold, "i", after);
	return first_of(q.untold, j);
}

int
table_forget(int64_t before)
{
	int n;

	db_bind(q.ended, "i", before);
	if (db_step(q.ended) != 1)
		return 0;
	db_bind(q.forget, "ii", before, (int64_t)FORGET);
	for (n = 0; db_step(q.forget) == 1; n++)
		--*count_of((enum state)db_int(q.forget, 0));
	return n == FORGET;
}
