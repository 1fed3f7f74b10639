/* SPDX-License-Identifier: ISC */

/*
 * The properties of a message (AMQP 0-9-1, class basic) as a JSON object, and
 * back; headers, one of them, go by themselves.  One table says it all, in
 * the order of the wire.
 */

#include <inttypes.h>

#include "../json.h"
#include "conn.h"

enum kind { SHORT, OCTET, TIME, TABLE };

static const struct property {
	const char *name;
	const char *begin;	/* of a member that is not the first */
	size_t n;
	enum kind kind;
	amqp_flags_t flag;
	size_t at;		/* in amqp_basic_properties_t */
} properties[] = {
#define P(name, kind, FLAG) { #name, ",\"" #name "\":", \
	    sizeof(",\"" #name "\":") - 1, kind, AMQP_BASIC_##FLAG##_FLAG, \
	    offsetof(amqp_basic_properties_t, name) }
	P(content_type, SHORT, CONTENT_TYPE),
	P(content_encoding, SHORT, CONTENT_ENCODING),
	P(headers, TABLE, HEADERS),
	P(delivery_mode, OCTET, DELIVERY_MODE),
	P(priority, OCTET, PRIORITY),
	P(correlation_id, SHORT, CORRELATION_ID),
	P(reply_to, SHORT, REPLY_TO),
	P(expiration, SHORT, EXPIRATION),
	P(message_id, SHORT, MESSAGE_ID),
	P(timestamp, TIME, TIMESTAMP),
	P(type, SHORT, TYPE),
	P(user_id, SHORT, USER_ID),
	P(app_id, SHORT, APP_ID),
	P(cluster_id, SHORT, CLUSTER_ID)
#undef P
};
#define PROPERTIES	(sizeof properties / sizeof properties[0])

/* --- JSON to AMQP --- */

static const struct property *
find(struct str name)
{
	for (size_t i = 0; i < PROPERTIES; i++)
		if (str_eq(name, str_of(properties[i].name)))
			return &properties[i];
	return NULL;
}

static int
set_number(const struct property *p, struct str json, char *field)
{
	uint64_t *time = (uint64_t *)(void *)field;
	int64_t n;

	if (!json_int(json, &n) || n < 0 || (p->kind == OCTET && n > 255))
		return 0;
	if (p->kind == OCTET)
		*(uint8_t *)field = (uint8_t)n;
	else
		*time = (uint64_t)n;
	return 1;
}

static int
set(amqp_pool_t *pool, const struct property *p, struct str json,
    amqp_basic_properties_t *to)
{
	char *field = (char *)to + p->at;
	amqp_bytes_t *bytes = (amqp_bytes_t *)(void *)field;

	to->_flags |= p->flag;
	if (p->kind != SHORT)
		return set_number(p, json, field);
	return mq_text(pool, json, bytes) && bytes->len <= SHORT_MAX;
}

int
mq_properties_encode(amqp_pool_t *pool, struct str json,
    amqp_basic_properties_t *to, const char **why)
{
	const struct property *p;
	struct json_walk w;
	struct json_member m;

	*why = "properties: not an object";
	if (!json_walk(&w, json) || !w.object)
		return 0;
	while (json_next(&w, &m) == 1) {
		p = find(m.key);
		*why = "properties: a name that AMQP does not know";
		if (p == NULL || p->kind == TABLE)
			return 0;
		*why = "properties: a value of the wrong kind, or too long";
		if (json_kind(m.value) != 'n' &&
		    !set(pool, p, m.value, to))
			return 0;
	}
	return 1;
}

/* --- AMQP to JSON --- */

static int
put(struct buf *b, const struct property *p, struct str *raw)
{
	int first = buf_size(b) == 1;
	struct str s;
	uint64_t n;

	if (buf_add(b, p->begin + first, p->n - (size_t)first) == -1)
		return 0;
	if (p->kind == SHORT)
		return mq_sized(raw, 1, &s) && mq_put_text(b, s);
	if (!mq_number(raw, p->kind == OCTET ? 1 : 8, &n))
		return 0;
	return (n <= INT64_MAX ? buf_addn(b, (int64_t)n) :
	    buf_addf(b, "%" PRIu64, n)) == 1;
}

/* An empty table is as good as none. */
static int
put_headers(struct buf *b, struct str *raw)
{
	struct str table;

	return mq_sized(raw, 4, &table) &&
	    (table.n == 0 || mq_table_decode(b, table));
}

static int
decode(struct buf *props, struct buf *headers, struct str raw)
{
	uint64_t flags;
	size_t i;

	if (!mq_number(&raw, 2, &flags) || flags & 3)
		return 0;	/* no more flags follow, none unknown */
	if (buf_addc(props, '{') == -1)
		return 0;
	for (i = 0; i < PROPERTIES; i++) {
		if (!(flags & properties[i].flag))
			continue;
		if (properties[i].kind == TABLE ?
		    !put_headers(headers, &raw) :
		    !put(props, &properties[i], &raw))
			return 0;
	}
	return buf_addc(props, '}') == 1;
}

int
mq_properties_decode(struct buf *props, struct buf *headers, struct str raw)
{
	int ok;

	buf_clear(props);
	buf_clear(headers);
	ok = decode(props, headers, raw);
	if (!ok)
		buf_clear(headers);
	if (!ok || buf_size(props) == 2)
		buf_clear(props);
	return ok;
}
