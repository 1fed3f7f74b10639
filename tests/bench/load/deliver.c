/* SPDX-License-Identifier: ISC */

/* Deliveries: each is checked, by client and sequence number, against a
 * bitmap; and how long they took. */

#include "load.h"

#define BITS_MAX	(UINT64_C(1) << 34)
#define STEPS		64	/* of the histogram, in a power of two */

static unsigned char *seen;
static uint64_t messages;
static int measuring;
static uint64_t histogram[64 * STEPS], longest, counted;

void
deliver_open(uint64_t n)
{
	uint64_t bits = set.mode == FANOUT ? n * set.clients : n;

	if (bits > BITS_MAX)
		die(100, "too many deliveries to check");
	messages = n;
	seen = mem_new(bits / 8 + 1);
}

/* ---- latency ----------------------------------------------------------- */

void
deliver_measure(void)
{
	measuring = 1;
}

static void
took(uint64_t ns)
{
	unsigned slot = (unsigned)ns, power;

	if (ns > longest)
		longest = ns;
	if (ns >= STEPS) {
		power = 63 - (unsigned)__builtin_clzll(ns);
		slot = (power - 5) * STEPS + (unsigned)(ns >> (power - 6)) -
		    STEPS;
	}
	histogram[slot]++;
	counted++;
}

double
latency_us(double quantile)
{
	uint64_t wanted = (uint64_t)(quantile * (double)counted), n = 0;
	unsigned i;

	for (i = 0; i < 64 * STEPS; i++)
		if ((n += histogram[i]) > wanted)
			return (double)(i < STEPS ? i : ((uint64_t)(i % STEPS) +
			    STEPS) << (i / STEPS - 1)) / 1e3;
	return (double)longest / 1e3;
}

/* ---- markers ----------------------------------------------------------- */

static uint64_t
digits(const char *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v * 10 + (uint64_t)(*p++ - '0');
	return v;
}

/* An answer to a request of ours. */
static int
answered(struct conn *c, uint32_t to)
{
	if (to != c->number)
		sum.misrouted++;
	else if (c->inflight == 0)
		sum.doubled++;
	else {
		c->inflight--;
		return 1;
	}
	return 0;
}

static int
published(struct conn *c, uint32_t seq, uint32_t to)
{
	uint64_t bit = seq;

	if (seq >= messages) {
		sum.bogus++;
		return 0;
	}
	sum.misrouted += set.mode == UNICAST && to != c->number;
	if (set.mode == FANOUT)
		bit += (c->number - set.first) * messages;
	if (seen[bit / 8] & 1 << bit % 8) {
		sum.doubled++;
		return 0;
	}
	seen[bit / 8] |= (unsigned char)(1 << bit % 8);
	if (seq < c->next_seq)
		sum.reordered++;
	else
		c->next_seq = seq + 1;
	return 1;
}

static void
marker(struct conn *c, const char *m)
{
	uint64_t sent = digits(m + 1, 19);
	uint32_t seq = (uint32_t)digits(m + 21, 9);
	uint32_t to = (uint32_t)digits(m + 31, 6);

	if (c->number == PUBLISHER)
		return;		/* it hears itself */
	if (!(set.mode == ECHO ? answered(c, to) : published(c, seq, to)))
		return;
	sum.got++;
	if (measuring)
		took(sum.latest > sent ? sum.latest - sent : 0);
	if (set.mode == ECHO)
		run_request(c);
}

static int
is_marker(const char *m)
{
	return m[0] == '@' && m[20] == '.' && m[30] == '.' &&
	    m[MARK - 1] == '@';
}

/* The rest of a marker that the last piece began; returns what is behind. */
static struct str
finish(struct conn *c, struct str s)
{
	size_t left = (size_t)(MARK - c->cut), n = left < s.n ? left : s.n;

	memcpy(c->tail + c->cut, s.p, n);
	c->cut = (uint8_t)(c->cut + n);
	if (c->cut < MARK)
		return (struct str){ s.p + s.n, 0 };
	c->cut = 0;
	if (!is_marker(c->tail))
		return s;
	marker(c, c->tail);
	return (struct str){ s.p + n, s.n - n };
}

void
deliver_bytes(struct conn *c, struct str s)
{
	const char *p, *end;

	if (c->cut > 0)
		s = finish(c, s);
	end = s.p + s.n;
	for (p = s.p; p < end && (p = memchr(p, '@', (size_t)(end - p)));) {
		if (end - p < MARK) {
			if (end - p < 2 || (p[1] >= '0' && p[1] <= '9')) {
				c->cut = (uint8_t)(end - p);
				memcpy(c->tail, p, c->cut);
			}
			return;
		}
		if (is_marker(p)) {
			marker(c, p);
			p += MARK;
		} else
			p++;
	}
}
