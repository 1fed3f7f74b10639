/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdio.h>

#include "print.h"

#define TOO_MUCH	"the rule made too much of a frame"
#define PLAIN	9007199254740992.0	/* 2^53: integers below are exact */

static void
fail(struct print *p, const char *why)
{
	if (p->why == NULL)
		p->why = why;
}

static void
bytes(struct print *p, struct str s)
{
	if (p->why == NULL && buf_adds(p->out, s) == -1)
		fail(p, TOO_MUCH);
}

static void
known(struct print *p, const struct value *e, int level)
{
	if (level > e->level && !container_fits(e->text, level))
		fail(p, "the rule made a frame that is nested too deep");
	bytes(p, e->text);
}

static void
deeper(struct print *p, int level)
{
	if (level >= JSON_DEPTH)
		fail(p, "the rule made a frame that is nested too deep");
}

static void
number(struct print *p, jv v)
{
	double d = jv_number_value(v);
	char text[32];
	jv s;

	if (fabs(d) < PLAIN && d == (double)(int64_t)d &&
	    (d != 0 || !signbit(d))) {
		snprintf(text, sizeof text, "%.0f", d);
		bytes(p, str_of(text));
		return;
	}
	s = jv_dump_string(v, 0);
	bytes(p, jv_bytes(s));
	jv_free(s);
}

static void
string(struct print *p, jv v)
{
	struct str s = jv_bytes(v);

	if (p->known->labels.used > 0 && label_in(s))
		fail(p, "the rule made a string of a handle");
	if (p->why == NULL && json_quote(p->out, s) == -1)
		bytes(p, s);	/* as full for these */
}

static void
array(struct print *p, jv v, int level)
{
	int i, n = jv_array_length(jv_copy(v));
	jv member;

	deeper(p, level);
	bytes(p, STR("["));
	for (i = 0; p->why == NULL && i < n; i++) {
		if (i > 0)
			bytes(p, STR(","));
		member = jv_array_get(jv_copy(v), i);
		print_value(p, member, level + 1);
		jv_free(member);
	}
	bytes(p, STR("]"));
}

static void
member(struct print *p, jv object, jv key, int level)
{
	const struct value *e = value_find(p->known, key);
	jv v = jv_object_get(jv_copy(object), jv_copy(key));

	if (e != NULL && e->handle)
		fail(p, "the rule made a key of a handle");
	if (e != NULL)
		bytes(p, e->text);
	else
		string(p, key);
	bytes(p, STR(":"));
	print_value(p, v, level + 1);
	jv_free(v);
}

static void
object(struct print *p, jv v, int level)
{
	const char *comma = "";
	jv key;
	int i;

	deeper(p, level);
	bytes(p, STR("{"));
	for (i = jv_object_iter(v); p->why == NULL &&
	    jv_object_iter_valid(v, i); i = jv_object_iter_next(v, i)) {
		bytes(p, str_of(comma));
		key = jv_object_iter_key(v, i);
		member(p, v, key, level);
		jv_free(key);
		comma = ",";
	}
	bytes(p, STR("}"));
}

void
print_value(struct print *p, jv v, int level)
{
	const struct value *e = value_find(p->known, v);

	if (e != NULL) {
		known(p, e, level);
		return;
	}
	switch (jv_get_kind(v)) {
	case JV_KIND_OBJECT:
		object(p, v, level);
		break;
	case JV_KIND_ARRAY:
		array(p, v, level);
		break;
	case JV_KIND_STRING:
		string(p, v);
		break;
	case JV_KIND_NUMBER:
		number(p, v);
		break;
	case JV_KIND_TRUE:
		bytes(p, STR("true"));
		break;
	case JV_KIND_FALSE:
		bytes(p, STR("false"));
		break;
	default:
		bytes(p, STR("null"));
		break;
	}
}

void
print_object(struct print *p, jv v)
{
	jv type = p->known->words[K_TYPE], key;
	int i, k;

	bytes(p, STR("{"));
	member(p, v, type, 0);
	for (i = jv_object_iter(v); p->why == NULL &&
	    jv_object_iter_valid(v, i); i = jv_object_iter_next(v, i)) {
		key = jv_object_iter_key(v, i);
		k = frame_key(jv_bytes(key));
		if (k != K_TYPE && !key_hidden(k, p->routing)) {
			bytes(p, STR(","));
			member(p, v, key, 0);
		}
		jv_free(key);
	}
	bytes(p, STR("}"));
}

void
print_frame(struct print *p, const struct frame *f)
{
	if (frame_seen(p->out, f, p->routing) == -1)
		fail(p, TOO_MUCH);
}
