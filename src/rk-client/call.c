/* SPDX-License-Identifier: ISC */
/*
 * One connection, for people and scripts.
 *
 *  - What is sent: the script (--send), else the lines of standard input; a
 *    line is taken only when the connection has room for it.
 *  - What comes is shown, or returned (--echo-back).
 *  - It ends when all that was waited for was seen; when the input ended and
 *    nothing came for a while; when the server closed; on TERM.  Each way
 *    has its exit status, which is chosen in one place: finish() when we
 *    close, lost() when the other end did.
 */
#include <unistd.h>

#include "client.h"
#include "lines.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "names.h"
#include "pause.h"
#include "script.h"
#include "ws.h"

#define DAY	(24 * 3600 * 1000)	/* ms: no limit of the dial's own */

static struct ws_conn *conn;	/* on its way, open or closing; or NULL */
static int opened;		/* it is open */
static int leaving, result;	/* we close, and exit with that */
static struct pause pauses = { .first = FIRST_PAUSE };
static int reads_stdin, typed;	/* by somebody who sees it */
static struct lines in;
static struct target target;
static ev_timer redial, limit, linger;

static void dial(void);

static void
finish(int status, int code)
{
	if (leaving)
		return;
	leaving = 1;
	result = status;
	lines_stop(&in);
	ev_timer_stop(loop, &redial);
	ev_timer_stop(loop, &limit);
	ev_timer_stop(loop, &linger);
	if (conn != NULL)
		ws_close(conn, code, STR(""));
	else
		output_end(status);
}

/* Out: the script, else lines. */

static void
send_text(struct str text)
{
	struct ws_msg *m = ws_msg_new(set.binary ? WS_BINARY : WS_TEXT, text);

	ws_send(conn, m);
	ws_msg_drop(m);
	if (set.style.how == SHOW_PRETTY && !typed)
		output_show('>', text, set.binary);
}

static int
next_line(struct str *text)
{
	int r;

	if (!reads_stdin)
		return 0;
	while ((r = lines_next(&in, text)) != 0) {
		if (r == -1)
			warn("stdin:%llu: longer than a message may be",
			    (unsigned long long)in.number);
		else if (!set.binary && !utf8_check(*text))
			warn("stdin:%llu: not UTF-8 (--binary takes any)",
			    (unsigned long long)in.number);
		else
			return 1;
	}
	return 0;
}

/* Nothing more will be sent, and nobody said what to wait for. */
static int
spent(void)
{
	if (script_waits() || set.echo || set.no_input)
		return 0;
	return reads_stdin ? in.ended : !set.pause;
}

static void
feed(void)
{
	struct str text;

	while (opened && !leaving && ws_queued(conn) < HIGH_BYTES)
		if (script_next(&text) || next_line(&text))
			send_text(text);
		else
			break;
	if (opened && spent() && !ev_is_active(&linger))
		ev_timer_again(loop, &linger);
}

static void
more(struct lines *l)
{
	(void)l;
	feed();
}

/* In: shown or returned; reading stops while that does not get away. */

static void
echo(struct str bytes, int binary)
{
	struct ws_msg *m = ws_msg_new(binary ? WS_BINARY : WS_TEXT, bytes);

	ws_send(conn, m);
	ws_msg_drop(m);
	if (ws_queued(conn) >= HIGH_BYTES)
		ws_read(conn, 0);
}

static void
on_message(struct ws_conn *c, struct str bytes, int binary)
{
	if (leaving)
		return;
	if (set.echo)
		echo(bytes, binary);
	else
		output_show('<', bytes, binary);
	if (output_full())
		ws_read(c, 0);
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
	if (script_seen(bytes, binary))
		finish(0, 1000);
	else
		feed();
}

static void
on_drained(struct ws_conn *c)
{
	if (set.echo)
		ws_read(c, 1);
	feed();
}

static void
on_room(void)
{
	if (opened)
		ws_read(conn, 1);
}

/* The life of the connection. */

static void
on_open(struct ws_conn *c)
{
	info("%s: open%s%s", url_mask(set.url),
	    *ws_subprotocol(c) ? ", speaks " : "", ws_subprotocol(c));
	opened = 1;
	pause_forget(&pauses);
	if (!script_waits())
		ev_timer_stop(loop, &limit);
	script_open();
	loop_ready();
	feed();
}

