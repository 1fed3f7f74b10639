/* SPDX-License-Identifier: ISC */

/* Options of the load generator: `load --help`. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "load.h"
#include "opt.h"

#define A_PROCESS	5000		/* clients of one address */
#define MESSAGE		"{\"type\":\"event\",\"token\":\"tok%d\"," \
	"\"event\":\"tick\",\"payload\":{\"mark\":\"%t\",\"pad\":\"%p\"}}"

struct settings set = { .clients = 100, .at_a_time = 64, .inflight = 1,
    .depth = 1, .count = 1000, .limit = 60, .settle = 0.5, .drain = 2,
    .hold = 3, .keepalive_s = 20, .jobs = 1, .headers = "", .label = "" };
struct totals sum;
struct conn *clients, publisher = { .number = PUBLISHER };

enum { AT_A_TIME = OPT_LONG, IDLE, FROM, TO, SEND, EXPECT, HEADER, BINARY,
    WARMUP, SIZE, MESSAGE_IS, WRAP, SETTLE, DRAIN, FOR, JOBS, PUBLISHER_AT,
    PUBLISHER_SPEAKS, DEPTH, PID, AUX, LABEL };

static const struct opt table[] = {
	{ 'u', "url", "URL", "the server, ws[s]://127.0.0.1:PORT/PATH" },
	{ 'n', "clients", "N", "clients (100)" },
	{ 'd', "dialect", "NAME", "how they greet: raw socketio4 socketio2"
	    " socketcluster stomp nats mqtt (raw)" },
	{ 'c', "channel", "NAME", "channel of a dialect (news)" },
	{ SEND, "send", "TEXT", "a further step of the greeting: send" },
	{ EXPECT, "expect", "TEXT", "a further step: wait for TEXT" },
	{ HEADER, "header", "LINE", "header of the upgrade" },
	{ BINARY, "binary", NULL, "send binary messages" },
	{ AT_A_TIME, "at-a-time", "N", "greetings under way (64)" },
	{ IDLE, "idle", "N", "more clients, that say nothing (0)" },
	{ FROM, "from-addresses", "N", "come from 127.0.0.1 to N" },
	{ TO, "to-addresses", "N", "connect to the URL's and N - 1 more" },
	{ 'm', "count", "N", "messages (1000)" },
	{ WARMUP, "warmup", "N", "messages before the measured ones" },
	{ 'k', "inflight", "N", "echo: requests of a client in flight (1)" },
	{ 'r', "rate", "N", "publish N a second" },
	{ 'w', "window", "N", "publish while less than N are not delivered" },
	{ SIZE, "size", "BYTES", "of a message (200)" },
	{ MESSAGE_IS, "message", "TEXT", "the message, with places to fill" },
	{ WRAP, "wrap", "TEXT", "what is sent around it" },
	{ 't', "time", "SECONDS", "limit of connecting and of the run (60)" },
	{ SETTLE, "settle", "MS", "between connecting and the run (500)" },
	{ DRAIN, "drain", "MS", "wait so long for what is missing (2000)" },
	{ FOR, "for", "MS", "hold: how long (3000)" },
	{ JOBS, "jobs", "N", "hold: processes (1)" },
	{ PUBLISHER_AT, "publisher", "ADDRESS", "ws://... tcp:127.0.0.1:PORT"
	    " unix:PATH http://... cmd:COMMAND" },
	{ PUBLISHER_SPEAKS, "publisher-dialect", "NAME", "raw line redis"
	    " pushpin, or one of the clients'" },
	{ DEPTH, "depth", "N", "requests of an HTTP publisher in flight (1)" },
	{ PID, "pid", "NAME=PID", "measure this process and its children" },
	{ AUX, "aux", "NAME=PID", "the same, but not in the sum" },
	{ LABEL, "label", "TEXT", "copied into the result" },
	OPT_END
};

static struct {			/* texts, until all options are known */
	const char *url, *publisher, *dialect, *publishers, *channel;
	const char *message, *wrap, *step[STEPS_MAX];
	unsigned steps;
	size_t size;
	int binary;
} said = { .dialect = "raw", .channel = "news", .message = MESSAGE,
    .size = 200 };

