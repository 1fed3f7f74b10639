/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "client.h"
#include "names.h"
#include "resolve.h"

#define NAMES		64		/* remembered, unless more are in use */
#define TEXTS		8		/* addresses of one */

struct name {
	struct resolver resolver;	/* first: it leads back to us */
	struct name *next;
	char *host;
	int64_t at;			/* ms, when it was found; 0: never */
	int running;
	int n;
	char text[TEXTS][INET6_ADDRSTRLEN];
	ev_timer limit;
};

static struct name *names;
static size_t count;
static void (*tell)(const char *, const char *);

void
names_open(void (*found)(const char *, const char *))
{
	tell = found;
}

static void
over(struct name *n, const char *why)
{
	ev_timer_stop(loop, &n->limit);
	n->running = 0;
	tell(n->host, why);
}

static void
resolved(struct resolver *r, const char *why)
{
	struct name *n = (struct name *)r;
	int i;

	n->n = 0;
	for (i = 0; why == NULL && i < r->n && n->n < TEXTS; i++)
		if (getnameinfo((struct sockaddr *)&r->list[i].sa,
		    r->list[i].len, n->text[n->n], sizeof n->text[0], NULL,
		    0, NI_NUMERICHOST) == 0)
			n->n++;
	n->at = n->n > 0 ? loop_ms() : 0;
	if (why == NULL && n->n == 0)
		why = "no address";
	over(n, why);
}

static void
too_long(struct ev_loop *l, ev_timer *t, int events)
{
	struct name *n = t->data;

	(void)l;
	(void)events;
	resolve_stop(&n->resolver);
	over(n, "its name is not resolved in time");
}

/* One that can be forgotten, when there are many; or a new one. */
static struct name *
blank(void)
{
	struct name *n;

	for (n = names; count >= NAMES && n != NULL; n = n->next)
		if (!n->running && loop_ms() - n->at >= NAMES_MS) {
			free(n->host);
			n->at = 0;
			return n;
		}
	n = mem_new(sizeof *n);
	n->resolver.done = resolved;
	ev_init(&n->limit, too_long);
	n->limit.data = n;
	n->next = names;
	names = n;
	count++;
	return n;
}

static struct name *
find(const char *host)
{
	struct name *n;

	for (n = names; n != NULL; n = n->next)
		if (strcmp(n->host, host) == 0)
			return n;
	n = blank();
	n->host = mem_str(host);
	return n;
}

/* A child that cannot be started fails as a slow one does: later. */
static void
look_up(struct name *n)
{
	int64_t ms = set.timeout > 0 ? set.timeout : 20000;

	n->running = 1;
	if (resolve_start(&n->resolver, n->host, "0") == -1)
		ms = 1000;
	ev_timer_set(&n->limit, (double)ms / 1000, 0);
	ev_timer_start(loop, &n->limit);
}

static struct name *
fresh(const char *host)
{
	struct name *n = find(host);

	return n->at != 0 && loop_ms() - n->at < NAMES_MS ? n : NULL;
}

int
target_address(struct target *t, const char **address)
{
	struct name *n;

	*address = NULL;
	t->waiting = 0;
	if (t->host == NULL)
		return 1;
	if ((n = fresh(t->host)) != NULL) {
		*address = n->text[t->at % n->n];
		return 1;
	}
	t->waiting = 1;
	n = find(t->host);
	if (!n->running)
		look_up(n);
	return 0;
}

int
target_next(struct target *t)
{
	struct name *n = t->host != NULL ? fresh(t->host) : NULL;

	t->at = n != NULL && t->at + 1 < n->n ? t->at + 1 : 0;
	return t->at > 0;
}

/* An address needs no lookup, nor the path of a Unix socket, nor what is no
 * URL at all. */
void
target_open(struct target *t, const char *url)
{
	const char *from = strstr(url, "://");
	struct in_addr any;

	*t = (struct target){ NULL, 0, 0 };
	if ((strncmp(url, "ws://", 5) != 0 && strncmp(url, "wss://", 6) != 0)
	    || from[3] == '[')
		return;
	from += 3;
	t->host = mem_strn(from, strcspn(from, ":/?#"));
	if (inet_pton(AF_INET, t->host, &any) == 1)
		target_close(t);
}

void
target_close(struct target *t)
{
	free(t->host);
	t->host = NULL;
}
