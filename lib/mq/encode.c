/* SPDX-License-Identifier: ISC */

/*
 * JSON as field tables (rk-amqp-bridge(1), HEADERS AND PROPERTIES).
 *
 *	JSON				AMQP
 *	"text"				S	UTF-8
 *	17				I, l	the smaller one that fits
 *	1.5, 1e3			d
 *	true, null			t, V
 *	{...}, [...]			F, A
 *	{"$base64":"AAE="}		x
 *	{"$timestamp":1700000000}	T
 *	{"$decimal":"12.50"}		D
 *
 * They become librabbitmq's structures, in a pool, because methods take their
 * arguments so.
 */

#include <math.h>
#include <stdlib.h>

#include "../frame.h"
#include "../json.h"
#include "../log.h"
#include "conn.h"

#define NUMBER		400	/* digits of a number, at most */

static int value(amqp_pool_t *, struct str, amqp_field_value_t *,
	    const char **);

static void *
pool_new(amqp_pool_t *pool, size_t n)
{
	void *p = amqp_pool_alloc(pool, n);

	if (p == NULL)
		die(111, "out of memory");
	return p;
}

/* The bytes of a JSON string, decoded into the pool. */
static amqp_bytes_t
unquoted(amqp_pool_t *pool, struct str inner)
{
	struct buf b = { .max = inner.n, .cap = inner.n };

	if (inner.n == 0)
		return amqp_empty_bytes;
	b.data = pool_new(pool, inner.n);
	json_unquote(&b, inner);	/* never longer than it was */
	return (amqp_bytes_t){ b.len, b.data };
}

static struct str
inside_quotes(struct str s)
{
	return (struct str){ s.p + 1, s.n - 2 };
}

static int
count(struct str json)
{
	struct json_walk w;
	struct json_member m;
	int n = 0;

	json_walk(&w, json);
	while (json_next(&w, &m) == 1)
		n++;
	return n;
}

int
mq_table_encode(amqp_pool_t *pool, struct str json, amqp_table_t *t,
    const char **why)
{
	struct json_walk w;
	struct json_member m;
	amqp_table_entry_t *e;

	*t = amqp_empty_table;
	if (count(json) == 0)
		return 1;
	t->entries = pool_new(pool,
	    (size_t)count(json) * sizeof t->entries[0]);
	json_walk(&w, json);
	while (json_next(&w, &m) == 1) {
		e = &t->entries[t->num_entries++];
		e->key = unquoted(pool, m.key);
		*why = "headers: a name is longer than 255 bytes";
		if (e->key.len > SHORT_MAX || !value(pool, m.value, &e->value,
		    why))
			return 0;
	}
	return 1;
}

static int
array(amqp_pool_t *pool, struct str json, amqp_array_t *a, const char **why)
{
	struct json_walk w;
	struct json_member m;

	*a = amqp_empty_array;
	if (count(json) == 0)
		return 1;
	a->entries = pool_new(pool,
	    (size_t)count(json) * sizeof a->entries[0]);
	json_walk(&w, json);
	while (json_next(&w, &m) == 1)
		if (!value(pool, m.value, &a->entries[a->num_entries++], why))
			return 0;
	return 1;
}

static int
number(struct str json, amqp_field_value_t *v, const char **why)
{
	char text[NUMBER + 1];
	int64_t n;

	if (json_int(json, &n)) {
		v->kind = AMQP_FIELD_KIND_I64;
		v->value.i64 = n;
		if (n >= INT32_MIN && n <= INT32_MAX) {
			v->kind = AMQP_FIELD_KIND_I32;
			v->value.i32 = (int32_t)n;
		}
		return 1;
	}
	*why = "headers: a number that AMQP cannot hold";
	if (json.n > NUMBER)
		return 0;
	memcpy(text, json.p, json.n);
	text[json.n] = '\0';
	v->kind = AMQP_FIELD_KIND_F64;
	v->value.f64 = strtod(text, NULL);
	return strpbrk(text, ".eE") != NULL && isfinite(v->value.f64);
}

