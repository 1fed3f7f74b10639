/* SPDX-License-Identifier: ISC */
/*
 * The database: what a turn is, and whose files it takes.  Each story is a
 * process of its own, with one file.
 */
#include <signal.h>
#include <sys/stat.h>

#include "db.h"
#include "log.h"
#include "loop.h"
#include "unit.h"

#define RIGHT	42		/* a status that no accident gives */
#define OURS	0x74657374

static char path[64], said[1000];
static const char *why;		/* of the last turn */
static int turns;

static const char *const one[] = {
	"create table t (n integer primary key, s text)", NULL
};
static const char *const two[] = {
	"create table t (n integer primary key, s text)",
	"alter table t add column more integer default 7", NULL
};

static void
turn(const char *w)
{
	free((char *)why);
	why = w ? mem_str(w) : NULL;
	turns++;
}

static void
open_db(const char *const *schema, uint32_t application, int64_t size)
{
	static const struct loop_ops none;
	static struct db_config c;

	c = (struct db_config){ path, application, schema, size, turn };
	log_name("test");
	loop_open(&none);
	db_open(&c);
}

static void
open_one(void)
{
	open_db(one, OURS, 1 << 20);
}

static void
end_turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static int64_t
rows(void)
{
	struct query *q = db_query("select count(*) from t");
	int64_t n = -1;

	while (db_step(q) == 1)
		n = db_int(q, 0);
	return n;
}

static int
story(void (*run)(void *))
{
	return unit_exit(run, NULL, said, sizeof said);
}

/* A file of its own for each test. */
static void
fresh(void)
{
	char wal[80];
	const char *dir = getenv("TMPDIR");

	snprintf(path, sizeof path, "%s/rk-unit-%ld.db", dir ? dir : "/tmp",
	    (long)getpid());
	snprintf(wal, sizeof wal, "%s-wal", path);
	unlink(path);
	unlink(wal);
}

static void
many(void *ctx)
{
	struct query *q;

	(void)ctx;
	open_one();
	q = db_query("insert into t values (?, ?)");
	for (int64_t i = 0; i < 1000; i++)
		if (db_run(q, "is", i, STR("x")) != 1)
			exit(1);
	end_turn();
	end_turn();
	if (turns == 2 && why == NULL && db_counts()->commits == 1 &&
	    rows() == 1000)
		exit(RIGHT);
}

TEST(turn, "what a turn writes is one transaction")
{
	fresh();
	CHECK_INT(story(many), RIGHT);
}

static void
killed(void *ctx)
{
	struct query *q;

	(void)ctx;
	open_one();
	q = db_query("insert into t values (?, ?)");
	db_run(q, "is", (int64_t)1, STR("kept"));
	end_turn();
	db_run(q, "is", (int64_t)2, STR("not kept"));
	_exit(RIGHT);
}

static void
look(void *ctx)
{
	(void)ctx;
	open_one();
	exit(rows() == 1 ? RIGHT : 1);
}

TEST(killed, "what was committed outlives a crash, and nothing else")
{
	struct stat st;

	fresh();
	CHECK_INT(story(killed), RIGHT);
	CHECK_INT(story(look), RIGHT);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

static void
full(void *ctx)
{
	static char big[100000];
	struct query *q;
	struct str s = { big, sizeof big };

	(void)ctx;
	memset(big, 'x', sizeof big);
	open_db(one, OURS, 256 << 10);
	q = db_query("insert into t values (?, ?)");
	db_run(q, "is", (int64_t)1, s);
	end_turn();
	if (why != NULL)
		exit(1);
	if (db_run(q, "is", (int64_t)2, STR("small")) != 1 ||
	    db_run(q, "is", (int64_t)3, s) != 1 ||
	    db_run(q, "is", (int64_t)4, s) != -1 ||
	    db_run(q, "is", (int64_t)5, STR("small")) != -1)
		exit(2);
	end_turn();
	if (why == NULL || strstr(why, "full") == NULL || rows() != 1)
		exit(3);
	db_run(q, "is", (int64_t)6, STR("small"));
	end_turn();
	exit(why == NULL && rows() == 2 && db_counts()->undone == 1 ? RIGHT :
	    4);
}

TEST(full, "a turn that finds no room is undone whole, the next is not")
{
	fresh();
	CHECK_INT(story(full), RIGHT);
	CHECK(strstr(said, "full") != NULL);
}

static void
all_kinds(void *ctx)
{
	struct query *in, *out;

	(void)ctx;
	open_one();
	in = db_query("insert into t values (?, ?)");
	db_run(in, "ib", (int64_t)-5, ((struct str){ "a\0b", 3 }));
	db_run(in, "is", INT64_MAX, STR(""));
	db_run(in, "is", (int64_t)7, ((struct str){ NULL, 0 }));
	out = db_query("select n, s from t where n = ?");
	db_bind(out, "i", (int64_t)-5);
	if (db_step(out) != 1 || !str_eq(db_str(out, 1),
	    ((struct str){ "a\0b", 3 })) || db_step(out) != 0)
		exit(1);
	db_bind(out, "i", INT64_MAX);
	if (db_step(out) != 1 || db_int(out, 0) != INT64_MAX)
		exit(2);
	db_reset(out);
	db_bind(out, "i", (int64_t)7);
	exit(db_step(out) == 1 && db_str(out, 1).p == NULL ? RIGHT : 3);
}

TEST(kinds, "numbers, texts, bytes and nothing come back as they went")
{
	fresh();
	CHECK_INT(story(all_kinds), RIGHT);
}

static void
with_two(void *ctx)
{
	struct query *q;

	(void)ctx;
	open_db(two, OURS, 1 << 20);
	q = db_query("select more from t");
	exit(db_step(q) == 1 && db_int(q, 0) == 7 ? RIGHT : 1);
}

static void
with_one(void *ctx)
{
	(void)ctx;
	open_one();
	exit(RIGHT);
}

TEST(versions, "an older file is made newer, a newer one refused")
{
	fresh();
	CHECK_INT(story(killed), RIGHT);
	CHECK_INT(story(with_two), RIGHT);
	CHECK_INT(story(with_one), 100);
	CHECK(strstr(said, "newer") != NULL);
}

static void
anothers(void *ctx)
{
	(void)ctx;
	open_db(one, OURS + 1, 1 << 20);
	exit(RIGHT);
}

TEST(owner, "another program's file is refused, and so is what is none")
{
	FILE *f;

	fresh();
	CHECK_INT(story(killed), RIGHT);
	CHECK_INT(story(anothers), 100);
	CHECK(strstr(said, "another program's") != NULL);
	fresh();
	if ((f = fopen(path, "w")) != NULL) {
		for (int i = 0; i < 1000; i++)
			fputs("not a database\n", f);
		fclose(f);
	}
	CHECK_INT(story(with_one), 100);
	CHECK(strstr(said, "not a database") != NULL);
}

TEST(lock, "one process a file")
{
	int ready[2];
	char c;
	pid_t pid;

	fresh();
	if (pipe(ready) == -1 || (pid = fork()) == -1)
		abort();
	if (pid == 0) {
		open_one();
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK_INT(story(with_one), 111);
	CHECK(strstr(said, "another process") != NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fresh();
}
