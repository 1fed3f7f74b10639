/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a job that was sent, or was not in time.
 */
#include "json.h"
#include "loop.h"

#include "jobs.h"

static void
end(struct job *j, enum state s)
{
	outbox_gone(j);
	j->state = s;
	j->due = loop_ms();
	table_change(j, TELLING);
	outbox_report(j);
}

void
job_done(struct job *j)
{
	tally.fired++;
	end(j, DONE);
}

void
job_late(struct job *j)
{
	tally.late++;
	tally.failed++;
	j->why = STR("too late");
	end(j, FAILED);
}

void
job_failure(struct job *j, struct str why)
{
	j->why = utf8_check(why) ? why : STR("?");
	j->failures++;
	if (j->failures >= j->most) {
		tally.failed++;
		end(j, FAILED);
		return;
	}
	j->state = WAITING;
	j->due = loop_ms() + when_again(j->pause, set.longest, j->failures);
	table_change(j, TOLD);
	outbox_due(j);
}

/* A sending that was superseded says nothing about the job any more. */
void
job_settled(int64_t id, int64_t tries, const char *why)
{
	struct job j;

	if (!table_by_id(id, &j) || j.state != SENT || j.tries != tries ||
	    j.due != WHEN_NEVER)
		return;
	if (why != NULL) {
		job_failure(&j, str_of(why));
	} else if (j.wait == 0) {
		job_done(&j);
	} else {
		j.due = loop_ms() + j.wait;
		table_change(&j, TOLD);
		outbox_due(&j);
	}
}
