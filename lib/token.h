/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_H
#define TOKEN_H

/*
 * JSON Web Tokens (RFC 7519): checked, and signed.  lib/token.c is the only
 * place that knows libjwt, which does the signatures.
 *
 *  - The key says which algorithm it is for, never the token: a secret HS256,
 *    a public key in PEM RS256 or ES256, by its kind.  "none" is none.
 *  - Times and claims are read here, by the parser that everything else is
 *    read with; claims stay as they were spelled,
 *    but for breaks of lines.
 *  - What is wrong is said in the words of jsonwebtoken, which clients know.
 */

#include <stdint.h>

#include "buf.h"

#define TOKEN_MAX	(16 << 10)	/* bytes of a token */
#define SECRET_MIN	32		/* of a secret: RFC 7518 3.2 */
#define TOKEN_LIFE	86400		/* seconds, unless its claims say exp */

struct token_key;

/* From a file, where a newline at the end of a secret is none of it; ends the
 * program (100) when there is no key in it. */
struct token_key *token_key_read(const char *path);

enum token_verdict { TOKEN_GOOD, TOKEN_BAD, TOKEN_EXPIRED, TOKEN_EARLY };

struct token {
	struct buf claims;	/* the object, when it is good */
	int64_t expires;	/* in seconds; 0: never */
	const char *why;	/* what is wrong */
	int64_t at;		/* when it expired, or will be valid */
};

/* now: in seconds.  No key (NULL): none is good. */
enum token_verdict token_check(struct token *, const struct token_key *,
	    struct str text, int64_t now);

/* A token with these claims, and with iat and exp where they are not among
 * them, instead of what was in the buf: NULL, or why not.  The key has to be a
 * secret. */
const char *token_sign(struct buf *, const struct token_key *,
	    struct str claims, int64_t now);

#endif
