/* SPDX-License-Identifier: ISC */
/*
 * Frames in.  Each command reads a job, changes it and says so; what it says
 * leaves when the change is on disk.
 */
#include <stdio.h>

#include "frame.h"
#include "loop.h"

#include "jobs.h"
#include "zone.h"

#define TRIES_MAX	1000000
#define TRIES_WRONG	"tries: not from 1 to 1000000"
#define MS_MAX		(INT64_C(400) * 366 * 86400 * 1000)
#define PAGE_BYTES	(64 << 10)	/* of an answer to list */
#define PAGE_JOBS	1000

static struct buf name_buf, key_buf, user_buf, text_buf, why_buf;

/* --- what a frame says of a job --- */

static const char *
read_names(const struct frame *f, struct job *j)
{
	j->name = j->key = j->user = (struct str){ NULL, 0 };
	if (station_name(f, K_ID, &name_buf, &j->name) == -1)
		return "id: not a string of 1 to 255 bytes without controls";
	if (station_name(f, K_KEY, &key_buf, &j->key) == -1)
		return STATION_KEY;
	if (station_name(f, K_USER, &user_buf, &j->user) == -1)
		return "user: not a string of 1 to 255 bytes without controls";
	return NULL;
}

/* A number in its bounds, if it is there. */
static int
number(const struct frame *f, enum key k, int64_t min, int64_t max, int64_t *n)
{
	return !frame_has(f, k) ||
	    (frame_int(f, k, n) && *n >= min && *n <= max);
}

static const char *
read_policy(const struct frame *f, struct job *j)
{
	if (!number(f, K_TRIES, 1, TRIES_MAX, &j->most))
		return TRIES_WRONG;
	if (!number(f, K_PAUSE, 0, MS_MAX, &j->pause))
		return "pause: not a number of ms";
	if (!number(f, K_WAIT, 0, MS_MAX, &j->wait))
		return "wait: not a number of ms";
	if (!frame_has(f, K_LATE))
		return NULL;
	j->late = str_eq(f->v[K_LATE], STR("\"run\""));
	return j->late || str_eq(f->v[K_LATE], STR("\"fail\"")) ? NULL :
	    "late: not run or fail";
}

static int
text(const struct frame *f, enum key k, struct str *s)
{
	text_buf.max = 64;
	return frame_str(f, k, &text_buf, s);
}

static const char *
read_date(const struct frame *f, int64_t now, int64_t *at)
{
	struct when w;
	struct zone z;
	struct str s = set.utc ? STR("utc") : STR("local");
	const char *why;

	if (frame_has(f, K_ZONE) && !text(f, K_ZONE, &s))
		return "zone: not a name";
	if (!zone_find(&z, s))
		return "zone: there is no such zone";
	if (!text(f, K_DATE, &s))
		return "date: not a string";
	if ((why = when_date(&w, s)) != NULL)
		return why;
	if (!text(f, K_TIME, &s))
		return "time: not a string";
	if ((why = when_time(&w, s)) != NULL)
		return why;
	*at = when_ms(&w, now, &z);
	return NULL;
}

static const char *
read_time(const struct frame *f, int64_t *at)
{
	int64_t now = loop_ms(), in;
	int dated = frame_has(f, K_DATE) || frame_has(f, K_TIME);

	if (frame_has(f, K_AT) + frame_has(f, K_IN) + dated != 1)
		return "one of at, in, and date with time is needed";
	if (dated)
		return read_date(f, now, at);
	if (frame_has(f, K_AT))
		return frame_int(f, K_AT, at) && *at >= 0 && *at <= MS_MAX ?
		    NULL : "at: not a number of ms";
	if (!frame_int(f, K_IN, &in) || in < 0 || in > MS_MAX)
		return "in: not a number of ms";
	*at = now + in;
	return NULL;
}

static const char *
read_schedule(const struct frame *f, struct job *j)
{
	const char *why;

	*j = set.job;
	if ((why = read_names(f, j)) == NULL &&
	    (why = read_time(f, &j->at)) == NULL)
		why = read_policy(f, j);
	j->payload = -1;
	if (why == NULL && (frame_has(f, K_DATA) || frame_has(f, K_TEXT) ||
	    frame_has(f, K_BASE64)))
		why = station_payload(f, &j->payload, &j->value);
	return why;
}

/* --- answers --- */

static void
say(const struct frame *f, struct taken *t, const char *type,
    const struct job *j)
{
	job_frame(station_begin(f, type), j);
	station_yes(f, t);
}

static struct str
identity(const struct frame *f, const struct taken *t)
{
	struct str s = station_identity(f, t);

	return s.n > 0 ? s : (struct str){ NULL, 0 };
}

/* Did this very frame change it, before a crash? */
static int
again(const struct job *j, struct str identity)
{
	return identity.n > 0 && str_eq(j->word, identity);
}

/* --- schedule --- */

static void
schedule(const struct frame *f, struct taken *t)
{
	struct job j, other;
	const char *why = read_schedule(f, &j);

	if (why != NULL) {
		station_no(f, t, why);
		return;
	}
	j.made = identity(f, t);
	if (j.made.n > 0 && table_by_made(j.made, &other)) {
		say(f, t, "scheduled", &other);
		return;
	}
	if (j.name.n > 0 && table_by_name(j.name, &other)) {
		station_no(f, t, "id: there is such a job");
		return;
	}
	table_insert(&j);
	tally.scheduled++;
	outbox_new(&j);
	say(f, t, "scheduled", &j);
}

