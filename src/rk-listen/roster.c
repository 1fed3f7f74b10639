/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "json.h"
#include "link/link.h"
#include "roster.h"

struct conn *roster_first;

static struct conn **roster_end = &roster_first;
static struct table conns, users, channels;
static uint64_t connections;

const struct figure roster_figures[] = {
	{ "connections", &connections, "WebSockets that are open" },
	{ "users", &users.n, "users with a connection" },
	{ "channels", &channels.n, "channels with a member" },
	{ NULL, NULL, NULL }
};

/* ---- connections ----------------------------------------------------- */

struct conn *
conn_make(struct ws_conn *ws, const struct endpoint *e, enum kind kind)
{
	static uint64_t n;
	struct conn *c = mem_new(sizeof *c);

	c->n = ++n;
	c->ws = ws;
	c->endpoint = e;
	c->kind = kind;
	return c;
}

void
conn_enter(struct conn *c)
{
	c->in = 1;
	table_add(&conns, &c->node, table_hash_number(c->n));
	if (c->kind != KIND_WS)
		return;
	c->prev = roster_end;
	*roster_end = c;
	roster_end = &c->next;
	connections++;
}

void
conn_leave(struct conn *c)
{
	user_set(c, NULL);
	if (!c->in)
		return;
	c->in = 0;
	table_remove(&conns, &c->node);
	if (c->kind != KIND_WS)
		return;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		roster_end = c->prev;
	connections--;
}

void
conn_destroy(struct conn *c)
{
	free(c->state);
	free(c->claims);
	free(c->headers);
	free(c->subprotocol);
	free(c);
}

int
conn_number(struct str id, uint64_t *n)
{
	size_t boot = strlen(link_boot());
	int64_t number;

	if (id.n < boot + 2 || memcmp(id.p, link_boot(), boot) != 0 ||
	    id.p[boot] != '.' || id.p[boot + 1] == '-')
		return 0;
	if (!json_int((struct str){ id.p + boot + 1, id.n - boot - 1 },
	    &number) || number < 1)
		return 0;
	*n = (uint64_t)number;
	return 1;
}

struct conn *
conn_named(struct str id)
{
	struct node *x;
	uint64_t n;

	if (!conn_number(id, &n))
		return NULL;
	x = table_find(&conns, table_hash_number(n));
	return (struct conn *)x;	/* equal hashes are equal numbers */
}

/* ---- names ----------------------------------------------------------- */

int
name_sound(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return 0;
	return s.n > 0 && s.n <= NAME_BYTES && utf8_check(s);
}

static struct name *
find(const struct table *t, struct str s)
{
	struct node *x = table_find(t, table_hash(s));

	while (x != NULL && !str_eq(((struct name *)x)->name, s))
		x = table_again(x);
	return (struct name *)x;
}

struct name *
user_named(struct str s)
{
	return find(&users, s);
}

struct name *
channel_named(struct str s)
{
	return find(&channels, s);
}

static struct name *
name_new(struct table *t, struct str s)
{
	struct name *x = mem_new(sizeof *x + s.n + 1);
	char *copy = (char *)(x + 1);

	memcpy(copy, s.p, s.n);
	x->name = (struct str){ copy, s.n };
	table_add(t, &x->node, table_hash(s));
	return x;
}

static struct member *
enter(struct conn *c, struct name *x)
{
	struct member *m = mem_new(sizeof *m);

	m->conn = c;
	m->of = x;
	m->next = x->members;
	m->prev = &x->members;
	if (m->next != NULL)
		m->next->prev = &m->next;
	x->members = m;
	x->count++;
	return m;
}

/* 1: nobody is in it any more, and it is gone. */
static int
leave(struct member *m, struct table *t)
{
	struct name *x = m->of;

	*m->prev = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	free(m);
	if (--x->count > 0)
		return 0;
	table_remove(t, &x->node);
	free(x);
	return 1;
}

void
user_set(struct conn *c, const struct str *s)
{
	struct member *old = c->user;
	struct name *x;

	c->user = NULL;
	if (s != NULL) {
		x = find(&users, *s);
		c->user = enter(c, x != NULL ? x : name_new(&users, *s));
	}
	if (old != NULL)
		leave(old, &users);
}

int
channel_join(struct conn *c, struct str s)
{
	struct name *x = find(&channels, s);
	int fresh = x == NULL;
	struct member **end;
	size_t n = 0;

	for (end = &c->channels; *end != NULL; end = &(*end)->more, n++)
		if ((*end)->of == x)
			return 0;
	if (n == CHANNELS_MAX)
		return -1;
	if (fresh)
		x = name_new(&channels, s);
	*end = enter(c, x);
	return fresh;
}

int
channel_has(const struct conn *c, struct str s)
{
	const struct name *x = channel_named(s);
	const struct member *m = x == NULL ? NULL : c->channels;

	while (m != NULL && m->of != x)
		m = m->more;
	return m != NULL;
}

int
channel_leave(struct conn *c, struct str s)
{
	struct member **at = &c->channels, *m;

	while (*at != NULL && !str_eq((*at)->of->name, s))
		at = &(*at)->more;
	if ((m = *at) == NULL)
		return 0;
	*at = m->more;
	return leave(m, &channels);
}

int
channel_leave_one(struct conn *c, char gone[static NAME_BYTES + 1])
{
	struct member *m = c->channels;

	if (m == NULL)
		return -1;
	c->channels = m->more;
	memcpy(gone, m->of->name.p, m->of->name.n + 1);
	return leave(m, &channels);
}

/* ---- all together ---------------------------------------------------- */

static int
by_n(const void *a, const void *b)
{
	const struct conn *x = *(struct conn *const *)a,
	    *y = *(struct conn *const *)b;

	return x->n < y->n ? -1 : x->n > y->n;
}

struct conn **
roster_sort(const struct name *x, size_t *n)
{
	static struct conn **sorted;
	static size_t cap;
	struct member *m;

	*n = 0;
	if (x->count > cap) {
		cap = x->count * 2;
		sorted = mem_grow(sorted, cap * sizeof *sorted);
	}
	for (m = x->members; m != NULL; m = m->next)
		sorted[(*n)++] = m->conn;
	qsort(sorted, *n, sizeof *sorted, by_n);
	return sorted;
}
