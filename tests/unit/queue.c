/* SPDX-License-Identifier: ISC */
/*
 * The queue of a connection: what is in it, in which order, and what was
 * forgotten of it.
 */
#include "unit.h"
#include "ws.h"
#include "ws/queue.h"

static size_t messages;

/* Message i of n bytes, with its frame, in this queue. */
static void
add(struct queue *q, char i, size_t n)
{
	static char payload[300];
	struct ws_msg *m;

	memset(payload, i, sizeof payload);
	m = ws_msg_new(WS_TEXT, (struct str){ payload, n - 2 });
	queue_push(q, &m, 1);
	ws_msg_drop(m);
}

static char
first(const struct queue *q)
{
	return queue_front(q) == NULL ? 0 : (char)queue_front(q)->frame[2];
}

TEST(order, "first in, first out, over any number of chunks")
{
	struct queue q = { 0 };

	for (char i = 1; i < 100; i++)
		add(&q, i, 12);
	CHECK_INT(q.bytes, 99 * 12);
	for (char i = 1; i < 100; i++) {
		CHECK_INT(first(&q), i);
		ws_msg_drop(queue_shift(&q));
	}
	CHECK_INT(q.bytes, 0);
	CHECK(queue_front(&q) == NULL && q.first == NULL);
}

TEST(many, "many at a time are as one after another")
{
	struct queue q = { 0 }, other = { 0 };
	struct ws_msg *m[40];

	for (size_t i = 0; i < 40; i++)
		m[i] = ws_msg_new(WS_TEXT, STR("ab"));
	for (size_t n = 0; n <= 40; n++) {
		queue_push(&q, m, n);
		for (size_t i = 0; i < n; i++)
			queue_push(&other, &m[i], 1);
	}
	CHECK_INT(q.bytes, 820 * 4);
	CHECK_INT(q.bytes, other.bytes);
	CHECK_INT(m[0]->refs, 1 + 2 * 40);
	while (queue_front(&q) != NULL) {
		CHECK(queue_front(&q) == queue_front(&other));
		ws_msg_drop(queue_shift(&q));
		ws_msg_drop(queue_shift(&other));
	}
	CHECK(queue_front(&other) == NULL);
	for (size_t i = 0; i < 40; i++) {
		CHECK_INT(m[i]->refs, 1);
		ws_msg_drop(m[i]);
	}
}

TEST(walk, "all are seen in their order, and stay")
{
	struct queue q = { 0 };

	for (char n = 0; n < 50; n++) {
		struct queue_at at = { 0 };

		for (char i = 0; i < n; i++)
			CHECK_INT(queue_next(&q, &at)->frame[2], i);
		CHECK(queue_next(&q, &at) == NULL);
		add(&q, n, 12);
	}
	for (char n = 0; n < 50; n++) {
		struct queue_at at = { 0 };

		CHECK_INT(queue_next(&q, &at)->frame[2], n);
		ws_msg_drop(queue_shift(&q));
	}
	queue_trim(&q, 0, &messages);
}

TEST(holds, "it holds what is in it, in this order, and nothing else")
{
	struct ws_msg *all[40] = { NULL };
	struct queue q = { 0 };
	struct queue_at at = { 0 };

	CHECK(queue_holds(&q, all, 0));
	for (char i = 0; i < 40; i++)
		add(&q, i, 12);
	for (size_t shifted = 0; shifted < 20; shifted++)
		ws_msg_drop(queue_shift(&q));
	for (size_t i = 0; i < 20; i++)
		all[i] = queue_next(&q, &at);
	CHECK(queue_holds(&q, all, 20));
	CHECK(!queue_holds(&q, all, 19));
	CHECK(!queue_holds(&q, all + 1, 19));
	all[17] = all[16];
	CHECK(!queue_holds(&q, all, 20));
	CHECK_INT(queue_clear(&q), 20);
	CHECK(queue_holds(&q, all, 0));
}

TEST(clear, "all are forgotten, and it is as new")
{
	struct queue q = { 0 }, other = { 0 };
	struct ws_msg *m;

	CHECK_INT(queue_clear(&q), 0);
	for (char i = 1; i <= 31; i++) {
		add(&q, i, 12);
		m = queue_front(&q);
		queue_push(&other, &m, 1);
	}
	ws_msg_drop(queue_shift(&q));
	CHECK_INT(queue_clear(&q), 30);
	CHECK(q.first == NULL && q.bytes == 0);
	CHECK_INT(first(&other), 1);
	CHECK_INT(queue_clear(&other), 31);
	add(&q, 7, 12);
	CHECK_INT(first(&q), 7);
	CHECK_INT(queue_clear(&q), 1);
}

