/* SPDX-License-Identifier: ISC */
#ifndef LIMITS_H
#define LIMITS_H

/*
 * The options that say how much clients may want of us, and whom we believe:
 * a table of rows, each a member of struct ws_config.
 */

#include "opt.h"
#include "ws.h"

enum {
	LIMITS_KEYS = OPT_LONG + 500, KEY_MAX_CONNS, KEY_PER_ADDRESS,
	KEY_HANDSHAKES, KEY_MAX_HEAD, KEY_HEAD_TIME, KEY_BODY_TIME,
	KEY_MAX_UNFINISHED, KEY_MESSAGE_TIME, KEY_MAX_FRAGMENTS, KEY_IDLE,
	KEY_TRUST_PROXY
};
#define LIMITS_OPTS \
	{ KEY_MAX_CONNS, "max-conns", "N", \
	    "connections at a time (65536)" }, \
	{ KEY_PER_ADDRESS, "max-per-address", "N", \
	    "of them from one address; 0: any (32768)" }, \
	{ KEY_HANDSHAKES, "handshakes", "N[,BURST]", \
	    "in a second, and at once; 0: any (20000,40000)" }, \
	{ KEY_MAX_HEAD, "max-head", "BYTES", "of a request (16k)" }, \
	{ KEY_HEAD_TIME, "head-time", "TIME", "for it to arrive (10s)" }, \
	{ KEY_BODY_TIME, "body-time", "TIME", "for a whole body (30s)" }, \
	{ KEY_MESSAGE_TIME, "message-time", "TIME", \
	    "for a whole message; 0: any (60s)" }, \
	{ KEY_MAX_FRAGMENTS, "max-fragments", "N", \
	    "of a message; 0: any (1024)" }, \
	{ KEY_MAX_UNFINISHED, "max-unfinished", "BYTES", \
	    "of what is not whole yet; 0: any (256m)" }, \
	{ KEY_IDLE, "idle", "TIME", \
	    "close a client that says nothing; 0: never (0)" }, \
	{ KEY_TRUST_PROXY, "trust-proxy", "LIST", \
	    "believe X-Forwarded-For of these" }

/* 1: it was one of these; 0: not. */
int	 limits_option(struct ws_config *, const struct opts *, int key);
extern const struct ws_config limits_default;

#endif
