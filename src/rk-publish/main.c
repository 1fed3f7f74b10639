/* SPDX-License-Identifier: ISC */
/*
 * rk-publish: makes frames out of arguments or lines (compose.c) and puts
 * them in.
 *
 *  - Payloads are an operand, all of standard input, or one a line of it;
 *    --frames takes whole frames.
 *  - Frames go to standard output, or to a socket, as a source: then each
 *    is ours until it is settled, and nothing is read while the window is
 *    full.
 *  - 0 means that all was accepted.  What was refused is named by its line,
 *    the rest goes on, and the end is 1.  A peer that is not there in time,
 *    or leaves before it settled, is 111: what it settled stays settled.
 */
#include <errno.h>
#include <unistd.h>

#include "compose.h"
#include "frame.h"
#include "lines.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "opt.h"

#define OUT_BYTES	(256 * 1024)
#define CLOSE_MS	1000

enum {
	/* keys of the frame, under their own names */
	KEYED = OPT_LONG, USER = KEYED, CONN, CHANNEL, ALL, EXCEPT, EVENT,
	EXCHANGE, KEY, REF, KEYED_END,
	TYPE = KEYED_END, TEXT, BINARY, LINES, FRAMES, TIMEOUT
};

static const struct opt options[] = {
	{ 's', "socket", "PATH", "put frames in there (standard output)" },
	{ USER, "user", "NAME", "to every connection of this user" },
	{ CONN, "conn", "ID", "to this connection" },
	{ CHANNEL, "channel", "NAME", "to the members of this channel" },
	{ ALL, "all", NULL, "to everybody" },
	{ EXCEPT, "except", "ID", "but not to this connection" },
	{ EVENT, "event", "NAME", "what the payload is called" },
	{ TYPE, "type", "TYPE", "type of the frames (send)" },
	{ EXCHANGE, "exchange", "NAME", "the broker's, for publish" },
	{ KEY, "key", "KEY", "the routing key, for publish" },
	{ REF, "ref", "VALUE", "comes back with an answer" },
	{ TEXT, "text", NULL, "payloads are text, JSON too" },
	{ BINARY, "binary", NULL, "payloads are bytes" },
	{ LINES, "lines", NULL, "each line of standard input is a payload" },
	{ FRAMES, "frames", NULL, "each line of standard input is a frame" },
	{ TIMEOUT, "timeout", "TIME", "how long to wait for the peer (10s)" },
	LINK_OPTS,
	OPT_END
};

static const char *given[KEYED_END];	/* values of the keyed options */
static const char *type, *path;
static enum form form;
static int mode;			/* LINES, FRAMES, or 0: one payload */
static int64_t timeout = 10000;
static const char *operand;

static struct link *peer;		/* NULL: standard output */
static struct lines in;
static struct lines_out out;
static struct buf whole;		/* the one payload */
static uint64_t unsettled, refused;
static int done_reading, terminated;
static ev_timer absent;

/* Line 0 is the one payload, and that ends it. */
static void
refuse(uint64_t line, const char *why)
{
	refused++;
	if (line == 0)
		die(1, "refused: %s", why);
	warn("stdin:%llu: refused: %s", (unsigned long long)line, why);
}

static void
put(uint64_t line, struct str frame)
{
	const char *why = compose_check(frame);

	if (why != NULL) {
		refuse(line, why);
	} else if (peer == NULL) {
		lines_add(&out, frame);
	} else {
		unsettled++;
		link_send(peer, frame, (void *)(uintptr_t)(line + 1),
		    LINK_WORK);
	}
}

static void
publish(uint64_t line, const struct str *payload)
{
	struct str frame;
	const char *why = compose(payload, &frame);

	if (why != NULL)
		refuse(line, why);
	else
		put(line, frame);
}

/* The flow: input is read only while there is room for what it makes. */

static int
room(void)
{
	return peer == NULL ? !lines_full(&out) : link_room(peer) > 0;
}

static void
closed(void)
{
	loop_stop(refused > 0 ? 1 : 0);
}

static void
end_if_done(void)
{
	static int ending;

	if (!done_reading || unsettled > 0 || ending)
		return;
	if (peer == NULL && lines_waiting(&out) > 0)
		return;
	ending = 1;
	ev_timer_stop(loop, &absent);
	if (peer == NULL)
		closed();
	else
		link_close_all(CLOSE_MS, closed);
}

static void
put_one(void)
{
	struct str payload = buf_str(&whole);

	if (!done_reading && room()) {
		done_reading = 1;
		publish(0, operand != NULL ? &payload : NULL);
	}
}

static void
put_lines(void)
{
	struct str line;
	int r;

	while (!done_reading && room() && (r = lines_next(&in, &line)) != 0)
		if (r == -1)
			refuse(in.number, "the line is over the bound (--max)");
		else if (mode == FRAMES)
			put(in.number, line);
		else
			publish(in.number, &line);
	if (in.ended)
		done_reading = 1;
}

static void
flow(void)
{
	if (mode == 0)
		put_one();
	else
		put_lines();
	end_if_done();
}

static void
more(struct lines *l)
{
	(void)l;
	flow();
}

static void
out_room(struct lines_out *o)
{
	(void)o;
	flow();
}

/* The socket. */

static void
too_late(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	if (terminated)
		die(111, "%s: %llu frames are not settled", path,
		    (unsigned long long)unsettled);
	die(111, "%s: nobody is there", path);
}

static void
start_timer(void)
{
	ev_timer_stop(loop, &absent);
	ev_timer_set(&absent, (double)timeout / 1000, 0);
	ev_timer_start(loop, &absent);
}