/* "12.50": 1250, and two decimals. */
static int
decimal(struct str s, amqp_field_value_t *v)
{
	uint64_t n = 0;
	size_t i, point = s.n;

	if (s.n == 0 || s.n > 11)
		return 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && point == s.n)
			point = i + 1;
		else if (s.p[i] >= '0' && s.p[i] <= '9')
			n = n * 10 + (uint64_t)(s.p[i] - '0');
		else
			return 0;
	}
	v->kind = AMQP_FIELD_KIND_DECIMAL;
	v->value.decimal.decimals = (uint8_t)(s.n - point);
	v->value.decimal.value = (uint32_t)n;
	return n <= UINT32_MAX;
}

static int
from_base64(amqp_pool_t *pool, struct str s, amqp_bytes_t *out)
{
	struct buf b = { .max = s.n, .cap = s.n };

	*out = amqp_empty_bytes;
	if (s.n == 0)
		return 1;
	b.data = pool_new(pool, s.n);
	if (base64_decode(&b, s) != 1)
		return 0;
	*out = (amqp_bytes_t){ b.len, b.data };
	return 1;
}

/* {"$base64":"..."} and its like: 1, or 0: malformed. */
static int
special(amqp_pool_t *pool, struct json_member m, amqp_field_value_t *v)
{
	int64_t n;

	if (str_eq(m.key, STR("$timestamp"))) {
		v->kind = AMQP_FIELD_KIND_TIMESTAMP;
		if (!json_int(m.value, &n) || n < 0)
			return 0;
		v->value.u64 = (uint64_t)n;
		return 1;
	}
	if (json_kind(m.value) != 's')
		return 0;
	if (str_eq(m.key, STR("$decimal")))
		return decimal(inside_quotes(m.value), v);
	v->kind = AMQP_FIELD_KIND_BYTES;
	return from_base64(pool, inside_quotes(m.value), &v->value.bytes);
}

/* The one member of an object whose name says that it is no table. */
static int
is_special(struct str json, struct json_member *m)
{
	static const char *const names[] = { "$base64", "$timestamp",
	    "$decimal" };
	struct json_walk w;

	json_walk(&w, json);
	if (json_next(&w, m) != 1)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_eq(m->key, str_of(names[i])))
			return count(json) == 1;
	return 0;
}

int
mq_text(amqp_pool_t *pool, struct str json, amqp_bytes_t *out)
{
	struct json_member m;

	if (json_kind(json) == 's') {
		*out = unquoted(pool, inside_quotes(json));
		return 1;
	}
	return json_kind(json) == 'o' && is_special(json, &m) &&
	    str_eq(m.key, STR("$base64")) && json_kind(m.value) == 's' &&
	    from_base64(pool, inside_quotes(m.value), out);
}

static int
value(amqp_pool_t *pool, struct str json, amqp_field_value_t *v,
    const char **why)
{
	struct json_member m;

	switch (json_kind(json)) {
	case 's':
		v->kind = AMQP_FIELD_KIND_UTF8;
		v->value.bytes = unquoted(pool, inside_quotes(json));
		return 1;
	case 't':
	case 'f':
		v->kind = AMQP_FIELD_KIND_BOOLEAN;
		v->value.boolean = *json.p == 't';
		return 1;
	case 'n':
		v->kind = AMQP_FIELD_KIND_VOID;
		return 1;
	case 'a':
		v->kind = AMQP_FIELD_KIND_ARRAY;
		return array(pool, json, &v->value.array, why);
	case 'o':
		*why = "headers: a malformed $base64, $timestamp or $decimal";
		if (is_special(json, &m))
			return special(pool, m, v);
		v->kind = AMQP_FIELD_KIND_TABLE;
		return mq_table_encode(pool, json, &v->value.table, why);
	default:
		return number(json, v, why);
	}
}