TEST(shared, "a message in two queues is there until both have lost it")
{
	struct queue a = { 0 }, b = { 0 };
	struct ws_msg *m = ws_msg_new(WS_BINARY, STR("x"));

	queue_push(&a, &m, 1);
	queue_push(&b, &m, 1);
	ws_msg_drop(m);
	CHECK_INT(queue_trim(&a, 0, &messages), 3);
	CHECK_INT(first(&b), 'x');
	CHECK_INT(queue_trim(&b, 0, &messages), 3);
}

TEST(trim, "the oldest go, no more of them than must")
{
	struct queue q = { 0 };

	for (char i = 1; i < 41; i++)
		add(&q, i, 100);
	CHECK_INT(queue_trim(&q, 4000, &messages), 0);
	CHECK_INT(messages, 0);
	CHECK_INT(queue_trim(&q, 3950, &messages), 100);
	CHECK_INT(messages, 1);
	CHECK_INT(first(&q), 2);
	CHECK_INT(queue_trim(&q, 1999, &messages), 2000);
	CHECK_INT(messages, 20);
	CHECK_INT(first(&q), 22);
	CHECK_INT(q.bytes, 1900);
	CHECK_INT(queue_trim(&q, 0, &messages), 1900);
	CHECK_INT(messages, 19);
	CHECK(q.first == NULL);
}

TEST(control, "what is forgotten counts, but for control frames")
{
	struct queue q = { 0 };
	struct ws_msg *ping = queue_frame(0x9, STR("?"));

	add(&q, 1, 10);
	queue_push(&q, &ping, 1);
	ws_msg_drop(ping);
	add(&q, 2, 20);
	CHECK_INT(q.bytes, 33);
	CHECK_INT(queue_trim(&q, 20, &messages), 10);
	CHECK_INT(messages, 1);
	CHECK_INT(first(&q), 2);
	CHECK_INT(queue_trim(&q, 0, &messages), 20);
	CHECK_INT(messages, 1);
}

TEST(frame, "a frame's head has the length in the fewest bytes")
{
	static const struct { size_t n, head; } rows[] = { { 0, 2 },
	    { 125, 2 }, { 126, 4 }, { 65535, 4 }, { 65536, 10 } };
	static char payload[65536];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ws_msg *m = queue_frame(0x1,
		    (struct str){ payload, rows[i].n });

		CHECK_INT(m->head, rows[i].head);
		CHECK_INT(ws_msg_size(m), rows[i].n + rows[i].head);
		CHECK_INT(m->frame[0], 0x81);
		ws_msg_drop(m);
	}
}

TEST(more, "several messages in one: each comes out as it went in")
{
	static char big[70000];
	static const size_t sizes[] = { 0, 125, 126, 65535, 65536, 70000 };
	struct ws_msg *m = ws_msg_new(WS_TEXT, STR("head"));
	enum ws_kind kind;
	struct str s;
	size_t at = 0, all = 6, i;

	for (i = 0; i < 6; i++) {
		memset(big, 'a' + (int)i, sizeof big);
		m = ws_msg_more(m, WS_BINARY, (struct str){ big, sizes[i] });
		all += sizes[i] + (sizes[i] < 126 ? 2 : sizes[i] < 65536 ? 4 :
		    10);
	}
	CHECK_INT(ws_msg_size(m), all);
	CHECK(ws_msg_next(m, &at, &kind, &s) && kind == WS_TEXT);
	CHECK_STR(s, "head");
	for (i = 0; i < 6; i++) {
		CHECK(ws_msg_next(m, &at, &kind, &s) && kind == WS_BINARY);
		CHECK_INT(s.n, sizes[i]);
		CHECK(s.n == 0 || (s.p[0] == 'a' + (int)i &&
		    s.p[s.n - 1] == 'a' + (int)i));
	}
	CHECK(!ws_msg_next(m, &at, &kind, &s));
	ws_msg_drop(m);
}
