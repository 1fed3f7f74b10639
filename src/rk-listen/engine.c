/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/random.h>

#include "dialect.h"
#include "engine.h"
#include "log.h"
#include "loop.h"
#include "roster.h"
#include "send.h"

struct engine_counts engine_counts;

const struct figure engine_figures[] = {
	{ "engine_sessions", &engine_counts.sessions, "Engine.IO sessions" },
	{ "engine_polling", &engine_counts.polling, "of them, polling" },
	{ "engine_waiting", &engine_counts.waiting,
	    "requests that wait until there is something to fetch" },
	{ "engine_posting", &engine_counts.posting,
	    "requests whose packets wait for the router" },
	{ "engine_moved_total", &engine_counts.moved,
	    "sessions that moved from polling to a WebSocket" },
	{ "engine_errors_total", &engine_counts.errors,
	    "sessions closed because the client broke the protocol" },
	{ "engine_overlaps_total", &engine_counts.overlaps,
	    "sessions closed because two requests overlapped" },
	{ "engine_timeouts_total", &engine_counts.timeouts,
	    "sessions closed because the client fell silent" },
	{ NULL, NULL, NULL }
};

static struct table sessions;
static struct buf bytes, text;

/* ---- coming ---------------------------------------------------------- */

/* 120 bits that nobody can guess: who has a sid has the session. */
static void
draw(char sid[static SID])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char random[SID];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		die(111, "getrandom");
	for (int i = 0; i < SID; i++)
		sid[i] = digits[random[i] & 63];
}

struct session *
engine_find(struct str sid)
{
	struct node *x = table_find(&sessions, table_hash(sid));
	struct session *s;

	for (; x != NULL; x = table_again(x)) {
		s = (struct session *)x;
		if (str_eq((struct str){ s->sid, SID }, sid))
			return s;
	}
	return NULL;
}

static void	timed(struct ev_loop *, ev_timer *, int);

struct session *
engine_new(const struct endpoint *e, int version, struct ws_conn *ws,
    int polling)
{
	struct session *s = mem_new(sizeof *s);

	if (polling) {
		ws = ws_hold(ws, &engine_ops, s);
		if (ws == NULL) {
			free(s);
			return NULL;
		}
		s->polling = mem_new(sizeof *s->polling);
		s->polling->rest.max = (size_t)e->max_payload;
		engine_counts.polling++;
	}
	s->endpoint = e;
	s->user = e->dialect->engine;
	s->version = (uint8_t)version;
	s->ws = ws;
	ws_set_ops(ws, &engine_ops);
	ws_set_data(ws, s);
	ev_init(&s->timer, timed);
	s->timer.data = s;
	draw(s->sid);
	table_add(&sessions, &s->node,
	    table_hash((struct str){ s->sid, SID }));
	engine_counts.sessions++;
	return s;
}

static double
now(void)
{
	return ev_now(loop);
}

static double
in_ms(int64_t ms)
{
	return now() + (double)ms / 1000;
}

static void
send_text(struct session *s, struct str packet)
{
	struct ws_msg *m = ws_msg_new(WS_TEXT, packet);

	ws_send(s->ws, m);
	ws_msg_drop(m);
}

/* When the client is silent for so long, or is to be pinged. */
static void
expect(struct session *s)
{
	const struct endpoint *e = s->endpoint;

	s->waits = 0;
	s->ping = in_ms(s->version == 3 ? e->ping_interval + e->ping_timeout :
	    e->ping_interval);
}

void
engine_begin(struct session *s)
{
	const struct endpoint *e = s->endpoint;
	struct eio_open o = { { s->sid, SID }, s->polling != NULL,
	    e->ping_interval, e->ping_timeout,
	    s->version == 4 ? e->max_payload : 0 };

	text.max = link_line_max();
	buf_clear(&text);
	eio_begin(&text, s->version, EIO_OPEN, 0);
	eio_open_write(&text, &o);
	send_text(s, buf_str(&text));
	expect(s);
	engine_lonely(s);
	s->user->begun(s);
	engine_arm(s);
}

void
engine_lonely(struct session *s)
{
	s->lonely = in_ms(s->endpoint->connect_timeout);
	engine_arm(s);
}

/* ---- time ------------------------------------------------------------ */

static void
earlier(double *t, double other)
{
	if (other > 0 && (*t == 0 || other < *t))
		*t = other;
}

void
engine_arm(struct session *s)
{
	double t = s->ping;

	earlier(&t, s->lonely);
	if (s->polling != NULL && s->polling->probe != NULL)
		earlier(&t, s->polling->until);
	if (s->polling != NULL)
		earlier(&t, s->polling->noop);
	ev_timer_stop(loop, &s->timer);
	if (!ws_is_open(s->ws))
		return;
	t -= now();
	ev_timer_set(&s->timer, t > 0 ? t : 0, 0);
	ev_timer_start(loop, &s->timer);
}

static void
beat(struct session *s)
{
	if (s->version == 3 || s->waits) {
		engine_counts.timeouts++;
		engine_close(s, 1000, STR("ping timeout"), "timeout");
		return;
	}
	send_text(s, STR("2"));
	s->waits = 1;
	s->ping = in_ms(s->endpoint->ping_timeout);
}

static void
timed(struct ev_loop *l, ev_timer *w, int events)
{
	struct session *s = w->data;

	(void)l;
	(void)events;
	if (s->lonely > 0 && s->lonely <= now())
		engine_close(s, 1000, STR("no namespace"), "timeout");
	else if (s->ping <= now())
		beat(s);
	if (s->polling != NULL)
		polling_tick(s, now());
	engine_arm(s);
}

