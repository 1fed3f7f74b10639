/* SPDX-License-Identifier: ISC */
#include "skim.h"
#include "val.h"

#define FUEL	200000

void
desk_clear(struct desk *d, const struct frame *f, struct str from)
{
	arena_reset(&d->arena);
	d->frame = f;
	d->from = from;
	d->fuel = FUEL;
	d->whole = NULL;
	memset(d->opened, 0, sizeof d->opened);
	d->turn = 0;
	d->deep = 0;
}

/* Making. */

struct val
val_frame(const struct desk *d)
{
	return (struct val){ .kind = VAL_OBJECT, .whole = 1,
	    .levels = LEVELS_ALL, .text = d->frame->line };
}

struct val
val_made(const struct made *m, enum val_kind kind)
{
	return (struct val){ .kind = (unsigned char)kind,
	    .levels = LEVELS_ALL, .made = m };
}

struct val
val_string(struct desk *d, struct str bytes)
{
	return val_text(arena_quote(&d->arena, bytes), 0, LEVELS_ALL);
}

/* Knowing. */

int
val_is_handle(const struct val *v)
{
	double d;

	if (v->text.p == NULL)
		return 0;
	if (v->kind == VAL_NUMBER)
		return !number_held(v->text, &d);
	return !container_empty(v->text);
}

int
val_escaped(struct str s)
{
	return memchr(s.p, '\\', s.n) != NULL;
}

struct str
val_bytes(struct desk *d, const struct val *v)
{
	struct str raw = { v->text.p + 1, v->text.n - 2 };

	return val_escaped(raw) ? arena_unquote(&d->arena, raw) : raw;
}

int
val_int(const struct val *v, int64_t *n)
{
	struct str s = v->text;

	return v->kind == VAL_NUMBER && s.n <= 15 && json_int(s, n) &&
	    s.p[0] != '-';
}

/* Opening. */

struct made *
made_new(struct desk *d)
{
	return arena_new(&d->arena, sizeof(struct made));
}

struct made *
made_object(struct desk *d, size_t n)
{
	struct made *m = made_new(d);

	m->field = arena_get(&d->arena, n * sizeof *m->field);
	m->cap = n;
	return m;
}

struct made *
made_copy(struct desk *d, const struct made *old, size_t n)
{
	struct made *m = made_object(d, old->n + n);

	if (old->n > 0)
		memcpy(m->field, old->field, old->n * sizeof *m->field);
	m->n = old->n;
	return m;
}

/* Twice the room: what was there stays where it was, too. */
static void *
more(struct desk *d, struct made *m, const void *old, size_t size)
{
	void *p;

	m->cap = m->cap ? 2 * m->cap : 8;
	p = arena_get(&d->arena, m->cap * size);
	if (m->n > 0)
		memcpy(p, old, m->n * size);
	d->fuel -= (long)m->n;
	return p;
}

void
made_item(struct desk *d, struct made *m, const struct val *v)
{
	if (m->n == m->cap)
		m->item = more(d, m, m->item, sizeof *m->item);
	m->item[m->n++] = *v;
}

static inline void
add(struct desk *d, struct made *m, const struct field *f)
{
	if (m->n == m->cap)
		m->field = more(d, m, m->field, sizeof *m->field);
	m->field[m->n++] = *f;
}

static inline struct field *
find(struct desk *d, const struct made *m, struct str name)
{
	struct field *f = m->field, *end = f + m->n;

	d->fuel -= (long)m->n / 4;
	for (; f < end; f++)
		if (f->name.n == name.n &&
		    memcmp(f->name.p, name.p, name.n) == 0)
			return f;
	return NULL;
}

static inline void
set(struct desk *d, struct made *m, const struct field *f)
{
	struct field *old = find(d, m, f->name);

	if (old != NULL)
		old->v = f->v;
	else
		add(d, m, f);
}

int
made_set(struct desk *d, struct made *m, const struct field *f)
{
	set(d, m, f);
	return d->fuel > 0 ? 1 : -1;
}

struct made *
made_merge(struct desk *d, const struct made *x, const struct made *y)
{
	struct made *m = made_copy(d, x, y->n);
	size_t i;

	for (i = 0; d->fuel > 0 && i < y->n; i++)
		set(d, m, &y->field[i]);
	return d->fuel > 0 ? m : NULL;
}