static struct endpoint server, bus;
static struct script greeting, publishing;

/* ---- addresses ----------------------------------------------------------- */

static int
begins(const char **s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(*s, prefix, n) != 0)
		return 0;
	*s += n;
	return 1;
}

static void
loopback(struct endpoint *e, const char *s)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&e->address;
	int port, used = 0;
	char ip[32];

	if (sscanf(s, "%31[0-9.]:%d%n", ip, &port, &used) != 2 ||
	    inet_pton(AF_INET, ip, &in->sin_addr) != 1 ||
	    ntohl(in->sin_addr.s_addr) >> 24 != 127)
		die(100, "%s: not 127.x.x.x:PORT", s);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	e->length = sizeof *in;
	snprintf(e->host, sizeof e->host, "%s:%d", ip, port);
	e->path = template_parse(s[used] ? s + used : "/", said.channel);
}

static void
endpoint_read(struct endpoint *e, const char *s)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&e->address;

	e->transport = STREAM;
	if (begins(&s, "cmd:")) {
		e->transport = PIPE;
		e->command = s;
		return;
	}
	if (begins(&s, "unix:")) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof un->sun_path, "%s", s);
		e->length = sizeof *un;
		return;
	}
	e->tls = begins(&s, "wss://");
	if (e->tls || begins(&s, "ws://"))
		e->transport = WS;
	else if (begins(&s, "http://"))
		e->transport = HTTP;
	else if (!begins(&s, "tcp:"))
		die(100, "%s: not an address", s);
	loopback(e, s);
}

/* ---- options ------------------------------------------------------------- */

static void
add_step(char kind, const char *text)
{
	char *line;

	if (said.steps == STEPS_MAX)
		die(100, "more than %d steps of a greeting", STEPS_MAX);
	if (asprintf(&line, "%c%s", kind, text) == -1)
		die(111, "out of memory");
	said.step[said.steps++] = line;
}

static void
add_header(const char *line)
{
	char *all;

	if (asprintf(&all, "%s%s\r\n", set.headers, line) == -1)
		die(111, "out of memory");
	set.headers = all;
}

static uint32_t
number(const struct opts *o)
{
	return (uint32_t)opt_number(o, o->arg, 0, 1000000000);
}

static double
seconds(const struct opts *o)
{
	return (double)opt_number(o, o->arg, 0, 3600000) / 1e3;
}

static void
text_option(int key, const char *arg)
{
	switch (key) {
	case 'u': said.url = arg; break;
	case 'd': said.dialect = arg; break;
	case 'c': said.channel = arg; break;
	case SEND: add_step('>', arg); break;
	case EXPECT: add_step('<', arg); break;
	case HEADER: add_header(arg); break;
	case BINARY: said.binary = 1; break;
	case MESSAGE_IS: said.message = arg; break;
	case WRAP: said.wrap = arg; break;
	case PUBLISHER_AT: said.publisher = arg; break;
	case PUBLISHER_SPEAKS: said.publishers = arg; break;
	case PID: target_add(arg, 0); break;
	case AUX: target_add(arg, 1); break;
	case LABEL: set.label = arg; break;
	}
}

static void
option(const struct opts *o, int key)
{
	switch (key) {
	case 'n': set.clients = number(o); break;
	case AT_A_TIME: set.at_a_time = number(o); break;
	case IDLE: set.idle = number(o); break;
	case FROM: set.from_addresses = number(o); break;
	case TO: set.to_addresses = number(o); break;
	case 'm': set.count = number(o); break;
	case WARMUP: set.warmup = number(o); break;
	case 'k': set.inflight = number(o); break;
	case 'r': set.rate = number(o); break;
	case 'w': set.window = number(o); break;
	case SIZE: said.size = number(o); break;
	case 't': set.limit = number(o); break;
	case SETTLE: set.settle = seconds(o); break;
	case DRAIN: set.drain = seconds(o); break;
	case FOR: set.hold = seconds(o); break;
	case JOBS: set.jobs = number(o); break;
	case DEPTH: set.depth = number(o); break;
	default: text_option(key, o->arg);
	}
}

