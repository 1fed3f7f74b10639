/* SPDX-License-Identifier: ISC */
/* A filter is run here, over one frame: what the rule sees, what it made, and
 * why it did not. */
#include <stdlib.h>

#include "inside.h"
#include "print.h"
#include "watchdog.h"

/* The last frame and what was made of it. */
void
filter_forget(struct filter *f)
{
	while (f->n > 0)
		jv_free(f->made[--f->n]);
	buf_clear(&f->lines);
	values_clear(&f->known);
}

/* Reasons. */

/* One line, at most WHY_MAX bytes and whole characters of them; a handle's
 * label, and what jq cut off it, is "a handle". */
static void
add_why(struct buf *b, const char *p)
{
	while (*p != '\0' && (buf_size(b) < WHY_MAX || (*p & 0xc0) == 0x80)) {
		if (!label_digit(p)) {
			buf_addc(b, (unsigned char)*p < 0x20 || *p == 0x7f ?
			    ' ' : *p);
			p++;
			continue;
		}
		buf_adds(b, STR("a handle"));
		while (label_digit(p))
			p += LABEL_DIGIT;
		while (strncmp(p, "\xef\xbf\xbd", 3) == 0)
			p += 3;
	}
}

__attribute__((format(printf, 3, 4))) static enum filter_word
because(struct filter *f, enum filter_word word, const char *fmt, ...)
{
	char text[2 * WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_clear(&f->why);
	add_why(&f->why, text);
	if (f->known.labels.used > 0 &&
	    strncmp(text, "Cannot index string", 19) == 0)
		buf_adds(&f->why, STR(" (a handle? open it)"));
	buf_addc(&f->why, '\0');
	return word;
}

static enum filter_word
because_jv(struct filter *f, enum filter_word word, jv message)
{
	struct buf b = BUF(2 * WHY_MAX);

	if (jv_get_kind(message) != JV_KIND_STRING)
		message = jv_dump_string(message, 0);
	mask_quoted(&b, jv_string_value(message));
	because(f, word, "%.*s", (int)buf_size(&b), buf_str(&b).p);
	buf_free(&b);
	jv_free(message);
	return word;
}

/* Running. */

/* The frame as the rule sees it. */
static jv
seen(struct filter *f, const struct frame *frame, const char *from)
{
	struct json_walk w;
	struct json_member m;
	jv v = jv_object(), key;
	int k;

	json_walk(&w, frame->line);
	while (json_next(&w, &m) == 1) {
		key = value_key(&f->known, &m, 1);
		k = frame_key(jv_bytes(key));
		if ((k != -1 && frame->v[k].p != m.value.p) ||
		    (k == K_FROM && from != NULL) || key_unseen(k)) {
			jv_free(key);
			continue;
		}
		v = jv_object_set(v, key, value_make(&f->known, m.value,
		    key_levels(k, f->known.depth), 1));
	}
	if (from != NULL)
		v = jv_object_set(v, jv_copy(f->known.words[K_FROM]),
		    jv_string(from));
	return value_known(&f->known, v, frame->line, 0);
}

/* A member that is a string of text: 1, 0, or -1: the rule made it of a
 * handle.  What it borrows lives in v. */
static int
text_of(const struct filter *f, jv v, enum key k, struct str *out)
{
	jv member = jv_object_get(jv_copy(v), jv_copy(f->known.words[k]));
	const struct value *e = value_find(&f->known, member);
	int is = jv_get_kind(member) == JV_KIND_STRING &&
	    (e == NULL || !e->handle);

	*out = is ? jv_bytes(member) : (struct str){ NULL, 0 };
	jv_free(member);
	return is && e == NULL && f->known.labels.used > 0 && label_in(*out) ?
	    -1 : is;
}

static enum filter_word
print(struct filter *f, const struct frame *frame, jv v)
{
	struct print p = { .out = &f->lines, .known = &f->known,
	    .routing = f->routing };
	const struct value *e = value_find(&f->known, v);
	size_t before = f->lines.len;

	if (e != NULL && e->level == 0)
		print_frame(&p, frame);
	else
		print_object(&p, v);
	if (p.why != NULL)
		return because(f, FILTER_FAILED, "%s", p.why);
	f->out[f->n].line.n = f->lines.len - before;
	if (f->out[f->n].line.n > f->line_max)
		return because(f, FILTER_FAILED, "the rule made a line of more "
		    "than %zu bytes", f->line_max);
	return FILTER_OK;
}

static void
grow(struct filter *f)
{
	if (f->n < f->cap)
		return;
	f->cap = f->cap ? 2 * f->cap : 16;
	f->out = mem_grow(f->out, f->cap * sizeof *f->out);
	f->made = mem_grow(f->made, f->cap * sizeof *f->made);
}

/* What the rule made, added; v is ours. */
static enum filter_word
add(struct filter *f, const struct frame *frame, jv v)
{
	struct str type, why;
	enum filter_word word;

	if (f->n == f->outputs)
		return because(f, FILTER_FAILED, "the rule made more than %zu "
		    "frames", f->outputs);
	if (jv_get_kind(v) != JV_KIND_OBJECT)
		return because(f, FILTER_FAILED, "the rule made no frame: %s",
		    jv_kind_name(jv_get_kind(v)));
	if (!text_of(f, v, K_TYPE, &type))
		return because(f, FILTER_FAILED, "the rule made a frame "
		    "without a type");
	grow(f);
	f->out[f->n].type = frame_type(type);
	if (f->out[f->n].type == T_REFUSE) {
		if (!text_of(f, v, K_WHY, &why))
			why = STR("refused by the rule");
		return because(f, FILTER_REFUSED, "%.*s", (int)why.n, why.p);
	}
	if ((word = print(f, frame, v)) != FILTER_OK)
		return word;
	if (text_of(f, v, K_VIA, &f->out[f->n].via) == -1)
		return because(f, FILTER_FAILED, "the rule made a string of a "
		    "handle");
	text_of(f, v, K_CONN, &f->out[f->n].conn);
	f->made[f->n++] = jv_copy(v);
	return FILTER_OK;
}

/* jq has no more: because the rule ended, failed, or was stopped. */
static enum filter_word
ended(struct filter *f, jv last, int stopped)
{
	if (jv_invalid_has_msg(jv_copy(last)))
		return because_jv(f, FILTER_FAILED, jv_invalid_get_msg(last));
	jv_free(last);
	if (stopped)
		return because(f, FILTER_STOPPED, "the rule ran too long");
	return FILTER_OK;
}

static enum filter_word
run(struct filter *f, const struct frame *frame, jv input)
{
	enum filter_word word = FILTER_OK;
	jv v;

	jq_start(f->jq, input, 0);
	watchdog_start(f->jq, f->budget);
	while (jv_is_valid(v = jq_next(f->jq))) {
		word = add(f, frame, v);
		jv_free(v);
		if (word != FILTER_OK) {
			watchdog_stop();
			return word;
		}
	}
	return ended(f, v, watchdog_stop());
}

/* The first frame that needs libjq has the rule compiled: 1, -1. */
static int
begin(struct filter *f)
{
	char *why;

	filter_forget(f);
	if (filter_compile(f, &why) == 1)
		return 1;
	because(f, FILTER_FAILED, "%s", why);
	free(why);
	return -1;
}

enum filter_word
filter_run(struct filter *f, const struct frame *frame, const char *from,
    struct filter_result *r)
{
	enum filter_word word;
	const char *p;
	size_t i;

	if (f->native != NULL && native_run(f->native, frame, from, r))
		return FILTER_OK;
	word = begin(f) == -1 ? FILTER_FAILED :
	    run(f, frame, seen(f, frame, from));
	*r = (struct filter_result){ .why = f->why.data };
	if (word != FILTER_OK)
		return word;
	for (i = 0, p = f->lines.data; i < f->n; i++) {
		f->out[i].line.p = p;
		p += f->out[i].line.n;
	}
	*r = (struct filter_result){ .out = f->out, .n = f->n };
	return word;
}

int
filter_match(struct filter *f, struct str json, const char **why)
{
	int depth = f->known.depth, is;
	jv v;

	if (begin(f) == -1) {
		*why = f->why.data;
		return -1;
	}
	f->known.depth = LEVELS_ALL;
	v = value_make(&f->known, json_trim(json), LEVELS_ALL, 0);
	f->known.depth = depth;
	jq_start(f->jq, v, 0);
	watchdog_start(f->jq, f->budget);
	v = jq_next(f->jq);
	if (!jv_is_valid(v)) {
		is = ended(f, v, watchdog_stop()) == FILTER_OK ? 0 : -1;
		*why = f->why.data;
		return is;
	}
	watchdog_stop();
	is = jv_get_kind(v) != JV_KIND_NULL && jv_get_kind(v) != JV_KIND_FALSE;
	jv_free(v);
	return is;
}
