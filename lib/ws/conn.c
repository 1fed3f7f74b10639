/* SPDX-License-Identifier: ISC */

/*
 * The life of a connection: made, marked for the pass, watched by the clock,
 * ended.  Ops that end one are called from the pass only, so a program never
 * loses a connection under its hands.
 */

#include <stdlib.h>

#include "../json.h"
#include "../loop.h"
#include "conn.h"
#include "gather.h"

#define CLOSE_SECONDS	5	/* for a close handshake that we began */
#define ERROR_SECONDS	2	/* for one after the peer's mistake */
#define AHEAD		4	/* connections */
#define NO_PING_SECONDS	60	/* the wheel wants a time, whatever it is */

struct ws_config config;
struct ws_tally tally;

const struct figure ws_figures[] = {
	{ "sockets", &tally.conns, "sockets of all kinds" },
	{ "accepted_total", &tally.accepted, "sockets accepted" },
	{ "rejected_total", &tally.rejected,
	    "requests that were malformed or not for us" },
	{ "heads_total", &tally.requests, "requests that were read" },
	{ "upgrades_total", &tally.upgrades, "of them, to a WebSocket" },
	{ "timeouts_total", &tally.timeouts, "closed: no pong came" },
	{ "protocol_errors_total", &tally.protocol_errors,
	    "closed because of what they sent" },
	{ "messages_in_total", &tally.messages_in, "messages from clients" },
	{ "bytes_in_total", &tally.bytes_in, "their payload" },
	{ "messages_written_total", &tally.messages_out,
	    "messages written to clients" },
	{ "bytes_out_total", &tally.bytes_out, "bytes written to clients" },
	{ "writes_total", &tally.writes, "writes that took" },
	{ "unfinished_bytes", &tally.unfinished,
	    "of requests and messages that are not whole yet" },
	{ "pings_total", &tally.pings, "pings sent" },
	{ NULL, NULL, NULL }
};

static struct {			/* for the pass, in the order they came */
	struct ws_conn **conn;
	size_t n, cap;
} marks;
static int silent;		/* no op is called any more */

struct ws_conn *
conn_new(const struct ws_ops *ops, enum conn_state state)
{
	struct ws_conn *c = mem_new(sizeof *c);

	c->ops = ops;
	c->state = (uint8_t)state;
	tally.conns++;
	return c;
}

void
conn_free(struct ws_conn *c)
{
	tally.conns--;
	tally.open -= c->opened;
	hold_freed(c);
	timer_clear(c);
	out_free(c);
	in_free(c);
	request_free(c);
	if (c->client)
		dial_free(c);
	else
		admit_leave(c);
	relay_leave(c);
	free(c->end);
	free(c);
}

void *
ws_data(const struct ws_conn *c)
{
	return c->data;
}

void
ws_set_data(struct ws_conn *c, void *data)
{
	c->data = data;
}

void
ws_set_ops(struct ws_conn *c, const struct ws_ops *ops)
{
	c->ops = ops;
}

int
ws_is_open(const struct ws_conn *c)
{
	return (c->state == CONN_OPEN || c->state == CONN_UPGRADE) &&
	    c->end == NULL;
}

/* ---- beginning and end ----------------------------------------------- */

void
conn_farewell(struct ws_conn *c, int code, const char *by, struct str reason)
{
	if (c->end != NULL)
		return;
	c->end = mem_new(sizeof *c->end);
	c->end->code = code;
	c->end->by = by;
	if (reason.n > sizeof c->end->reason)
		reason.n = sizeof c->end->reason;
	while (reason.n > 0 && !utf8_check(reason))
		reason.n--;
	if (reason.n > 0)
		memcpy(c->end->reason, reason.p, reason.n);
	c->end->n = reason.n;
}

/* Pings are due at seconds of a connection's own, so that those who came
 * together are not pinged together: the next one is in 1 to period. */
