/* SPDX-License-Identifier: ISC */

/*
 * Field tables as JSON and back (rk-amqp-bridge(1), HEADERS AND PROPERTIES).
 *
 *	JSON				AMQP
 *	"text"				S	UTF-8
 *	17				I, l	the smaller one that fits
 *	1.5, 1e3			d
 *	true, null			t, V
 *	{...}, [...]			F, A
 *	{"$base64":"AAE="}		x, and an S that is not UTF-8
 *	{"$timestamp":1700000000}	T
 *	{"$decimal":"12.50"}		D
 *
 * The other numbers of AMQP become JSON numbers; NaN and infinities become
 * null.  A key that is not UTF-8 is written "$base64:...".  What is nested
 * deeper than DEPTH is left as the $base64 of its bytes.
 *
 * We decode ourselves: librabbitmq's decoder recurses as deep as a publisher
 * likes.  Encoding goes through its structures, in a pool, because methods
 * take their arguments so.
 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../frame.h"
#include "../json.h"
#include "../log.h"
#include "conn.h"

#define DEPTH		32
#define NUMBER		400	/* digits of a number, at most */

/* --- JSON to AMQP --- */

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

/* --- AMQP to JSON --- */

/* n bytes from the front: NULL when there are less. */
static const char *
take(struct str *s, size_t n)
{
	const char *p = s->p;

	if (n > s->n)
		return NULL;
	s->p += n;
	s->n -= n;
	return p;
}

/* A big-endian number of n bytes. */
int
mq_take_number(struct str *s, size_t n, uint64_t *out)
{
	const unsigned char *p = (const unsigned char *)take(s, n);

	*out = 0;
	if (p == NULL)
		return 0;
	while (n-- > 0)
		*out = *out << 8 | *p++;
	return 1;
}

/* Bytes behind their length, which has size bytes. */
int
mq_take_sized(struct str *s, size_t size, struct str *out)
{
	uint64_t n;

	if (!mq_take_number(s, size, &n))
		return 0;
	out->n = (size_t)n;
	return (out->p = take(s, out->n)) != NULL;
}

static int
put_base64(struct buf *b, struct str s)
{
	return buf_adds(b, STR("{\"$base64\":\"")) == 1 &&
	    base64_encode(b, s) == 1 && buf_adds(b, STR("\"}")) == 1;
}

int
mq_put_text(struct buf *b, struct str s)
{
	return utf8_check(s) ? json_quote(b, s) == 1 : put_base64(b, s);
}

static int
put_key(struct buf *b, struct str s)
{
	if (utf8_check(s))
		return json_quote(b, s) == 1;
	return buf_adds(b, STR("\"$base64:")) == 1 &&
	    base64_encode(b, s) == 1 && buf_addc(b, '"') == 1;
}

/* The shortest of two spellings that reads back the same; never an integer's,
 * so that it stays what it is on its way back. */
static int
put_double(struct buf *b, double d, int few, int many)
{
	char text[64];

	if (!isfinite(d))
		return buf_adds(b, STR("null")) == 1;
	snprintf(text, sizeof text, "%.*g", few, d);
	if (few == 6 ? strtof(text, NULL) != (float)d :
	    strtod(text, NULL) != d)
		snprintf(text, sizeof text, "%.*g", many, d);
	return buf_addf(b, "%s%s", text,
	    strpbrk(text, ".e") ? "" : ".0") == 1;
}

static int
put_decimal(struct buf *b, unsigned decimals, uint32_t n)
{
	char digits[300];
	int len = snprintf(digits, sizeof digits, "%0*" PRIu32,
	    (int)decimals + 1, n);

	return buf_addf(b, "{\"$decimal\":\"%.*s%s%s\"}",
	    len - (int)decimals, digits, decimals ? "." : "",
	    digits + len - decimals) == 1;
}

static int put_value(struct buf *, struct str *, int);

static int
put_array(struct buf *b, struct str s, int depth)
{
	int first = 1;

	if (depth == DEPTH)
		return put_base64(b, s);
	if (buf_addc(b, '[') == -1)
		return 0;
	for (; s.n > 0; first = 0)
		if ((!first && buf_addc(b, ',') == -1) ||
		    !put_value(b, &s, depth + 1))
			return 0;
	return buf_addc(b, ']') == 1;
}

static int
put_table(struct buf *b, struct str s, int depth)
{
	struct str key;
	int first = 1;

	if (depth == DEPTH)
		return put_base64(b, s);
	if (buf_addc(b, '{') == -1)
		return 0;
	for (; s.n > 0; first = 0)
		if ((!first && buf_addc(b, ',') == -1) ||
		    !mq_take_sized(&s, 1, &key) || !put_key(b, key) ||
		    buf_addc(b, ':') == -1 || !put_value(b, &s, depth + 1))
			return 0;
	return buf_addc(b, '}') == 1;
}

/* The integers: how many bytes, and whether the first bit is a sign. */
static const struct integer {
	char kind;
	unsigned char size, is_signed;
} integers[] = {
	{ 'b', 1, 1 }, { 'B', 1, 0 }, { 's', 2, 1 }, { 'u', 2, 0 },
	{ 'I', 4, 1 }, { 'i', 4, 0 }, { 'l', 8, 1 }, { 'L', 8, 0 }
};

static int
put_integer(struct buf *b, struct str *s, const struct integer *i)
{
	unsigned shift = 64 - 8u * i->size;
	uint64_t n;

	if (!mq_take_number(s, i->size, &n))
		return 0;
	if (!i->is_signed)
		return buf_addf(b, "%" PRIu64, n) == 1;
	return buf_addf(b, "%" PRId64, (int64_t)(n << shift) >> shift) == 1;
}

static int
put_float(struct buf *b, struct str *s)
{
	uint64_t n;
	uint32_t bits;
	float f;

	if (!mq_take_number(s, 4, &n))
		return 0;
	bits = (uint32_t)n;
	memcpy(&f, &bits, sizeof f);
	return put_double(b, (double)f, 6, 9);
}

static int
put_value(struct buf *b, struct str *s, int depth)
{
	const char *kind = take(s, 1);
	struct str bytes;
	uint64_t n, more;
	double d;

	if (kind == NULL)
		return 0;
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
		if (integers[i].kind == *kind)
			return put_integer(b, s, &integers[i]);
	switch (*kind) {
	case 'S':
		return mq_take_sized(s, 4, &bytes) && mq_put_text(b, bytes);
	case 'x':
		return mq_take_sized(s, 4, &bytes) && put_base64(b, bytes);
	case 'F':
		return mq_take_sized(s, 4, &bytes) && put_table(b, bytes, depth);
	case 'A':
		return mq_take_sized(s, 4, &bytes) && put_array(b, bytes, depth);
	case 't':
		return mq_take_number(s, 1, &n) &&
		    buf_adds(b, n ? STR("true") : STR("false")) == 1;
	case 'V':
		return buf_adds(b, STR("null")) == 1;
	case 'T':
		return mq_take_number(s, 8, &n) &&
		    buf_addf(b, "{\"$timestamp\":%" PRIu64 "}", n) == 1;
	case 'D':
		return mq_take_number(s, 1, &n) && mq_take_number(s, 4, &more) &&
		    put_decimal(b, (unsigned)n, (uint32_t)more);
	case 'f':
		return put_float(b, s);
	case 'd':
		if (!mq_take_number(s, 8, &n))
			return 0;
		memcpy(&d, &n, sizeof d);
		return put_double(b, d, 15, 17);
	default:
		return 0;
	}
}

int
mq_table_decode(struct buf *b, struct str table)
{
	return put_table(b, table, 0);
}
