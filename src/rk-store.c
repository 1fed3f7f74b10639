/* SPDX-License-Identifier: ISC */
/*
 * rk-store: small facts that must outlive restarts, as frames.
 *
 *  - An entry is a key and a payload, kept as it was spelled; what it means is
 *    nobody's business here.
 *  - Answers leave when what they say is on disk (lib/db.h), in the order of
 *    the questions; so a get sees every put before it.
 *  - A put that comes again after a crash, ours or the router's, gets the
 *    answer that it got: the entry remembers which frame created it.
 */
#include "db.h"
#include "frame.h"
#include "log.h"
#include "loop.h"
#include "opt.h"
#include "station.h"

#define APPLICATION	0x726b7374	/* "rkst" */
#define SIZE		((int64_t)1 << 30)
#define SIZE_MIN	(64 << 10)
#define SIZE_MAX_	((int64_t)1 << 40)
#define PAGE_BYTES	(64 << 10)	/* of an answer to list */
#define PAGE_ENTRIES	1000

enum { SIZE_ = OPT_LONG };

static const struct opt options[] = {
	{ SIZE_, "size", "BYTES", "what the file may grow to (1g)" },
	LINK_OPTS,
	LINK_OPTS_SERVE,
	OPT_END
};

static const char *const schema[] = {
	"create table entry (key text primary key not null,"
	"  payload integer not null,"	/* which key: station.h */
	"  value blob not null,"	/* as it was spelled */
	"  made text) without rowid",	/* of the frame that created it */
	NULL
};

static struct {
	struct query *insert, *update, *made, *get, *remove, *list, *count;
} q;
static struct {
	uint64_t entries, created, replaced, deleted, commits, undone;
} tally;
static struct buf key_buf, prefix_buf, after_buf;

/* --- put --- */

/* Whether this very frame, perhaps before a crash, created the entry. */
static int
made_by(struct str key, struct str identity)
{
	int same = 0;

	db_bind(q.made, "s", key);
	while (db_step(q.made) == 1)
		same = identity.n > 0 && str_eq(db_str(q.made, 0), identity);
	return same;
}

static const char *
condition(const struct frame *f, int *absent)
{
	*absent = frame_has(f, K_IF);
	if (*absent && !str_eq(f->v[K_IF], STR("\"absent\"")))
		return "if: only \"absent\" is known";
	return NULL;
}

static void
answer_put(const struct frame *f, struct taken *t, int created)
{
	struct buf *b = station_begin(f, "done");

	frame_raw(b, "key", f->v[K_KEY]);
	frame_raw(b, "created", created ? STR("true") : STR("false"));
	station_yes(f, t);
}

static void
put(const struct frame *f, struct taken *t)
{
	struct str key, value, identity = station_identity(f, t);
	const char *why = NULL;
	int64_t which = 0;
	int absent = 0, created;

	if (station_name(f, K_KEY, &key_buf, &key) != 1)
		why = STATION_KEY;
	if (why == NULL)
		why = condition(f, &absent);
	if (why == NULL)
		why = station_payload(f, &which, &value);
	if (why != NULL) {
		station_no(f, t, why);
		return;
	}
	if (identity.n == 0)
		identity.p = NULL;
	created = db_run(q.insert, "sibs", key, which, value, identity) == 1;
	if (created)
		tally.created++;
	else if ((created = made_by(key, identity)) || absent)
		;
	else if (db_run(q.update, "sib", key, which, value) == 1)
		tally.replaced++;
	answer_put(f, t, created);
}

/* --- get, delete --- */

static void
get(const struct frame *f, struct taken *t)
{
	struct str key;
	struct buf *b;
	int found;

	if (station_name(f, K_KEY, &key_buf, &key) != 1) {
		station_no(f, t, STATION_KEY);
		return;
	}
	b = station_begin(f, "entry");
	frame_raw(b, "key", f->v[K_KEY]);
	db_bind(q.get, "s", key);
	if ((found = db_step(q.get)) == 1)
		station_add_payload(b, db_int(q.get, 0), db_str(q.get, 1));
	else
		frame_flag(b, "absent");
	db_reset(q.get);
	station_yes(f, t);
}

static void
delete(const struct frame *f, struct taken *t)
{
	struct str key;

	if (station_name(f, K_KEY, &key_buf, &key) != 1) {
		station_no(f, t, STATION_KEY);
		return;
	}
	if (db_run(q.remove, "s", key) == 1)
		tally.deleted++;
	station_done(f, t);
}

/* --- list --- */

struct page {
	struct str prefix, after;
	int64_t limit;
};