static uint32_t
ping_period(void)
{
	return config.ping_ms > 0 ? (uint32_t)(config.ping_ms / 1000) :
	    NO_PING_SECONDS;
}

static uint32_t
ping_in(const struct ws_conn *c)
{
	uint32_t period = ping_period();

	return period - (timer_now() + (uint32_t)((uintptr_t)c / 64)) % period;
}

static void
look_again(struct ws_conn *c)
{
	uint32_t next = ping_in(c), idle_in;

	idle_in = c->heard + (uint32_t)(config.idle_ms / 1000) - timer_now();
	if (config.idle_ms > 0 && idle_in < next)
		next = idle_in;
	timer_set(c, (int)next);
}

static void
begin_close(struct ws_conn *c)
{
	c->state = CONN_CLOSING;
	timer_set(c, CLOSE_SECONDS);
	conn_mark(c);
}

void
conn_opened(struct ws_conn *c)
{
	request_free(c);
	c->state = CONN_OPEN;
	c->opened = 1;
	c->heard = timer_now();
	tally.open++;
	out_open(c);
	look_again(c);
	if (c->ops->open != NULL)
		c->ops->open(c);
	if (c->end != NULL)		/* it was closed before it was open */
		begin_close(c);
	conn_mark(c);
}

void
ws_close(struct ws_conn *c, int code, struct str reason)
{
	switch (c->state) {
	case CONN_UPGRADE:
		conn_farewell(c, code, "server", reason);
		break;
	case CONN_OPEN:
		conn_farewell(c, code, "server", reason);
		begin_close(c);
		break;
	case CONN_DIAL:
	case CONN_DIALLING:
		conn_farewell(c, 1006, "server", STR(""));
		c->why = "given up";
		timer_set(c, 1);
		break;
	default:
		break;
	}
}

/* What is queued will never be written. */
static void
lose_queue(struct ws_conn *c)
{
	size_t messages;

	c->end->bytes += ws_unqueue(c, &messages);
	c->end->messages += messages;
}

/* Nor the rest of a message that was cut. */
void
conn_lose_cut(struct ws_conn *c)
{
	size_t n = out_cut(c);

	if (n == 0)
		return;
	c->end->messages++;
	c->end->bytes += n;
	c->begun = 0;
}

/* The peer broke a rule: nothing of the queue is owed to it. */
void
conn_fail(struct ws_conn *c, int code, const char *reason)
{
	tally.protocol_errors++;
	conn_farewell(c, code, "error", str_of(reason));
	lose_queue(c);
	c->state = CONN_CLOSING;
	timer_set(c, ERROR_SECONDS);
	conn_mark(c);
}

/* libwebsockets answers a close frame, or sends one for a mistake of the
 * peer's: it has the last word, but not for long. */
void
conn_closing(struct ws_conn *c, int mistake)
{
	tally.protocol_errors += (uint64_t)mistake;
	conn_farewell(c, 1006, "client", STR(""));
	lose_queue(c);
	c->state = CONN_CLOSED;
	timer_set(c, mistake ? ERROR_SECONDS : CLOSE_SECONDS);
}

void
conn_over(struct ws_conn *c, const char *why)
{
	if (c->state == CONN_OVER)
		return;
	conn_farewell(c, 1006, "client", STR(""));
	conn_lose_cut(c);
	lose_queue(c);
	if (c->why == NULL)
		c->why = why;
	c->state = CONN_OVER;
	c->wsi = NULL;
	conn_mark(c);
}

static void
conn_end(struct ws_conn *c)
{
	struct farewell *f = c->end;
	struct ws_end end = { f->code, { f->reason, f->n }, f->by,
	    f->messages, f->bytes };

	if (silent)
		;
	else if (c->opened && c->ops->close != NULL)
		c->ops->close(c, &end);
	else if (!c->opened && c->ops->failed != NULL)
		c->ops->failed(c, f->code == 1006 ? 0 : f->code, c->why);
	conn_free(c);
	listen_update();
	drain_update();
}

