/* SPDX-License-Identifier: ISC */

/* The modes: connections held idle; requests and answers; messages published
 * to all, or to one.  Each prints one line of JSON. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define TICK		(SECOND / 10)
#define PUBLISH_HIGH	(64 << 10)	/* bytes that may wait to be written */
#define HOPELESS	100		/* failures before the first success */

static const char *const names[] = { "hold", "echo", "fanout", "unicast" };

static uint64_t requests_left, requests_sent;

static void
connect_all(void)
{
	uint64_t end = now_ns() + (uint64_t)(set.limit * 1e9);
	uint32_t all = set.clients + set.idle, started = 0, over;

	while ((over = sum.open + sum.failed + sum.closed) < all &&
	    now_ns() < end && (sum.open > 0 || sum.failed < HOPELESS)) {
		for (; started < all && started - over < set.at_a_time;
		    started++)
			conn_start(&clients[started]);
		conns_poll(TICK);
	}
}

static void
compose(struct buf *b, uint32_t client, uint64_t seq)
{
	static struct buf message = { .max = SIZE_MAX / 2 };
	struct fill f = { .client = client, .seq = (uint32_t)seq,
	    .ns = now_ns() };

	buf_clear(&message);
	template_fill(&message, set.message, &f);
	f.message = buf_str(&message);
	buf_clear(b);
	template_fill(b, set.wrap, &f);
}

/* ---- progress ----------------------------------------------------------- */

struct progress {
	uint64_t began, last, got;
};

static struct progress
progress_begin(void)
{
	uint64_t now = now_ns();

	sum.got = sum.sent = 0;
	return (struct progress){ now, now, 0 };
}

/* Nothing was delivered for a while. */
static int
is_stuck(struct progress *p)
{
	uint64_t now = now_ns();

	if (sum.got != p->got) {
		p->got = sum.got;
		p->last = now;
	}
	return (double)(now - p->last) > set.drain * 1e9;
}

static int
is_late(const struct progress *p)
{
	return (double)(now_ns() - p->began) > set.limit * 1e9;
}

/* ---- requests ----------------------------------------------------------- */

void
run_request(struct conn *c)
{
	static struct buf b = { .max = SIZE_MAX / 2 };

	if (requests_left == 0)
		return;
	requests_left--;
	compose(&b, c->number, requests_sent++);
	c->inflight++;
	conn_message(c, buf_str(&b));
}

static void
request_all(void)
{
	struct conn *c;
	uint32_t k;

	for (c = clients; c < clients + set.clients; c++) {
		c->inflight = 0;
		for (k = 0; k < set.inflight && c->state == OPEN; k++)
			run_request(c);
		conn_flush(c);
	}
}

static uint64_t
echo(uint64_t count)
{
	struct progress p = progress_begin();

	requests_sent = 0;
	requests_left = count;
	request_all();
	while (sum.got < count && !is_stuck(&p)) {
		conns_poll(TICK);
		if (is_late(&p))
			requests_left = 0;	/* what is asked still comes */
		if (requests_left == 0 && sum.got == requests_sent)
			break;
	}
	sum.sent = requests_sent;
	return p.began;
}

/* ---- publishing --------------------------------------------------------- */

static void
publish(uint64_t seq, uint32_t to)
{
	static struct buf b = { .max = SIZE_MAX / 2 };
	struct fill f = { .client = to };

	if (publisher.to->transport == HTTP) {
		buf_adds(&publisher.out, STR("POST "));
		template_fill(&publisher.out, publisher.to->path, &f);
		buf_addf(&publisher.out, " HTTP/1.1\r\nHost: %s\r\n"
		    "Content-Type: application/json\r\n", publisher.to->host);
	}
	compose(&b, to, seq);
	conn_message(&publisher, buf_str(&b));
}

static uint64_t
each(void)			/* deliveries of a message */
{
	return set.mode == FANOUT ? sum.open : 1;
}

static uint64_t forgiven;	/* lost: what is not waited for any more */