static const char *
read_page(const struct frame *f, struct page *p)
{
	p->prefix = p->after = STR("");
	p->limit = PAGE_ENTRIES;
	if (station_name(f, K_PREFIX, &prefix_buf, &p->prefix) == -1)
		return "prefix: not a string of 1 to 255 bytes";
	if (station_name(f, K_AFTER, &after_buf, &p->after) == -1)
		return "after: not a string of 1 to 255 bytes";
	if (frame_has(f, K_LIMIT) && (!frame_int(f, K_LIMIT, &p->limit) ||
	    p->limit < 1 || p->limit > PAGE_ENTRIES))
		return "limit: not from 1 to 1000";
	return NULL;
}

static int
begins(struct str s, struct str with)
{
	return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* One entry as an object; 0: it does not fit into this page. */
static int
add_entry(struct buf *b, int first)
{
	size_t before = buf_size(b), value = db_str(q.list, 2).n;

	if (!first && before + value > PAGE_BYTES)
		return 0;
	buf_adds(b, first ? STR("{\"key\":") : STR(",{\"key\":"));
	json_quote(b, db_str(q.list, 0));
	station_add_payload(b, db_int(q.list, 1), db_str(q.list, 2));
	buf_addc(b, '}');
	return 1;
}

/* A page is at least one entry, however large. */
static void
list(const struct frame *f, struct taken *t)
{
	struct page p;
	const char *why = read_page(f, &p);
	struct buf *b;
	int64_t n = 0;
	int more = 0;

	if (why != NULL) {
		station_no(f, t, why);
		return;
	}
	b = station_begin(f, "entries");
	frame_raw(b, "entries", STR("["));
	db_bind(q.list, "ss", p.after, p.prefix);
	while (db_step(q.list) == 1 && begins(db_str(q.list, 0), p.prefix)) {
		more = n == p.limit || !add_entry(b, n == 0);
		if (more)
			break;
		n++;
	}
	db_reset(q.list);
	buf_addc(b, ']');
	if (more)
		frame_flag(b, "more");
	station_yes(f, t);
}

/* --- the station --- */

static void
prepare(void)
{
	q.insert = db_query("insert into entry values (?, ?, ?, ?)"
	    " on conflict do nothing");
	q.update = db_query("update entry set payload = ?2, value = ?3"
	    " where key = ?1");
	q.made = db_query("select made from entry where key = ?");
	q.get = db_query("select payload, value from entry where key = ?");
	q.remove = db_query("delete from entry where key = ?");
	q.list = db_query("select key, payload, value from entry"
	    " where key > ? and key >= ? order by key");
	q.count = db_query("select count(*) from entry");
}

static const struct figure figures[] = {
	{ "store_entries", &tally.entries, "entries that are kept" },
	{ "store_created_total", &tally.created, "entries created" },
	{ "store_replaced_total", &tally.replaced, "entries replaced" },
	{ "store_deleted_total", &tally.deleted, "entries deleted" },
	{ "store_commits_total", &tally.commits, "turns written" },
	{ "store_undone_total", &tally.undone,
	    "turns that could not be written" },
	{ NULL, NULL, NULL }
};

static void
refresh(void)
{
	while (db_step(q.count) == 1)
		tally.entries = (uint64_t)db_int(q.count, 0);
	tally.commits = db_counts()->commits;
	tally.undone = db_counts()->undone;
}

/* What else is due in this turn may still use the database. */
static void
closed(void)
{
	loop_stop(0);
}

static void
drain(void)
{
	station_close(closed);
}

static const struct command commands[] = {
	{ T_PUT, put }, { T_GET, get }, { T_DELETE, delete }, { T_LIST, list },
	{ T_UNKNOWN, NULL }
};

static const struct station station = { .commands = commands,
    .figures = figures, .refresh = refresh, .ended = drain };

static struct db_config config = { .application = APPLICATION,
    .schema = schema, .size = SIZE, .turn = station_answer };

static void
read_options(struct opts *o)
{
	int key;

	while ((key = opt_next(o)) != -1)
		if (key == SIZE_)
			config.size = opt_bytes(o, o->arg);
		else
			link_option(o, key);
	if (config.size < SIZE_MIN || config.size > SIZE_MAX_)
		opt_usage(o, "--size: not from 64k to 1024g");
	if (o->nargs != 1)
		opt_usage(o, o->nargs == 0 ? "FILE is missing" :
		    "one FILE only");
	config.path = o->args[0];
}

int
main(int argc, char **argv)
{
	static const struct loop_ops signals = { drain, link_hup };
	struct opts o;

	opt_start(&o, argc, argv, "[option ...] FILE [-- command ...]",
	    options);
	read_options(&o);
	loop_open(&signals);
	db_open(&config);
	prepare();
	station_open(&o, &station);
	loop_run();
	db_close();
	return station_complaints();
}
