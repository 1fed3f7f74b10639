/* SPDX-License-Identifier: ISC */
/*
 * What is written of a frame: the frame itself, as a line with the time when
 * it was kept behind its last member; or what a rule makes of it.
 */
#include "json.h"
#include "link/link.h"
#include "log.h"
#include "loop.h"

#include "keep.h"

#define EVERYDAY	STR("\"{day}.ndjson\"")

static struct filter *rule;

void
entry_rule(struct filter *f)
{
	filter_close(rule);
	rule = f;
}

/* --- frames as they are --- */

static int
is_links(struct str key)
{
	return str_eq(key, STR("seq")) || str_eq(key, STR("again"));
}

struct str
entry_line(const struct frame *f, struct buf *b)
{
	struct json_walk w;
	struct json_member m;

	if (!frame_has(f, K_SEQ) && !frame_has(f, K_AGAIN))
		return f->line;
	buf_clear(b);
	json_walk(&w, f->line);
	while (json_next(&w, &m) == 1) {
		if (is_links(m.key))
			continue;
		buf_adds(b, buf_size(b) ? STR(",\"") : STR("{\""));
		buf_adds(b, m.key);
		buf_adds(b, STR("\":"));
		buf_adds(b, m.value);
	}
	buf_adds(b, buf_size(b) ? STR("}") : STR("{}"));
	return buf_str(b);
}

static void
keep_frame(const struct frame *f)
{
	static struct buf line, text;
	struct str s;

	line.max = text.max = link_line_max() + 512;
	s = entry_line(f, &line);
	buf_clear(&text);
	buf_add(&text, s.p, s.n - 1);
	buf_addf(&text, "%s\"kept\":%lld}\n", s.n > 2 ? "," : "",
	    (long long)loop_ms());
	files_add(EVERYDAY, buf_str(&text), STR(""));
}

/* --- what a rule makes --- */

static void
wrong(const char *why)
{
	if (tally.wrong++ == 0)
		warn("a rule's output is not kept: %s", why);
}

/* A text with a newline at its end: 1, or 0. */
static int
whole(const struct frame *f, enum key k, struct buf *b, struct str *out)
{
	struct buf raw = BUF(b->max);
	int ok = frame_str(f, k, &raw, out);

	buf_clear(b);
	if (ok && (out->n == 0 || out->p[out->n - 1] != '\n')) {
		buf_adds(b, *out);
		ok = buf_addc(b, '\n') == 1;
	} else if (ok) {
		ok = buf_adds(b, *out) == 1;
	}
	buf_free(&raw);
	*out = buf_str(b);
	return ok;
}

static void
keep_made(const struct frame *f)
{
	static struct buf text, head;
	struct str t, h = STR("");

	text.max = head.max = link_line_max();
	if (f->type != T_KEEP) {
		wrong("its type is not keep");
	} else if (frame_has(f, K_HEAD) && !whole(f, K_HEAD, &head, &h)) {
		wrong("head is not a text");
	} else if (frame_has(f, K_DATA)) {
		buf_clear(&text);
		buf_adds(&text, f->v[K_DATA]);
		buf_addc(&text, '\n');
		files_add(frame_has(f, K_FILE) ? f->v[K_FILE] : EVERYDAY,
		    buf_str(&text), h);
	} else if (whole(f, K_TEXT, &text, &t)) {
		files_add(frame_has(f, K_FILE) ? f->v[K_FILE] : EVERYDAY, t,
		    h);
	} else {
		wrong("neither text nor data");
	}
}

static void
run_rule(const struct frame *f)
{
	struct filter_result r;
	struct frame made;
	const char *why;
	size_t i;

	if (filter_run(rule, f, NULL, &r) != FILTER_OK) {
		wrong(r.why);
		return;
	}
	for (i = 0; i < r.n; i++)
		if (frame_scan(&made, r.out[i].line, &why) == 1)
			keep_made(&made);
}

void
entry_keep(const struct frame *f)
{
	struct str type = f->v[K_TYPE];

	if (set.types != NULL && (type.n < 2 || !name_listed(set.types,
	    (struct str){ type.p + 1, type.n - 2 })))
		return;
	if (rule != NULL)
		run_rule(f);
	else
		keep_frame(f);
}
