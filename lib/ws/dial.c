/* SPDX-License-Identifier: ISC */

/*
 * The client half: where a URL leads to, and what is said while connecting.
 * Looking up a host's name blocks (Debian's libwebsockets has no other way):
 * who cannot wait gives an address.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include <libwebsockets.h>

#include "../log.h"
#include "conn.h"

#define DIAL_SECONDS	20

struct dial {
	char *host;		/* "" for a Unix socket */
	char *address;		/* what to connect to; "+PATH": Unix socket */
	char *path;
	char *subprotocol;
	char *headers;		/* whole lines, with CRLF */
	char chosen[128];	/* subprotocol */
	char why[128];
	int port, tls;
};

/* ---- URLs ------------------------------------------------------------ */

static int
begins(const char **s, const char *with)
{
	size_t n = strlen(with);

	if (strncmp(*s, with, n) != 0)
		return 0;
	*s += n;
	return 1;
}

static int
parse_port(const char *s, size_t n)
{
	int port = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || i == 5)
			return -1;
		port = port * 10 + (s[i] - '0');
	}
	return n == 0 || port > 65535 ? -1 : port;
}

/* "[::1]:8080", "host:80", "host": 1 or 0. */
static int
parse_authority(struct dial *d, const char *s, size_t n)
{
	const char *end = s + n, *host = s, *colon;

	if (memchr(s, '@', n) != NULL)
		return 0;
	if (n > 0 && s[0] == '[') {
		host = s + 1;
		s = memchr(s, ']', n);
		if (s == NULL)
			return 0;
		d->host = mem_strn(host, (size_t)(s++ - host));
		colon = s < end ? s : NULL;
	} else {
		colon = memchr(s, ':', n);
		d->host = mem_strn(s, (size_t)((colon ? colon : end) - s));
	}
	d->port = d->tls ? 443 : 80;
	if (colon != NULL)
		d->port = *colon != ':' ? -1 :
		    parse_port(colon + 1, (size_t)(end - colon - 1));
	return d->host[0] != '\0' && d->port != -1;
}

static int
parse_unix(struct dial *d, const char *s)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);

	d->host = mem_str("localhost");
	d->address = mem_grow(NULL, n + 2);
	d->address[0] = '+';
	memcpy(d->address + 1, s, n);
	d->address[n + 1] = '\0';
	d->path = mem_str(colon == NULL ? "/" : colon + 1);
	return n > 0 && d->path[0] == '/';
}

static int
parse_url(struct dial *d, const char *url)
{
	size_t n;

	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return 0;
	if (begins(&url, "ws+unix:"))
		return parse_unix(d, url);
	d->tls = begins(&url, "wss://");
	if (!d->tls && !begins(&url, "ws://"))
		return 0;
	n = strcspn(url, "/?#");
	if (!parse_authority(d, url, n))
		return 0;
	url += n;
	n = strcspn(url, "#");
	if (*url == '/')
		d->path = mem_strn(url, n);
	else if (asprintf(&d->path, "/%.*s", (int)n, url) == -1)
		die(111, "out of memory");
	return 1;
}

/* ---- dialling -------------------------------------------------------- */

static char *
copy(const char *s)
{
	return s == NULL ? NULL : mem_str(s);
}

/* lws would put "http://" before an origin: we write it ourselves. */
static char *
header_lines(const char *origin, const char *const *headers)
{
	struct buf b = BUF(64 << 10);

	if (origin != NULL && strpbrk(origin, "\r\n") == NULL)
		buf_addf(&b, "Origin: %s\r\n", origin);
	for (; headers != NULL && *headers != NULL; headers++)
		if (strpbrk(*headers, "\r\n") == NULL)
			buf_addf(&b, "%s\r\n", *headers);
	buf_addc(&b, '\0');
	return b.data;
}

