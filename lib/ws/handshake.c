/* SPDX-License-Identifier: ISC */

/*
 * The handshakes of TLS: the certificate of all listeners, who is let in, and
 * what those who were not are told and counted as.  What follows is relay.c's.
 */

#include <netinet/in.h>
#include <sys/socket.h>

#include "../log.h"
#include "../tls.h"
#include "conn.h"

static uint64_t handshakes, failed[TLS_OTHER + 1], late, bad_files;

const struct figure ws_tls_figures[] = {
	{ "leaving", &tally.leaving,
	    "sockets that are closed when their last bytes are out" },
	{ "tls_handshakes_total", &handshakes, "TLS handshakes" },
	{ "tls_left_total", &failed[TLS_LEFT], "given up: the client left" },
	{ "tls_late_total", &late, "given up: they took too long" },
	{ "tls_plain_total", &failed[TLS_PLAIN], "failed: no TLS came" },
	{ "tls_http_total", &failed[TLS_HTTP], "failed: plain HTTP came" },
	{ "tls_version_total", &failed[TLS_VERSION],
	    "failed: no version, cipher or protocol in common" },
	{ "tls_alert_total", &failed[TLS_ALERT],
	    "failed: the client said so" },
	{ "tls_other_total", &failed[TLS_OTHER], "failed otherwise" },
	{ "tls_bad_files_total", &bad_files,
	    "certificates and keys that were no good after a HUP" },
	{ NULL, NULL, NULL }
};

static struct tls_context *context;

/* ---- the certificate ------------------------------------------------- */

const char *
ws_certify(void)
{
	const char *why;
	struct tls_context *fresh;

	if (config.cert == NULL)
		return NULL;
	fresh = tls_server(config.cert, config.key, &why);
	if (fresh == NULL) {
		bad_files++;
		return why;
	}
	handshake_stop();
	context = fresh;
	return NULL;
}

void
handshake_stop(void)
{
	tls_context_free(context);
	context = NULL;
}

int
handshake_wanted(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof a;

	return context != NULL &&
	    getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
	    a.ss_family != AF_UNIX;
}

/* ---- one handshake --------------------------------------------------- */

struct tls *
handshake_new(int fd)
{
	return tls_accept(context, fd);
}

static void
tell(const struct tls *tls, const struct ws_conn *c)
{
	char remote[INET6_ADDRSTRLEN];

	ws_remote(c, remote, sizeof remote);
	info("%s: TLS: %s", remote, tls_why(tls));
	failed[tls_failure(tls)]++;
}

/* Who speaks plainly is told so; what it said is read, lest the answer be
 * lost to a reset. */
static void
answer_plainly(int fd)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n"
	    "Connection: close\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 26\r\n\r\nThis port speaks TLS only\n";
	char request[TLS_RECORD];

	if (recv(fd, request, sizeof request, 0) > 0 &&
	    send(fd, text, sizeof text - 1, 0) > 0)
		shutdown(fd, SHUT_WR);
}

int
handshake_step(struct tls *tls, int fd, const struct ws_conn *c)
{
	int done = tls_handshake(tls);

	if (done == 1)
		handshakes++;
	if (done != -1)
		return done;
	tell(tls, c);
	if (tls_failure(tls) == TLS_HTTP)
		answer_plainly(fd);
	return -1;
}

void
handshake_late(void)
{
	late++;
}
