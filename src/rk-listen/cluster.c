/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "cluster.h"
#include "dialect.h"
#include "endpoint.h"
#include "event.h"
#include "head.h"
#include "loop.h"
#include "pending.h"
#include "roster.h"
#include "send.h"
#include "web.h"

struct cluster_counts cluster_counts;

const struct figure cluster_figures[] = {
	{ "cluster_raw_total", &cluster_counts.raw,
	    "messages of SocketCluster clients that were no packet" },
	{ "cluster_early_total", &cluster_counts.early,
	    "closed because they spoke before the handshake" },
	{ "cluster_rejected_total", &cluster_counts.rejected,
	    "closed because their handshake was refused or malformed" },
	{ "cluster_timeouts_total", &cluster_counts.timeouts,
	    "closed without a handshake or a pong in time" },
	{ NULL, NULL, NULL }
};

static const struct ws_ops cluster_ops;
static struct buf text, body;

struct cluster *
cluster_of(const struct conn *c)
{
	return ws_data(c->ws);
}

int
cluster_protocol(const struct cluster *k)
{
	return k->endpoint->sc_protocol;
}

/* ---- saying ---------------------------------------------------------- */

static void
send_text(struct cluster *k, struct str s)
{
	struct ws_msg *m = ws_msg_new(WS_TEXT, s);

	ws_send(k->ws, m);
	ws_msg_drop(m);
}

void
cluster_send(struct cluster *k, const struct sc_packet *p)
{
	text.max = 2 * link_line_max();
	buf_clear(&text);
	if (sc_write(&text, cluster_protocol(k), 1, p) == 1)
		send_text(k, buf_str(&text));
}

void
cluster_answer(struct cluster *k, struct str id, struct str data)
{
	struct sc_packet p = { .type = SC_ANSWER, .id = id, .data = data };

	if (id.n > 0)
		cluster_send(k, &p);
}

void
cluster_error(struct cluster *k, struct str id, struct str error)
{
	struct sc_packet p = { .type = SC_ANSWER, .id = id, .error = error };

	if (id.n > 0)
		cluster_send(k, &p);
}

struct str
cluster_words(const char *name, struct str message)
{
	static struct buf quoted = { .max = 64 << 10 },
	    quoted_name = { .max = 256 };

	body.max = 64 << 10;
	buf_clear(&body);
	buf_clear(&quoted);
	buf_clear(&quoted_name);
	json_quote(&quoted, message);
	json_quote(&quoted_name, str_of(name));
	sc_write_error(&body, buf_str(&quoted), buf_str(&quoted_name));
	return buf_str(&body);
}

void
cluster_fail(struct cluster *k, struct str id, const char *name,
    struct str message)
{
	cluster_error(k, id, cluster_words(name, message));
}

void
cluster_close(struct cluster *k, int code)
{
	if (k->conn != NULL)
		k->conn->left = 1;
	ws_close(k->ws, code, STR(""));
}

/* ---- time ------------------------------------------------------------ */

static double
in_ms(int64_t ms)
{
	return ev_now(loop) + (double)ms / 1000;
}

static void
arm(struct cluster *k)
{
	double t = k->ping > 0 && k->ping < k->silent ? k->ping : k->silent;

	ev_timer_stop(loop, &k->timer);
	t -= ev_now(loop);
	ev_timer_set(&k->timer, t > 0 ? t : 0, 0);
	ev_timer_start(loop, &k->timer);
}

/* One message for all. */
static void
ping(struct cluster *k)
{
	static struct ws_msg *pings[3];
	struct ws_msg **m = &pings[cluster_protocol(k)];

	if (*m == NULL)
		*m = ws_msg_new(WS_TEXT, sc_ping(cluster_protocol(k)));
	ws_send(k->ws, *m);
	k->ping = in_ms(k->endpoint->ping_interval);
}

static void
timed(struct ev_loop *l, ev_timer *w, int events)
{
	struct cluster *k = w->data;

	(void)l;
	(void)events;
	if (!ws_is_open(k->ws))
		return;
	if (k->silent <= ev_now(loop)) {
		cluster_counts.timeouts++;
		cluster_close(k, k->ping > 0 ? 4001 : 4005);
		return;
	}
	if (k->ping > 0 && k->ping <= ev_now(loop))
		ping(k);
	arm(k);
}

void
cluster_begin(struct cluster *k)
{
	k->ping = in_ms(k->endpoint->ping_interval);
	k->silent = in_ms(k->endpoint->ping_timeout);
	arm(k);
}

/* ---- coming ---------------------------------------------------------- */

void
cluster_upgrade(struct ws_conn *ws, const struct endpoint *e,
    const struct http_head *h)
{
	int status = client_unwelcome(e, h, 1);
	struct cluster *k;

	if (status != 0) {
		web_answer(ws, status, "");
		return;
	}
	k = mem_new(sizeof *k);
	k->ws = ws;
	k->endpoint = e;
	k->head = head_keep(ws, h);
	if (e->with & WITH_HEADERS)
		k->headers = head_headers(h);
	ev_init(&k->timer, timed);
	k->timer.data = k;
	ws_set_ops(ws, &cluster_ops);
	ws_set_data(ws, k);
	ws_accept(ws, NULL);
}

static void
opened(struct ws_conn *ws)
{
	struct cluster *k = ws_data(ws);

	k->silent = in_ms(k->endpoint->connect_timeout);
	arm(k);
}

/* ---- saying, and going ------------------------------------------------ */

static void
said(struct ws_conn *ws, struct str message, int binary)
{
	struct cluster *k = ws_data(ws);

	if (k->ping > 0)	/* the timer finds out when it is due */
		k->silent = in_ms(k->endpoint->ping_timeout);
	cluster_said(k, binary ? STR("bytes") : message);
}

static void
forget(struct cluster *k)
{
	ev_timer_stop(loop, &k->timer);
	wanted_forget(k);
	free(k->head);
	free(k->headers);
	free(k->id);
	free(k->error);
	free(k);
}

static void
closed(struct ws_conn *ws, const struct ws_end *end)
{
	struct cluster *k = ws_data(ws);
	struct conn *c = k->conn;

	if (c != NULL) {
		ask_forget(c);
		pending_over(c);
		c->pending = 0;
		if (c->in)
			client_gone(c, end);
		else		/* nobody was told of it */
			conn_destroy(c);
	}
	forget(k);
}

/* It never was a WebSocket: nobody has heard of it. */
static void
failed(struct ws_conn *ws, int status, const char *why)
{
	(void)status;
	(void)why;
	forget(ws_data(ws));
}

static void
drained(struct ws_conn *ws)
{
	struct cluster *k = ws_data(ws);

	if (k->conn != NULL)
		send_room(k->conn);
}

static const struct ws_ops cluster_ops = {
	.open = opened,
	.message = said,
	.drained = drained,
	.close = closed,
	.failed = failed
};