static void
name_field(struct desk *d, struct field *f, const struct json_member *m)
{
	f->quoted = (struct str){ m->key.p - 1, m->key.n + 2 };
	f->name = m->escaped ? arena_unquote(&d->arena, m->key) : m->key;
	f->key = KEY_UNASKED;
}

static const struct made *
open_text(struct desk *d, const struct val *v)
{
	struct made *made = made_new(d);
	struct json_member m;
	struct field f;
	struct skim s;

	skim_open(&s, v->text);
	while (d->fuel > 0 && skim_key(&s, &m)) {
		skim_value(&s, &m);
		d->fuel -= (long)(m.value.n / 32 + 1);
		f.v = val_text(m.value, v->level + 1,
		    levels_below(v->levels, m.key, d->depth));
		if (v->kind == VAL_ARRAY) {
			made_item(d, made, &f.v);
			continue;
		}
		name_field(d, &f, &m);
		set(d, made, &f);
	}
	return d->fuel > 0 ? made : NULL;
}

/* The frame's own members, as a rule sees them; the scanner knows where most
 * values end. */
static const struct made *
open_frame(struct desk *d)
{
	const struct frame *frame = d->frame;
	struct made *made = made_new(d);
	struct json_member m;
	struct field f;
	struct skim s;
	int k, known;

	skim_open(&s, frame->line);
	while (d->fuel > 0 && skim_key(&s, &m)) {
		name_field(d, &f, &m);
		f.key = k = frame_key(f.name);
		known = k >= 0 && frame->v[k].p == m.value.p;
		if (known)
			skim_bytes(&s, &m, frame->v[k].n);
		else
			skim_value(&s, &m);
		d->fuel -= (long)(known ? 1 : m.value.n / 32 + 1);
		if (k >= 0 && (!known || key_unseen(k) ||
		    (k == K_FROM && d->from.p != NULL)))
			continue;
		f.v = val_text(m.value, 1, key_levels(k, d->depth));
		set(d, made, &f);
	}
	if (d->from.p != NULL) {
		f = (struct field){ .quoted = STR("\"from\""),
		    .name = STR("from"), .key = K_FROM,
		    .v = val_text(d->from, 0, LEVELS_ALL) };
		add(d, made, &f);
	}
	return d->fuel > 0 ? made : NULL;
}

const struct made *
val_open_text(struct desk *d, const struct val *v)
{
	const struct made *made;
	unsigned i;

	if (v->whole) {
		if (d->whole == NULL)
			d->whole = open_frame(d);
		return d->whole;
	}
	for (i = 0; i < OPENED; i++)
		if (d->opened[i].p == v->text.p &&
		    d->opened[i].levels == v->levels)
			return d->opened[i].made;
	if ((made = open_text(d, v)) == NULL)
		return NULL;
	i = d->turn++ % OPENED;
	d->opened[i].p = v->text.p;
	d->opened[i].levels = v->levels;
	d->opened[i].made = made;
	return made;
}

/* .word of the frame, a word of the vocabulary */
static int
frame_member(struct desk *d, int k, struct val *out)
{
	const struct frame *f = d->frame;

	if (k == K_FROM && d->from.p != NULL)
		*out = val_text(d->from, 0, LEVELS_ALL);
	else if (f->v[k].p != NULL && !key_unseen(k))
		*out = val_text(f->v[k], 1, key_levels(k, d->depth));
	else
		return 0;
	return 1;
}

int
val_member(struct desk *d, const struct val *v, const struct word *w,
    struct val *out)
{
	const struct made *made;
	const struct field *f;

	if (v->whole && w->key >= 0)
		return frame_member(d, w->key, out);
	if ((made = val_open(d, v)) == NULL)
		return -1;
	if ((f = find(d, made, w->name)) == NULL)
		return 0;
	*out = f->v;
	return 1;
}

int
val_field(struct desk *d, const struct val *v, const struct word *w,
    struct val *out)
{
	int is = 0;

	if (v->kind != VAL_NULL && (v->kind != VAL_OBJECT || val_handle(v)))
		return 0;
	if (v->kind == VAL_OBJECT && (is = val_member(d, v, w, out)) == -1)
		return -1;
	if (is == 0)
		*out = val_text(STR("null"), 0, LEVELS_ALL);
	return 1;
}
