/* SPDX-License-Identifier: ISC */

/*
 * A model of tracked links, without sockets: a listener L, a router R and a
 * bridge B, two links, bytes in flight between them.
 *
 *     L --events--> R --publishes--> B
 *       <--sends---
 *
 * Every seed is another story of what happens when: lines arrive, output is
 * flushed, B confirms, a link breaks, R is killed and starts again with
 * nothing.  Windows go down to a single frame; every second event makes a
 * send back to L, so L - R - L is a cycle under full windows.
 *
 * At the end of each story: nothing is stuck, each event was settled once,
 * each frame made of it was applied exactly once and in order, and no window
 * was ever exceeded.
 *
 *     track [first seed [seeds]]
 */

#include <stdio.h>
#include <stdlib.h>

#include "link/kept.h"
#include "link/track.h"

#define EVENTS	40
#define STEPS	1200
#define FRAME_MAX	70	/* one may pass any window; two may not */

enum { L, R_UP, R_DOWN, B, ENDS };	/* L - R_UP, R_DOWN - B */

struct end {
	struct track t;
	struct buf wire;	/* what it wrote, on its way to the other */
	char boot[BOOT_LEN + 1];
};

struct job {			/* an event in R's hands */
	uint64_t seq;
	unsigned epoch, left;
};

static struct end end[ENDS];
static int up[2];		/* the links */
static size_t window;
static unsigned boots, seed;
static uint64_t state;

static int produced, settled_events[EVENTS];
static int sent[EVENTS], published[EVENTS];	/* applied how often */
static int last_sent, last_published;
static uint64_t confirm[4096];			/* B's, not confirmed yet */
static unsigned confirm_epoch[4096];
static int nconfirm;
static const char *failure;

