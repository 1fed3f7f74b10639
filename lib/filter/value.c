/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../log.h"
#include "value.h"

#define KEEP		4096	/* places kept from one frame to the next */

/* The table. */

void
values_open(struct values *vs, int depth)
{
	int k;

	*vs = (struct values){ .depth = depth };
	vs->scratch = BUF(SIZE_MAX / 2);	/* the line bounds it */
	labels_open(&vs->labels);
	for (k = 0; k < FRAME_NKEYS; k++)
		vs->words[k] = jv_string(frame_keys[k]);
}

/* One frame of 1 MiB may fill half a million places: that is not kept. */
static void
shrink(struct values *vs)
{
	if (vs->cap > KEEP) {
		vs->cap = KEEP;
		vs->at = mem_grow(vs->at, KEEP * sizeof *vs->at);
	}
	if (vs->nslots > KEEP) {
		vs->nslots = KEEP;
		vs->slots = mem_grow(vs->slots, KEEP * sizeof *vs->slots);
	}
}

void
values_clear(struct values *vs)
{
	size_t i;

	for (i = 0; i < vs->n; i++)
		jv_free(vs->at[i].v);
	vs->n = 0;
	labels_clear(&vs->labels);
	shrink(vs);
	if (vs->containers > 0)
		memset(vs->slots, 0, vs->nslots * sizeof *vs->slots);
	vs->containers = 0;
}

void
values_close(struct values *vs)
{
	int k;

	values_clear(vs);
	labels_close(&vs->labels);
	for (k = 0; k < FRAME_NKEYS; k++)
		jv_free(vs->words[k]);
	free(vs->slots);
	free(vs->at);
	buf_free(&vs->scratch);
}

static size_t
slot_of(const struct values *vs, const void *p)
{
	uint64_t h = (uint64_t)(uintptr_t)p * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h >> 32) & (vs->nslots - 1);

	while (vs->slots[i] != 0 &&
	    (const void *)vs->at[vs->slots[i] - 1].v.u.ptr != p)
		i = (i + 1) & (vs->nslots - 1);
	return i;
}

static int
is_container(jv v)
{
	return jv_get_kind(v) == JV_KIND_ARRAY ||
	    jv_get_kind(v) == JV_KIND_OBJECT;
}

static void
slots_grow(struct values *vs)
{
	size_t i;

	vs->nslots = vs->nslots ? 2 * vs->nslots : 16;
	free(vs->slots);
	vs->slots = mem_new(vs->nslots * sizeof *vs->slots);
	for (i = 0; i < vs->n; i++)
		if (is_container(vs->at[i].v))
			vs->slots[slot_of(vs, vs->at[i].v.u.ptr)] =
			    (uint32_t)i + 1;
}

jv
value_known(struct values *vs, jv v, struct str text, int level)
{
	size_t i = vs->n;

	if (i == vs->cap) {
		vs->cap = vs->cap ? 2 * vs->cap : 64;
		vs->at = mem_grow(vs->at, vs->cap * sizeof *vs->at);
	}
	if (!is_container(v))
		v.size = (int)i + 1;
	vs->at[i] = (struct value){ .v = jv_copy(v), .text = text,
	    .level = (unsigned char)level };
	if (is_container(v)) {
		vs->containers++;
		if (2 * vs->containers > vs->nslots)
			slots_grow(vs);
		vs->slots[slot_of(vs, v.u.ptr)] = (uint32_t)i + 1;
	}
	vs->n++;
	return v;
}

const struct value *
value_find(const struct values *vs, jv v)
{
	const struct value *e;
	size_t place = 0;

	switch (jv_get_kind(v)) {
	case JV_KIND_STRING:
	case JV_KIND_NUMBER:
		place = v.size > 0 ? (size_t)v.size : 0;
		break;
	case JV_KIND_ARRAY:
	case JV_KIND_OBJECT:
		if (vs->nslots > 0)
			place = vs->slots[slot_of(vs, v.u.ptr)];
		break;
	default:
		break;
	}
	if (place == 0 || place > vs->n)
		return NULL;
	e = &vs->at[place - 1];
	return jv_identical(jv_copy(e->v), jv_copy(v)) ? e : NULL;
}

/* Making. */

static jv
handle(struct values *vs, struct str text, int level)
{
	jv v = value_known(vs, labels_next(&vs->labels), text, level);

	vs->at[vs->n - 1].handle = 1;
	return v;
}

