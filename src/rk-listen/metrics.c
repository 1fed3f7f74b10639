/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "client.h"
#include "cluster.h"
#include "engine.h"
#include "event.h"
#include "grant.h"
#include "metrics.h"
#include "pending.h"
#include "send.h"
#include "stages.h"
#include "throttle.h"
#include "web.h"

#define SERIES_MAX	1000		/* that rules may set */
#define TEXT_MAX	(4 << 20)
#define OURS		"rk_"		/* of all stages */

/* ---- ours ------------------------------------------------------------ */

static const struct figure *const tables[] = { roster_figures, ws_figures,
    ws_limit_figures, ws_tls_figures, event_figures, send_figures,
    throttle_figures, web_figures, pending_figures, engine_figures,
    cluster_figures, grant_figures, ask_figures, command_figures,
    stages_figures, link_figures };

#define TABLES	(sizeof tables / sizeof *tables)

/* ---- those of rules -------------------------------------------------- */

static struct series {
	struct series *next;
	char *name, *labels;		/* labels: "" or {a="b"} */
	int count;			/* else a metric */
	double value;
} *all_series;
static size_t series_n;

int
metrics_is_name(struct str s, int colons)
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

/* A label's value as the text format wants it; a control character for which
 * it has no escape is masked. */
static void
put_value(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\n')
			buf_adds(b, STR("\\n"));
		else {
			if (s.p[i] == '\\' || s.p[i] == '"')
				buf_addc(b, '\\');
			buf_addc(b, (unsigned char)s.p[i] < ' ' ? '?' :
			    s.p[i]);
		}
}

int
metrics_label(struct buf *b, struct str name, struct str json)
{
	static struct buf text = { .max = 4096 };

	buf_clear(&text);
	if (json.p == NULL || json_kind(json) != 's' || json_unquote(&text,
	    (struct str){ json.p + 1, json.n - 2 }) == -1)
		return 0;
	buf_adds(b, name);
	buf_adds(b, STR("=\""));
	put_value(b, buf_size(&text) == 0 ? STR("") : buf_str(&text));
	return buf_addc(b, '"') == 1;
}

/* Is there one of this name before m, in the same object? */
static int
is_double(struct str object, const struct json_member *m)
{
	struct json_walk w;
	struct json_member before;

	json_walk(&w, object);
	while (json_next(&w, &before) == 1 && before.key.p != m->key.p)
		if (str_eq(before.key, m->key))
			return 1;
	return 0;
}

/* {"a":"b"} as {a="b"}: NULL, or what is wrong. */
static const char *
put_labels(struct buf *b, struct str object)
{
	struct json_walk w;
	struct json_member m;

	if (object.p == NULL)
		return NULL;
	if (!json_walk(&w, object) || !w.object)
		return "labels is an object";
	while (json_next(&w, &m) == 1) {
		buf_addc(b, buf_size(b) == 0 ? '{' : ',');
		if (m.escaped || !metrics_is_name(m.key, 0) ||
		    !metrics_label(b, m.key, m.value))
			return "labels are names with strings";
		if (is_double(object, &m))
			return "a label comes twice";
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
	    !metrics_is_name(name, 1))
		return NULL;
	*why = "names that begin with " OURS " are ours";
	if (name.n >= sizeof OURS - 1 &&
	    memcmp(name.p, OURS, sizeof OURS - 1) == 0)
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

	return metrics_is_name((struct str){ s.p, n }, 1) &&
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
	const struct figure *f;
	struct series *s;

	for (size_t i = 0; i < TABLES; i++)
		if ((f = figure_find(tables[i], name)) != NULL)
			return (double)*f->value;
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
	link_counts();
	for (size_t i = 0; i < TABLES; i++)
		figure_text(&b, "rk_listen_", tables[i]);
	stages_text(&b);
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
	struct buf *b;

	buf_clear(&data);
	link_counts();
	buf_addc(&data, '{');
	for (size_t i = 0; i < TABLES; i++)
		figure_json(&data, tables[i]);
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
	b = answer_begin(k, "stats");
	frame_raw(b, "data", buf_str(&data));
	buf_clear(&data);
	buf_addc(&data, '[');
	stages_json(&data);
	buf_addc(&data, ']');
	frame_raw(b, "stages", buf_str(&data));
	answer_end(k);
	return NULL;
}