static void
on_state(struct link *l, enum link_state state)
{
	(void)l;
	if (state == LINK_UP || state == LINK_NEW) {
		ev_timer_stop(loop, &absent);
		loop_ready();
		flow();
		return;
	}
	if (unsettled > 0 || terminated)
		die(111, "%s: the peer left before it settled %llu frames",
		    path, (unsigned long long)unsettled);
	if (!done_reading && !ev_is_active(&absent))
		start_timer();
}

static void
on_settled(struct link *l, void *owner, size_t bytes, const char *why)
{
	(void)l;
	(void)bytes;
	unsettled--;
	if (why != NULL)
		refuse((uint64_t)(uintptr_t)owner - 1, why);
	end_if_done();
}

static void
on_frame(struct link *l, struct frame *f, struct taken *taken)
{
	(void)l;
	lines_add(&out, f->line);
	link_settle(taken);
}

static void
on_room(struct link *l)
{
	(void)l;
	flow();
}

static const struct link_ops ops = { .frame = on_frame,
    .settled = on_settled, .state = on_state, .room = on_room };

/* TERM: no more is read; what was put in is waited for, but not for ever. */
static void
term(void)
{
	terminated = 1;
	if (peer != NULL && !link_present(peer))
		die(111, "%s: nobody is there", path);
	lines_stop(&in);
	done_reading = 1;
	if (peer != NULL)
		start_timer();
	end_if_done();
}

/* The command line. */

static void
set(const struct opts *o, int key)
{
	switch (key) {
	case 's':		/* not served, as link_option() would */
		path = o->arg;
		break;
	case TYPE:
		type = o->arg;
		break;
	case TEXT:
		form = FORM_TEXT;
		break;
	case BINARY:
		form = FORM_BINARY;
		break;
	case LINES:
	case FRAMES:
		mode = key;
		break;
	case TIMEOUT:
		timeout = opt_ms(o, o->arg);
		break;
	default:
		if (!link_option(o, key))
			given[key] = o->arg ? o->arg : "";
	}
}

/* What the command line must say, and must not. */
static void
agree(const struct opts *o)
{
	int targets = 0, words = 0, key;

	for (key = KEYED; key < KEYED_END; key++) {
		if (given[key] == NULL)
			continue;
		if (!utf8_check(str_of(given[key])))
			opt_usage(o, "a name is not UTF-8");
		words++;
		targets += key <= ALL;
	}
	if (operand != NULL && mode != 0)
		opt_usage(o, "payloads come from standard input, not from "
		    "an operand");
	if (mode == FRAMES && (words > 0 || type != NULL ||
	    form != FORM_LOOKS))
		opt_usage(o, "--frames takes frames as they are");
	if (type == NULL)
		type = "send";
	if (type[strspn(type, "abcdefghijklmnopqrstuvwxyz-_.")] != '\0')
		opt_usage(o, "%s: not a type", type);
	if (mode != FRAMES && strcmp(type, "send") == 0 && targets != 1)
		opt_usage(o,
		    "one of --user, --conn, --channel and --all is needed");
}

/* "--" ends the options here, as it does where no co-process is known. */
static void
operands(struct opts *o)
{
	char **rest = o->child;
	int n = o->nargs;

	operand = n > 0 ? o->args[0] : NULL;
	for (; rest != NULL && *rest != NULL; rest++, n++)
		if (operand == NULL)
			operand = *rest;
	if (n > 1)
		opt_usage(o, "more than one payload (is it quoted?)");
}

/* One payload: the operand, or all of standard input where that is "-", or
 * where the type makes no sense without one. */
static void
read_whole(void)
{
	ssize_t r;

	if (operand == NULL &&
	    (strcmp(type, "send") == 0 || strcmp(type, "publish") == 0))
		operand = "-";
	if (operand == NULL || strcmp(operand, "-") != 0) {
		buf_adds(&whole, str_of(operand ? operand : ""));
		return;
	}
	while ((r = buf_read(&whole, STDIN_FILENO, 65536)) != 0)
		if (r == -1 && errno == ENOBUFS)
			refuse(0, "the payload is over the bound (--max)");
		else if (r == -1 && errno != EINTR)
			die(111, "stdin: %s", strerror(errno));
	if (form != FORM_BINARY && buf_size(&whole) > 0 &&
	    whole.data[whole.len - 1] == '\n')
		whole.len--;
}

static void
head(void)
{
	const struct opt *o;

	compose_begin(type, form);
	for (o = options; o->key != 0; o++) {
		if (o->key < KEYED || o->key >= KEYED_END || !given[o->key])
			continue;
		if (o->arg == NULL)
			compose_flag(o->name);
		else if (o->key == REF)
			compose_value(o->name, given[o->key]);
		else
			compose_word(o->name, given[o->key]);
	}
}

int
main(int argc, char **argv)
{
	struct opts o;
	int key;

	opt_start(&o, argc, argv, "[OPTION]... [PAYLOAD | -]", options);
	while ((key = opt_next(&o)) != -1)
		set(&o, key);
	operands(&o);
	agree(&o);
	whole = BUF(link_max() + 2);	/* a newline, and to see the end */
	head();
	if (mode == 0)
		read_whole();

	loop_open(&(struct loop_ops){ .term = term });
	lines_open(&in, STDIN_FILENO, link_line_max(), more);
	lines_out_open(&out, STDOUT_FILENO, OUT_BYTES, out_room);
	ev_init(&absent, too_late);
	if (path != NULL) {
		peer = link_connect("peer", LINK_SOURCE, path, &ops);
		start_timer();
	} else {
		loop_ready();
		flow();
	}
	return loop_run();
}