static jv
number(struct values *vs, struct str text, int level)
{
	double d;

	if (!number_held(text, &d))
		return handle(vs, text, level);
	return value_known(vs, jv_number(d), text, level);
}

/* What is between the quotes, decoded. */
static jv
decoded(struct values *vs, struct str raw)
{
	if (memchr(raw.p, '\\', raw.n) == NULL)
		return jv_string_sized(raw.p, (int)raw.n);
	buf_clear(&vs->scratch);
	json_unquote(&vs->scratch, raw);
	raw = buf_str(&vs->scratch);
	return jv_string_sized(raw.n > 0 ? raw.p : "", (int)raw.n);
}

jv
value_string(struct values *vs, struct str text, int level)
{
	struct str raw = { text.p + 1, text.n - 2 };

	return value_known(vs, decoded(vs, raw), text, level);
}

jv
value_key(struct values *vs, const struct json_member *m, int level)
{
	struct str text = { m->key.p - 1, m->key.n + 2 };
	int k = m->escaped ? -1 : frame_key(m->key);

	return k == -1 ? value_string(vs, text, level) : jv_copy(vs->words[k]);
}

static jv
container(struct values *vs, struct str text, int levels, int level)
{
	struct json_walk w;
	struct json_member m = { .key.p = NULL };
	jv v, key, member;

	json_walk(&w, text);
	v = w.object ? jv_object() : jv_array();
	while (json_next(&w, &m) == 1) {
		member = value_make(vs, m.value, levels_below(levels, m.key,
		    vs->depth), level + 1);
		if (w.object) {
			key = value_key(vs, &m, level + 1);
			v = jv_object_set(v, key, member);
		} else
			v = jv_array_append(v, member);
	}
	return value_known(vs, v, text, level);
}

jv
value_make(struct values *vs, struct str text, int levels, int level)
{
	switch (json_kind(text)) {
	case 'o':
	case 'a':
		if (levels <= 0 && !container_empty(text))
			return handle(vs, text, level);
		return container(vs, text, levels, level);
	case 's':
		return value_string(vs, text, level);
	case '0':
		return number(vs, text, level);
	case 't':
		return jv_true();
	case 'f':
		return jv_false();
	default:
		return jv_null();
	}
}

/* Handles. */

static jv
nearest(struct str text)
{
	char *copy = mem_strn(text.p, text.n);
	jv v = jv_number(strtod(copy, NULL));

	free(copy);
	return v;
}

jv
value_open(struct values *vs, jv v)
{
	const struct value *e = value_find(vs, v);
	struct value was;
	size_t place;

	if (e == NULL || !e->handle)
		return v;
	jv_free(v);
	if (e->opened != 0)
		return jv_copy(vs->at[e->opened - 1].v);
	place = (size_t)(e - vs->at);
	was = *e;
	if (json_kind(was.text) == '0')
		v = value_known(vs, nearest(was.text), was.text, was.level);
	else
		v = container(vs, was.text, 1, was.level);
	vs->at[place].opened = vs->n;
	return v;
}

static int
object_has_handle(const struct values *vs, jv v, int depth)
{
	const struct value *e;
	int i, found = 0;
	jv key, member;

	for (i = jv_object_iter(v); found == 0 && jv_object_iter_valid(v, i);
	    i = jv_object_iter_next(v, i)) {
		key = jv_object_iter_key(v, i);
		member = jv_object_iter_value(v, i);
		e = value_find(vs, key);
		found = e != NULL && e->handle ? 1 :
		    value_has_handle(vs, member, depth + 1);
		jv_free(key);
		jv_free(member);
	}
	return found;
}

int
value_has_handle(const struct values *vs, jv v, int depth)
{
	const struct value *e = value_find(vs, v);
	int i, found = 0, n;
	jv member;

	if (vs->labels.used == 0)
		return 0;
	if (depth > JSON_DEPTH)
		return -1;
	if (e != NULL && e->handle)
		return 1;
	if (jv_get_kind(v) == JV_KIND_OBJECT)
		return object_has_handle(vs, v, depth);
	if (jv_get_kind(v) != JV_KIND_ARRAY)
		return 0;
	n = jv_array_length(jv_copy(v));
	for (i = 0; found == 0 && i < n; i++) {
		member = jv_array_get(jv_copy(v), i);
		found = value_has_handle(vs, member, depth + 1);
		jv_free(member);
	}
	return found;
}
