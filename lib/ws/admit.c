/* SPDX-License-Identifier: ISC */

/*
 * Who may come in: so many connections of one peer, so many handshakes a
 * second.  A peer is known as long as it has a connection.
 */

#include <stdlib.h>

#include "../loop.h"
#include "../table.h"
#include "conn.h"

struct peer {
	struct node node;
	uint64_t id;		/* address_peer() */
	uint32_t conns;
};

static struct table peers;

/* ---- connections of one peer ----------------------------------------- */

static uint64_t
hash_of(uint64_t id)
{
	return table_hash((struct str){ (const char *)&id, sizeof id });
}

static struct peer *
find(uint64_t id)
{
	struct node *x = table_find(&peers, hash_of(id));

	while (x != NULL && ((struct peer *)x)->id != id)
		x = table_again(x);
	return (struct peer *)x;
}

static int
is_full(const struct peer *p)
{
	return p != NULL && p->conns >= (uint32_t)config.max_per_peer;
}

int
admit_another(const struct address *a)
{
	return config.max_per_peer == 0 || !is_full(find(address_peer(a)));
}

int
admit_peer(struct ws_conn *c, const struct address *a)
{
	uint64_t id = address_peer(a);
	struct peer *p;

	if (id == 0 || config.max_per_peer == 0)
		return 1;
	if ((p = find(id)) == NULL) {
		p = mem_new(sizeof *p);
		p->id = id;
		table_add(&peers, &p->node, hash_of(id));
	}
	if (is_full(p))
		return 0;
	p->conns++;
	c->peer = p;
	return 1;
}

void
admit_text(const struct ws_conn *c, char to[static ADDRESS_TEXT])
{
	address_peer_text(c->peer->id, to);
}

void
admit_leave(struct ws_conn *c)
{
	struct peer *p = c->peer;

	if (p == NULL || --p->conns > 0)
		return;
	table_remove(&peers, &p->node);
	free(p);
}

/* ---- handshakes ------------------------------------------------------ */

int
admit_handshake(void)
{
	static double tokens = -1, last;
	double now = ev_now(loop);

	if (config.handshakes == 0)
		return 1;
	if (tokens < 0)
		tokens = config.burst;
	else if (now > last)
		tokens += (now - last) * config.handshakes;
	if (tokens > config.burst)
		tokens = config.burst;
	last = now;
	if (tokens < 1)
		return 0;
	tokens -= 1;
	return 1;
}