/* It is over, though we did not end it. */
static void
lost(int status, const char *why)
{
	const char *url = url_mask(set.url);

	if (set.pause > 0) {
		warn("%s: %s", url, why);
		pauses.longest = set.pause;
		ev_timer_set(&redial, pause_next(&pauses), 0);
		ev_timer_start(loop, &redial);
		return;
	}
	if (script_waits())
		output_last("%s: %s; not seen: %s", url, why,
		    script_missing());
	else if (status != 0)
		output_last("%s: %s", url, why);
	else
		info("%s: %s", url, why);
	finish(status, 0);
}

static void
on_close(struct ws_conn *c, const struct ws_end *end)
{
	struct buf why = BUF(1024);
	int clean = end->code == 1000 || end->code == 1005;

	(void)c;
	conn = NULL;
	opened = 0;
	ev_timer_stop(loop, &linger);
	buf_addf(&why, "closed by %s: %d%s%.*s",
	    strcmp(end->by, "client") == 0 ? "the server" : end->by,
	    end->code, end->reason.n > 0 ? " " : "", (int)end->reason.n,
	    end->reason.p);
	buf_addc(&why, '\0');
	if (leaving)
		output_end(result);
	else
		lost(script_waits() ? 1 : clean ? 0 : 111, why.data);
	buf_free(&why);
}

/* A status of 4xx and below is an answer, and the answer is no. */
static void
on_failed(struct ws_conn *c, int status, const char *why)
{
	(void)c;
	conn = NULL;
	if (leaving)
		output_end(result);
	else if (status == 0 && target_next(&target))
		dial();
	else
		lost(status != 0 && status < 500 ? 1 : 111,
		    failure(status, why));
}

static const struct ws_ops ops = { .open = on_open, .message = on_message,
    .drained = on_drained, .close = on_close, .failed = on_failed };

static void
dial(void)
{
	struct ws_dial d = { .url = set.url, .origin = set.origin,
	    .subprotocol = set.subprotocol, .headers = set.headers,
	    .timeout_ms = set.timeout > 0 ? set.timeout + 1000 : DAY };

	if (!target_address(&target, &d.address))
		return;
	conn = ws_dial(&d, &ops, NULL);
	if (conn == NULL)
		die(100, "%s: not a ws:, wss: or ws+unix: URL",
		    url_mask(set.url));
}

static void
on_found(const char *host, const char *why)
{
	(void)host;
	target.waiting = 0;
	if (leaving)
		return;
	if (why == NULL)
		dial();
	else
		lost(111, why);
}

/* Time. */

static void
on_redial(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	dial();
}

static void
on_limit(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	if (!script_waits()) {
		output_last("%s: not open in time", url_mask(set.url));
		finish(111, 1000);
	} else {
		output_last("not seen in time: %s", script_missing());
		finish(1, 1000);
	}
}

static void
on_linger(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
	if (ws_queued(conn) == 0)
		finish(0, 1000);
}

void
call_leave(void)
{
	finish(script_waits() ? 1 : 0, 1001);
}

void
call_start(struct opts *o)
{
	struct ws_config config = {
	    .tls = strncmp(set.url, "wss:", 4) == 0,
	    .max_message = link_max(),
	    .max_queue = HIGH_BYTES + 3 * link_max(),
	    .ping_ms = set.ping, .insecure = set.insecure,
	    .ca_file = set.ca_file };

	(void)o;
	ws_start(&config);
	output_open(on_room);
	reads_stdin = !script_sends() && !set.no_input && !set.echo;
	typed = reads_stdin && isatty(STDIN_FILENO);
	lines_open(&in, STDIN_FILENO, link_max(), more);
	ev_init(&redial, on_redial);
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	ev_timer_init(&limit, on_limit, (double)set.timeout / 1000, 0);
	if (set.timeout > 0 && (set.pause == 0 || script_waits()))
		ev_timer_start(loop, &limit);
	names_open(on_found);
	target_open(&target, set.url);
	dial();
}