/* --- commands about a job --- */

/* By its id: a number of ours, or the string it was given. */
static const char *
find(const struct frame *f, struct job *j)
{
	struct str name;
	int64_t id;
	int found;

	if (frame_int(f, K_ID, &id))
		found = table_by_id(id, j) && j->name.n == 0;
	else if (station_name(f, K_ID, &name_buf, &name) == 1)
		found = table_by_name(name, j);
	else
		return "id: not a number or string";
	return found ? NULL : "there is no such job";
}

/* Why a job that should be waiting is not. */
static const char *
not_waiting(const struct job *j)
{
	switch (j->state) {
	case WAITING:
		return NULL;
	case SENT:
		return "it is on its way";
	case CANCELLED:
		return "it was cancelled";
	default:
		return "it is over";
	}
}

static void
cancel(const struct frame *f, struct taken *t)
{
	struct str word = identity(f, t);
	struct job j;
	const char *why = find(f, &j);

	if (why == NULL && !again(&j, word) &&
	    (why = not_waiting(&j)) == NULL) {
		outbox_gone(&j);
		j.state = CANCELLED;
		j.due = loop_ms();
		j.word = word;
		table_change(&j, TOLD);
		tally.cancelled++;
	}
	if (why != NULL)
		station_no(f, t, why);
	else
		say(f, t, "cancelled", &j);
}

/* However late it is then. */
static void
force(const struct frame *f, struct taken *t)
{
	struct str word = identity(f, t);
	struct job j;
	const char *why = find(f, &j);

	if (why == NULL && !again(&j, word) &&
	    (why = not_waiting(&j)) == NULL) {
		j.at = j.due = loop_ms();
		j.late = 1;
		j.word = word;
		table_change(&j, TOLD);
		outbox_due(&j);
	}
	if (why != NULL)
		station_no(f, t, why);
	else
		say(f, t, "scheduled", &j);
}

/* A word that comes too late to change anything is no error. */
static void
done(const struct frame *f, struct taken *t)
{
	struct job j;
	const char *why = find(f, &j);

	if (why == NULL && j.tries > 0 &&
	    (j.state == WAITING || j.state == SENT))
		job_done(&j);
	if (why != NULL && frame_has(f, K_REF))
		station_no(f, t, why);
	else
		station_done(f, t);
}

static const char *
find_target(const struct frame *f, struct job *j)
{
	struct str user, key = { NULL, 0 };

	if (frame_has(f, K_ID))
		return find(f, j);
	if (station_name(f, K_USER, &user_buf, &user) != 1)
		return "one of id and user is needed";
	if (station_name(f, K_KEY, &key_buf, &key) == -1)
		return STATION_KEY;
	return table_by_target(user, key, j) ? NULL : "there is no such job";
}

/* Also after a done: who got it changed its mind.  Its tries say how many
 * failures are enough now. */
static void
nack(const struct frame *f, struct taken *t)
{
	struct str word = identity(f, t), why_not = STR("not taken");
	struct job j;
	const char *why = find_target(f, &j);

	why_buf.max = 256;
	frame_str(f, K_WHY, &why_buf, &why_not);
	if (why == NULL && !number(f, K_TRIES, 1, TRIES_MAX, &j.most))
		why = TRIES_WRONG;
	if (why == NULL && !again(&j, word)) {
		if (j.tries == 0)
			why = "it was not sent yet";
		else if (j.state == FAILED || j.state == CANCELLED)
			why = not_waiting(&j);
	}
	if (why != NULL) {
		station_no(f, t, why);
		return;
	}
	if (!again(&j, word) && j.state != WAITING) {
		j.word = word;
		job_failure(&j, why_not);
	}
	station_done(f, t);
}

/* --- list --- */

static int
add_job(struct buf *b, const struct job *j, int first)
{
	static const char *const states[] = { [WAITING] = "waiting",
	    [SENT] = "sent", [DONE] = "done", [FAILED] = "failed",
	    [CANCELLED] = "cancelled" };

	if (!first && buf_size(b) > PAGE_BYTES)
		return 0;
	buf_addf(b, "%s{\"n\":%lld", first ? "" : ",", (long long)j->id);
	job_frame(b, j);
	frame_text(b, "state", str_of(states[j->state]));
	frame_num(b, "tries", j->tries);
	if (j->why.p != NULL)
		frame_text(b, "why", j->why);
	buf_addc(b, '}');
	return 1;
}

static void
list(const struct frame *f, struct taken *t)
{
	int64_t after = 0, limit = PAGE_JOBS, n = 0;
	struct job j;
	struct buf *b;
	int more = 0;

	if (!number(f, K_AFTER, 0, INT64_MAX, &after) ||
	    !number(f, K_LIMIT, 1, PAGE_JOBS, &limit)) {
		station_no(f, t, "after: not a number, or limit: not from 1 "
		    "to 1000");
		return;
	}
	b = station_begin(f, "jobs");
	frame_raw(b, "jobs", STR("["));
	table_list_begin(after);
	while (table_list_next(&j)) {
		more = n == limit || !add_job(b, &j, n == 0);
		if (more)
			break;
		n++;
	}
	table_list_end();
	buf_addc(b, ']');
	if (more)
		frame_flag(b, "more");
	station_yes(f, t);
}

const struct command commands[] = {
	{ T_SCHEDULE, schedule }, { T_CANCEL, cancel }, { T_FORCE, force },
	{ T_DONE, done }, { T_NACK, nack }, { T_LIST, list },
	{ T_UNKNOWN, NULL }
};