/* ---- the pass -------------------------------------------------------- */

void
conn_mark(struct ws_conn *c)
{
	if (c->marked)
		return;
	c->marked = 1;
	if (marks.n == marks.cap) {
		marks.cap = marks.cap ? 2 * marks.cap : 64;
		marks.conn = mem_grow(marks.conn,
		    marks.cap * sizeof *marks.conn);
	}
	marks.conn[marks.n++] = c;
}

static void
turn(struct ws_conn *c)
{
	if (c->held) {
		hold_turn(c);
		return;
	}
	if (c->ops->turn != NULL)
		c->ops->turn(c);
	if (out_flush(c) == -1)
		conn_kill(c);
}

static void
visit(struct ws_conn *c)
{
	switch (c->state) {
	case CONN_ANSWER:
		request_answer(c);
		break;
	case CONN_UPGRADE:
		request_upgrade(c);
		break;
	case CONN_DIAL:
		dial_start(c);
		break;
	case CONN_OPEN:
	case CONN_CLOSING:
		turn(c);
		break;
	case CONN_OVER:
		conn_end(c);
		break;
	default:
		break;
	}
}

/* Of thousands of connections the cache holds few: those that come next are
 * asked for ahead. */
static void
look_ahead(size_t i)
{
	if (i + 2 * AHEAD < marks.n)
		__builtin_prefetch(marks.conn[i + 2 * AHEAD]);
	if (i + AHEAD < marks.n)
		out_look_ahead(marks.conn[i + AHEAD]);
	if (i + AHEAD / 2 < marks.n)
		out_look_closer(marks.conn[i + AHEAD / 2]);
}

/* A visit may mark others. */
void
conn_pass(void)
{
	struct ws_conn *c;
	size_t i;

	for (i = 0; i < marks.n; i++) {
		look_ahead(i);
		c = marks.conn[i];
		c->marked = 0;
		visit(c);
	}
	marks.n = 0;
	gather_forget();
}

/* For the end of the program: every connection, without a word. */
void
conn_forget_all(void)
{
	struct ws_conn *c;

	silent = 1;
	for (c = timer_each(NULL); c != NULL; c = timer_each(c))
		if (c->request != NULL)
			request_drop(c);
		else if (c->held)
			conn_over(c, NULL);
}

/* ---- time ------------------------------------------------------------ */

static void
ping(struct ws_conn *c)
{
	if (c->paused)
		return;
	if (c->missed++ < 2) {
		if (ws_queued(c) == 0)	/* else it waits for the peer as well */
			out_ping(c);
		return;
	}
	tally.timeouts++;
	conn_farewell(c, 1006, "timeout", STR("no pong"));
	conn_kill(c);
}

/* While we do not read it, it may have said something. */
static int
is_idle(struct ws_conn *c)
{
	if (config.idle_ms == 0)
		return 0;
	if (c->paused)
		c->heard = timer_now();
	return timer_now() - c->heard >= (uint32_t)(config.idle_ms / 1000);
}

static void
look_at_open(struct ws_conn *c)
{
	if (c->held) {
		timer_set(c, HELD_SECONDS);
		return;
	}
	if (is_idle(c)) {
		limit_conn(LIMIT_IDLE, c);
		conn_farewell(c, 1001, "timeout", STR("idle"));
		begin_close(c);
		return;
	}
	look_again(c);
	if (config.ping_ms > 0 && ping_in(c) == ping_period())
		ping(c);
}

void
timer_expired(struct ws_conn *c)
{
	switch (c->state) {
	case CONN_OPEN:
		look_at_open(c);
		break;
	case CONN_DIAL:
	case CONN_DIALLING:
		dial_expired(c);
		break;
	case CONN_CLOSING:
	case CONN_CLOSED:
		conn_kill(c);
		break;
	case CONN_OVER:
		break;
	default:
		request_expired(c);
	}
}
