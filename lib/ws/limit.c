/* SPDX-License-Identifier: ISC */

/*
 * Limits: what becomes of strangers who want too much is counted by reason,
 * and said; but a flood of them is not a flood of messages.
 */

#include "../log.h"
#include "conn.h"

#define QUIET	60		/* seconds between two messages of a kind */

static struct limit {
	const char *what;	/* that is said; NULL: nothing */
	uint64_t hits;
	uint64_t unsaid;
	uint32_t said;		/* second of the wheel; 0: never */
} limits[] = {
	[LIMIT_CONNS] = { .what = "all connections are taken: "
	    "nobody else is accepted" },
	[LIMIT_FILES] = { .what = "nobody else is accepted" },
	[LIMIT_PEER] = { .what = "too many connections of one address" },
	[LIMIT_RATE] = { .what = "too many handshakes at a time" },
	[LIMIT_HEAD] = { .what = "the head is too large" },
	[LIMIT_HEAD_TIME] = { .what = "the head took too long" },
	[LIMIT_BODY] = { .what = "the body is too large" },
	[LIMIT_BODY_TIME] = { .what = "the body took too long" },
	[LIMIT_ANSWER_TIME] = { .what = "the answer is not read" },
	[LIMIT_UNFINISHED] = { .what = "too much is unfinished" },
	[LIMIT_MESSAGE] = { .what = "the message is too large" },
	[LIMIT_MESSAGE_TIME] = { .what = "the message took too long" },
	[LIMIT_FRAGMENTS] = { .what = "too many fragments" },
	[LIMIT_IDLE] = { .what = "idle" },
	[LIMIT_DRAIN] = { .what = NULL }
};

#define ROW(limit, reason) { "refused_total{reason=\"" reason "\"}", \
	&limits[limit].hits, "clients refused, held off or closed for a limit" }
const struct figure ws_limit_figures[] = {
	ROW(LIMIT_CONNS, "conns"),
	ROW(LIMIT_FILES, "files"),
	ROW(LIMIT_PEER, "per_address"),
	ROW(LIMIT_RATE, "handshakes"),
	ROW(LIMIT_HEAD, "head_size"),
	ROW(LIMIT_HEAD_TIME, "head_time"),
	ROW(LIMIT_BODY, "body_size"),
	ROW(LIMIT_BODY_TIME, "body_time"),
	ROW(LIMIT_ANSWER_TIME, "answer_time"),
	ROW(LIMIT_UNFINISHED, "unfinished"),
	ROW(LIMIT_MESSAGE, "message_size"),
	ROW(LIMIT_MESSAGE_TIME, "message_time"),
	ROW(LIMIT_FRAGMENTS, "fragments"),
	ROW(LIMIT_IDLE, "idle"),
	ROW(LIMIT_DRAIN, "drain"),
	{ NULL, NULL, NULL }
};
#undef ROW

static void
say(const struct limit *l, const char *who)
{
	const char *colon = who[0] == '\0' ? "" : ": ";

	if (l->unsaid == 0)
		warn("%s%s%s", who, colon, l->what);
	else
		warn("%s%s%s (and %llu times unsaid)", who, colon, l->what,
		    (unsigned long long)l->unsaid);
}

void
limit_hit(enum limit_reason reason, const char *who)
{
	struct limit *l = &limits[reason];

	l->hits++;
	if (l->what == NULL)
		return;
	if (l->said != 0 && timer_now() - l->said < QUIET) {
		l->unsaid++;
		return;
	}
	say(l, who);
	l->said = timer_now();
	l->unsaid = 0;
}

void
limit_conn(enum limit_reason reason, const struct ws_conn *c)
{
	char who[ADDRESS_TEXT];

	ws_remote(c, who, sizeof who);
	limit_hit(reason, who);
}

int
limit_keep(size_t n)
{
	if (config.max_unfinished > 0 &&
	    n > config.max_unfinished - tally.unfinished)
		return 0;
	tally.unfinished += n;
	return 1;
}

void
limit_forget(size_t n)
{
	tally.unfinished -= n;
}

int
ws_keep(const struct ws_conn *c, size_t n)
{
	if (limit_keep(n))
		return 1;
	limit_conn(LIMIT_UNFINISHED, c);
	return 0;
}

void
ws_unkeep(size_t n)
{
	limit_forget(n);
}