/* May the next one leave?  Else *wait is set to when to look again. */
static int
may_publish(const struct progress *p, int stuck, uint64_t *wait)
{
	uint64_t out = sum.sent * each() - sum.got - forgiven;
	double due;

	if (buf_size(&publisher.out) > PUBLISH_HIGH ||
	    (publisher.to->transport == HTTP &&
	    publisher.inflight >= set.depth))
		return 0;
	if (set.rate > 0) {
		due = (double)sum.sent / set.rate * 1e9 -
		    (double)(now_ns() - p->began);
		*wait = due > 0 ? (uint64_t)due : *wait;
		return due <= 0;
	}
	if (set.window == 0 || out < set.window * each())
		return 1;
	if (stuck) {
		forgiven += out;
		sum.stalls++;
	}
	return stuck;
}

static uint64_t
publish_all(uint64_t first, uint64_t count)
{
	struct progress p = progress_begin();
	uint64_t wait;
	int stuck;

	forgiven = 0;
	while ((sum.sent < count || sum.got < count * each()) &&
	    publisher.state != DEAD && !is_late(&p)) {
		wait = TICK;
		stuck = is_stuck(&p);
		if (stuck && sum.sent == count)
			break;
		for (; sum.sent < count && may_publish(&p, stuck, &wait);
		    sum.sent++, stuck = 0)
			publish(first + sum.sent, set.mode == UNICAST ?
			    (uint32_t)(sum.sent % set.clients) : 0);
		conn_flush(&publisher);
		conns_poll(wait);
	}
	return p.began;
}

static void
open_publisher(void)
{
	uint64_t end = now_ns() + 5 * SECOND;

	if (publisher.to->transport == PIPE) {
		publisher.in = publisher.out = BUF(SIZE_MAX / 2);
		publisher.fd = fileno(popen(publisher.to->command, "w"));
		fcntl(publisher.fd, F_SETFL, O_NONBLOCK);
		publisher.state = OPEN;
		conn_watch(&publisher);
		return;
	}
	conn_start(&publisher);
	while (publisher.state != OPEN && publisher.state != DEAD &&
	    now_ns() < end)
		conns_poll(TICK);
	if (publisher.state != OPEN)
		die(111, "the publisher cannot connect: %s",
		    sum.error ? sum.error : "time is over");
}

/* ---- what comes out ------------------------------------------------------ */

static void
print_head(void)
{
	printf("{\"mode\":\"%s\",\"label\":\"%s\",\"clients\":%u,\"open\":%u,"
	    "\"failed\":%u,\"closed\":%u", names[set.mode], set.label,
	    set.clients + set.idle, sum.open, sum.failed, sum.closed);
	if (sum.error != NULL)
		printf(",\"error\":\"%s\"", sum.error);
}

static void
print_deliveries(uint64_t began)
{
	uint64_t wanted = sum.sent * (set.mode == FANOUT ? sum.open : 1);
	double wall = (double)((sum.got ? sum.latest : now_ns()) - began) / 1e9;

	printf(",\"sent\":%llu,\"got\":%llu,\"missing\":%lld,\"doubled\":%llu,"
	    "\"misrouted\":%llu,\"reordered\":%llu,\"bogus\":%llu,"
	    "\"stalls\":%llu,\"http_errors\":%llu",
	    (unsigned long long)sum.sent, (unsigned long long)sum.got,
	    (long long)(wanted - sum.got), (unsigned long long)sum.doubled,
	    (unsigned long long)sum.misrouted,
	    (unsigned long long)sum.reordered, (unsigned long long)sum.bogus,
	    (unsigned long long)sum.stalls,
	    (unsigned long long)sum.http_errors);
	printf(",\"wall_s\":%.4f,\"per_s\":%.0f", wall,
	    (double)sum.got / wall);
	printf(",\"latency_us\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
	    "\"max\":%.1f}", latency_us(0.5), latency_us(0.99),
	    latency_us(0.999), latency_us(1));
}

/* The load's own CPU, the kernel's softirq threads', and the noise. */
static void
print_others(const struct snapshot *a, const struct snapshot *b,
    uint64_t began)
{
	double messages = sum.got ? (double)sum.got : 1, listed = 0, self;
	double span = (double)(now_ns() - began) / 1e9;
	unsigned i;

	self = b->self - a->self;
	for (i = 0; i < ntargets; i++)
		listed += b->of[i].cpu - a->of[i].cpu;
	printf(",\"self_us\":%.4f,\"softirq_us\":%.4f,\"other_cores\":%.2f,"
	    "\"saturated\":%s}\n", self * 1e6 / messages,
	    (b->softirq - a->softirq) * 1e6 / messages,
	    (b->busy - a->busy - listed - self) / span,
	    self > 0.95 * span ? "true" : "false");
}

