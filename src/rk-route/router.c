/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "block.h"
#include "hold.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "router.h"

#define DRAIN		5000	/* ms for what was sent, on TERM */
#define PATIENCE	(INT64_MAX / 4)	/* ms: at the end of a plain input */

struct place {
	const char *name;
	enum router_way way;
	char *argv[4];		/* of --run; the path, or the command, is the
				   third */
};

struct job {
	struct taken *taken;	/* NULL: an event of our own */
	size_t pending;		/* frames that are not settled */
	char *why;		/* one was refused */
};

static struct block *block;		/* of the next job */
static struct place *places;
static size_t nplaces;
static const char **names;	/* of the groups, each once */
static size_t nnames;
static struct filter *rule;
static struct buf line = { .max = SIZE_MAX / 2 };	/* with its "of" */
static int opening;		/* stdin and stdout are being made a link */
static struct link *up_plain;	/* and nobody will attach there */
static int closing;

static struct {
	uint64_t frames, outputs, refused, failed, stopped, nowhere, swaps;
} counts;

static const struct figure figures[] = {
	{ "route_frames_total", &counts.frames, "frames the rule was run on" },
	{ "route_outputs_total", &counts.outputs, "frames it made" },
	{ "route_refused_total", &counts.refused, "frames it refused" },
	{ "route_failed_total", &counts.failed,
	    "frames it failed on, or broke a bound" },
	{ "route_stopped_total", &counts.stopped,
	    "frames it ran too long on" },
	{ "route_nowhere_total", &counts.nowhere,
	    "frames made of which one had no link to leave by" },
	{ "route_holds_total", &holds,
	    "times that nobody was listened to: too much waited" },
	{ "route_swaps_total", &counts.swaps, "rules that were read again" },
	{ NULL, NULL, NULL }
};

static const struct figure *const tables[] = { figures, NULL };

/* Groups. */

/* Publishers and plain peers of a served socket only come and go. */
static int
is_passing(const struct link *l)
{
	return link_peer(l) == LINK_SOURCE || link_peer(l) == LINK_PLAIN;
}

static int
is_member(const struct link *l, const char *name)
{
	return link_name(l) == name && !is_passing(l);
}

static const char *
group(struct str name)
{
	size_t i;

	for (i = 0; i < nnames; i++)
		if (str_eq(str_of(names[i]), name))
			return names[i];
	return NULL;
}

/* The group of a link, which is new perhaps.  Links have its very pointer as
 * their name: they are compared for every frame. */
static const char *
group_add(struct str name)
{
	const char *known = group(name);

	if (known != NULL)
		return known;
	names = mem_grow(names, (nnames + 1) * sizeof *names);
	return names[nnames++] = mem_strn(name.p, name.n);
}

/* stdin and stdout, plain and alone. */
static int
is_filter(void)
{
	return nnames == 1 && up_plain;
}

/* The group an output goes to; NULL with *why. */
static const char *
direction(const struct filter_out *out, const char *from, const char **why)
{
	const char *to;

	if (nnames == 1 && (out->via.p == NULL || is_filter()))
		return names[0];
	if (out->via.p != NULL) {
		if ((to = group(out->via)) == NULL)
			*why = "the rule says via, but there is no such link";
		return to;
	}
	if (nnames == 2)
		return names[from == names[0]];
	*why = "the rule does not say via which link";
	return NULL;
}

/* Whether this member's station made the connection. */
static int
owns(const struct link *l, struct str conn)
{
	struct str boot = str_of(link_peer_boot(l));

	return conn.n > boot.n && boot.n > 0 && conn.p[boot.n] == '.' &&
	    memcmp(conn.p, boot.p, boot.n) == 0;
}

/* Jobs. */

static void
job_done(struct job *j)
{
	if (--j->pending > 0)
		return;
	if (j->taken == NULL) {
		if (j->why != NULL)
			warn("link: %s", j->why);
	} else if (j->why != NULL)
		link_refuse(j->taken, j->why);
	else
		link_settle(j->taken);
	free(j->why);
	block_free(&block, j);
}

