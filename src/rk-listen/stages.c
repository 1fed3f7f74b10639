/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "event.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "stages.h"

#define PERIODS		3		/* of silence, and it is forgotten */
#define SAMPLES_MAX	20000

struct stage {
	struct stage *next;
	char *labels;			/* stage="...",name="..." */
	char *line;			/* as it told last */
	struct str boot, former;	/* in line; who had the labels before */
	int64_t at;			/* ms */
};

/* One number of a stage. */
struct sample {
	const struct stage *of;
	struct str figure, label, value;	/* label.n is 0: none */
	int64_t number;
};

int64_t stages_ms = 5000;

static struct stage *stages;
static uint64_t known, refused, clashes;
static ev_timer tick;

const struct figure stages_figures[] = {
	{ "stages", &known, "stages that told their figures lately" },
	{ "stages_refused_total", &refused,
	    "figures of stages that were too many or malformed" },
	{ "stages_clashes_total", &clashes,
	    "figures of a stage that has another one's name" },
	{ NULL, NULL, NULL }
};

/* ---- keeping --------------------------------------------------------- */

/* The labels of a telling, terminated: 1, or 0: it says nobody's name. */
static int
labels(struct buf *b, const struct frame *f)
{
	buf_clear(b);
	if (!metrics_label(b, STR("stage"), f->v[K_STAGE]))
		return 0;
	buf_addc(b, ',');
	return metrics_label(b, STR("name"), f->v[K_NAME]) &&
	    frame_has(f, K_BOOT) && frame_has(f, K_DATA) &&
	    buf_addc(b, '\0') == 1;
}

static struct stage *
find(const char *text)
{
	struct stage *s = stages;

	while (s != NULL && strcmp(s->labels, text) != 0)
		s = s->next;
	if (s != NULL || known == STAGES_MAX)
		return s;
	s = mem_new(sizeof *s);
	s->labels = mem_str(text);
	s->next = stages;
	stages = s;
	known++;
	return s;
}

static void
forget(struct stage **at)
{
	struct stage *s = *at;

	*at = s->next;
	free(s->labels);
	free(s->line);
	free((char *)s->former.p);
	free(s);
	known--;
}

/* Two at once are seen when the one that was taken over tells again. */
static int
is_clash(struct stage *s, struct str boot)
{
	if (s->line == NULL || str_eq(s->boot, boot))
		return 0;
	if (str_eq(s->former, boot)) {
		if (clashes++ == 0)
			warn("two stages have the name of {%s}: --name",
			    s->labels);
		return 1;
	}
	free((char *)s->former.p);
	s->former = (struct str){ mem_strn(s->boot.p, s->boot.n), s->boot.n };
	return 0;
}

static void
told(const struct frame *f)
{
	static struct buf text = { .max = 8 * NAME_BYTES };
	struct stage *s;

	if (!labels(&text, f) || (s = find(text.data)) == NULL) {
		if (refused++ == 0)
			warn("figures of a stage: malformed, or of more than "
			    "%d stages", STAGES_MAX);
		return;
	}
	if (is_clash(s, f->v[K_BOOT]))
		return;
	free(s->line);
	s->line = mem_strn(f->line.p, f->line.n);
	s->boot = (struct str){ s->line + (f->v[K_BOOT].p - f->line.p),
	    f->v[K_BOOT].n };
	s->at = loop_ms();
}

/* ---- asking ---------------------------------------------------------- */

void
stages_ask(void)
{
	if (stages_ms > 0)
		link_ask(router);
}

static void
period(struct ev_loop *l, ev_timer *t, int events)
{
	struct stage **at = &stages;

	(void)l;
	(void)t;
	(void)events;
	while (*at != NULL)
		if (loop_ms() - (*at)->at > PERIODS * stages_ms)
			forget(at);
		else
			at = &(*at)->next;
	stages_ask();
}

