/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <strings.h>

#include "endpoints.h"
#include "grant.h"
#include "loop.h"
#include "token.h"

uint64_t grant_bad;

const struct figure grant_figures[] = {
	{ "tokens_refused_total", &grant_bad,
	    "requests refused for their token" },
	{ NULL, NULL, NULL }
};

static int64_t
now(void)
{
	return loop_ms() / 1000;
}

/* ---- brought --------------------------------------------------------- */

/* What is behind `Bearer` (RFC 6750, 2.1). */
static struct str
bearer(const struct http_head *h)
{
	struct str s = http_header(h, "authorization");

	if (s.p == NULL || s.n < 7 || strncasecmp(s.p, "Bearer ", 7) != 0)
		return (struct str){ NULL, 0 };
	for (s.p += 7, s.n -= 7; s.n > 0 && *s.p == ' '; s.n--)
		s.p++;
	return s;
}

/* `token` of the query; tokens have nothing that is escaped in one. */
static struct str
in_query(struct str q)
{
	const char *end = q.p + q.n, *amp;
	struct str s;

	for (; q.n > 0; q = (struct str){ amp + 1, (size_t)(end - amp - 1) }) {
		amp = memchr(q.p, '&', q.n);
		s = (struct str){ q.p, amp == NULL ? q.n :
		    (size_t)(amp - q.p) };
		if (s.n >= 6 && memcmp(s.p, "token=", 6) == 0)
			return (struct str){ s.p + 6, s.n - 6 };
		if (amp == NULL)
			break;
	}
	return (struct str){ NULL, 0 };
}

int
grant_read(struct grant *g, const struct endpoint *e,
    const struct http_head *h)
{
	static struct token token;
	struct str text = bearer(h);

	*g = (struct grant){ NULL, 0 };
	if (e->key == NULL)
		return 1;
	if (text.p == NULL)
		text = in_query(h->query);
	if (text.p == NULL)
		return 1;
	if (token_check(&token, e->key, text, now()) != TOKEN_GOOD) {
		grant_bad++;
		return 0;
	}
	g->claims = mem_strn(token.claims.data, token.claims.len);
	g->expires = token.expires;
	return 1;
}

void
grant_take(struct conn *c, struct grant *g)
{
	c->claims = g->claims;
	c->expires = g->expires;
	g->claims = NULL;
}

void
grant_share(struct conn *c, const struct grant *g)
{
	struct grant copy = *g;

	if (g->claims != NULL)
		copy.claims = mem_str(g->claims);
	grant_take(c, &copy);
}

void
grant_drop(struct grant *g)
{
	free(g->claims);
	g->claims = NULL;
}

const char *
grant_claims(const struct conn *c)
{
	return c->expires != 0 && now() >= c->expires ? NULL : c->claims;
}

/* ---- given ------------------------------------------------------------ */

const char *
grant_sign(struct buf *b, const struct endpoint *e, const struct frame *f)
{
	const struct endpoint *x = endpoints;

	while (e->key == NULL && x != NULL) {
		e = x->key != NULL ? x : e;
		x = x->next;
	}
	if (json_kind(f->v[K_CLAIMS]) != 'o')
		return "claims is an object";
	return token_sign(b, e->key, f->v[K_CLAIMS], now());
}

struct gift {
	struct str claims;
	const char *why;
};

static void
give(struct conn *c, void *arg)
{
	struct gift *g = arg;
	const struct dialect *d = c->endpoint->dialect;
	const char *why = d->set_claims == NULL ?
	    "no tokens can be given on this endpoint" : NULL;

	if (why == NULL && c->open && !c->left)
		why = d->set_claims(c, g->claims);
	if (why != NULL)
		g->why = why;
}

const char *
grant_setauth(struct command *k)
{
	struct gift g = { .claims = STR("") };
	struct target t;
	const char *why = target_read(&t, k->frame, TO_CONN | TO_USER);

	if (why != NULL)
		return why;
	if (frame_has(k->frame, K_CLAIMS))
		g.claims = k->frame->v[K_CLAIMS];
	if (g.claims.n > 0 && json_kind(g.claims) != 'o')
		return "claims is an object";
	target_each(&t, give, &g);
	return g.why;
}
