/* SPDX-License-Identifier: ISC */
#include "../log.h"
#include "host.h"
#include "print.h"

#define SAID_MAX	1024	/* bytes of what debug says */

/* Each takes v and returns the answer; invalid with a message fails. */

static jv
call_open(struct values *known, jv v)
{
	return value_open(known, v);
}

static jv
call_type(struct values *known, jv v)
{
	const struct value *e = value_find(known, v);
	const char *name = jv_kind_name(jv_get_kind(v));

	if (e != NULL && e->handle)
		name = json_kind(e->text) == '0' ? "number" :
		    json_kind(e->text) == 'a' ? "array" : "object";
	jv_free(v);
	return jv_string(name);
}

static jv
call_bare(struct values *known, jv v)
{
	switch (value_has_handle(known, v, 0)) {
	case 0:
		return v;
	case 1:
		jv_free(v);
		return jv_invalid_with_msg(jv_string("a handle is no text"));
	default:
		jv_free(v);
		return jv_invalid_with_msg(jv_string("nested too deep"));
	}
}

/* [object, key ...]: an object of those keys that are there */
static jv
call_take(struct values *known, jv v)
{
	jv from = jv_array_get(jv_copy(v), 0), made = jv_object(), key, member;
	int i, n = jv_array_length(jv_copy(v));

	(void)known;
	if (jv_get_kind(from) == JV_KIND_NULL)
		n = 0;
	for (i = 1; i < n; i++) {
		key = jv_array_get(jv_copy(v), i);
		if (jv_get_kind(from) != JV_KIND_OBJECT ||
		    jv_get_kind(key) != JV_KIND_STRING) {
			jv_free(key);
			jv_free(made);
			made = jv_invalid_with_msg(jv_string("take is for "
			    "objects and names of keys"));
			break;
		}
		member = jv_object_get(jv_copy(from), jv_copy(key));
		if (jv_is_valid(member))
			made = jv_object_set(made, key, member);
		else
			jv_free(key);
	}
	jv_free(from);
	jv_free(v);
	return made;
}

static jv
call_debug(struct values *known, jv v)
{
	struct buf b = BUF(SAID_MAX);
	struct print p = { .out = &b, .known = known };

	print_value(&p, v, 0);
	info("debug: %.*s", (int)buf_size(&b), buf_str(&b).p);
	buf_free(&b);
	return v;
}

static const struct {
	const char *name;
	jv (*run)(struct values *, jv);
} calls[] = {
	{ "open", call_open },
	{ "type", call_type },
	{ "bare", call_bare },
	{ "take", call_take },
	{ "debug", call_debug },
};

static void
on_debug(void *ctx, jv call)
{
	struct host *h = ctx;

	jv_free(h->call);
	h->call = call;
}

/* invalid: jq's "break", as at the end of its input */
static jv
on_input(jq_state *jq, void *ctx)
{
	struct host *h = ctx;
	jv call = h->call, name, v;
	size_t i;

	(void)jq;
	h->call = jv_invalid();
	if (jv_get_kind(call) != JV_KIND_ARRAY)
		return call;
	name = jv_array_get(jv_copy(call), 0);
	v = jv_array_get(call, 1);
	for (i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strcmp(jv_string_value(name), calls[i].name) == 0)
			v = calls[i].run(h->known, v);
	jv_free(name);
	return v;
}

void
host_open(struct host *h, jq_state *jq, struct values *known)
{
	*h = (struct host){ .known = known, .call = jv_invalid() };
	jq_set_debug_cb(jq, on_debug, h);
	jq_set_input_cb(jq, on_input, h);
}

void
host_close(struct host *h)
{
	jv_free(h->call);
}
