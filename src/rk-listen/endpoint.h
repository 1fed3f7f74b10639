/* SPDX-License-Identifier: ISC */
#ifndef ENDPOINT_H
#define ENDPOINT_H

/*
 * Endpoints: which paths are WebSockets, which are plain requests, and how
 * each behaves.  A template is a path whose segments may be {name}, which
 * takes one segment, decoded; a last * takes the rest.
 */

#include "buf.h"
#include "dialect.h"
#include "rate.h"

/* What becomes of a message to who does not keep up. */
enum policy {
	POLICY_CLOSE,		/* the connection is closed */
	POLICY_OLDEST,		/* what has waited longest is dropped for it */
	POLICY_NEWEST		/* it is dropped */
};
extern const char *const endpoint_policies[];	/* NULL ends */

struct token_key;

struct endpoint {
	const char *template;		/* "/api/{user}"; http: a prefix */
	int http;
	const struct dialect *dialect;
	int step;			/* --step */
	int ask;			/* --ask */
	int binary_json;		/* --binary=json */
	int wrap;			/* --wrap */
	int fast_close;			/* --fast=close */
	struct rate rate, byte_rate;	/* of what a connection says */
	enum policy slow;		/* --slow */
	unsigned with;			/* WITH_... */
	const char *origins;		/* commas between; NULL: any */
	const char *subprotocols;	/* commas between; NULL: none */
	const char *namespaces;		/* --ns; commas between, or * */
	const struct token_key *key;	/* --jwt-key */
	int sc_protocol;		/* --sc-protocol */
	unsigned sc_channels;		/* --channel-limit */
	/* Engine.IO and SocketCluster: times in ms */
	int64_t ping_interval, ping_timeout, upgrade_timeout, connect_timeout,
	    max_payload;
	struct endpoint *next;
};

enum {
	WITH_STATE = 1, WITH_CHANNELS = 2, WITH_CLAIMS = 4, WITH_HEADERS = 8
};

/* What a path said: the user, and what else its template names. */
struct captures {
	struct buf user;		/* empty: none */
	struct buf params;		/* members of a JSON object; empty */
};

/* NULL, or what is wrong with it. */
const char *endpoint_wrong(const char *template);
/* 1: the path, as sent, is this endpoint's; 0: not; -1: it is, but cannot be
 * decoded or names no sound user. */
int	 endpoint_match(const struct endpoint *, struct str path,
	    struct captures *);
/* NULL, or what is wrong with a list of origins; and whether one is in it. */
const char *endpoint_origins_wrong(const char *list);
int	 endpoint_origin(const char *list, struct str origin);
/* Is this one of the words in a list with commas? */
int	 endpoint_lists(const char *list, struct str word);
/* The first that the client asks for and the endpoint has: 1 and *chosen;
 * 0: it asks for none; -1: for none of ours. */
int	 endpoint_subprotocol(const struct endpoint *, struct str asked,
	    struct str *chosen);
/* The number of a word in a table that NULL ends, or -1. */
int	 endpoint_choose(const char *const *words, struct str word);

#endif