void
stages_open(void)
{
	link_shows(told);
	if (stages_ms == 0)
		return;
	ev_timer_init(&tick, period, 0., (double)stages_ms / 1000);
	ev_timer_start(loop, &tick);
}

/* ---- showing --------------------------------------------------------- */

static struct sample *samples;
static size_t nsamples;

static void
sample(const struct stage *s, struct str figure, struct str label,
    struct json_member *m)
{
	struct sample x = { s, figure, label, m->key, 0 };

	if (nsamples == SAMPLES_MAX || m->escaped ||
	    !json_int(m->value, &x.number))
		return;
	if ((nsamples & (nsamples + 1)) == 0)	/* it grows to twice that */
		samples = mem_grow(samples,
		    2 * (nsamples + 1) * sizeof *samples);
	samples[nsamples++] = x;
}

static int
is_label(struct str name)
{
	return metrics_is_name(name, 0) && !str_eq(name, STR("stage")) &&
	    !str_eq(name, STR("name"));
}

/* FIGURE: number, or LABEL: VALUE: number. */
static void
collect_figure(const struct stage *s, struct json_member *m)
{
	struct json_walk labels, values;
	struct json_member label, value;

	if (!metrics_is_name(m->key, 0))
		return;
	if (!json_walk(&labels, m->value)) {
		sample(s, m->key, STR(""), m);
		return;
	}
	while (json_next(&labels, &label) == 1)
		if (is_label(label.key) && json_walk(&values, label.value))
			while (json_next(&values, &value) == 1)
				sample(s, m->key, label.key, &value);
}

static void
collect(const struct stage *s)
{
	struct json_walk w;
	struct json_member m;
	struct frame f;
	const char *why;

	if (frame_scan(&f, str_of(s->line), &why) == 1 &&
	    json_walk(&w, f.v[K_DATA]) && w.object)
		while (json_next(&w, &m) == 1)
			collect_figure(s, &m);
}

static int
by_figure(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	size_t n = x->figure.n < y->figure.n ? x->figure.n : y->figure.n;
	int order = memcmp(x->figure.p, y->figure.p, n);

	if (order != 0)
		return order;
	if (x->figure.n != y->figure.n)
		return x->figure.n < y->figure.n ? -1 : 1;
	return strcmp(x->of->labels, y->of->labels);
}

static void
put_sample(struct buf *b, const struct sample *x)
{
	buf_addf(b, "rouket_%.*s{%s", (int)x->figure.n, x->figure.p,
	    x->of->labels);
	if (x->label.n > 0)
		buf_addf(b, ",%.*s=\"%.*s\"", (int)x->label.n, x->label.p,
		    (int)x->value.n, x->value.p);
	buf_addf(b, "} %lld\n", (long long)x->number);
}

void
stages_text(struct buf *b)
{
	const struct stage *s;
	struct str last = STR("");

	nsamples = 0;
	for (s = stages; s != NULL; s = s->next)
		collect(s);
	if (nsamples > 0)
		qsort(samples, nsamples, sizeof *samples, by_figure);
	for (size_t i = 0; i < nsamples; i++) {
		struct str name = samples[i].figure;

		if (!str_eq(last, name))
			buf_addf(b, "# TYPE rouket_%.*s %s\n", (int)name.n,
			    name.p, figure_kind(name));
		put_sample(b, &samples[i]);
		last = name;
	}
}

void
stages_json(struct buf *b)
{
	const struct stage *s;
	struct frame f;
	const char *why;

	for (s = stages; s != NULL; s = s->next) {
		if (frame_scan(&f, str_of(s->line), &why) == -1)
			continue;
		buf_adds(b, s == stages ? STR("{\"stage\":") :
		    STR(",{\"stage\":"));
		buf_adds(b, f.v[K_STAGE]);
		frame_raw(b, "name", f.v[K_NAME]);
		frame_raw(b, "boot", f.v[K_BOOT]);
		frame_num(b, "age", loop_ms() - s->at);
		frame_raw(b, "data", f.v[K_DATA]);
		buf_addc(b, '}');
	}
}
