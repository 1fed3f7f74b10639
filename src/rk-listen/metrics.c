/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "event.h"
#include "metrics.h"
#include "pending.h"
#include "send.h"
#include "web.h"

#define SERIES_MAX	1000		/* that rules may set */
#define TEXT_MAX	(4 << 20)

/* ---- ours ------------------------------------------------------------ */

enum source { ROSTER, WS, EVENT, COMMAND, SEND, WEB, PENDING,
    LINK };

/* Where each figure is: in one of the structs that count. */
static const struct figure {
	const char *name;
	enum source source;
	size_t offset;
	int gauge;
	const char *help;
} figures[] = {
#define ROW(name, source, type, member, gauge, help) \
	{ name, source, offsetof(struct type, member), gauge, help }
	ROW("connections", ROSTER, roster_counts, connections, 1,
	    "WebSockets that are open"),
	ROW("users", ROSTER, roster_counts, users, 1,
	    "users with a connection"),
	ROW("channels", ROSTER, roster_counts, channels, 1,
	    "channels with a member"),
	ROW("sockets", WS, ws_counts, conns, 1, "sockets of all kinds"),
	ROW("accepted", WS, ws_counts, accepted, 0, "sockets accepted"),
	ROW("rejected", WS, ws_counts, rejected, 0,
	    "requests that were malformed or not for us"),
	ROW("opens", EVENT, event_counts, opens, 0, "WebSockets opened"),
	ROW("closes", EVENT, event_counts, closes, 0, "WebSockets closed"),
	ROW("timeouts", WS, ws_counts, timeouts, 0,
	    "closed because no pong came"),
	ROW("protocol_errors", WS, ws_counts, protocol_errors, 0,
	    "closed because of what they sent"),
	ROW("messages_in", WS, ws_counts, messages_in, 0,
	    "messages from clients"),
	ROW("bytes_in", WS, ws_counts, bytes_in, 0, "their payload"),
	ROW("messages_out", SEND, send_counts, sent, 0,
	    "messages queued for clients"),
	ROW("bytes_out", WS, ws_counts, bytes_out, 0,
	    "bytes written to clients"),
	ROW("writes", WS, ws_counts, writes, 0, "writes that took"),
	ROW("lost", SEND, send_counts, lost, 0,
	    "messages that were queued and not written, or not queued"),
	ROW("slow", SEND, send_counts, slow, 0,
	    "closed because they did not keep up"),
	{ "requests", WEB, 0, 0, "HTTP requests put to the router" },
	ROW("late", PENDING, pending_counts, late, 0,
	    "requests and opens that were not answered in time"),
	ROW("commands", COMMAND, command_counts, commands, 0,
	    "commands applied or refused"),
	ROW("commands_dead", COMMAND, command_counts, dead, 0,
	    "commands for who was not there"),
	ROW("commands_refused", COMMAND, command_counts, refused, 0,
	    "commands refused"),
	ROW("commands_unknown", COMMAND, command_counts, unknown, 0,
	    "frames of no known type"),
	ROW("events_refused", EVENT, event_counts, refused, 0,
	    "events that the router refused"),
	ROW("events_dropped", EVENT, event_counts, dropped, 0,
	    "events that grew too big while they waited"),
	ROW("events_waiting", EVENT, event_counts, waiting, 1,
	    "events that wait for room on the link"),
	ROW("link_frames_in", LINK, link_counts, frames_in, 0,
	    "frames from links"),
	ROW("link_frames_out", LINK, link_counts, frames_out, 0,
	    "frames to links"),
	ROW("link_bytes_in", LINK, link_counts, bytes_in, 0, "their bytes"),
	ROW("link_bytes_out", LINK, link_counts, bytes_out, 0, "their bytes"),
	ROW("link_repeats", LINK, link_counts, repeats, 0,
	    "frames that came again"),
	ROW("link_bad_lines", LINK, link_counts, bad_lines, 0,
	    "lines that were no frames"),
	ROW("link_dead_dropped", LINK, link_counts, dead_dropped, 0,
	    "frames that a new router did not want"),
	ROW("tap_dropped", LINK, link_counts, tap_dropped, 0,
	    "frames that a tap missed"),
	ROW("restarts", LINK, link_counts, restarts, 0,
	    "starts of the co-process after the first")
#undef ROW
};

#define FIGURES	(sizeof figures / sizeof *figures)

