/* SPDX-License-Identifier: ISC */
#ifndef TLS_H
#define TLS_H

/*
 * TLS 1.2 and 1.3 over a non-blocking socket, both ends.  This is the only
 * place that knows OpenSSL.
 *
 *  - A context holds what is read from files, a session is one connection.
 *    A session keeps its context: a new one can replace it at any time.
 *  - The socket is the caller's, who watches and closes it.  One call reads
 *    or writes at most one record (16 KiB), and nothing that was read stays
 *    in the session: a socket that is not readable has nothing to say.
 *  - A session holds no buffers while nothing is on its way.
 *  - Under TLS 1.3 we encrypt what is written: tls/seal.h.
 *  - A client verifies the chain and the name of who answers; there is no
 *    way not to.  A server asks for no certificate.
 *  - Renegotiation and compression are off.  Tickets resume sessions, so
 *    nothing is kept for those that are over.
 */

#include <sys/types.h>

#define TLS_RECORD	16384	/* bytes of a record, at most */

struct tls_context;
struct tls;

/* A chain and its key, in PEM.  NULL: *why says which file, and what is wrong
 * with it (static). */
struct tls_context *tls_server(const char *cert, const char *key,
	    const char **why);
/* ca: who is trusted, NULL for whom the system trusts.  cert, key: who we
 * are, both or none. */
struct tls_context *tls_client(const char *ca, const char *cert,
	    const char *key, const char **why);
void	 tls_context_free(struct tls_context *);	/* may be NULL */

/* Sessions, before their handshake.  host: a name or an address. */
struct tls *tls_accept(struct tls_context *, int fd);
struct tls *tls_connect(struct tls_context *, int fd, const char *host);
void	 tls_free(struct tls *);			/* may be NULL */

/* 1: it is done; 0: not yet, see tls_wants_write(); -1: it failed. */
int	 tls_handshake(struct tls *);
/* A handshake waits for the socket to be writable, not readable. */
int	 tls_wants_write(const struct tls *);

/* As read(2) and write(2): 0 is the end, with or without a goodbye; -1 with
 * errno, which is EPROTO where tls_why() says more.  After EAGAIN the same
 * bytes, or those and more, must be written again. */
ssize_t	 tls_read(struct tls *, void *, size_t);
ssize_t	 tls_write(struct tls *, const void *, size_t);
void	 tls_look_ahead(const struct tls *);	/* it will be written to */
/* Says goodbye (close_notify), and does not wait for the peer's: 1, or -1
 * with errno. */
int	 tls_goodbye(struct tls *);

enum tls_failure {
	TLS_LEFT,		/* the peer, before the end */
	TLS_PLAIN,		/* what came is no TLS */
	TLS_HTTP,		/* the same: it is a request */
	TLS_VERSION,		/* no version, cipher or protocol in common */
	TLS_ALERT,		/* the peer did not want to go on */
	TLS_CERTIFICATE,	/* the peer's is not good */
	TLS_OTHER
};
enum tls_failure tls_failure(const struct tls *);
const char *tls_why(const struct tls *);	/* never empty */

#endif
