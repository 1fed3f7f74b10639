/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "log.h"
#include "station.h"

#define AMPLIFY		4	/* windows of answers on a link */
#define DRAIN		5000	/* ms */
#define NAME_MAX_BYTES	255

struct answer {
	struct taken *taken;
	struct str ref, line;	/* in text; line.n is 0: nothing to say */
	int no;			/* line says why */
	struct answer *next;
	char text[];
};

struct link *station_link;

static const struct station *station;
static uint64_t commands, refused;
static struct answer *answers, **last = &answers;
static size_t waiting;		/* bytes in answers */
static struct buf reply;
static int pipeline;		/* no co-process, so maybe a plain pipeline */
static int plain;		/* the main link has no tracking */
static int input_ended;

/* --- bounds --- */

/* A plain link is read only while its peer takes what it is told. */
static void
hold(struct link *l)
{
	if (!link_tracked(l))
		link_hold(l, waiting > link_window() || !link_room(l));
}

static int
too_much(const struct link *l)
{
	return link_unsettled(l) + waiting > AMPLIFY * link_window();
}

/* --- answers --- */

static void
add(const struct frame *f, struct taken *t, struct str line, int no)
{
	struct str ref = frame_has(f, K_REF) ? f->v[K_REF] : STR("");
	struct answer *a = mem_new(sizeof *a + ref.n + line.n + 1);

	memcpy(a->text, ref.p, ref.n);
	memcpy(a->text + ref.n, line.p, line.n);
	a->ref = (struct str){ a->text, ref.n };
	a->line = (struct str){ a->text + ref.n, line.n };
	a->taken = t;
	a->no = no;
	*last = a;
	last = &a->next;
	waiting += line.n;
}

struct buf *
station_begin(const struct frame *f, const char *type)
{
	reply.max = link_line_max();
	buf_clear(&reply);
	frame_begin(&reply, type);
	if (frame_has(f, K_REF))
		frame_raw(&reply, "ref", f->v[K_REF]);
	return &reply;
}

void
station_yes(const struct frame *f, struct taken *t)
{
	struct link *l = taken_link(t);

	if (frame_end(&reply) == -1)
		station_no(f, t, "the answer is too large");
	else if (!frame_has(f, K_REF))
		add(f, t, STR(""), 0);
	else if (l != NULL && too_much(l))
		station_no(f, t, "too many answers wait");
	else
		add(f, t, buf_str(&reply), 0);
}

void
station_done(const struct frame *f, struct taken *t)
{
	station_begin(f, "done");
	station_yes(f, t);
}

void
station_no(const struct frame *f, struct taken *t, const char *why)
{
	add(f, t, str_of(why), 1);
}

static void
say_no(struct link *l, struct answer *a, const char *why)
{
	struct buf b = BUF(link_line_max());

	refused++;
	if (a->ref.n == 0 || l == NULL) {
		link_refuse(a->taken, why);
		return;
	}
	frame_begin(&b, "error");
	frame_raw(&b, "ref", a->ref);
	frame_text(&b, "why", str_of(utf8_check(str_of(why)) ? why : "?"));
	if (frame_end(&b) == 1)
		link_send(l, buf_str(&b), NULL, LINK_ANSWER);
	buf_free(&b);
	link_settle(a->taken);
}

static void
say(struct answer *a, const char *why)
{
	struct link *l = taken_link(a->taken);

	if (a->no || why != NULL) {
		say_no(l, a, why != NULL && !a->no ? why : a->line.p);
	} else {
		if (a->line.n > 0 && l != NULL)
			link_send(l, a->line, NULL, LINK_ANSWER);
		link_settle(a->taken);
	}
	if (l != NULL)
		hold(l);
}

void
station_answer(const char *why)
{
	struct answer *a;

	waiting = 0;
	while ((a = answers) != NULL) {
		answers = a->next;
		say(a, why);
		free(a);
	}
	last = &answers;
	if (input_ended == 1) {
		input_ended = 2;
		station->ended();
	}
}

/* --- frames --- */

static const struct figure figures[] = {
	{ "commands_total", &commands, "commands that came" },
	{ "commands_refused_total", &refused, "that were not done" },
	{ NULL, NULL, NULL }
};