static unsigned
roll(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static void
fail(const char *what)
{
	if (failure == NULL)
		failure = what;
}

static int
makes_send(int n)
{
	return n % 2 == 1;
}

static int
makes_publish(int n)
{
	return n % 4 >= 2;
}

static void
settled(void *ctx, void *owner, struct str line, size_t bytes,
    const char *why)
{
	struct job *j = owner;

	(void)line;
	(void)bytes;
	if (why != NULL)
		fail("refused");
	if (ctx == &end[L]) {
		if (++*(int *)owner > 1)
			fail("an event was settled twice");
		return;
	}
	if (--j->left > 0)
		return;
	if (j->epoch == end[R_UP].t.epoch)
		track_settle(&end[R_UP].t, j->seq, NULL);
	free(j);
}

static void
send_made(int at, int n, uint64_t seq, int k, struct job *j)
{
	char line[200];
	int len = snprintf(line, sizeof line, "{\"type\":\"%s\",\"n\":%d,"
	    "\"of\":[\"%s\",%llu,%d]}", k ? "publish" : "send", n,
	    end[L].boot, (unsigned long long)seq, k);

	track_send(&end[at].t, (struct str){ line, (size_t)len },
	    (size_t)len, j, 0);
}

static void
route(uint64_t seq, int n)
{
	struct job *j = malloc(sizeof *j);

	*j = (struct job){ seq, end[R_UP].t.epoch,
	    (unsigned)(makes_send(n) + makes_publish(n)) };
	track_open(&end[R_UP].t, seq, j);
	if (j->left == 0) {
		track_settle(&end[R_UP].t, seq, NULL);
		free(j);
		return;
	}
	if (makes_send(n))
		send_made(R_UP, n, seq, 0, j);
	if (makes_publish(n))
		send_made(R_DOWN, n, seq, 1, j);
}

/* A station applies a frame unless it has. */
static void
apply(int applied[EVENTS], int *last, int n)
{
	if (applied[n])
		return;
	applied[n]++;
	if (n < *last)
		fail("applied out of order");
	*last = n;
}

static void
fresh(int at, uint64_t seq, int n)
{
	if (at == R_UP) {
		route(seq, n);
		return;
	}
	track_open(&end[at].t, seq, &end[at]);
	if (at == L) {
		apply(sent, &last_sent, n);
		track_settle(&end[L].t, seq, NULL);
	} else {
		apply(published, &last_published, n);
		confirm_epoch[nconfirm] = end[B].t.epoch;
		confirm[nconfirm++] = seq;
	}
}

static void
line_in(int at, struct str line)
{
	struct frame f;
	const char *why = "";
	int64_t seq, n;

	if (frame_scan(&f, line, &why) == -1) {
		fail(why);
		return;
	}
	if (f.type == T_ACK) {
		if (track_ack(&end[at].t, &f, settled, &end[at]) == -1)
			fail("malformed ack");
		return;
	}
	if (!frame_int(&f, K_SEQ, &seq) || !frame_int(&f, K_N, &n)) {
		fail("a frame without seq or n");
		return;
	}
	switch (track_in(&end[at].t, (uint64_t)seq)) {
	case TRACK_OPEN:
		break;
	case TRACK_SETTLED:
	case TRACK_REFUSED:
		track_settle(&end[at].t, (uint64_t)seq, NULL);
		break;
	case TRACK_FRESH:
		fresh(at, (uint64_t)seq, (int)n);
	}
}

static int
other(int at)
{
	return at ^ 1;
}

/* One line from the wire of the other end: 1 when there was one. */
static int
deliver(int at)
{
	struct buf *wire = &end[other(at)].wire;
	struct str line;
	size_t scan = 0;

	if (!up[at / 2] || !buf_line(wire, &scan, &line))
		return 0;
	buf_take(wire, line.n + 1);
	line_in(at, line);
	return 1;
}

static int
flush(int at)
{
	struct end *e = &end[at];
	size_t before = buf_size(&e->wire);

	if (!up[at / 2])
		return 0;
	track_acks(&e->t, &e->wire);
	track_pull(&e->t, &e->wire, 1 << 16, 0, settled, e);
	if (e->t.unsettled > e->t.window && e->t.unsettled > FRAME_MAX)
		fail("more than a window is on the wire");
	return buf_size(&e->wire) > before;
}

static int
produce(void)
{
	char line[200];
	struct track *t = &end[L].t;
	int len;

	if (produced == EVENTS || t->unsettled + t->waiting >= window)
		return 0;
	len = snprintf(line, sizeof line, "{\"type\":\"message\",\"n\":%d}",
	    produced);
	track_send(t, (struct str){ line, (size_t)len }, (size_t)len,
	    &settled_events[produced++], 0);
	return 1;
}

static int
confirm_one(void)
{
	int i;

	if (nconfirm == 0)
		return 0;
	i = (int)roll((unsigned)nconfirm);
	if (confirm_epoch[i] == end[B].t.epoch)
		track_settle(&end[B].t, confirm[i], NULL);
	nconfirm--;
	confirm[i] = confirm[nconfirm];
	confirm_epoch[i] = confirm_epoch[nconfirm];
	return 1;
}

static void
new_boot(struct end *e)
{
	snprintf(e->boot, sizeof e->boot, "boot%u", ++boots);
}

static void
attach(int at)
{
	struct end *e = &end[at], *o = &end[other(at)];
	struct seqs *open = &e->t.open;
	uint64_t dropped, seq = 0;
	struct job *j;

	if (strcmp(e->t.peer, o->boot) != 0)
		for (; (j = seqs_from(open, &seq)) != NULL; seq++)
			seqs_take(open, seq);
	track_peer(&e->t, o->boot, window, &dropped, settled, e);
	if (dropped > 0)
		fail("frames without a connection were dropped as dead");
}

static void
connect_link(int link)
{
	up[link] = 1;
	attach(2 * link);
	attach(2 * link + 1);
}

static void
break_link(int link)
{
	up[link] = 0;
	buf_clear(&end[2 * link].wire);
	buf_clear(&end[2 * link + 1].wire);
}

/* R's jobs are in the out lists of its two ends, once or twice each. */
static void
free_jobs(void)
{
	struct kept *k, *k2;
	uint64_t seq = 0, seq2;

	for (; (k = seqs_from(&end[R_UP].t.out, &seq)) != NULL; seq++) {
		seq2 = 0;
		while ((k2 = seqs_from(&end[R_DOWN].t.out, &seq2)) != NULL) {
			if (k2->owner == k->owner)
				k2->owner = NULL;
			seq2++;
		}
		free(k->owner);
	}
	for (seq = 0; (k = seqs_from(&end[R_DOWN].t.out, &seq)); seq++)
		free(k->owner);
}

static void
kill_router(void)
{
	int i;

	break_link(0);
	break_link(1);
	free_jobs();
	for (i = R_UP; i <= R_DOWN; i++) {
		track_free(&end[i].t);
		track_init(&end[i].t, window);
		new_boot(&end[i]);
	}
	memcpy(end[R_DOWN].boot, end[R_UP].boot, sizeof end[R_UP].boot);
}

static void
step(void)
{
	unsigned what = roll(100);

	if (what < 20)
		produce();
	else if (what < 55)
		deliver((int)roll(ENDS));
	else if (what < 80)
		flush((int)roll(ENDS));
	else if (what < 90)
		confirm_one();
	else if (what < 93)
		break_link((int)roll(2));
	else if (what < 99)
		connect_link((int)roll(2));
	else
		kill_router();
}

/* No more faults: everything must come to its end. */
static void
finish(void)
{
	int moved, i, rounds = 0;

	for (i = 0; i < 2; i++)
		if (!up[i])
			connect_link(i);
	do {
		moved = produce() | confirm_one();
		for (i = 0; i < ENDS; i++)
			moved |= flush(i) | deliver(i);
		if (++rounds > 100000)
			fail("it never comes to rest");
	} while (moved && failure == NULL);
	for (i = 0; i < EVENTS && failure == NULL; i++) {
		if (settled_events[i] != 1)
			fail("deadlock: an event was not settled");
		if (sent[i] != makes_send(i))
			fail("a send was lost");
		if (published[i] != makes_publish(i))
			fail("a publish was lost");
	}
	for (i = 0; i < ENDS; i++)
		if (end[i].t.unsettled + end[i].t.waiting + end[i].t.out.live)
			fail("something is left unsettled");
}

static void
story(unsigned s)
{
	static const size_t windows[] = { 1, 100, 300, 4096 };
	int i;

	seed = s;
	state = s * UINT64_C(0x9e3779b97f4a7c15) + 1;
	window = windows[roll(4)];
	produced = nconfirm = last_sent = last_published = 0;
	memset(settled_events, 0, sizeof settled_events);
	memset(sent, 0, sizeof sent);
	memset(published, 0, sizeof published);
	for (i = 0; i < ENDS; i++) {
		track_init(&end[i].t, window);
		end[i].wire = BUF(1 << 20);
		new_boot(&end[i]);
	}
	memcpy(end[R_DOWN].boot, end[R_UP].boot, sizeof end[R_UP].boot);
	connect_link(0);
	connect_link(1);
	for (i = 0; i < STEPS && failure == NULL; i++)
		step();
	if (failure == NULL)
		finish();
	for (i = 0; i < ENDS; i++) {
		track_free(&end[i].t);
		buf_free(&end[i].wire);
	}
}

int
main(int argc, char **argv)
{
	unsigned first = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) :
	    getenv("RK_LONG") != NULL ? 100000 : 10000;
	unsigned s;

	for (s = first; s < first + n && failure == NULL; s++)
		story(s);
	printf("1..1\n%s 1 - stories of tracked links, seeds %u to %u",
	    failure ? "not ok" : "ok", first, s - 1);
	if (failure != NULL)
		printf("\n# seed %u, window %zu: %s", seed, window, failure);
	printf("\n");
	return failure != NULL;
}
