/* SPDX-License-Identifier: ISC */
/*
 * Options, the rule, the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "opt.h"
#include "zone.h"

#include "keep.h"

#define RULE_MAX	(1 << 20)
#define DAY_MS		86400000

enum { TAP = OPT_LONG, LINK, TYPES, RULE, UTC, KEEP, FSYNC, MUST, REPLAY, TIMED,
    FROM, TO };

static const struct opt options[] = {
	{ TAP, "tap", "PATH", "a copy of what passes at this socket" },
	{ LINK, "link", "PATH", "be between this socket and the co-process" },
	{ TYPES, "types", "LIST", "only frames of these types (a,b)" },
	{ RULE, "rule", "FILE", "a rule chooses what is written where" },
	{ 'e', "expression", "TEXT", "the rule itself" },
	{ UTC, "utc", NULL, "days are UTC's (local)" },
	{ KEEP, "keep", "TIME", "forget older days (never)" },
	{ FSYNC, "fsync", NULL, "what goes on is on disk" },
	{ MUST, "must", NULL, "frames wait while nothing can be written" },
	{ REPLAY, "replay", "FILE", "what was kept, on standard output" },
	{ TIMED, "timed", NULL, "as fast as it came" },
	{ FROM, "from", "TIME", "what was kept at this time or after" },
	{ TO, "to", "TIME", "and before this one" },
	LINK_OPTS,
	LINK_OPTS_SERVE,
	OPT_END
};

struct settings set;
struct tally tally;

static struct replay replay = { .from = 0, .to = INT64_MAX };
static const char *tap, *place, *rule_file, *rule_text, *from, *to;
static int serve, utc;

/* --- the rule --- */

static int
slurp(struct buf *b, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd != -1 && (n = buf_read(b, fd, 65536)) > 0)
		;
	if (fd != -1)
		close(fd);
	return n == 0;
}

static struct filter *
open_rule(char **why)
{
	struct buf b = BUF(RULE_MAX);
	struct filter_rule r = { .name = rule_file ? rule_file : "-e",
	    .depth = -1, .line_max = link_line_max() };
	struct filter *f = NULL;

	if (rule_file != NULL && !slurp(&b, rule_file)) {
		if (asprintf(why, "%s: %s", rule_file, strerror(errno)) == -1)
			die(111, "out of memory");
	} else {
		r.text = rule_file ? buf_str(&b) : str_of(rule_text);
		if (r.text.p == NULL)
			r.text = STR("");
		f = filter_open(&r, why);
	}
	buf_free(&b);
	return f;
}

static void
hup(void)
{
	struct filter *f;
	char *why;

	link_hup();
	files_reopen();		/* somebody may have moved them */
	if (rule_file == NULL)
		return;
	if ((f = open_rule(&why)) == NULL)
		warn("%s; the old rule stays", why);
	else
		entry_rule(f);
	if (f == NULL)
		free(why);
}

/* --- the end --- */

static void
closed(void)
{
	files_close();
	entry_rule(NULL);
	loop_stop(0);
}

static void
drain(void)
{
	if (replay.file != NULL)
		loop_stop(0);
	else
		pass_close(closed);
}

/* --- figures --- */

static const struct figure figures[] = {
	{ "log_entries_total", &tally.entries, "entries written" },
	{ "log_bytes_total", &tally.bytes, "their bytes" },
	{ "log_lost_total", &tally.lost, "entries that could not be written" },
	{ "log_wrong_total", &tally.wrong, "outputs of the rule not kept" },
	{ "log_failures_total", &tally.failures, "writes that failed" },
	{ "log_forgotten_total", &tally.forgotten, "files of older days" },
	{ NULL, NULL, NULL }
};
static const struct figure *const tables[] = { figures, NULL };

/* --- options --- */

/* "2026-07-15", "2026-07-15T10:00[:30]", or ms. */
static int64_t
moment(const struct opts *o, const char *text)
{
	const char *t = strchr(text, 'T'), *why;
	struct when w = { 0 };
	struct str date = str_of(text);

	if (strchr(text, '-') == NULL)
		return opt_number(o, text, 0, INT64_MAX / 2);
	if (t != NULL)
		date.n = (size_t)(t - text);
	if ((why = when_date(&w, date)) == NULL && t != NULL)
		why = when_time(&w, str_of(t + 1));
	if (why == NULL && w.year == 0)
		why = "a date without a year";
	if (why != NULL)
		opt_usage(o, "%s: %s", text, why);
	return when_ms(&w, 0, &set.zone);
}

static void
option(struct opts *o, int key)
{
	switch (key) {
	case TAP:
		tap = o->arg;
		break;
	case LINK:
		place = o->arg;
		break;
	case TYPES:
		set.types = replay.types = o->arg;
		break;
	case RULE:
		rule_file = o->arg;
		break;
	case 'e':
		rule_text = o->arg;
		break;
	case UTC:
		utc = 1;
		break;
	case KEEP:
		set.keep = opt_ms(o, o->arg);
		if (set.keep < DAY_MS)
			opt_usage(o, "--keep: less than a day");
		break;
	case FSYNC:
		set.fsync = 1;
		break;
	case MUST:
		set.must = 1;
		break;
	case REPLAY:
		replay.file = o->arg;
		break;
	case TIMED:
		replay.timed = 1;
		break;
	case FROM:
		from = o->arg;
		break;
	case TO:
		to = o->arg;
		break;
	default:
		serve |= key == 's';
		link_option(o, key);
	}
}

static void
agree(const struct opts *o)
{
	int ways = (tap != NULL) + serve + (o->child != NULL || place);

	if (replay.file != NULL) {
		if (ways > 0 || o->nargs > 0 || rule_file || rule_text)
			opt_usage(o, "--replay has no links, DIR or rule");
		return;
	}
	if (from != NULL || to != NULL || replay.timed)
		opt_usage(o, "--from, --to and --timed are of --replay");
	if (ways > 1)
		opt_usage(o, "one of --tap, -s and a co-process only");
	if (place != NULL && o->child == NULL)
		opt_usage(o, "--link: there is no co-process");
	if (rule_file != NULL && rule_text != NULL)
		opt_usage(o, "one rule only");
	if (o->nargs != 1)
		opt_usage(o, o->nargs == 0 ? "DIR is missing" :
		    "one DIR only");
}

static void
read_options(struct opts *o)
{
	int key;

	while ((key = opt_next(o)) != -1)
		option(o, key);
	agree(o);
	zone_find(&set.zone, utc ? STR("utc") : STR("local"));
	if (from != NULL)
		replay.from = moment(o, from);
	if (to != NULL)
		replay.to = moment(o, to);
}

static void
keep(struct opts *o)
{
	struct filter *f = NULL;
	char *why;

	set.dir = o->args[0];
	if ((rule_file != NULL || rule_text != NULL) &&
	    (f = open_rule(&why)) == NULL)
		die(100, "%s", why);
	entry_rule(f);
	files_open();
	link_tells(tables, NULL);
	pass_ended(drain);
	pass_open(o, &(struct pass){ tap, place, serve });
}

int
main(int argc, char **argv)
{
	static const struct loop_ops signals = { drain, hup };
	struct opts o;

	opt_start(&o, argc, argv,
	    "[option ...] DIR [-- command ...] | --replay FILE", options);
	read_options(&o);
	loop_open(&signals);
	if (replay.file != NULL)
		replay_open(&replay);
	else
		keep(&o);
	return loop_run();
}
