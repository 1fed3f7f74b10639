/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "kept.h"
#include "track.h"

#define RANGES_A_LINE	1000
#define DENIED_MAX	1024	/* refused frames that are remembered */

static void
seqs_room(struct seqs *s)
{
	size_t i, j = 0;

	if (s->tail < s->cap)
		return;
	if (s->live > s->cap / 2 || s->cap == 0) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = mem_grow(s->v, s->cap * sizeof *s->v);
	}
	for (i = s->head; i < s->tail; i++)
		if (s->v[i].p != NULL)
			s->v[j++] = s->v[i];
	s->head = 0;
	s->tail = j;
}

void
seqs_push(struct seqs *s, uint64_t seq, void *p)
{
	seqs_room(s);
	s->v[s->tail++] = (struct seqs_item){ seq, p };
	s->live++;
}

/* The index of the first item at or above seq. */
static size_t
seqs_index(const struct seqs *s, uint64_t seq)
{
	size_t low = s->head, high = s->tail, mid;

	if (low < high && s->v[low].seq >= seq)
		return low;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->v[mid].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void *
seqs_find(const struct seqs *s, uint64_t seq)
{
	size_t i = seqs_index(s, seq);

	return i < s->tail && s->v[i].seq == seq ? s->v[i].p : NULL;
}

void *
seqs_take(struct seqs *s, uint64_t seq)
{
	size_t i = seqs_index(s, seq);
	void *p;

	if (i == s->tail || s->v[i].seq != seq || s->v[i].p == NULL)
		return NULL;
	p = s->v[i].p;
	s->v[i].p = NULL;
	s->live--;
	while (s->head < s->tail && s->v[s->head].p == NULL)
		s->head++;
	if (s->head == s->tail)
		s->head = s->tail = 0;
	return p;
}

void *
seqs_from(const struct seqs *s, uint64_t *seq)
{
	size_t i = seqs_index(s, *seq);

	while (i < s->tail && s->v[i].p == NULL)
		i++;
	if (i == s->tail)
		return NULL;
	*seq = s->v[i].seq;
	return s->v[i].p;
}

void
seqs_free(struct seqs *s)
{
	free(s->v);
	*s = (struct seqs){ .v = NULL };
}

void
track_init(struct track *t, size_t window)
{
	*t = (struct track){ .next = 1, .unsent = 1, .window = window,
	    .refused = BUF(SIZE_MAX / 2) };
}

void
track_free(struct track *t)
{
	struct kept *k;
	uint64_t seq = 0;

	for (; (k = seqs_from(&t->out, &seq)) != NULL; seq++)
		block_free(&t->block, k);
	block_end(&t->block);
	seqs_free(&t->out);
	seqs_free(&t->open);
	seqs_free(&t->denied);
	free(t->acks);
	buf_free(&t->refused);
}

void
track_send(struct track *t, struct str line, size_t bytes, void *owner,
    int answer)
{
	struct kept *k = block_cut(&t->block, sizeof *k + line.n);

	*k = (struct kept){ .owner = owner, .n = line.n, .bytes = bytes,
	    .answer = answer != 0 };
	if (line.n > 0)
		memcpy(k->line, line.p, line.n);
	seqs_push(&t->out, t->next++, k);
	t->waiting += bytes;
}

static int
may_go(const struct track *t, const struct kept *k)
{
	return k->answer || t->unsettled == 0 ||
	    t->unsettled + k->bytes <= t->window;
}

/* The line with its seq inside the closing brace. */
static void
put(struct buf *wire, const struct kept *k, uint64_t seq)
{
	buf_add(wire, k->line, k->n - 1);
	buf_adds(wire, k->n > 2 ? STR(",\"seq\":") : STR("\"seq\":"));
	buf_addn(wire, (int64_t)seq);
	buf_adds(wire, k->again ? STR(",\"again\":true}\n") : STR("}\n"));
}

static void
settle(struct track *t, struct kept *k, const char *why,
    track_settled *settled, void *ctx)
{
	if (k->sent)
		t->unsettled -= k->bytes;
	else
		t->waiting -= k->bytes;
	if (k->owner != NULL)
		settled(ctx, k->owner, (struct str){ k->line, k->n },
		    k->bytes, why);
	block_free(&t->block, k);
}

int
track_pull(struct track *t, struct buf *wire, size_t limit, int plain,
    track_settled *settled, void *ctx)
{
	size_t before = buf_size(wire);
	struct kept *k;

	while (t->waiting > 0 && buf_size(wire) < limit &&
	    (k = seqs_from(&t->out, &t->unsent)) != NULL) {
		if (plain) {
			buf_add(wire, k->line, k->n);
			if (k->n > 0)
				buf_addc(wire, '\n');
			seqs_take(&t->out, t->unsent++);
			settle(t, k, NULL, settled, ctx);
			continue;
		}
		if (!may_go(t, k))
			break;
		put(wire, k, t->unsent);
		k->sent = 1;
		t->again += k->again;
		t->waiting -= k->bytes;
		t->unsettled += k->bytes;
		t->unsent++;
	}
	return buf_size(wire) > before;
}

/* Only what is on the wire can be acked: an ack for more is made up. */
static void
ack_range(struct track *t, uint64_t low, uint64_t high,
    track_settled *settled, void *ctx)
{
	struct kept *k;

	for (; (k = seqs_from(&t->out, &low)) != NULL && low <= high; low++) {
		if (!k->sent)
			break;
		seqs_take(&t->out, low);
		settle(t, k, NULL, settled, ctx);
	}
}

static int
pair(struct str value, struct str out[2])
{
	struct json_walk w;
	struct json_member m;
	int n = 0;

	if (!json_walk(&w, value) || w.object)
		return 0;
	while (json_next(&w, &m) == 1) {
		if (n == 2)
			return 0;
		out[n++] = m.value;
	}
	return n == 2;
}

static int
ack_refused(struct track *t, struct str list, track_settled *settled,
    void *ctx)
{
	struct buf text = BUF(4096);
	struct json_walk w;
	struct json_member m;
	struct str v[2];
	struct kept *k;
	int64_t seq;
	int r = 1;

	if (!json_walk(&w, list) || w.object)
		return -1;
	while (r == 1 && json_next(&w, &m) == 1) {
		if (!pair(m.value, v) || !json_int(v[0], &seq) ||
		    json_kind(v[1]) != 's') {
			r = -1;
			continue;
		}
		k = seqs_find(&t->out, (uint64_t)seq);
		if (k == NULL || !k->sent)
			continue;
		seqs_take(&t->out, (uint64_t)seq);
		buf_clear(&text);
		json_unquote(&text, (struct str){ v[1].p + 1, v[1].n - 2 });
		buf_addc(&text, '\0');
		settle(t, k, buf_size(&text) ? text.data : "refused",
		    settled, ctx);
	}
	buf_free(&text);
	return r;
}

int
track_ack(struct track *t, const struct frame *f, track_settled *settled,
    void *ctx)
{
	struct json_walk w;
	struct json_member m;
	struct str v[2];
	int64_t low, high;

	if (frame_has(f, K_SEQ)) {
		if (!json_walk(&w, f->v[K_SEQ]) || w.object)
			return -1;
		while (json_next(&w, &m) == 1) {
			if (!pair(m.value, v) || !json_int(v[0], &low) ||
			    !json_int(v[1], &high) || low < 1 || high < low)
				return -1;
			ack_range(t, (uint64_t)low, (uint64_t)high, settled,
			    ctx);
		}
	}
	if (frame_has(f, K_REFUSED))
		return ack_refused(t, f->v[K_REFUSED], settled, ctx);
	return 1;
}

enum track_in
track_in(const struct track *t, uint64_t seq)
{
	if (seq > t->last)
		return TRACK_FRESH;
	if (seqs_find(&t->open, seq) != NULL)
		return TRACK_OPEN;
	return seqs_find(&t->denied, seq) ? TRACK_REFUSED : TRACK_SETTLED;
}

void
track_open(struct track *t, uint64_t seq, void *item)
{
	seqs_push(&t->open, seq, item);
	t->last = seq;
}

static void
add_ack(struct track *t, uint64_t seq)
{
	size_t i = t->nacks;

	while (i > 0 && t->acks[i - 1].low > seq)
		i--;
	/* i is where seq belongs: after every range that begins before it */
	if (i > 0 && t->acks[i - 1].high + 1 >= seq) {
		if (t->acks[i - 1].high < seq)
			t->acks[i - 1].high = seq;
		return;
	}
	if (t->nacks == t->acks_cap) {
		t->acks_cap = t->acks_cap ? t->acks_cap * 2 : 16;
		t->acks = mem_grow(t->acks, t->acks_cap * sizeof *t->acks);
	}
	memmove(t->acks + i + 1, t->acks + i,
	    (t->nacks - i) * sizeof *t->acks);
	t->acks[i] = (struct range){ seq, seq };
	t->nacks++;
}

/* Its ack may be lost: when it comes again it is refused again. */
static void
deny(struct track *t, uint64_t seq)
{
	uint64_t oldest = 0;

	if (seqs_find(&t->denied, seq) != NULL)
		return;
	if (t->denied.tail > t->denied.head &&
	    t->denied.v[t->denied.tail - 1].seq > seq)
		return;		/* out of order: rare, and then it is tried */
	if (t->denied.live == DENIED_MAX &&
	    seqs_from(&t->denied, &oldest) != NULL)
		seqs_take(&t->denied, oldest);
	seqs_push(&t->denied, seq, t);
}

void
track_settle(struct track *t, uint64_t seq, const char *why)
{
	seqs_take(&t->open, seq);
	if (why == NULL) {
		add_ack(t, seq);
		return;
	}
	deny(t, seq);
	buf_addf(&t->refused, ",[%llu,", (unsigned long long)seq);
	json_quote(&t->refused, str_of(utf8_check(str_of(why)) ? why :
	    "refused"));
	buf_addc(&t->refused, ']');
}

int
track_has_acks(const struct track *t)
{
	return t->nacks > 0 || buf_size(&t->refused) > 0;
}

static void
put_range(struct buf *wire, const struct range *r, int more)
{
	buf_adds(wire, more ? STR(",[") : STR("["));
	buf_addn(wire, (int64_t)r->low);
	buf_addc(wire, ',');
	buf_addn(wire, (int64_t)r->high);
	buf_addc(wire, ']');
}

void
track_acks(struct track *t, struct buf *wire)
{
	struct str r = buf_str(&t->refused);
	size_t i, from;

	for (from = 0; from < t->nacks; from = i) {
		buf_adds(wire, STR("{\"type\":\"ack\",\"seq\":["));
		for (i = from; i < t->nacks && i - from < RANGES_A_LINE; i++)
			put_range(wire, &t->acks[i], i > from);
		buf_adds(wire, STR("]}\n"));
	}
	t->nacks = 0;
	if (r.n > 0) {
		buf_adds(wire, STR("{\"type\":\"ack\",\"refused\":["));
		buf_add(wire, r.p + 1, r.n - 1);
		buf_adds(wire, STR("]}\n"));
		buf_clear(&t->refused);
	}
}

/* Does the frame name a connection of that boot? */
static int
names_conn_of(struct str line, const char *boot)
{
	struct frame f;
	struct buf room = BUF(64);
	struct str conn;
	const char *why;
	int yes;

	yes = frame_scan(&f, line, &why) == 1 &&
	    frame_str(&f, K_CONN, &room, &conn) && conn.n > BOOT_LEN &&
	    conn.p[BOOT_LEN] == '.' && memcmp(conn.p, boot, BOOT_LEN) == 0;
	buf_free(&room);
	return yes;
}

static uint64_t
drop_dead(struct track *t, const char *boot, track_settled *settled,
    void *ctx)
{
	struct kept *k;
	uint64_t seq = 0, n = 0;

	if (boot[0] == '\0')
		return 0;
	for (; (k = seqs_from(&t->out, &seq)) != NULL; seq++)
		if (names_conn_of((struct str){ k->line, k->n }, boot)) {
			seqs_take(&t->out, seq);
			settle(t, k, NULL, settled, ctx);
			n++;
		}
	return n;
}

void
track_drop(struct track *t, const char *why, track_settled *settled,
    void *ctx)
{
	struct kept *k;
	uint64_t seq = 0;

	for (; (k = seqs_from(&t->out, &seq)) != NULL; seq++) {
		seqs_take(&t->out, seq);
		settle(t, k, why, settled, ctx);
	}
}

/* All that was on the wire waits again. */
static void
rewind_out(struct track *t)
{
	struct kept *k;
	uint64_t seq = 0;

	t->unsent = 1;
	for (; (k = seqs_from(&t->out, &seq)) != NULL && k->sent; seq++) {
		k->sent = 0;
		k->again = 1;
		t->unsettled -= k->bytes;
		t->waiting += k->bytes;
	}
}

int
track_peer(struct track *t, const char *boot, size_t window,
    uint64_t *dropped, track_settled *settled, void *ctx)
{
	char old[BOOT_LEN + 1];
	int same = strcmp(t->peer, boot) == 0;

	t->window = window;
	rewind_out(t);
	*dropped = 0;
	if (same)
		return 1;
	memcpy(old, t->peer, sizeof old);
	snprintf(t->peer, sizeof t->peer, "%s", boot);
	t->epoch++;
	t->last = 0;
	seqs_free(&t->open);
	seqs_free(&t->denied);
	t->nacks = 0;
	buf_clear(&t->refused);
	*dropped = drop_dead(t, old, settled, ctx);
	return 0;
}