void
run_measured(void)
{
	struct snapshot before, after;
	uint64_t began;

	conns_open();
	connect_all();
	if (sum.open == 0) {
		print_head();
		printf("}\n");
		return;
	}
	conns_idle(set.settle);
	if (set.mode != ECHO)
		open_publisher();
	if (set.warmup > 0) {
		set.mode == ECHO ? echo(set.warmup) :
		    publish_all(0, set.warmup);
		conns_idle(0.2);
	}
	sum.doubled = sum.misrouted = sum.reordered = sum.bogus = 0;
	sum.stalls = 0;
	deliver_measure();
	usage_take(&before, 0);
	began = set.mode == ECHO ? echo(set.count) :
	    publish_all(set.warmup, set.count);
	usage_take(&after, 1);
	print_head();
	print_deliveries(began);
	usage_print(&before, &after, (double)sum.got);
	print_others(&before, &after, began);
}

/* ---- idle connections ---------------------------------------------------- */

struct part {			/* what a forked part tells */
	uint32_t open, failed, closed;
};

/* Part j of all clients; a process has a limit of descriptors. */
_Noreturn static void
hold_part(unsigned j, int tell, int end)
{
	uint64_t all = set.clients;
	struct part p;
	char c;

	set.first = (uint32_t)(all * j / set.jobs);
	set.clients = (uint32_t)(all * (j + 1) / set.jobs) - set.first;
	clients += set.first;
	conns_open();
	connect_all();
	p = (struct part){ sum.open, sum.failed, sum.closed };
	if (write(tell, &p, sizeof p) != sizeof p)
		_exit(1);
	fcntl(end, F_SETFL, O_NONBLOCK);
	while (read(end, &c, 1) == -1 && errno == EAGAIN)
		conns_idle(0.1);
	p.closed = sum.closed;
	_exit(write(tell, &p, sizeof p) != sizeof p);
}

static struct part
told(int fd)
{
	struct part p, all = { 0, 0, 0 };
	unsigned j;

	for (j = 0; j < set.jobs; j++)
		if (read(fd, &p, sizeof p) == sizeof p) {
			all.open += p.open;
			all.failed += p.failed;
			all.closed += p.closed;
		}
	return all;
}

static void
print_held(const struct snapshot *a, const struct snapshot *b,
    const struct snapshot *c, double seconds)
{
	double n = sum.open ? sum.open : 1, idle = 0;
	long rss = 0, pss = 0;
	unsigned i;

	for (i = 0; i < ntargets; i++) {
		if (targets[i].aux)
			continue;
		rss += c->of[i].rss - a->of[i].rss;
		pss += c->of[i].pss - a->of[i].pss;
		idle += c->of[i].cpu - b->of[i].cpu;
	}
	print_head();
	printf(",\"connect_s\":%.3f,\"per_s\":%.0f,\"rss_kb_each\":%.3f,"
	    "\"pss_kb_each\":%.3f,\"idle_ms_s\":%.3f", seconds, n / seconds,
	    (double)rss / n, (double)pss / n, idle * 1e3 / set.hold);
	usage_print(a, b, sum.open);
	printf(",\"pss_after_kb\":%ld}\n", c->of[0].pss);
}

void
run_hold(void)
{
	struct snapshot before, after, later;
	int tell[2], end[2];
	uint64_t began;
	struct part p;
	double seconds;
	unsigned j;

	usage_take(&before, 1);
	began = now_ns();
	if (pipe(tell) == -1 || pipe(end) == -1)
		die(111, "pipe: %s", strerror(errno));
	for (j = 0; j < set.jobs; j++)
		if (fork() == 0) {
			close(end[1]);
			hold_part(j, tell[1], end[0]);
		}
	close(tell[1]);
	p = told(tell[0]);
	seconds = (double)(now_ns() - began) / 1e9;
	usleep((useconds_t)(set.settle * 1e6));
	usage_take(&after, 1);
	usleep((useconds_t)(set.hold * 1e6));
	usage_take(&later, 1);
	close(end[1]);
	sum.closed = told(tell[0]).closed;
	while (wait(NULL) > 0)
		;
	sum.open = p.open;
	sum.failed = p.failed;
	print_held(&before, &after, &later, seconds);
}