struct ws_conn *
ws_dial(const struct ws_dial *wanted, const struct ws_ops *ops, void *data)
{
	struct ws_conn *c = conn_new(ops, CONN_DIAL);
	struct dial *d = mem_new(sizeof *d);

	c->client = 1;
	c->dial = d;
	c->data = data;
	if (!parse_url(d, wanted->url)) {
		conn_free(c);
		errno = EINVAL;
		return NULL;
	}
	if (d->address == NULL)
		d->address = mem_str(wanted->address ? wanted->address :
		    d->host);
	d->subprotocol = copy(wanted->subprotocol);
	d->headers = header_lines(wanted->origin, wanted->headers);
	timer_set(c, wanted->timeout_ms > 0 ?
	    (int)((wanted->timeout_ms + 999) / 1000) : DIAL_SECONDS);
	conn_mark(c);
	return c;
}

/* RFC 6455 4.1: the port is part of it unless it is the scheme's own. */
static void
host_field(const struct dial *d, char *host, size_t size)
{
	const char *left = strchr(d->host, ':') ? "[" : "";
	int n = snprintf(host, size, "%s%s%s", left, d->host,
	    *left ? "]" : "");

	if (d->port != 0 && d->port != (d->tls ? 443 : 80) &&
	    n > 0 && (size_t)n < size)
		snprintf(host + n, size - (size_t)n, ":%d", d->port);
}

void
dial_start(struct ws_conn *c)
{
	struct dial *d = c->dial;
	struct lws_client_connect_info info = { 0 };
	char host[300];

	info.context = conn_context();
	info.opaque_user_data = c;
	info.userdata = c;
	info.address = d->address;
	info.port = d->port;
	info.path = d->path;
	host_field(d, host, sizeof host);
	info.host = host;
	info.protocol = d->subprotocol;
	info.local_protocol_name = "";
	info.alpn = "http/1.1";
	info.retry_and_idle_policy = &conn_no_validity;
	info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	if (d->tls)
		info.ssl_connection |= LCCSCF_USE_SSL;
	if (d->tls && config.insecure)
		info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED |
		    LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE |
		    LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	c->state = CONN_DIALLING;
	errno = 0;
	if (!conn_connect(c, &info)) {
		snprintf(d->why, sizeof d->why, "%s", errno != 0 ?
		    strerror(errno) : "cannot connect");
		conn_over(c, d->why);
	}
}

/* ---- what libwebsockets asks and tells ------------------------------- */

int
dial_headers(struct ws_conn *c, unsigned char **p, size_t room)
{
	size_t n = strlen(c->dial->headers);

	if (n > room)
		return -1;
	memcpy(*p, c->dial->headers, n);
	*p += n;
	return 0;
}

void
dial_answered(struct ws_conn *c)
{
	if (lws_hdr_copy(c->wsi, c->dial->chosen, sizeof c->dial->chosen,
	    WSI_TOKEN_PROTOCOL) < 0)
		c->dial->chosen[0] = '\0';
}

/* What lws says of a certificate is a number. */
static struct str
plain(struct str why)
{
	static const char tls[] = "connect SSL err";

	if (why.n < sizeof tls || memcmp(why.p, tls, sizeof tls - 1) != 0)
		return why;
	return STR("no TLS, or a certificate that is not trusted");
}

void
dial_failed(struct ws_conn *c, struct str why)
{
	unsigned status = lws_http_client_http_response(c->wsi);
	size_t n;

	why = plain(why);
	n = why.p == NULL ? 0 : strnlen(why.p, why.n);
	if (status > 0)
		conn_farewell(c, (int)status, "server", STR(""));
	snprintf(c->dial->why, sizeof c->dial->why, "%.*s", (int)n,
	    n > 0 ? why.p : "");
	c->dial->why[0] = (char)tolower((unsigned char)c->dial->why[0]);
	if (c->why == NULL)
		c->why = n > 0 ? c->dial->why : "cannot connect";
}

void
dial_expired(struct ws_conn *c)
{
	conn_farewell(c, 1006, "timeout", STR(""));
	if (c->why == NULL)
		c->why = "timed out";
	if (c->wsi != NULL)
		conn_kill(c);
	else
		conn_over(c, NULL);
}

const char *
ws_subprotocol(const struct ws_conn *c)
{
	return c->client && c->dial != NULL ? c->dial->chosen : "";
}

void
dial_free(struct ws_conn *c)
{
	struct dial *d = c->dial;

	if (d == NULL)
		return;
	c->dial = NULL;
	free(d->host);
	free(d->address);
	free(d->path);
	free(d->subprotocol);
	free(d->headers);
	free(d);
}
