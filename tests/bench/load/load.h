/* SPDX-License-Identifier: ISC */
#ifndef LOAD_H
#define LOAD_H

/*
 * load: WebSocket clients in numbers, and what the server paid for them.
 *
 * One thread, one edge-triggered epoll set, an RFC 6455 client of its own.
 * Every message carries a marker of fixed width,
 *
 *	@TTTTTTTTTTTTTTTTTTT.SSSSSSSSS.DDDDDD@
 *
 * (monotonic nanoseconds, sequence number, addressed client), so a delivery
 * is checked with one memchr() and 34 digits: no JSON is parsed on the hot
 * path.  One line of JSON comes out; the CPU time and the memory of the
 * processes given by --pid are measured over the very window of the messages.
 *
 *   template.c  texts with places to fill
 *   dialect.c   how the peers greet and how they wrap a message
 *   conn.c      sockets, and frames out
 *   parse.c     frames in, the upgrade, HTTP answers
 *   tls.c       wss://
 *   deliver.c   each delivery checked; latency
 *   usage.c     CPU and memory of processes
 *   run.c       the four modes
 *   main.c      options
 */

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "buf.h"
#include "log.h"

#define MARK		38		/* bytes of a marker */
#define STEPS_MAX	16
#define PUBLISHER	UINT32_MAX	/* the publisher's number */
#define SECOND		UINT64_C(1000000000)

enum mode { HOLD, ECHO, FANOUT, UNICAST };

enum transport { WS, STREAM, HTTP, PIPE };

struct fill {			/* what a template's places stand for */
	uint32_t client, seq;
	uint64_t ns;
	struct str message;
};

struct script {			/* a greeting */
	struct step {
		int expect;	/* a text that a message holds; else: to send */
		struct str text;
	} step[STEPS_MAX];
	unsigned n;
};

struct endpoint {
	enum transport transport;
	struct sockaddr_storage address;
	socklen_t length;
	char host[64];
	struct str path;		/* a template */
	int tls;
	const char *command;
	const char *subprotocol;
};

enum state { STARTING, CONNECTING, UPGRADING, GREETING, OPEN, DEAD };

struct conn {
	int fd;
	uint8_t state, binary, cut;	/* cut: bytes in tail */
	uint16_t step;
	uint32_t number, next_seq, inflight;	/* inflight: not answered */
	uint64_t skip;			/* payload left of a large frame */
	const struct script *script;
	const struct endpoint *to;
	struct buf in, out;
	struct ssl_st *tls;		/* of wss:// */
	char tail[MARK];		/* a marker cut by a chunk's end */
};

struct settings {
	enum mode mode;
	uint32_t clients, first;	/* of all, in a forked part */
	uint32_t idle;			/* more, that say nothing */
	uint32_t at_a_time;		/* greetings under way */
	uint32_t from_addresses, to_addresses;	/* 127.0.0.x */
	uint32_t inflight, depth;	/* of each client; of HTTP publishing */
	uint64_t count, warmup, window;
	double rate, limit, settle, drain, keepalive_s, hold;
	unsigned jobs;
	const char *headers, *label;
	struct str message, wrap, keepalive;
	struct str ping, pong;		/* answered, when ping.p is set */
	size_t padding;
};
extern struct settings set;

struct totals {
	uint32_t open, failed, closed;
	uint64_t sent, got, doubled, misrouted, reordered, bogus, stalls;
	uint64_t bytes, http_errors;
	uint64_t latest;		/* ns: the last read */
	const char *error;
};
extern struct totals sum;

extern struct conn *clients, publisher;

uint64_t now_ns(void);

/* template.c */
struct str template_parse(const char *, const char *channel);
void	 template_fill(struct buf *, struct str, const struct fill *);

/* dialect.c */
struct dialect {
	const char *name, *subprotocol;
	const char *greet[6];		/* ">send", "<wait for it" */
	const char *subscribe[4];
	const char *wrap, *ping, *pong, *keepalive;
	int binary;
};
const struct dialect *dialect_named(const char *);
void	 script_add(struct script *, const char *line, const char *channel);

/* conn.c */
void	 conns_open(void);		/* the epoll set, of this process */
void	 conn_start(struct conn *);
void	 conn_watch(struct conn *);
void	 conn_fail(struct conn *, const char *why);
void	 conn_flush(struct conn *);
void	 conn_message(struct conn *, struct str);
void	 conn_pong(struct conn *, struct str);
void	 conn_greet(struct conn *);	/* the steps that are ours now */
void	 conns_poll(uint64_t ns);
void	 conns_idle(double seconds);

/* tls.c */
void	 tls_start(struct conn *);
ssize_t	 tls_read(struct conn *, void *, size_t);
ssize_t	 tls_write(struct conn *, struct str);
void	 tls_free(struct conn *);

/* parse.c */
void	 parse_readable(struct conn *);

/* deliver.c */
void	 deliver_open(uint64_t messages);
void	 deliver_bytes(struct conn *, struct str payload);
void	 deliver_measure(void);		/* latencies count from now on */
double	 latency_us(double quantile);	/* 1: the longest */
void	 run_request(struct conn *);	/* run.c: an answer came */

/* usage.c */
#define TARGETS_MAX	16
struct target {
	char name[32];
	int pid, aux;			/* aux: told, not summed */
	double cpu;
	long rss, pss;			/* kB */
	int processes;
};
extern struct target targets[TARGETS_MAX];
extern unsigned ntargets;
struct snapshot {
	struct target of[TARGETS_MAX];
	double softirq, busy, self;
};
void	 target_add(const char *name_and_pid, int aux);
void	 usage_take(struct snapshot *, int memory);
void	 usage_print(const struct snapshot *, const struct snapshot *,
	    double messages);

/* run.c */
void	 run_hold(void);
void	 run_measured(void);

#endif