/* ---- saying ---------------------------------------------------------- */

static void
pong(struct session *s, const struct eio_packet *p)
{
	text.max = link_line_max();
	buf_clear(&text);
	eio_begin(&text, s->version, EIO_PONG, 0);
	if (buf_adds(&text, p->data) == 1)
		send_text(s, buf_str(&text));
}

int
engine_packet(struct session *s, const struct eio_packet *p)
{
	if (s->version == 3)
		expect(s);	/* the timer finds out when it is due */
	switch (p->type) {
	case EIO_MESSAGE:
		s->user->said(s, p);
		break;
	case EIO_PING:
		if (s->version == 4)
			engine_break(s, "a ping from the client");
		else
			pong(s, p);
		break;
	case EIO_PONG:
		if (s->version == 3)
			engine_break(s, "a pong from the client");
		else if (s->waits) {
			expect(s);
			engine_arm(s);
		}
		break;
	case EIO_CLOSE:
		engine_close(s, 1000, STR(""), "client");
		break;
	default:
		break;
	}
	return ws_is_open(s->ws);
}

static void
probe_said(struct session *s, const struct eio_packet *p)
{
	struct polling *x = s->polling;
	struct ws_msg *m;

	if (p->type == EIO_PING && str_eq(p->data, STR("probe"))) {
		m = ws_msg_new(WS_TEXT, STR("3probe"));
		ws_send(x->probe, m);
		ws_msg_drop(m);
		x->probed = 1;
		x->noop = now();
		engine_arm(s);
	} else if (p->type == EIO_UPGRADE && x->probed && x->post == NULL &&
	    ws_is_open(s->ws))
		engine_move(s);
	else
		ws_close(x->probe, 1002, STR("not a probe"));
}

static void
said(struct ws_conn *ws, struct str message, int binary)
{
	struct session *s = ws_data(ws);
	struct eio_packet p;

	if (s == NULL)
		return;
	bytes.max = (size_t)s->endpoint->max_payload;
	if (message.n > bytes.max)
		ws_close(ws, 1009, STR(""));	/* as its servers do */
	else if (eio_read(&p, s->version, message, binary, &bytes) == -1) {
		engine_counts.errors++;
		ws_close(ws, 1002, STR("no packet"));
	} else if (ws == s->ws)
		engine_packet(s, &p);
	else
		probe_said(s, &p);
}

void
engine_move(struct session *s)
{
	struct ws_conn *held = s->ws;
	struct socket *k;

	s->ws = s->polling->probe;
	s->polling->probe = NULL;
	for (k = s->sockets; k != NULL; k = k->next)
		k->conn->ws = s->ws;
	ws_pour(held, s->ws);
	if (s->paused > 0)
		ws_read(s->ws, 0);
	polling_end(s);
	ws_set_data(held, NULL);
	ws_release(held);
	engine_counts.moved++;
	engine_arm(s);
}

/* ---- going ----------------------------------------------------------- */

void
engine_close(struct session *s, int code, struct str reason, const char *by)
{
	struct socket *k;

	if (!ws_is_open(s->ws))
		return;
	s->by = by;
	for (k = s->sockets; k != NULL; k = k->next)
		k->conn->left = 1;
	ws_close(s->ws, code, reason);
	if (polling_forgotten(s))
		ws_release(s->ws);
	else
		ws_turn(s->ws);
	engine_arm(s);
}

void
engine_fail(struct session *s, const char *reason)
{
	engine_counts.errors++;
	engine_close(s, 1002, str_of(reason), "server");
}

void
engine_break(struct session *s, const char *reason)
{
	s->broken = 1;
	engine_fail(s, reason);
}

static void
turn(struct ws_conn *ws)
{
	struct session *s = ws_data(ws);

	if (s == NULL || ws != s->ws)
		return;
	if (s->reap)
		socket_reap(s);
	if (s->polling != NULL)
		polling_turn(s);
}

static void
end(struct session *s, struct ws_end e)
{
	if (s->by != NULL)
		e.by = s->by;
	socket_end_all(s, e);
	if (s->polling != NULL)
		polling_end(s);
	s->user->ended(s);
	ev_timer_stop(loop, &s->timer);
	table_remove(&sessions, &s->node);
	engine_counts.sessions--;
	free(s->head);
	free(s->headers);
	grant_drop(&s->grant);
	free(s);
}

/* ---- from lib/ws ------------------------------------------------------ */

static void
opened(struct ws_conn *ws)
{
	struct session *s = ws_data(ws);

	if (s != NULL && ws == s->ws)
		engine_begin(s);
}

static void
closed(struct ws_conn *ws, const struct ws_end *e)
{
	struct session *s = ws_data(ws);

	if (s == NULL)
		return;
	if (ws == s->ws)
		end(s, *e);
	else
		polling_over(s, ws, NULL);
}

static void
failed(struct ws_conn *ws, int status, const char *why)
{
	static const struct ws_end e = { .code = 1006, .by = "client" };
	struct session *s = ws_data(ws);

	(void)status;
	if (s == NULL)
		return;
	if (ws == s->ws)
		end(s, e);
	else
		polling_over(s, ws, why);
}

static void
drained(struct ws_conn *ws)
{
	struct session *s = ws_data(ws);
	struct socket *k;

	if (s == NULL || ws != s->ws)
		return;
	for (k = s->sockets; k != NULL; k = k->next)
		send_room(k->conn);
}

const struct ws_ops engine_ops = {
	.turn = turn,
	.open = opened,
	.message = said,
	.drained = drained,
	.close = closed,
	.failed = failed
};
