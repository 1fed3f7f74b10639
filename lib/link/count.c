/* SPDX-License-Identifier: ISC */

/*
 * What links count.  Links of one name count together: members of a group,
 * and the peers of a socket that come and go.
 */

#include "inside.h"

struct tally {
	struct tally *next;
	const char *name;
	struct link_counts n;
};

static struct tally *tallies;
static struct link_counts total;

const struct figure link_figures[] = {
	{ "link_frames_in_total", &total.frames_in, "frames from links" },
	{ "link_frames_out_total", &total.frames_out, "frames to links" },
	{ "link_bytes_in_total", &total.bytes_in, "their bytes" },
	{ "link_bytes_out_total", &total.bytes_out, "their bytes" },
	{ "link_acks_in_total", &total.acks_in, "acks from links" },
	{ "link_acks_out_total", &total.acks_out, "acks to links" },
	{ "link_refused_in_total", &total.refused_in,
	    "frames that we refused" },
	{ "link_refused_out_total", &total.refused_out,
	    "frames of ours that were refused" },
	{ "link_repeats_total", &total.repeats,
	    "frames that came again, and were not applied again" },
	{ "link_resent_total", &total.resent,
	    "frames that were sent again after a break" },
	{ "link_bad_lines_total", &total.bad_lines,
	    "lines that were no frames" },
	{ "link_dead_dropped_total", &total.dead_dropped,
	    "frames that a new peer did not want" },
	{ "link_attached_total", &total.attached, "peers that came" },
	{ "link_lost_total", &total.lost, "peers that went" },
	{ "link_turned_away_total", &total.turned_away,
	    "peers that were not let in" },
	{ "link_no_files_total", &total.no_files,
	    "times that no peer could be let in for want of descriptors" },
	{ "link_forgotten_total", &total.forgotten,
	    "stations that did not come back, forgotten for others" },
	{ "link_closed_total", &total.closed,
	    "peers closed: they did not read, or ignored the window" },
	{ "link_stalls_total", &total.stalls,
	    "times that new work found the window full" },
	{ "link_peers", &total.peers, "peers that are there" },
	{ "link_unsettled_bytes", &total.unsettled,
	    "bytes in our custody, sent or not" },
	{ "taps_total", &total.taps, "taps that came" },
	{ "tap_dropped_total", &total.tap_dropped,
	    "frames that a tap missed" },
	{ "restarts_total", &total.restarts,
	    "starts of the co-process after the first" },
	{ NULL, NULL, NULL }
};

struct link_counts *
count_of(const char *name)
{
	struct tally **at = &tallies;

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (*at == NULL) {
		*at = mem_new(sizeof **at);
		(*at)->name = name;
	}
	return &(*at)->n;
}

/* What is so now, and not since the start. */
static void
count_gauges(void)
{
	struct tally *t;
	struct link *l;

	for (t = tallies; t != NULL; t = t->next)
		t->n.peers = t->n.unsettled = 0;
	for (l = link_next(NULL); l != NULL; l = link_next(l)) {
		l->counts->peers += (uint64_t)link_present(l);
		l->counts->unsettled += link_unsettled(l);
	}
}

/* A row of link_figures, in the counts of one name. */
static uint64_t
value(const struct figure *f, const struct tally *t)
{
	uint64_t n;

	memcpy(&n, (const char *)&t->n +
	    ((const char *)f->value - (const char *)&total), sizeof n);
	return n;
}

const struct link_counts *
link_counts(void)
{
	const struct figure *f;
	struct tally *t;
	uint64_t sum;

	count_gauges();
	for (f = link_figures; f->name != NULL; f++) {
		for (sum = 0, t = tallies; t != NULL; t = t->next)
			sum += value(f, t);
		memcpy((char *)&total + ((const char *)f->value -
		    (const char *)&total), &sum, sizeof sum);
	}
	return &total;
}

void
count_json(struct buf *b)
{
	const struct figure *f;
	struct tally *t;

	count_gauges();
	for (f = link_figures; f->name != NULL; f++) {
		buf_addf(b, "%s\"%s\":{\"link\":{", f == link_figures ? "" :
		    ",", f->name);
		for (t = tallies; t != NULL; t = t->next) {
			json_quote(b, str_of(t->name));
			buf_addf(b, ":%llu%s", (unsigned long long)
			    value(f, t), t->next ? "," : "");
		}
		buf_adds(b, STR("}}"));
	}
}
