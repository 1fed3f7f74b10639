/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "cluster.h"
#include "endpoint.h"
#include "event.h"
#include "roster.h"

/* A subscription that is not decided; as many as a client may have. */
struct wanted {
	struct wanted *next;
	int given_up;			/* the client left it meanwhile */
	size_t n;			/* bytes of the channel */
	char text[];			/* channel, then cid, terminated */
};

/* ---- what is wanted --------------------------------------------------- */

static struct str
channel_of(const struct wanted *x)
{
	return (struct str){ x->text, x->n };
}

static struct str
id_of(const struct wanted *x)
{
	return str_of(x->text + x->n);
}

static void
want(struct cluster *k, struct str channel, struct str id)
{
	struct wanted *x = mem_grow(NULL, sizeof *x + channel.n + id.n + 1),
	    **at = &k->wanted;

	*x = (struct wanted){ .n = channel.n };
	memcpy(x->text, channel.p, channel.n);
	if (id.n > 0)
		memcpy(x->text + channel.n, id.p, id.n);
	x->text[channel.n + id.n] = '\0';
	while (*at != NULL)
		at = &(*at)->next;
	*at = x;
	k->nwanted++;
}

static void
drop(struct cluster *k, struct wanted **at)
{
	struct wanted *x = *at;

	*at = x->next;
	free(x);
	k->nwanted--;
}

void
wanted_forget(struct cluster *k)
{
	while (k->wanted != NULL)
		drop(k, &k->wanted);
}

void
wanted_answered(struct cluster *k, struct str id)
{
	struct wanted **at = &k->wanted;

	while (*at != NULL && !str_eq(id_of(*at), id))
		at = &(*at)->next;
	if (*at != NULL)
		drop(k, at);
}

/* ---- names ------------------------------------------------------------ */

/* A sound name: 1, or 0. */
static int
name_of(struct str quoted, struct buf *b, struct str *name)
{
	if (quoted.n == 0 || quoted.n > 6 * NAME_BYTES + 2)
		return 0;
	buf_clear(b);
	json_unquote(b, (struct str){ quoted.p + 1, quoted.n - 2 });
	*name = buf_str(b);
	return name_sound(*name);
}

static unsigned
count(const struct cluster *k)
{
	const struct member *m;
	unsigned n = k->nwanted;

	for (m = k->conn->channels; m != NULL; m = m->more)
		n++;
	return n;
}

/* ---- subscribing ------------------------------------------------------- */

static void
fail(struct cluster *k, struct str id, const char *does, struct str channel,
    const char *reason)
{
	static struct buf b = { .max = 4096 };

	buf_clear(&b);
	buf_addf(&b, "Failed to %s the %.*s channel - InvalidActionError: "
	    "Socket %s.%llu tried to %s", does, (int)channel.n, channel.p,
	    link_boot(), (unsigned long long)k->conn->n, reason);
	cluster_fail(k, id, "BrokerError", buf_str(&b));
}

static void
too_many(struct cluster *k, struct str id, struct str channel)
{
	char reason[80];

	snprintf(reason, sizeof reason, "exceed the channel subscription limit"
	    " of %u", k->endpoint->sc_channels);
	fail(k, id, "subscribe socket to", channel, reason);
}

static void
ask_rules(struct cluster *k, const struct sc_packet *p, struct str channel)
{
	struct buf *b = event_begin("subscribe");

	frame_text(b, "channel", channel);
	if (p->payload.n > 0)
		frame_json(b, "data", p->payload);
	if (p->id.n > 0)
		frame_raw(b, "ref", p->id);
	if (p->payload.n > link_max() ||
	    event_post(k->conn, LINK_WORK) == -1)
		client_too_big(k->conn);
	else
		want(k, channel, p->id);
}

void
wanted_subscribe(struct cluster *k, const struct sc_packet *p)
{
	static struct buf b = { .max = 8 * NAME_BYTES };
	struct str channel;

	if (p->id.n == 0 && cluster_protocol(k) != 1)
		return;			/* nobody would hear of it */
	if (!name_of(p->channel, &b, &channel))
		cluster_fail(k, p->id, "InvalidActionError",
		    STR("Subscribe channel name was malformatted"));
	else if (channel_has(k->conn, channel))
		cluster_answer(k, p->id, STR(""));
	else if (count(k) >= k->endpoint->sc_channels)
		too_many(k, p->id, channel);
	else
		ask_rules(k, p, channel);
}

/* All that want it are answered: whether it was given up, and nobody wanted it
 * again. */
static int
decide(struct cluster *k, struct str channel, const char *why)
{
	static struct buf id = { .max = 4096 };
	struct wanted **at = &k->wanted;
	int given_up = 0, others = 0;

	while (*at != NULL) {
		if (!str_eq(channel_of(*at), channel)) {
			at = &(*at)->next;
			continue;
		}
		given_up |= (*at)->given_up;
		others |= !(*at)->given_up;
		buf_clear(&id);
		buf_adds(&id, id_of(*at));
		drop(k, at);
		if (why == NULL)
			cluster_answer(k, buf_str(&id), STR(""));
		else
			cluster_fail(k, buf_str(&id), "BrokerError",
			    str_of(why));
	}
	return given_up && !others;
}

static void
leave(struct conn *c, struct str channel)
{
	if (channel_leave(c, channel) == 1)
		event_note("vacated", channel);
}

void
wanted_joined(struct conn *c, struct str channel, const char *why)
{
	if (c->pending || !ws_is_open(c->ws))
		return;
	if (decide(cluster_of(c), channel, why) && why == NULL)
		leave(c, channel);
}

/* ---- unsubscribing ----------------------------------------------------- */

static int
give_up(struct cluster *k, struct str channel)
{
	struct wanted *x;
	int any = 0;

	for (x = k->wanted; x != NULL; x = x->next)
		if (!x->given_up && str_eq(channel_of(x), channel))
			any = x->given_up = 1;
	return any;
}

static void
tell_rules(struct cluster *k, struct str channel)
{
	struct buf *b = event_begin("unsubscribe");

	frame_text(b, "channel", channel);
	event_post(k->conn, LINK_WORK);
}

void
wanted_unsubscribe(struct cluster *k, const struct sc_packet *p)
{
	static struct buf b = { .max = 8 * NAME_BYTES };
	struct str channel;
	int member;

	if (!name_of(p->channel, &b, &channel)) {
		cluster_fail(k, p->id, "InvalidActionError",
		    STR("Unsubscribe channel name was malformatted"));
		return;
	}
	member = channel_has(k->conn, channel);
	if (!member && !give_up(k, channel)) {
		fail(k, p->id, "unsubscribe socket from", channel,
		    "unsubscribe from a channel which it is not subscribed "
		    "to");
		return;
	}
	tell_rules(k, channel);
	if (member)
		leave(k->conn, channel);
	cluster_answer(k, p->id, STR(""));
}