static void
read_options(int argc, char **argv)
{
	static const char *const modes[] = { "hold", "echo", "fanout",
	    "unicast" };
	struct opts o;
	int key;

	opt_start(&o, argc, argv, "hold|echo|fanout|unicast -u URL [OPTION...]",
	    table);
	while ((key = opt_next(&o)) != -1)
		option(&o, key);
	for (key = 0; o.nargs == 1 && key < 4; key++)
		if (strcmp(o.args[0], modes[key]) == 0)
			break;
	if (o.nargs != 1 || key == 4 || said.url == NULL || set.clients == 0 ||
	    set.jobs == 0 || ((key == FANOUT || key == HOLD) && set.idle > 0))
		opt_usage(&o, "a mode, -u and clients are wanted; --idle is"
		    " for echo and unicast");
	set.mode = (enum mode)key;
	if ((set.mode == FANOUT || set.mode == UNICAST) &&
	    said.publisher == NULL)
		opt_usage(&o, "%s: --publisher is wanted", o.args[0]);
}

/* ---- the rest ------------------------------------------------------------ */

static void
add_steps(struct script *s, const char *const *lines, unsigned n)
{
	for (unsigned i = 0; i < n && lines[i] != NULL; i++)
		script_add(s, lines[i], said.channel);
}

static const struct dialect *
publishers_dialect(const struct dialect *clients_)
{
	if (said.publishers != NULL)
		return dialect_named(said.publishers);
	return bus.transport == WS ? clients_ :
	    dialect_named(bus.transport == HTTP ? "raw" : "line");
}

static struct str
optional(const char *text)
{
	return text == NULL ? (struct str){ NULL, 0 } :
	    template_parse(text, said.channel);
}

/* So that a message has its size. */
static void
pad(void)
{
	struct buf b = BUF(SIZE_MAX / 2);

	template_fill(&b, set.message, &(struct fill){ .client = 0 });
	if (said.size > buf_size(&b))
		set.padding = said.size - buf_size(&b);
	buf_free(&b);
}

static void
compose_all(void)
{
	const struct dialect *d = dialect_named(said.dialect), *p = d;
	uint32_t all;

	endpoint_read(&server, said.url);
	server.subprotocol = d->subprotocol;
	add_steps(&greeting, d->greet, 6);
	add_steps(&greeting, d->subscribe, 4);
	add_steps(&greeting, said.step, said.steps);
	set.ping = optional(d->ping);
	set.pong = optional(d->pong);
	set.keepalive = optional(d->keepalive);
	if (said.publisher != NULL && set.mode != ECHO) {
		endpoint_read(&bus, said.publisher);
		p = publishers_dialect(d);
		bus.subprotocol = p->subprotocol;
		add_steps(&publishing, p->greet, 6);
		publisher.to = &bus;
		publisher.script = &publishing;
		publisher.binary = (uint8_t)(p->binary || said.binary);
		deliver_open(set.warmup + set.count);
	}
	set.wrap = template_parse(said.wrap ? said.wrap : p->wrap,
	    said.channel);
	set.message = template_parse(said.message, said.channel);
	pad();
	all = set.clients + set.idle;
	clients = mem_new(all * sizeof *clients);
	for (uint32_t i = 0; i < all; i++)
		clients[i] = (struct conn){ .fd = -1, .number = i,
		    .binary = (uint8_t)(d->binary || said.binary),
		    .script = &greeting, .to = &server };
}

int
main(int argc, char **argv)
{
	struct rlimit r;

	log_name(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	read_options(argc, argv);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (set.from_addresses == 0)
		set.from_addresses = 1 + (set.clients + set.idle) / A_PROCESS;
	if (set.to_addresses == 0)
		set.to_addresses = 1;
	compose_all();
	if (set.mode == HOLD)
		run_hold();
	else
		run_measured();
	return sum.open < set.clients + set.idle || sum.closed > 0;
}