static uint64_t
value_of(const struct figure *f)
{
	const void *sources[] = { roster_counts(), ws_counts(), &event_counts,
	    &command_counts, &send_counts, &web_requests,
	    &pending_counts, link_counts() };
	uint64_t n;

	memcpy(&n, (const char *)sources[f->source] + f->offset, sizeof n);
	return n;
}

/* ---- those of rules -------------------------------------------------- */

static struct series {
	struct series *next;
	char *name, *labels;		/* labels: "" or {a="b"} */
	int count;			/* else a metric */
	double value;
} *all_series;
static size_t series_n;

static int
is_name(struct str s, int colons)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c == '_' || (c == ':' && colons) ||
		    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    (c >= '0' && c <= '9' && i > 0)))
			return 0;
	}
	return s.n > 0 && s.n <= NAME_BYTES;
}

/* A label's value as the text format wants it. */
static void
put_value(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\n')
			buf_adds(b, STR("\\n"));
		else {
			if (s.p[i] == '\\' || s.p[i] == '"')
				buf_addc(b, '\\');
			buf_addc(b, s.p[i]);
		}
}

/* {"a":"b"} as {a="b"}: NULL, or what is wrong. */
static const char *
put_labels(struct buf *b, struct str object)
{
	static struct buf text = { .max = 4096 };
	struct json_walk w;
	struct json_member m;

	if (object.p == NULL)
		return NULL;
	if (!json_walk(&w, object) || !w.object)
		return "labels is an object";
	while (json_next(&w, &m) == 1) {
		buf_clear(&text);
		if (json_kind(m.value) != 's' || m.escaped ||
		    !is_name(m.key, 0) || json_unquote(&text,
		    (struct str){ m.value.p + 1, m.value.n - 2 }) == -1)
			return "labels are names with strings";
		buf_addc(b, buf_size(b) == 0 ? '{' : ',');
		buf_adds(b, m.key);
		buf_adds(b, STR("=\""));
		put_value(b, buf_str(&text));
		buf_addc(b, '"');
	}
	if (buf_size(b) > 0)
		buf_addc(b, '}');
	return NULL;
}

/* Those of one name stand together, as the format demands. */
static struct series *
series(struct str name, struct str labels, int count)
{
	struct series **at, **behind = NULL, *s;

	for (at = &all_series; (s = *at) != NULL; at = &s->next)
		if (str_eq(str_of(s->name), name)) {
			if (str_eq(str_of(s->labels), labels))
				return s;
			behind = &s->next;
		}
	if (series_n == SERIES_MAX)
		return NULL;
	series_n++;
	if (behind == NULL)
		behind = at;
	s = mem_new(sizeof *s);
	s->name = mem_strn(name.p, name.n);
	s->labels = mem_strn(labels.p, labels.n);
	s->count = count;
	s->next = *behind;
	*behind = s;
	return s;
}

static const char *
number(const struct frame *f, double *value)
{
	char text[64];
	struct str v = f->v[K_VALUE];

	if (v.p == NULL || json_kind(v) != '0' || v.n >= sizeof text)
		return "value is a number";
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	*value = strtod(text, NULL);
	return isfinite(*value) ? NULL : "value is a number";
}

/* The series a command is about, or NULL and why. */
static struct series *
find(const struct frame *f, int count, const char **why)
{
	static struct buf name_room = { .max = 4096 },
	    labels = { .max = 16 << 10 };
	struct str name;
	struct series *s;

	buf_clear(&labels);
	*why = "name is letters, digits, _ and :";
	if (command_string(f, K_NAME, &name_room, &name) != 1 ||
	    !is_name(name, 1))
		return NULL;
	if ((*why = put_labels(&labels, f->v[K_LABELS])) != NULL)
		return NULL;
	s = series(name, buf_size(&labels) == 0 ? STR("") : buf_str(&labels),
	    count);
	*why = s == NULL ? "too many metrics" :
	    s->count != count ? "it is both a metric and a count" : NULL;
	return s;
}

const char *
metrics_metric(struct command *k)
{
	const char *why;
	double value;
	struct series *s;

	if ((why = number(k->frame, &value)) != NULL)
		return why;
	s = find(k->frame, 0, &why);
	if (why == NULL)
		s->value = value;
	return why;
}

const char *
metrics_count(struct command *k)
{
	const char *why;
	double value = 1;
	struct series *s;

	if (frame_has(k->frame, K_VALUE) &&
	    ((why = number(k->frame, &value)) != NULL || value < 0))
		return why != NULL ? why : "a count does not go down";
	s = find(k->frame, 1, &why);
	if (why == NULL)
		s->value += value;
	return why;
}