static void
tell_figures(void)
{
	static const struct figure *tables[] = { NULL, figures, NULL };

	tables[0] = station->figures;
	link_tells(tables, station->refresh);
}

/* What is not ours passes through a plain pipeline. */
static void
other(struct link *l, const struct frame *f, struct taken *t)
{
	if (f->type == T_UNKNOWN) {
		station_no(f, t, "unknown type");
	} else if (l == station_link && pipeline && plain) {
		link_send(l, f->line, NULL, LINK_WORK);
		link_settle(t);
	} else if (f->type == T_ERROR) {
		warn("%s: %.*s", link_name(l), (int)f->v[K_WHY].n,
		    frame_has(f, K_WHY) ? f->v[K_WHY].p : "");
		link_settle(t);
	} else {
		station_no(f, t, "not for this station");
	}
}

static void
on_frame(struct link *l, struct frame *f, struct taken *t)
{
	const struct command *c = station->commands;

	while (c->type != T_UNKNOWN && c->type != f->type)
		c++;
	if (c->type != T_UNKNOWN) {
		commands++;
		c->run(f, t);
	} else if (f->type == T_STATS && (l != station_link || !plain)) {
		link_stats(l, f);
		link_settle(t);
	} else {
		other(l, f, t);
	}
	hold(l);
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)bytes;
	if (owner != NULL && station->settled != NULL)
		station->settled(owner, why);
}

/* Of stdin and stdout the first word comes before we know the link. */
static void
on_state(struct link *l, enum link_state s)
{
	int main_link = station_link == NULL || l == station_link;

	if (s == LINK_UP || s == LINK_NEW) {
		hold(l);
		if (main_link)
			plain = !link_tracked(l);
	}
	if (main_link && station->state != NULL)
		station->state(s);
}

static void
on_room(struct link *l)
{
	hold(l);
	if (l == station_link && station->room != NULL)
		station->room();
}

/* Standard input ended, or whoever started us is gone, or nobody reads what we
 * write. */
static void
on_end(struct link *l)
{
	if (plain && !link_present(l))
		die(111, "stdout: cannot be written any more");
	input_ended |= 1;
}

static const struct link_ops ops = { .frame = on_frame,
    .settled = on_settled, .state = on_state, .room = on_room,
    .end = on_end };

void
station_open(struct opts *o, const struct station *s)
{
	station = s;
	tell_figures();
	station_link = link_station(o, &ops);
	pipeline = o->child == NULL;
	link_ready();
}

void
station_close(void (*done)(void))
{
	link_close_all(DRAIN, done);
}

int
station_complaints(void)
{
	return input_ended && plain &&
	    (refused > 0 || link_counts()->bad_lines > 0);
}

/* --- what a frame says --- */

static int
is_name(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return 0;
	return s.n > 0 && s.n <= NAME_MAX_BYTES && utf8_check(s);
}

int
station_name(const struct frame *f, enum key k, struct buf *b,
    struct str *out)
{
	if (!frame_has(f, k))
		return 0;
	b->max = NAME_MAX_BYTES;
	return frame_str(f, k, b, out) && is_name(*out) ? 1 : -1;
}

static const enum key payloads[] = { K_DATA, K_TEXT, K_BASE64 };

const char *
station_payload(const struct frame *f, int64_t *which, struct str *value)
{
	const char *why;
	int k = frame_payload(f, &why), binary;
	struct buf b = BUF(link_max());

	if (k == -1)
		return why;
	*value = f->v[k];
	if (value->n > link_max())
		return "the payload is too large";
	for (*which = 0; (int)payloads[*which] != k; ++*which)
		;
	if (k == K_DATA)
		return NULL;
	k = frame_payload_bytes(f, &b, &binary);
	buf_free(&b);
	return k == 1 ? NULL : "a malformed payload";
}

void
station_add_payload(struct buf *b, int64_t which, struct str value)
{
	frame_raw(b, frame_keys[payloads[which]], value);
}

struct str
station_identity(const struct frame *f, const struct taken *t)
{
	static char id[80];
	struct str made = link_made_of(f, t);
	const char *peer;
	uint64_t place;

	if (!taken_of(t, &peer, &place))
		return STR("");
	if (made.n > 0)
		return made;
	snprintf(id, sizeof id, "%s-%llu", peer, (unsigned long long)place);
	return str_of(id);
}
