/* SPDX-License-Identifier: ISC */
#ifndef ENDPOINTS_H
#define ENDPOINTS_H

/*
 * The options that say which endpoints there are and how each behaves.
 *
 *  - --ws and the like add one; what follows is about it.  What comes before
 *    the first is what all of them start with.
 *  - Without any there is one WebSocket endpoint, at /.
 */

#include "endpoint.h"
#include "opt.h"

enum {
	ENDPOINTS_KEYS = OPT_LONG + 400, KEY_WS, KEY_HTTP, KEY_SOCKETIO,
	KEY_ENGINEIO, KEY_SOCKETCLUSTER, KEY_STEP, KEY_ASK, KEY_BINARY,
	KEY_WRAP, KEY_WITH, KEY_SUBPROTOCOL, KEY_NS, KEY_SC_PROTOCOL,
	KEY_CHANNEL_LIMIT, KEY_JWT_KEY, KEY_PING_INTERVAL, KEY_PING_TIMEOUT,
	KEY_UPGRADE_TIMEOUT, KEY_CONNECT_TIMEOUT, KEY_MAX_PAYLOAD, KEY_ORIGIN,
	KEY_SLOW, KEY_RATE, KEY_BYTE_RATE, KEY_FAST
};
#define ENDPOINTS_OPTS \
	{ KEY_WS, "ws", "TEMPLATE", \
	    "a WebSocket endpoint: /api/{user} (/)" }, \
	{ KEY_HTTP, "http", "PREFIX", "plain requests below this path" }, \
	{ KEY_SOCKETIO, "socketio", "[PATH]", "Socket.IO (/socket.io/)" }, \
	{ KEY_ENGINEIO, "engineio", "[PATH]", "Engine.IO (/engine.io/)" }, \
	{ KEY_SOCKETCLUSTER, "socketcluster", "[PATH]", \
	    "SocketCluster (/socketcluster/)" }, \
	{ KEY_STEP, "step", NULL, "next event when the last one is settled" }, \
	{ KEY_ASK, "ask", NULL, "opens wait for accept or reject" }, \
	{ KEY_BINARY, "binary", "AS", "binary messages are: base64, json" }, \
	{ KEY_WRAP, "wrap", NULL, \
	    "send {\"event\",\"data\"}, not data alone" }, \
	{ KEY_WITH, "with", "LIST", \
	    "put into events: state,channels,claims,headers" }, \
	{ KEY_SUBPROTOCOL, "subprotocol", "LIST", \
	    "subprotocols to choose from" }, \
	{ KEY_NS, "ns", "LIST", \
	    "Socket.IO namespaces that are (/); *: any" }, \
	{ KEY_SC_PROTOCOL, "sc-protocol", "N", \
	    "SocketCluster clients are 15 and up: 2; 14: 1 (2)" }, \
	{ KEY_CHANNEL_LIMIT, "channel-limit", "N", \
	    "of a SocketCluster client (1000)" }, \
	{ KEY_JWT_KEY, "jwt-key", "FILE", \
	    "secret, or public key, of clients' tokens" }, \
	{ KEY_PING_INTERVAL, "ping-interval", "TIME", \
	    "between a dialect's pings (25s, 8s)" }, \
	{ KEY_PING_TIMEOUT, "ping-timeout", "TIME", \
	    "until they are answered (20s)" }, \
	{ KEY_UPGRADE_TIMEOUT, "upgrade-timeout", "TIME", \
	    "from polling to a WebSocket (10s)" }, \
	{ KEY_CONNECT_TIMEOUT, "connect-timeout", "TIME", \
	    "without namespace, or handshake (45s, 10s)" }, \
	{ KEY_MAX_PAYLOAD, "max-payload", "BYTES", \
	    "largest Engine.IO packet, and body (1000000)" }, \
	{ KEY_ORIGIN, "origin", "LIST", \
	    "origins of browsers that may come" }, \
	{ KEY_SLOW, "slow", "POLICY", \
	    "who lags: close, drop-oldest, drop-newest" }, \
	{ KEY_RATE, "rate", "N[,BURST]", \
	    "messages a second of a client; 0: any (0)" }, \
	{ KEY_BYTE_RATE, "byte-rate", "BYTES[,BURST]", \
	    "bytes of them; 0: any (0)" }, \
	{ KEY_FAST, "fast", "POLICY", "who goes over it: wait, close" }

extern struct endpoint *endpoints;	/* in the order of the options */

/* 1: it was one of these; 0: not. */
int	 endpoints_option(const struct opts *, int key);
void	 endpoints_end(void);		/* of the options */

#endif
