/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "../log.h"
#include "../ws.h"
#include "queue.h"

#define CHUNK		15
#define POOL		4096		/* chunks kept for later */
#define HEAD		10		/* of a frame without a mask, at most */

struct chunk {
	struct ws_msg *msg[CHUNK];
	struct chunk *next;
};

static struct chunk *pool;
static size_t pooled;

/* ---- messages -------------------------------------------------------- */

static size_t
put_head(unsigned char *p, int opcode, uint64_t n)
{
	size_t wide = n < 126 ? 0 : n < 65536 ? 2 : 8, i;

	p[0] = (unsigned char)(0x80 | opcode);
	p[1] = (unsigned char)(wide == 0 ? n : wide == 2 ? 126 : 127);
	for (i = 0; i < wide; i++)
		p[2 + i] = (unsigned char)(n >> 8 * (wide - 1 - i));
	return 2 + wide;
}

struct ws_msg *
queue_frame(int opcode, struct str payload)
{
	struct ws_msg *m = malloc(sizeof *m + HEAD + payload.n);

	if (m == NULL)
		die(111, "out of memory");
	m->refs = 1;
	m->head = (uint32_t)put_head(m->frame, opcode, payload.n);
	m->n = m->head + payload.n;
	if (payload.n > 0)
		memcpy(m->frame + m->head, payload.p, payload.n);
	return m;
}

struct ws_msg *
ws_msg_new(enum ws_kind kind, struct str payload)
{
	return queue_frame(kind, payload);
}

struct ws_msg *
ws_msg_more(struct ws_msg *m, enum ws_kind kind, struct str payload)
{
	m = mem_grow(m, sizeof *m + m->n + HEAD + payload.n);
	m->n += put_head(m->frame + m->n, kind, payload.n);
	if (payload.n > 0)
		memcpy(m->frame + m->n, payload.p, payload.n);
	m->n += payload.n;
	return m;
}

int
ws_msg_next(const struct ws_msg *m, size_t *at, enum ws_kind *kind,
    struct str *payload)
{
	const unsigned char *p = m->frame + *at;
	size_t wide, n;

	if (*at == m->n)
		return 0;
	wide = p[1] < 126 ? 0 : p[1] == 126 ? 2 : 8;
	n = wide == 0 ? p[1] : 0;
	for (size_t i = 0; i < wide; i++)
		n = n << 8 | p[2 + i];
	*kind = (enum ws_kind)(p[0] & 0x0f);
	*payload = (struct str){ (const char *)p + 2 + wide, n };
	*at += 2 + wide + n;
	return 1;
}

void
ws_msg_drop(struct ws_msg *m)
{
	if (--m->refs == 0)
		free(m);
}

size_t
ws_msg_size(const struct ws_msg *m)
{
	return m->n;
}

/* RFC 6455 5.2: the highest bit of the opcode. */
int
queue_is_control(const struct ws_msg *m)
{
	return m->frame[0] & 0x08;
}

/* ---- the queue ------------------------------------------------------- */

static struct chunk *
chunk_new(void)
{
	struct chunk *k = pool;

	if (k == NULL)
		k = mem_grow(NULL, sizeof *k);
	else {
		pool = k->next;
		pooled--;
	}
	k->next = NULL;
	return k;
}

static void
chunk_free(struct chunk *k)
{
	if (pooled == POOL) {
		free(k);
		return;
	}
	k->next = pool;
	pool = k;
	pooled++;
}

/* The last chunk has room for so many, for one at least. */
static size_t
chunk_room(struct queue *q)
{
	if (q->last == NULL) {
		q->first = q->last = chunk_new();
		q->head = q->tail = 0;
	} else if (q->tail == CHUNK) {
		q->last->next = chunk_new();
		q->last = q->last->next;
		q->tail = 0;
	}
	return CHUNK - q->tail;
}

void
queue_push(struct queue *q, struct ws_msg *const *m, size_t n)
{
	size_t here, bytes = 0, i;

	for (; n > 0; m += here, n -= here) {
		here = chunk_room(q);
		here = here < n ? here : n;
		for (i = 0; i < here; i++) {
			q->last->msg[q->tail + i] = m[i];
			m[i]->refs++;
			bytes += m[i]->n;
		}
		q->tail += (uint8_t)here;
	}
	q->bytes += (uint32_t)bytes;
}

struct ws_msg *
queue_front(const struct queue *q)
{
	return q->first == NULL ? NULL : q->first->msg[q->head];
}

struct ws_msg *
queue_shift(struct queue *q)
{
	struct chunk *k = q->first;
	struct ws_msg *m = k->msg[q->head++];

	q->bytes -= (uint32_t)m->n;
	if (q->head == CHUNK || (k == q->last && q->head == q->tail)) {
		q->first = k->next;
		q->head = 0;
		if (k == q->last)
			q->last = NULL;
		chunk_free(k);
	}
	return m;
}

struct ws_msg *
queue_next(const struct queue *q, struct queue_at *at)
{
	if (at->chunk == NULL) {
		if (q->first == NULL)
			return NULL;
		*at = (struct queue_at){ q->first, q->head };
	} else if (++at->i == CHUNK) {
		if (at->chunk == q->last)
			return NULL;
		*at = (struct queue_at){ at->chunk->next, 0 };
	}
	if (at->chunk == q->last && at->i == q->tail)
		return NULL;
	return at->chunk->msg[at->i];
}

/* The end of what is in use of a chunk. */
static size_t
chunk_end(const struct queue *q, const struct chunk *k)
{
	return k == q->last ? q->tail : CHUNK;
}

int
queue_holds(const struct queue *q, struct ws_msg *const *m, size_t n)
{
	const struct chunk *k;
	size_t i = q->head, here;

	for (k = q->first; k != NULL; k = k->next, i = 0) {
		here = chunk_end(q, k) - i;
		if (here > n || memcmp(k->msg + i, m, here * sizeof *m) != 0)
			return 0;
		m += here;
		n -= here;
	}
	return n == 0;
}

size_t
queue_clear(struct queue *q)
{
	struct chunk *k, *next;
	size_t i = q->head, end, n = 0;

	for (k = q->first; k != NULL; k = next, i = 0) {
		end = chunk_end(q, k);
		n += end - i;
		for (; i < end; i++)
			ws_msg_drop(k->msg[i]);
		next = k->next;
		chunk_free(k);
	}
	*q = (struct queue){ .first = NULL };
	return n;
}

size_t
queue_trim(struct queue *q, size_t most, size_t *messages)
{
	struct ws_msg *m;
	size_t bytes = 0;

	*messages = 0;
	while (q->bytes > most) {
		m = queue_shift(q);
		if (!queue_is_control(m)) {
			bytes += m->n;
			++*messages;
		}
		ws_msg_drop(m);
	}
	return bytes;
}
