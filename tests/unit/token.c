/* SPDX-License-Identifier: ISC */
/*
 * Tokens: those that a well-known library made, and what is done to them.
 * The keys and tokens are tests/fixtures/token/.
 */
#include "token.h"
#include "unit.h"

#define NOW	1795213219

static struct token token;

/* The line of a file in the fixtures. */
static struct str
fixture(const char *name)
{
	static struct buf b = { .max = 64 << 10 };
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "tests/fixtures/token/%s", name);
	f = fopen(path, "r");
	buf_clear(&b);
	CHECK(f != NULL);
	while (f != NULL && buf_read(&b, fileno(f), 65536) > 0)
		;
	if (f != NULL)
		fclose(f);
	while (b.len > 0 && b.data[b.len - 1] == '\n')
		b.len--;
	return buf_str(&b);
}

/* A key is for the life of a program. */
#define KEPT	4096
static struct token_key *kept[KEPT];
static size_t nkept;

static const struct token_key *
key(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "tests/fixtures/token/%s", name);
	return kept[nkept++ % KEPT] = token_key_read(path);
}

#define CHECKED(key, text, verdict, said) do { \
	CHECK_INT(token_check(&token, key, guard_end(text), NOW), verdict); \
	if ((verdict) != TOKEN_GOOD) \
		CHECK_STR(str_of(token.why), said); \
} while (0)

TEST(good, "a secret is for HS256, a public key for RS256 or ES256")
{
	CHECKED(key("secret"), fixture("hs256.jwt"), TOKEN_GOOD, "");
	CHECK_STR(buf_str(&token.claims), "{\"sub\":\"bob\",\"n\":1.0}");
	CHECK_INT(token.expires, 0);
	CHECKED(key("rsa.pem"), fixture("rs256.jwt"), TOKEN_GOOD, "");
	CHECKED(key("ec.pem"), fixture("es256.jwt"), TOKEN_GOOD, "");
}

TEST(confusion, "the key says the algorithm, not the token")
{
	CHECKED(key("rsa.pem"), fixture("confused.jwt"), TOKEN_BAD,
	    "invalid algorithm");
	CHECKED(key("secret"), fixture("rs256.jwt"), TOKEN_BAD,
	    "invalid algorithm");
	CHECKED(key("ec.pem"), fixture("rs256.jwt"), TOKEN_BAD,
	    "invalid signature");
	CHECKED(key("rsa.pem"), fixture("es256.jwt"), TOKEN_BAD,
	    "invalid signature");
	CHECKED(key("secret"), fixture("none.jwt"), TOKEN_BAD,
	    "jwt signature is required");
	CHECKED(key("secret"), fixture("none-signed.jwt"), TOKEN_BAD,
	    "invalid algorithm");
	CHECKED(key("secret"), fixture("hs512.jwt"), TOKEN_BAD,
	    "invalid algorithm");
	CHECKED(key("other"), fixture("hs256.jwt"), TOKEN_BAD,
	    "invalid signature");
	CHECKED(NULL, fixture("hs256.jwt"), TOKEN_BAD, "invalid signature");
}

TEST(times, "expiry and not-before")
{
	CHECKED(key("secret"), fixture("expires.jwt"), TOKEN_GOOD, "");
	CHECK_INT(token.expires, NOW + 1);
	CHECKED(key("secret"), fixture("expired.jwt"), TOKEN_EXPIRED,
	    "jwt expired");
	CHECK_INT(token.at, NOW);
	CHECKED(key("secret"), fixture("early.jwt"), TOKEN_EARLY,
	    "jwt not active");
	CHECK_INT(token.at, NOW + 1);
	CHECKED(key("secret"), fixture("exp-text.jwt"), TOKEN_BAD,
	    "invalid exp value");
}

TEST(far, "times beyond all dates")
{
	static const struct {
		const char *exp;
		enum token_verdict verdict;
		int64_t at;
	} cases[] = {
		{ "3163758978215487", TOKEN_GOOD, 8640000000000 },
		{ "-3163758978215487", TOKEN_EXPIRED, -8640000000000 },
		{ "-0.5", TOKEN_EXPIRED, -1 }
	};
	struct buf claims = BUF(64), b = BUF(TOKEN_MAX);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_clear(&claims);
		buf_addf(&claims, "{\"exp\":%s}", cases[i].exp);
		buf_clear(&b);
		CHECK(token_sign(&b, key("secret"), buf_str(&claims), NOW) ==
		    NULL);
		CHECK_INT(token_check(&token, key("secret"), buf_str(&b), NOW),
		    cases[i].verdict);
		CHECK_INT(token.at, cases[i].at);
	}
	buf_free(&claims);
	buf_free(&b);
}

TEST(lines, "breaks of lines in claims are none in frames")
{
	CHECKED(key("secret"), fixture("lines.jwt"), TOKEN_GOOD, "");
	CHECK_STR(buf_str(&token.claims), "{ \"sub\": \"bob\"  }");
}

TEST(signing, "a secret signs what it checks")
{
	struct buf b = BUF(TOKEN_MAX);
	const char *why = token_sign(&b, key("secret"),
	    STR("{\"sub\":\"bob\"}"), NOW);

	CHECK(why == NULL);
	CHECKED(key("secret"), buf_str(&b), TOKEN_GOOD, "");
	CHECK(strstr(token.claims.data, "\"sub\":\"bob\"") != NULL);
	CHECK_INT(token.expires, NOW + TOKEN_LIFE);
	CHECKED(key("other"), buf_str(&b), TOKEN_BAD, "invalid signature");
	CHECK(token_sign(&b, key("secret"), STR("{\"exp\":7,\"iat\":5}"),
	    NOW) == NULL);
	CHECKED(key("secret"), buf_str(&b), TOKEN_EXPIRED, "jwt expired");
	CHECK_INT(token.at, 7);
	CHECK_STR(str_of(token_sign(&b, key("rsa.pem"), STR("{}"), NOW)),
	    "there is no secret to sign with");
	CHECK(token_sign(&b, NULL, STR("{}"), NOW) != NULL);
	CHECK(token_sign(&b, key("secret"), STR("[]"), NOW) != NULL);
	buf_free(&b);
}

TEST(garbage, "what is no token")
{
	static const char *const texts[] = { "x", ".", "...", "e30.e30",
	    "e30.e30.e30.e30" };
	static const char *const three[] = { "..", "a.b.c", "W10.e30.x",
	    "e30.W10.x", "e30=.e30.x", "\x80.e30.x" };
	char text[4096];
	struct str s = fixture("hs256.jwt");

	CHECKED(key("secret"), STR(""), TOKEN_BAD, "jwt must be provided");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		CHECKED(key("secret"), str_of(texts[i]), TOKEN_BAD,
		    "jwt malformed");
	for (size_t i = 0; i < sizeof three / sizeof *three; i++)
		CHECKED(key("secret"), str_of(three[i]), TOKEN_BAD,
		    "invalid token");
	CHECKED(key("secret"), STR("e30.e30.x"), TOKEN_BAD,
	    "invalid algorithm");
	memcpy(text, s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {	/* no byte may be another */
		text[i] = (char)(text[i] == 'A' ? 'B' : 'A');
		if (i + 1 < s.n)		/* its last bits are padding */
			CHECK_INT(token_check(&token, key("secret"),
			    (struct str){ text, s.n }, NOW), TOKEN_BAD);
		text[i] = s.p[i];
	}
}
