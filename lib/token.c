/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <jwt.h>

#include "frame.h"
#include "log.h"
#include "token.h"

struct token_key {
	struct buf bytes;
	int pem;
};

/* ---- keys ------------------------------------------------------------ */

static int
has(struct str s, const char *word)
{
	return memmem(s.p, s.n, word, strlen(word)) != NULL;
}

struct token_key *
token_key_read(const char *path)
{
	static struct token_key *k;	/* an end loses nothing */
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf *b;
	ssize_t n;

	k = mem_new(sizeof *k);
	b = &k->bytes;
	*b = BUF(64 << 10);
	while (fd != -1 && (n = buf_read(b, fd, 4096)) > 0)
		;
	if (fd == -1 || n == -1)
		die(100, "%s: %s", path, strerror(errno));
	close(fd);
	k->pem = has(buf_str(b), "-----BEGIN ");
	if (has(buf_str(b), "PRIVATE KEY-----"))
		die(100, "%s: a private key: clients' tokens are checked with "
		    "the public one", path);
	if (!k->pem && b->len > 0 && b->data[b->len - 1] == '\n')
		b->len--;
	if (!k->pem && buf_size(b) < SECRET_MIN)
		die(100, "%s: a secret is at least %d bytes", path,
		    SECRET_MIN);
	return k;
}

/* ---- reading --------------------------------------------------------- */

/* Base64url without padding (RFC 7515, appendix C), added: 1, or 0. */
static int
decode(struct buf *b, struct str s)
{
	struct buf plain = BUF(s.n + 4);
	int r;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '+' || s.p[i] == '/' || s.p[i] == '=')
			return 0;
	buf_adds(&plain, s);
	for (size_t i = 0; i < plain.len; i++)
		plain.data[i] = (char)(plain.data[i] == '-' ? '+' :
		    plain.data[i] == '_' ? '/' : plain.data[i]);
	while (plain.len % 4 != 0)
		buf_addc(&plain, '=');
	r = base64_decode(b, buf_str(&plain)) == 1;
	buf_free(&plain);
	return r;
}

/* The part up to a dot, or the rest. */
static struct str
part(struct str *s)
{
	const char *dot = memchr(s->p, '.', s->n);
	struct str first = { s->p, dot == NULL ? s->n :
	    (size_t)(dot - s->p) };

	s->p += first.n + (dot != NULL);
	s->n -= first.n + (dot != NULL);
	return first;
}

static struct str
member(struct str object, const char *name)
{
	struct str value = STR("");
	struct json_walk w;
	struct json_member m;

	if (json_walk(&w, object) && w.object)
		while (json_next(&w, &m) == 1)
			if (json_says(m.key, name))
				value = m.value;
	return value;
}

static int
is_object(struct str s)
{
	const char *why;

	return s.n > 0 && s.p[0] == '{' && json_check(s, &why);
}

/* Breaks of lines, which can only be between its tokens, become spaces: claims
 * go into frames. */
static void
one_line(struct buf *b)
{
	for (size_t i = b->pos; i < b->len; i++)
		if (b->data[i] == '\n' || b->data[i] == '\r')
			b->data[i] = ' ';
}

#define TIME_MAX	8640000000000	/* seconds, of a Date: ECMA-262 */

/* A time of the claims: 1; 0: there is none; -1: it is no number.  One that is
 * further off than any date is the last, or the first. */
static int
time_of(struct str claims, const char *name, int64_t *at)
{
	struct str v = member(claims, name);
	char text[64];
	double t;

	if (v.n == 0)
		return 0;
	if (json_kind(v) != '0' || v.n >= sizeof text)
		return -1;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	t = strtod(text, NULL);
	t = t > TIME_MAX ? TIME_MAX : t < -TIME_MAX ? -TIME_MAX : t;
	*at = (int64_t)t;
	*at -= (double)*at > t;		/* down, also below 0 */
	return 1;
}

static size_t
parts(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '.';
	return n;
}

/* ---- checking -------------------------------------------------------- */

/* What the header says, if the key is for it. */
static jwt_alg_t
algorithm(const struct token_key *key, struct str header)
{
	struct str alg = member(header, "alg");

	if (str_eq(alg, STR("\"HS256\"")))
		return key->pem ? JWT_ALG_INVAL : JWT_ALG_HS256;
	if (str_eq(alg, STR("\"RS256\"")))
		return key->pem ? JWT_ALG_RS256 : JWT_ALG_INVAL;
	if (str_eq(alg, STR("\"ES256\"")))
		return key->pem ? JWT_ALG_ES256 : JWT_ALG_INVAL;
	return JWT_ALG_INVAL;
}

