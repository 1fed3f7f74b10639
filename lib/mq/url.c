/* SPDX-License-Identifier: ISC */

/*
 * The URL of a broker (rabbitmq.com/uri-spec.html).  What differs: an empty
 * vhost is "/", as everybody means it, and an unknown parameter is an error.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../json.h"
#include "mq.h"

#define HEARTBEAT	20	/* seconds */
#define TIMEOUT		10000	/* ms */
#define SHOWN		256	/* bytes of a URL in a message */

/* A %-decoded copy; NULL: a bad escape, or a NUL. */
static char *
decoded(const char *p, const char *end)
{
	char *copy = mem_strn(p, (size_t)(end - p)), *out = copy;

	for (; p < end; p++) {
		*out = *p;
		if (*p == '%') {
			if (end - p < 3 || hex_digit(p[1]) < 0 ||
			    hex_digit(p[2]) < 0)
				goto bad;
			*out = (char)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
			p += 2;
		}
		if (*out++ == '\0')
			goto bad;
	}
	*out = '\0';
	return copy;
bad:
	free(copy);
	return NULL;
}

static char *
or_default(const char *p, const char *end, const char *otherwise)
{
	return end == NULL || p == end ? mem_str(otherwise) : decoded(p, end);
}

/* The first c from p on, or the end. */
static const char *
find(const char *p, const char *end, char c)
{
	while (p < end && *p != c)
		p++;
	return p;
}

/* user:password, when there is an @ */
static int
parse_user(struct mq_url *u, const char *p, const char *at)
{
	const char *colon = at ? find(p, at, ':') : NULL;

	u->user = or_default(p, colon, "guest");
	u->password = colon < at ? decoded(colon + 1, at) : mem_str("guest");
	return u->user != NULL && u->password != NULL;
}

/* host:port, [address]:port */
static int
parse_host(struct mq_url *u, const char *p, const char *end)
{
	const char *stop, *port;

	if (p < end && *p == '[') {
		p++;
		stop = find(p, end, ']');
		port = stop < end ? stop + 1 : p;
	} else {
		stop = port = find(p, end, ':');
	}
	if (port < end && *port++ != ':')
		return 0;
	u->host = or_default(p, stop, "localhost");
	u->port = or_default(port, end, u->tls ? "5671" : "5672");
	return u->host != NULL && u->port != NULL &&
	    strspn(u->port, "0123456789") == strlen(u->port);
}

/* A file, as rabbitmq.com/uri-query-parameters.html names them: 1; 0: it is
 * no such parameter; -1: a bad value. */
static int
parse_file(struct mq_url *u, struct str key, const char *value, const char *end)
{
	const struct { struct str name; char **file; } files[] = {
		{ STR("cacertfile"), &u->ca }, { STR("certfile"), &u->cert },
		{ STR("keyfile"), &u->key }
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (u->tls && str_eq(key, files[i].name)) {
			free(*files[i].file);
			*files[i].file = decoded(value, end);
			return *files[i].file != NULL ? 1 : -1;
		}
	return 0;
}

/* NULL, or what is wrong with it. */
static const char *
parse_number(struct mq_url *u, struct str key, const char *value,
    const char *end)
{
	char *stop;
	long n = strtol(value, &stop, 10);

	if (stop != end || stop == value || n < 0)
		return "a parameter that is not NAME=NUMBER";
	if (str_eq(key, STR("heartbeat")) && n <= 65535)
		u->heartbeat = (int)n;
	else if (str_eq(key, STR("connection_timeout")) && n > 0)
		u->timeout = n;
	else if (!str_eq(key, STR("channel_max")))
		return "a parameter other than heartbeat, connection_timeout "
		    "and, of amqps, cacertfile, certfile and keyfile";
	return NULL;
}

static int
parse_query(struct mq_url *u, const char *p, const char **why)
{
	const char *value, *end;
	int file;

	for (; *p != '\0'; p = *end == '&' ? end + 1 : end) {
		end = p + strcspn(p, "&");
		value = memchr(p, '=', (size_t)(end - p));
		*why = "a parameter that is not NAME=VALUE";
		if (value == NULL)
			return 0;
		struct str key = { p, (size_t)(value++ - p) };

		file = parse_file(u, key, value, end);
		*why = file == -1 ? "a file's name that is not %-encoded" :
		    file == 0 ? parse_number(u, key, value, end) : NULL;
		if (*why != NULL)
			return 0;
	}
	return 1;
}

static int
parse(struct mq_url *u, const char *text, const char **why)
{
	const char *p = strstr(text, "://") + 3, *at, *slash, *query;
	size_t n = strcspn(p, "/?");

	slash = p + n;
	query = strchr(slash, '?');
	if (query == NULL)
		query = slash + strlen(slash);
	at = memrchr(p, '@', n);
	*why = "a bad user or password (%-encode them)";
	/* half a password would be taken for a vhost, and shown */
	if (strchr(slash, '@') != NULL || !parse_user(u, p, at))
		return 0;
	*why = "a bad host or port";
	if (!parse_host(u, at ? at + 1 : p, slash))
		return 0;
	*why = "a bad vhost";
	u->vhost = or_default(slash < query ? slash + 1 : query, query, "/");
	if (u->vhost == NULL || strlen(u->vhost) > 255)
		return 0;
	return parse_query(u, *query ? query + 1 : query, why);
}

int
mq_url_parse(struct mq_url *u, const char *text, const char **why)
{
	*u = (struct mq_url){ .heartbeat = HEARTBEAT, .timeout = TIMEOUT };
	u->tls = strncmp(text, "amqps://", 8) == 0;
	*why = "not amqp://HOST or amqps://HOST";
	if ((u->tls || strncmp(text, "amqp://", 7) == 0) &&
	    parse(u, text, why))
		return 1;
	mq_url_free(u);
	return -1;
}

void
mq_url_free(struct mq_url *u)
{
	free(u->user);
	free(u->password);
	free(u->host);
	free(u->port);
	free(u->vhost);
	free(u->ca);
	free(u->cert);
	free(u->key);
	*u = (struct mq_url){ .user = NULL };
}

const char *
mq_url_show(const struct mq_url *u)
{
	static char out[SHOWN];
	int v6 = strchr(u->host, ':') != NULL;

	snprintf(out, sizeof out, "amqp%s://%s%s%s:%s%s%s", u->tls ? "s" : "",
	    v6 ? "[" : "", u->host, v6 ? "]" : "", u->port,
	    u->vhost[0] == '/' ? "" : "/", u->vhost);
	return out;
}