/* A plain peer gets the frame without its identity. */
static void
send_to(struct link *l, const struct filter_out *out, struct job *j)
{
	int plain = link_present(l) && !link_tracked(l);

	j->pending++;
	link_send(l, plain ? out->line : buf_str(&line), j, LINK_WORK);
	hold_sent(l);
}

static void
send_to_group(const char *name, const struct filter_out *out, struct job *j)
{
	struct link *l, *first = NULL;
	int sent = 0;

	for (l = link_next(NULL); l != NULL; l = link_next(l)) {
		if (!is_member(l, name))
			continue;
		if (owns(l, out->conn)) {
			send_to(l, out, j);
			return;
		}
		if (first == NULL)
			first = l;
	}
	for (l = first; l != NULL; l = link_next(l))
		if (is_member(l, name) && link_present(l)) {
			send_to(l, out, j);
			sent++;
		}
	if (sent == 0 && first != NULL)
		send_to(first, out, j);
}

/* In line: output k of the job, with its identity. */
static void
stamp(const struct filter_out *out, const struct job *j, size_t k)
{
	const char *boot;
	uint64_t seq;

	buf_clear(&line);
	buf_adds(&line, out->line);
	if (j->taken == NULL || !taken_of(j->taken, &boot, &seq))
		return;
	line.len--;		/* the brace; there is a type before it */
	buf_adds(&line, STR(",\"of\":[\""));
	buf_adds(&line, str_of(boot));
	buf_adds(&line, STR("\","));
	buf_addn(&line, (int64_t)seq);
	buf_addc(&line, ',');
	buf_addn(&line, (int64_t)k);
	buf_adds(&line, STR("]}"));
}

/* Frames. */

static void
refuse(struct taken *taken, const char *why)
{
	if (taken != NULL)
		link_refuse(taken, why);
	else
		warn("link: %s", why);
}

static int
run(const struct frame *f, const char *from, struct filter_result *r)
{
	enum filter_word word = filter_run(rule, f, is_filter() ? NULL : from,
	    r);

	counts.frames++;
	counts.outputs += r->n;
	counts.refused += word == FILTER_REFUSED;
	counts.failed += word == FILTER_FAILED;
	counts.stopped += word == FILTER_STOPPED;
	return word == FILTER_OK;
}

static void
route(const struct frame *f, const char *from, struct taken *taken)
{
	struct filter_result r;
	const char *why = NULL;
	struct job *j;
	size_t i;

	if (!run(f, from, &r)) {
		refuse(taken, r.why);
		return;
	}
	for (i = 0; i < r.n; i++)
		if (direction(&r.out[i], from, &why) == NULL) {
			counts.nowhere++;
			refuse(taken, why);
			return;
		}
	j = block_cut(&block, sizeof *j);
	*j = (struct job){ .taken = taken, .pending = 1 };	/* us */
	for (i = 0; i < r.n; i++) {
		stamp(&r.out[i], j, i);
		send_to_group(direction(&r.out[i], from, &why), &r.out[i], j);
	}
	job_done(j);
}

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	route(f, link_name(l), taken);
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	struct job *j = owner;

	(void)l;
	(void)bytes;
	if (why != NULL && j->why == NULL)
		j->why = mem_str(why);
	job_done(j);
	hold_release();
}

static void
on_room(struct link *l)
{
	(void)l;
	hold_release();
}