static int
is_signed(const struct token_key *key, struct str text, jwt_alg_t alg)
{
	char *copy = mem_strn(text.p, text.n);
	jwt_t *jwt = NULL;
	int r = jwt_decode(&jwt, copy, (unsigned char *)key->bytes.data,
	    (int)key->bytes.len) == 0 && jwt_get_alg(jwt) == alg;

	jwt_free(jwt);
	free(copy);
	return r;
}

static enum token_verdict
bad(struct token *t, const char *why)
{
	buf_clear(&t->claims);
	t->why = why;
	return TOKEN_BAD;
}

static enum token_verdict
check_times(struct token *t, int64_t now)
{
	struct str claims = buf_str(&t->claims);
	int nbf = time_of(claims, "nbf", &t->at), exp;

	if (nbf == -1)
		return bad(t, "invalid nbf value");
	if (nbf == 1 && now < t->at) {
		t->why = "jwt not active";
		return TOKEN_EARLY;
	}
	exp = time_of(claims, "exp", &t->at);
	if (exp == -1)
		return bad(t, "invalid exp value");
	if (exp == 1 && now >= t->at) {
		t->why = "jwt expired";
		return TOKEN_EXPIRED;
	}
	t->expires = exp == 1 ? t->at : 0;
	return TOKEN_GOOD;
}

enum token_verdict
token_check(struct token *t, const struct token_key *key, struct str text,
    int64_t now)
{
	struct buf header = BUF(TOKEN_MAX);
	struct str rest = text, first, second;
	jwt_alg_t alg;
	int sound;

	t->claims.max = TOKEN_MAX;
	buf_clear(&t->claims);
	t->expires = t->at = 0;
	if (text.n == 0)
		return bad(t, "jwt must be provided");
	if (text.n > TOKEN_MAX || memchr(text.p, '\0', text.n) != NULL)
		return bad(t, "jwt malformed");
	first = part(&rest);
	second = part(&rest);
	sound = decode(&header, first) && is_object(buf_str(&header)) &&
	    decode(&t->claims, second) && is_object(buf_str(&t->claims)) &&
	    memchr(rest.p, '.', rest.n) == NULL && text.n - rest.n ==
	    first.n + second.n + 2;
	alg = sound && key != NULL ? algorithm(key, buf_str(&header)) :
	    JWT_ALG_INVAL;
	buf_free(&header);
	if (!sound)
		return bad(t, parts(text) == 3 ? "invalid token" :
		    "jwt malformed");
	one_line(&t->claims);
	if (rest.n == 0)
		return bad(t, "jwt signature is required");
	if (key != NULL && alg == JWT_ALG_INVAL)
		return bad(t, "invalid algorithm");
	if (key == NULL || !is_signed(key, text, alg))
		return bad(t, "invalid signature");
	return check_times(t, now);
}

/* ---- signing --------------------------------------------------------- */

/* What is among the claims stays: adding it again fails. */
static int
fill(jwt_t *jwt, const struct token_key *key, const char *claims, int64_t now)
{
	if (jwt_add_grants_json(jwt, claims) != 0)
		return 0;
	jwt_add_grant_int(jwt, "iat", (long)now);
	jwt_add_grant_int(jwt, "exp", (long)now + TOKEN_LIFE);
	return jwt_set_alg(jwt, JWT_ALG_HS256,
	    (unsigned char *)key->bytes.data, (int)key->bytes.len) == 0;
}

const char *
token_sign(struct buf *b, const struct token_key *key, struct str claims,
    int64_t now)
{
	char *copy, *text = NULL;
	jwt_t *jwt = NULL;

	buf_clear(b);
	if (key == NULL || key->pem)
		return "there is no secret to sign with";
	copy = mem_strn(claims.p, claims.n);
	if (jwt_new(&jwt) == 0 && fill(jwt, key, copy, now))
		text = jwt_encode_str(jwt);
	if (text != NULL && strlen(text) <= TOKEN_MAX)
		buf_adds(b, str_of(text));
	jwt_free(jwt);
	free(text);
	free(copy);
	return buf_size(b) > 0 ? NULL : "claims that make no token";
}
