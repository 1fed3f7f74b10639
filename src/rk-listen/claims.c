/* SPDX-License-Identifier: ISC */

/*
 * The tokens of SocketCluster clients: in the handshake, where a bad one is
 * no end, and later by #authenticate.  What a good one claims are the
 * connection's claims (rk-frame(5)); a `claims` event tells of each change
 * after its `open`.
 */

#include <stdlib.h>

#include "cluster.h"
#include "endpoint.h"
#include "event.h"
#include "loop.h"
#include "roster.h"
#include "token.h"

static struct token token;
static struct buf error = { .max = 4096 };

/* What is wrong with it, in error. */
static void
put_wrong(enum token_verdict verdict)
{
	static const enum sc_wrong kinds[] = { [TOKEN_BAD] = SC_INVALID,
	    [TOKEN_EXPIRED] = SC_EXPIRED, [TOKEN_EARLY] = SC_EARLY };

	buf_clear(&error);
	sc_write_wrong(&error, kinds[verdict], token.why, token.at);
}

static enum token_verdict
no_string(void)
{
	buf_clear(&error);
	sc_write_wrong(&error, SC_NO_STRING,
	    "Invalid token format - Token must be a string", 0);
	return TOKEN_BAD;
}

static void
forget(struct conn *c)
{
	free(c->claims);
	c->claims = NULL;
	c->expires = 0;
}

/* The token between the quotes; it has no escapes, or is none. */
static enum token_verdict
check(struct cluster *k, struct str quoted)
{
	struct conn *c = k->conn;
	struct str text = quoted;
	enum token_verdict v;

	forget(c);
	if (quoted.n > 0 && json_kind(quoted) != 's')
		return no_string();
	if (quoted.n > 0)
		text = (struct str){ quoted.p + 1, quoted.n - 2 };
	v = token_check(&token, k->endpoint->key, text, loop_ms() / 1000);
	if (v != TOKEN_GOOD) {
		put_wrong(v);
		return v;
	}
	c->claims = mem_strn(token.claims.data, token.claims.len);
	c->expires = token.expires;
	return v;
}

static void
tell(struct cluster *k)
{
	event_begin("claims");
	event_post(k->conn, LINK_WORK);
}

void
claims_tell_removed(struct cluster *k)
{
	struct sc_packet p = { .type = SC_REMOVE_TOKEN };

	if (cluster_protocol(k) == 1)
		p.data = STR("null");
	cluster_send(k, &p);
}

void
claims_remove(struct cluster *k, int to_client)
{
	int had = k->conn->claims != NULL;

	forget(k->conn);
	if (to_client)
		claims_tell_removed(k);
	if (had)
		tell(k);
}

void
claims_expire(struct cluster *k)
{
	if (k->conn->expires != 0 && loop_ms() / 1000 >= k->conn->expires)
		claims_remove(k, 1);
}

void
claims_greet(struct cluster *k, struct str quoted)
{
	enum token_verdict v;

	if (quoted.n == 0 || str_eq(quoted, STR("\"\"")) ||
	    str_eq(quoted, STR("false")) || str_eq(quoted, STR("0")))
		return;		/* as that of JavaScript, none */
	v = check(k, quoted);
	if (v == TOKEN_GOOD)
		return;
	k->error = mem_strn(error.data, error.len);
	k->bad = v != TOKEN_EARLY;
}

/* Protocol 1 hears first that it is to be forgotten, and data beside the
 * error. */
static void
refuse(struct cluster *k, struct str id)
{
	static struct buf data = { .max = 8192 };
	struct sc_packet p = { .type = SC_ANSWER, .id = id,
	    .error = buf_str(&error) };

	if (cluster_protocol(k) == 1) {
		buf_clear(&data);
		sc_write_auth(&data, 0, buf_str(&error));
		p.data = buf_str(&data);
		claims_tell_removed(k);
	}
	if (id.n > 0)
		cluster_send(k, &p);
	if (cluster_protocol(k) != 1)
		claims_tell_removed(k);
}

void
claims_authenticate(struct cluster *k, const struct sc_packet *p)
{
	static struct buf data = { .max = 8192 };
	int had = k->conn->claims != NULL;
	enum token_verdict v = check(k, p->token);

	if (v == TOKEN_GOOD || v == TOKEN_EARLY) {
		buf_clear(&data);
		sc_write_auth(&data, v == TOKEN_GOOD,
		    v == TOKEN_GOOD ? STR("") : buf_str(&error));
		cluster_answer(k, p->id, buf_str(&data));
	} else
		refuse(k, p->id);
	if (had || v == TOKEN_GOOD)
		tell(k);
}

/* Quoted, as letters and dots can be. */
static struct str
quoted(struct str text)
{
	static struct buf b = { .max = TOKEN_MAX + 2 };

	buf_clear(&b);
	buf_addc(&b, '"');
	buf_adds(&b, text);
	buf_addc(&b, '"');
	return buf_str(&b);
}

const char *
claims_set(struct conn *c, struct str claims)
{
	static struct buf text = { .max = TOKEN_MAX }, data;
	struct sc_packet p = { .type = SC_SET_TOKEN };
	struct cluster *k = cluster_of(c);
	const char *why;

	if (claims.n == 0) {
		forget(c);
		claims_tell_removed(k);
		return NULL;
	}
	why = token_sign(&text, c->endpoint->key, claims, loop_ms() / 1000);
	if (why != NULL)
		return why;
	if (check(k, quoted(buf_str(&text))) == TOKEN_BAD)
		return token.why;
	data.max = 2 * TOKEN_MAX;
	buf_clear(&data);
	sc_write_token(&data, quoted(buf_str(&text)));
	p.data = buf_str(&data);
	cluster_send(k, &p);
	return NULL;
}