/* ---- under other names ----------------------------------------------- */

static struct gauge {
	struct gauge *next;
	struct str name, left, right;	/* right.n is 0: only left */
} *gauges, **gauges_end = &gauges;

/* NAME{LABELS}, and where its name ends. */
static int
is_series(struct str s)
{
	const char *brace = memchr(s.p, '{', s.n);
	size_t n = brace == NULL ? s.n : (size_t)(brace - s.p);

	return is_name((struct str){ s.p, n }, 1) &&
	    (brace == NULL || s.p[s.n - 1] == '}');
}

const char *
metrics_gauge(const char *text)
{
	const char *eq = strrchr(text, '='), *amp;
	struct gauge *g;

	if (eq == NULL || eq[1] == '\0' ||
	    !is_series((struct str){ text, (size_t)(eq - text) }))
		return "not NAME{LABELS}=FIGURE";
	g = mem_new(sizeof *g);
	g->name = (struct str){ text, (size_t)(eq - text) };
	g->left = str_of(eq + 1);
	if ((amp = strchr(eq, '&')) != NULL) {
		g->left.n = (size_t)(amp - g->left.p);
		g->right = str_of(amp + 1);
	}
	*gauges_end = g;
	gauges_end = &g->next;
	return NULL;
}

/* A figure of ours, or a series without labels; 0 when there is none yet. */
static double
figure(struct str name)
{
	struct series *s;

	for (size_t i = 0; i < FIGURES; i++)
		if (str_eq(str_of(figures[i].name), name))
			return (double)value_of(&figures[i]);
	for (s = all_series; s != NULL; s = s->next)
		if (s->labels[0] == '\0' && str_eq(str_of(s->name), name))
			return s->value;
	return 0;
}

static double
gauge_value(const struct gauge *g)
{
	double left = figure(g->left);

	return g->right.n == 0 ? left : left != 0 && figure(g->right) != 0;
}

/* ---- showing --------------------------------------------------------- */

static void
put_series(struct buf *b)
{
	const struct series *s;
	const char *last = "";

	for (s = all_series; s != NULL; s = s->next) {
		if (strcmp(last, s->name) != 0)
			buf_addf(b, "# TYPE %s %s\n", s->name,
			    s->count ? "counter" : "gauge");
		buf_addf(b, "%s%s %.15g\n", s->name, s->labels, s->value);
		last = s->name;
	}
}

void
metrics_answer(struct ws_conn *ws)
{
	static struct buf b = { .max = TEXT_MAX };
	const struct gauge *g;

	buf_clear(&b);
	for (size_t i = 0; i < FIGURES; i++) {
		const struct figure *f = &figures[i];
		const char *total = f->gauge ? "" : "_total";

		buf_addf(&b, "# HELP rk_listen_%s%s %s\n"
		    "# TYPE rk_listen_%s%s %s\nrk_listen_%s%s %llu\n", f->name,
		    total, f->help, f->name, total,
		    f->gauge ? "gauge" : "counter", f->name, total,
		    (unsigned long long)value_of(f));
	}
	put_series(&b);
	for (g = gauges; g != NULL; g = g->next)
		buf_addf(&b, "%.*s %.15g\n", (int)g->name.n, g->name.p,
		    gauge_value(g));
	ws_respond(ws, 200, "Content-Type: text/plain; version=0.0.4; "
	    "charset=utf-8\r\n", buf_str(&b));
}

const char *
metrics_stats(struct command *k)
{
	static struct buf data = { .max = TEXT_MAX };
	const struct series *s;

	buf_clear(&data);
	buf_addc(&data, '{');
	for (size_t i = 0; i < FIGURES; i++)
		buf_addf(&data, "%s\"%s\":%llu", i == 0 ? "" : ",",
		    figures[i].name,
		    (unsigned long long)value_of(&figures[i]));
	for (s = all_series; s != NULL; s = s->next) {
		buf_addc(&data, ',');
		buf_addc(&data, '"');
		buf_adds(&data, str_of(s->name));
		for (const char *p = s->labels; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				buf_addc(&data, '\\');
			buf_addc(&data, *p);
		}
		buf_addf(&data, "\":%.15g", s->value);
	}
	buf_addc(&data, '}');
	frame_raw(answer_begin(k, "stats"), "data", buf_str(&data));
	answer_end(k);
	return NULL;
}
