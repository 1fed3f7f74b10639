/* SPDX-License-Identifier: ISC */
/*
 * One connection, for people and scripts.
 *
 *  - What is sent is in say.c.
 *  - What comes is shown, or returned (--echo-back).  In a dialect it is frames
 *    (dialect.h).
 *  - It ends when all that was waited for was seen; when the input ended and
 *    nothing came for a while; when the server closed; on TERM.  Each way
 *    has its exit status, which is chosen in one place: finish() when we
 *    close, lost() when the other end did.
 */
#include "client.h"
#include "dialect.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "names.h"
#include "pause.h"
#include "say.h"
#include "speech.h"
#include "ws.h"

#define DAY	(24 * 3600 * 1000)	/* ms: no limit of the dial's own */

static struct ws_conn *conn;	/* on its way, open or closing; or NULL */
static struct far *far;		/* in a dialect; or NULL */
static int opened;		/* it is open, and in a dialect let in */
static int leaving, result;	/* we close, and exit with that */
static struct pause pauses = { .first = FIRST_PAUSE };
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
	say_end();
	ev_timer_stop(loop, &redial);
	ev_timer_stop(loop, &limit);
	ev_timer_stop(loop, &linger);
	if (far != NULL && opened)
		speech_bye(far);
	if (conn != NULL)
		ws_close(conn, code, STR(""));
	else
		output_end(status);
}

/* Out. */

static int
can_say(void)
{
	return opened && !leaving && ws_queued(conn) < HIGH_BYTES &&
	    !dialect_full();
}

static void
feed(void)
{
	while (can_say() && say_next(conn, far))
		;
	if (opened && say_spent() && !ev_is_active(&linger))
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
came(struct str bytes, int binary)
{
	if (leaving)
		return;
	if (set.echo)
		echo(bytes, binary);
	else
		output_show('<', bytes, binary);
	if (output_full() && conn != NULL)
		ws_read(conn, 0);
	if (ev_is_active(&linger))
		ev_timer_again(loop, &linger);
	if (!script_seen(bytes, binary)) {
		feed();
	} else if (script_ended()) {
		finish(0, 1000);
	} else {
		ev_timer_stop(loop, &limit);
		feed();
	}
}

static void
on_message(struct ws_conn *c, struct str bytes, int binary)
{
	(void)c;
	if (leaving)
		return;
	if (far != NULL)
		speech_heard(far, bytes, binary);
	else
		came(bytes, binary);
}

static void
on_shown(struct str frame)
{
	came(frame, 0);
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
on_up(void)
{
	info("%s: open%s%s", url_mask(set.url),
	    *ws_subprotocol(conn) ? ", speaks " : "", ws_subprotocol(conn));
	opened = 1;
	pause_forget(&pauses);
	if (!script_waits())
		ev_timer_stop(loop, &limit);
	script_open();
	loop_ready();
	feed();
}

static void
on_open(struct ws_conn *c)
{
	if (far == NULL) {
		on_up();
		return;
	}
	far->ws = c;
	speech_open(far);
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

/* The status it stands for. */
static int
why_closed(struct buf *why, const struct ws_end *end)
{
	int status = end->code == 1000 || end->code == 1005 ? 0 : 111;

	if (far != NULL && far->ending.why != NULL)
		status = dialect_over(far, why);
	else
		buf_addf(why, "closed by %s: %d%s%.*s",
		    strcmp(end->by, "client") == 0 ? "the server" : end->by,
		    end->code, end->reason.n > 0 ? " " : "",
		    (int)end->reason.n, end->reason.p);
	buf_addc(why, '\0');
	return script_waits() ? 1 : status;
}

static void
on_close(struct ws_conn *c, const struct ws_end *end)
{
	struct buf why = BUF(1024);
	int status = why_closed(&why, end);

	(void)c;
	conn = NULL;
	opened = 0;
	ev_timer_stop(loop, &linger);
	if (far != NULL) {
		far->open = 0;
		speech_over(far);
		if (status == 0 && dialect_failed())
			status = 1;
	}
	if (leaving)
		output_end(result);
	else
		lost(status, why.data);
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

static const char *
where(void)
{
	return far != NULL ? far->dialled : set.url;
}

static void
dial(void)
{
	struct ws_dial d = { .url = where(), .origin = set.origin,
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
	if (ws_queued(conn) > 0)
		return;
	if (dialect_failed())
		output_last("an answer was an error");
	finish(dialect_failed(), 1000);
}

void
call_leave(void)
{
	finish(script_waits() ? 1 : 0, 1001);
}

/* Whether it is dialled over TLS; in a dialect, whose far end begins here. */
static int
is_secure(struct opts *o)
{
	static const struct dialect_ops dialect_ops = { on_up, on_shown };
	const char *why;

	if (set.proto != NULL) {
		far = dialect_open(&dialect_ops, &why);
		if (far == NULL)
			opt_usage(o, "%s", why);
	}
	return strncmp(where(), "wss:", 4) == 0;
}

void
call_start(struct opts *o)
{
	struct ws_config config = {
	    .tls = is_secure(o),
	    .max_message = link_max(),
	    .max_queue = HIGH_BYTES + 3 * link_max(),
	    .ping_ms = set.ping, .insecure = set.insecure,
	    .ca_file = set.ca_file };

	ws_start(&config);
	output_open(on_room);
	say_open(more);
	ev_init(&redial, on_redial);
	ev_init(&linger, on_linger);
	linger.repeat = (double)(set.linger > 0 ? set.linger : 1) / 1000;
	ev_timer_init(&limit, on_limit, (double)set.timeout / 1000, 0);
	if (set.timeout > 0 && (set.pause == 0 || script_waits()))
		ev_timer_start(loop, &limit);
	names_open(on_found);
	target_open(&target, where());
	dial();
}
