/* SPDX-License-Identifier: ISC */
#include "command.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "metrics.h"
#include "people.h"
#include "pending.h"
#include "send.h"

struct command_counts command_counts;

const struct figure command_figures[] = {
	{ "commands_total", &command_counts.commands,
	    "commands applied or refused" },
	{ "commands_dead_total", &command_counts.dead,
	    "commands for who was not there" },
	{ "commands_refused_total", &command_counts.refused,
	    "commands refused" },
	{ "commands_unknown_total", &command_counts.unknown,
	    "frames of no known type" },
	{ NULL, NULL, NULL }
};
int command_pipeline;

/* ---- reading --------------------------------------------------------- */

int
command_string(const struct frame *f, enum key k, struct buf *b,
    struct str *s)
{
	*s = (struct str){ "", 0 };
	if (!frame_has(f, k))
		return 0;
	if (b->max == 0)
		b->max = 4096;
	return frame_str(f, k, b, s) ? 1 : -1;
}

static const char *
name_read(const struct frame *f, enum key k, struct target *t)
{
	static struct buf b = { .max = 4096 };
	struct str s;

	if (command_string(f, k, &b, &s) == -1)
		return "conn, user and channel are strings";
	if (k == K_CONN)
		t->conn = conn_named(s);
	else
		t->name = k == K_USER ? user_named(s) : channel_named(s);
	if (t->conn == NULL && t->name == NULL)
		command_counts.dead++;
	return NULL;
}

const char *
target_read(struct target *t, const struct frame *f, int kinds)
{
	static const enum key keys[] = { K_CONN, K_USER, K_CHANNEL, K_ALL };
	static struct buf b = { .max = 4096 };
	struct str except;
	const char *why = NULL;
	int found = 0;

	*t = (struct target){ 0 };
	for (int i = 0; i < 4; i++)
		if (frame_has(f, keys[i]) && kinds & 1 << i) {
			t->kind = 1 << i;
			found++;
		}
	if (found != 1)
		return kinds & TO_ALL ? "one of conn, user, channel and all" :
		    kinds & TO_USER ? "one of conn and user" :
		    "conn is missing";
	if (t->kind != TO_ALL)
		why = name_read(f, t->kind == TO_CONN ? K_CONN :
		    t->kind == TO_USER ? K_USER : K_CHANNEL, t);
	else if (!frame_true(f, K_ALL))
		why = "all is true";
	if (command_string(f, K_EXCEPT, &b, &except) == -1)
		why = "except is a string";
	t->except = conn_named(except);
	return why;
}

/* Whose socket is gone stays in the roster until its close leaves; whoever is
 * meant, it is not. */
static int
is_meant(const struct conn *c, const struct target *t)
{
	return c->ws != NULL && c != t->except;
}

void
target_each(const struct target *t, void (*each)(struct conn *, void *),
    void *arg)
{
	const struct member *m, *next;
	struct conn *c, *after;

	if (t->conn != NULL && is_meant(t->conn, t))
		each(t->conn, arg);
	for (m = t->name == NULL ? NULL : t->name->members; m != NULL;
	    m = next) {
		next = m->next;
		if (is_meant(m->conn, t))
			each(m->conn, arg);
	}
	for (c = t->kind == TO_ALL ? roster_first : NULL; c != NULL;
	    c = after) {
		after = c->next;
		if (is_meant(c, t))
			each(c, arg);
	}
}

/* ---- answering ------------------------------------------------------- */

static struct buf answer;

struct buf *
answer_begin(const struct command *k, const char *type)
{
	answer.max = link_line_max() + 1;
	frame_begin(&answer, type);
	if (frame_has(k->frame, K_REF))
		frame_raw(&answer, "ref", k->frame->v[K_REF]);
	return &answer;
}

void
answer_end(const struct command *k)
{
	if (frame_end(&answer) == -1 || buf_size(&answer) > link_line_max()) {
		frame_begin(&answer, "error");
		frame_text(&answer, "why", STR("the answer is too big"));
		frame_end(&answer);
	}
	link_send(k->from, buf_str(&answer), NULL, LINK_ANSWER);
}

/* ---- the commands ---------------------------------------------------- */

static const struct {
	enum type type;
	const char *(*run)(struct command *);
} commands[] = {
	{ T_SEND, send_command },
	{ T_REPLY, send_reply },
	{ T_RESPOND, pending_respond },
	{ T_ACCEPT, pending_accept },
	{ T_REJECT, pending_reject },
	{ T_IDENTIFY, people_identify },
	{ T_JOIN, people_join },
	{ T_LEAVE, people_leave },
	{ T_MERGE, people_merge },
	{ T_WHO, people_who },
	{ T_KICK, people_kick },
	{ T_KICKOUT, people_kickout },
	{ T_SETAUTH, grant_setauth },
	{ T_METRIC, metrics_metric },
	{ T_COUNT, metrics_count },
	{ T_STATS, metrics_stats }
};

static void
apply(struct command *k, const char *(*run)(struct command *),
    struct taken *t)
{
	const char *why = run(k);

	command_counts.commands++;
	if (why == NULL) {
		link_settle(t);
		return;
	}
	command_counts.refused++;
	link_refuse(t, why);
}

static void
unknown(struct command *k, struct taken *t)
{
	struct buf *b = answer_begin(k, "error");

	command_counts.unknown++;
	frame_text(b, "why", STR("no such type"));
	if (k->frame->line.n <= 1024)
		frame_raw(b, "frame", k->frame->line);
	answer_end(k);
	link_settle(t);
}

/* Not the whole frame: it may have what a client sent. */
static void
said(const struct command *k)
{
	const struct frame *f = k->frame;
	enum key key = f->type == T_ERROR ? K_WHY : K_STATE;

	info("%s: %s: %.*s", link_name(k->from), frame_types[f->type],
	    (int)f->v[key].n, f->v[key].p ? f->v[key].p : "");
}

/* Not a command of ours. */
static void
other(struct command *k, struct taken *t)
{
	enum type type = k->frame->type;

	if (type == T_UNKNOWN)
		unknown(k, t);
	else if (command_pipeline && k->from == router &&
	    !link_tracked(router)) {
		link_send(router, k->frame->line, NULL, LINK_WORK);
		link_settle(t);
	} else if (type == T_ERROR || type == T_LINK) {
		said(k);
		link_settle(t);
	} else {
		command_counts.refused++;
		link_refuse(t, "not for this station");
	}
}

static void
take(struct command *k, struct taken *t)
{
	if (k->frame->type != T_SEND)
		send_rest();
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].type == k->frame->type) {
			apply(k, commands[i].run, t);
			return;
		}
	other(k, t);
}

void
command_room(struct link *l)
{
	if (l == router && command_pipeline && !link_tracked(l))
		link_hold(l, link_room(l) == 0);
}

void
command_frame(struct link *l, struct frame *f, struct taken *t)
{
	struct command k = { l, f };

	take(&k, t);
	command_room(l);
}