/* What the rules are told of a link; nothing of plain ends and publishers. */
static void
on_state(struct link *l, enum link_state s)
{
	static const char *const words[] = { [LINK_UP] = "up",
	    [LINK_NEW] = "new", [LINK_DOWN] = "down" };
	struct buf b = BUF(4096);
	struct frame f;
	const char *why;

	if (s == LINK_GONE || is_passing(l)) {
		hold_passing(l, s == LINK_GONE);
		return;
	}
	if (opening) {
		up_plain = l;
		return;
	}
	if (closing)
		return;
	frame_begin(&b, "link");
	frame_text(&b, "from", str_of(link_name(l)));
	frame_text(&b, "state", str_of(words[s]));
	if (link_peer_boot(l)[0] != '\0')
		frame_text(&b, "boot", str_of(link_peer_boot(l)));
	if (frame_end(&b) == 1 && frame_scan(&f, buf_str(&b), &why) == 1)
		route(&f, link_name(l), NULL);
	buf_free(&b);
}

/* Of plain inputs nobody else keeps what was not taken. */
static void
done(void)
{
	struct link *l;
	size_t left = 0;

	for (l = link_next(NULL); l != NULL; l = link_next(l))
		left += link_unsettled(l);
	if (up_plain != NULL && left > 0)
		warn("%zu bytes were not taken over, and are lost", left);
	loop_stop(up_plain != NULL && left > 0 ? 111 : 0);
}

static void
finish(int64_t ms)
{
	if (closing++)
		loop_stop(0);	/* a TERM while the last lines are written */
	else
		link_close_all(ms, done);
}

/* Nothing new is begun: it is its sender's still, who says it again to the
 * next router.  Plain input that was read is nobody's but ours. */
static void
drain(void)
{
	if (up_plain != NULL)
		link_end(up_plain);
	else
		hold_all();
	finish(DRAIN);
}

/* Standard input ended: the last word is waited for; or whoever started us
 * is gone, or nobody reads what we write. */
static void
on_end(struct link *l)
{
	if (up_plain != NULL && !link_present(l))
		die(111, "stdout: cannot be written any more");
	if (closing)
		return;
	if (up_plain != NULL)
		finish(PATIENCE);
	else
		drain();
}

void
router_close(void)
{
	drain();
}

static const struct link_ops ops = { .frame = on_frame,
    .settled = on_settled, .state = on_state, .room = on_room,
    .end = on_end };

void
router_name(const struct opts *o, enum router_way way)
{
	static char shell[] = "sh", command[] = "-c";
	char *equals = strchr(o->arg, '=');

	if (equals == NULL || equals == o->arg || equals[1] == '\0')
		opt_usage(o, "%s: not NAME=%s", o->arg,
		    way == ROUTER_RUN ? "COMMAND" : "PATH");
	places = mem_grow(places, (nplaces + 1) * sizeof *places);
	places[nplaces++] = (struct place){ group_add((struct str){
	    o->arg, (size_t)(equals - o->arg) }), way,
	    { shell, command, equals + 1, NULL } };
}

void
router_swap(struct filter *f)
{
	filter_close(rule);
	rule = f;
	counts.swaps++;
}

static void
place_open(struct place *p)
{
	switch (p->way) {
	case ROUTER_SERVE:
		link_serve(p->name, LINK_STATION, p->argv[2], &ops);
		break;
	case ROUTER_CONNECT:
		link_connect(p->name, LINK_ROUTER, p->argv[2], &ops);
		break;
	case ROUTER_RUN:
		link_beside(p->name, LINK_ROUTER, p->argv, &ops);
		break;
	}
}

/* The co-process comes last: a bare one is there, and told of, at once. */
void
router_open(struct opts *o, struct filter *f)
{
	const char *down = NULL;
	struct place *p;

	rule = f;
	link_tells(tables, NULL);
	if (nplaces == 0 || getenv("RK_LINK") != NULL) {
		opening = 1;
		link_stdio(group_add(STR("up")), LINK_ROUTER, &ops);
		opening = 0;
	}
	if (o->child != NULL)
		down = group_add(STR("down"));
	for (p = places; p < places + nplaces; p++)
		place_open(p);
	if (o->child != NULL)
		link_child(down, LINK_ROUTER, o->child, &ops);
	link_ready();
}
