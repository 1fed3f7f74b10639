/* SPDX-License-Identifier: ISC */
/*
 * Options, and the end.
 */
#include "db.h"
#include "log.h"
#include "loop.h"
#include "opt.h"

#include "jobs.h"

#define APPLICATION	0x726b6a62	/* "rkjb" */
#define SIZE		((int64_t)1 << 30)
#define SIZE_MIN	(128 << 10)
#define SIZE_LARGEST	((int64_t)1 << 40)
#define FORGET_EVERY	1.0		/* s */

enum { SIZE_ = OPT_LONG, KEEP, LATE, GRACE, TRIES, PAUSE, LONGEST, WAIT, UTC };

static const struct opt options[] = {
	{ UTC, "utc", NULL, "dates are UTC, unless they say (local)" },
	{ LATE, "late", "run|fail", "what to do with what is late (run)" },
	{ GRACE, "grace", "TIME", "so much is not late yet (10s)" },
	{ WAIT, "wait", "TIME", "for done or nack; 0: taken is done (0)" },
	{ TRIES, "tries", "N", "failures until a job has failed (5)" },
	{ PAUSE, "pause", "TIME", "after the first failure, then twice (1s)" },
	{ LONGEST, "longest", "TIME", "the longest such pause (5m)" },
	{ KEEP, "keep", "TIME", "how long ended jobs are known (1h)" },
	{ SIZE_, "size", "BYTES", "what the file may grow to (1g)" },
	LINK_OPTS,
	LINK_OPTS_SERVE,
	OPT_END
};

struct settings set = {
	.job = { .most = 5, .pause = 1000, .late = 1 },
	.longest = 300000, .grace = 10000, .keep = 3600000
};
struct tally tally;

static ev_timer forget_timer;
static int draining, input_ended;

/* --- the end --- */

/* What else is due in this turn may still use the database. */
static void
closed(void)
{
	loop_stop(0);
}

static void
drain(void)
{
	if (draining)
		return;
	draining = 1;
	outbox_stop();
	station_close(closed);
}

/* A plain input that ended: what waits is still sent, when its time comes. */
static void
ended(void)
{
	input_ended = 1;
	if (!link_present(station_link))
		drain();
}

static void
turn(const char *why)
{
	station_answer(why);
	outbox_turn(why);
	if (input_ended && outbox_unsettled() == 0 && tally.jobs[WAITING] == 0)
		drain();
}

/* --- figures --- */

static const struct figure figures[] = {
	{ "jobs_waiting", &tally.jobs[WAITING], "jobs that have not ended" },
	{ "jobs_done", &tally.jobs[DONE], "jobs that are done, and known" },
	{ "jobs_failed", &tally.jobs[FAILED], "that failed" },
	{ "jobs_cancelled", &tally.jobs[CANCELLED], "that were cancelled" },
	{ "jobs_scheduled_total", &tally.scheduled, "jobs scheduled" },
	{ "jobs_sent_total", &tally.sent, "due frames sent" },
	{ "jobs_again_total", &tally.again, "of those, not the first" },
	{ "jobs_fired_total", &tally.fired, "jobs done" },
	{ "jobs_failed_total", &tally.failed, "jobs failed" },
	{ "jobs_late_total", &tally.late, "of those, too late" },
	{ "jobs_cancelled_total", &tally.cancelled, "jobs cancelled" },
	{ "jobs_commits_total", &tally.commits, "turns written" },
	{ "jobs_undone_total", &tally.undone,
	    "turns that could not be written" },
	{ NULL, NULL, NULL }
};

static void
refresh(void)
{
	tally.commits = db_counts()->commits;
	tally.undone = db_counts()->undone;
}

/* --- options --- */

static int64_t
ms(const struct opts *o, int64_t min)
{
	int64_t n = opt_ms(o, o->arg);

	if (n < min)
		opt_usage(o, "%s: too short", o->arg);
	return n;
}

static void
late(const struct opts *o)
{
	set.job.late = strcmp(o->arg, "run") == 0;
	if (!set.job.late && strcmp(o->arg, "fail") != 0)
		opt_usage(o, "%s: not run or fail", o->arg);
}

static struct db_config config = { .application = APPLICATION,
    .schema = jobs_schema, .size = SIZE, .turn = turn };

static void
option(const struct opts *o, int key)
{
	switch (key) {
	case UTC:
		set.utc = 1;
		break;
	case LATE:
		late(o);
		break;
	case GRACE:
		set.grace = ms(o, 0);
		break;
	case WAIT:
		set.job.wait = ms(o, 0);
		break;
	case TRIES:
		set.job.most = opt_number(o, o->arg, 1, 1000000);
		break;
	case PAUSE:
		set.job.pause = ms(o, 0);
		break;
	case LONGEST:
		set.longest = ms(o, 1);
		break;
	case KEEP:
		set.keep = ms(o, 0);
		break;
	case SIZE_:
		config.size = opt_bytes(o, o->arg);
		if (config.size < SIZE_MIN || config.size > SIZE_LARGEST)
			opt_usage(o, "--size: not from 128k to 1024g");
		break;
	default:
		link_option(o, key);
	}
}

static void
read_options(struct opts *o)
{
	int key;

	while ((key = opt_next(o)) != -1)
		option(o, key);
	if (o->nargs != 1)
		opt_usage(o, o->nargs == 0 ? "FILE is missing" :
		    "one FILE only");
	config.path = o->args[0];
}

/* A batch each second, and at once when there is more. */
static void
forget(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)events;
	if (table_forget(loop_ms() - set.keep))
		ev_feed_event(loop, t, EV_CUSTOM);
}

int
main(int argc, char **argv)
{
	static const struct loop_ops signals = { drain, link_hup };
	static const struct station station = { .commands = commands,
	    .figures = figures, .refresh = refresh, .ended = ended,
	    .settled = outbox_settled };
	struct opts o;

	opt_start(&o, argc, argv, "[option ...] FILE [-- command ...]",
	    options);
	read_options(&o);
	loop_open(&signals);
	outbox_open();
	db_open(&config);
	table_open();
	ev_timer_init(&forget_timer, forget, FORGET_EVERY, FORGET_EVERY);
	ev_timer_start(loop, &forget_timer);
	station_open(&o, &station);
	loop_run();
	db_close();
	return station_complaints();
}
