/* SPDX-License-Identifier: ISC */
#ifndef FRAME_H
#define FRAME_H

/*
 * Frames: one JSON object on one line; rk-frame(5) is the manual.
 *
 *  - frame_scan() checks a line whole and leaves a span for each key of the
 *    vocabulary, as spelled.  Unknown keys are checked and stay in the line.
 *  - A null in a key of the vocabulary other than "data" means absent.  A key
 *    of the vocabulary that comes twice is refused.
 *  - Frames are written with "type" first, into a buf, by frame_begin() ...
 *    frame_end(); each adds or leaves the buf marked as full, which
 *    frame_end() reports.
 */

#include <stdint.h>

#include "buf.h"
#include "json.h"

/* The vocabulary: every key that means something to a station or a link. */
#define FRAME_KEYS(X) \
	X(TYPE, "type") X(SEQ, "seq") X(AGAIN, "again") X(OF, "of") \
	X(REFUSED, "refused") X(AS, "as") X(V, "v") X(NAME, "name") \
	X(BOOT, "boot") X(WINDOW, "window") X(SNAPSHOT, "snapshot") \
	X(FROM, "from") X(VIA, "via") \
	X(CONN, "conn") X(N, "n") X(AT, "at") X(USER, "user") \
	X(CHANNEL, "channel") X(CHANNELS, "channels") X(ALL, "all") \
	X(EXCEPT, "except") X(EVENT, "event") X(DATA, "data") \
	X(TEXT, "text") X(BASE64, "base64") X(ARGS, "args") \
	X(ATTACHMENTS, "attachments") X(REF, "ref") \
	X(ERROR, "error") X(STATE, "state") X(CLAIMS, "claims") \
	X(CODE, "code") X(REASON, "reason") X(BY, "by") X(LAST, "last") \
	X(METHOD, "method") X(PATH, "path") X(QUERY, "query") \
	X(HEADERS, "headers") X(REMOTE, "remote") X(PROTO, "proto") \
	X(NS, "ns") X(SID, "sid") X(AUTH, "auth") X(PENDING, "pending") \
	X(STATUS, "status") X(MEMBERS, "members") X(MORE, "more") \
	X(CONNS, "conns") X(WHY, "why") X(FRAMES, "frames") \
	X(BYTES, "bytes") X(FRAME, "frame") X(POLICY, "policy") \
	X(KEY, "key") X(REPLACE, "replace") X(LABELS, "labels") \
	X(VALUE, "value") X(EXCHANGE, "exchange") \
	X(PROPERTIES, "properties") X(QUEUE, "queue") \
	X(REDELIVERED, "redelivered") X(URL, "url") \
	X(PROTOCOL, "protocol") X(SUBSCRIBE, "subscribe") \
	X(ARGUMENTS, "arguments") X(TYPES, "types") X(OPTIONS, "options") \
	X(STATS, "stats") X(STAGE, "stage") \
	X(IF, "if") X(PREFIX, "prefix") X(AFTER, "after") X(LIMIT, "limit") \
	X(CREATED, "created") X(ABSENT, "absent") X(ENTRIES, "entries") \
	X(ID, "id") X(IN, "in") X(DATE, "date") X(TIME, "time") \
	X(ZONE, "zone") X(TRIES, "tries") X(PAUSE, "pause") X(WAIT, "wait") \
	X(LATE, "late") X(JOBS, "jobs") X(FILE, "file") X(HEAD, "head")

/* Types: of the link, of the listener, of the bridge, of the client, of the
 * store, of the jobs, of the log. */
#define FRAME_TYPES(X) \
	X(ATTACH, "attach") X(READY, "ready") X(ACK, "ack") \
	X(LINK, "link") X(ERROR, "error") X(REFUSE, "refuse") \
	X(HERE, "here") \
	X(OPEN, "open") X(MESSAGE, "message") \
	X(SUBSCRIBE, "subscribe") X(UNSUBSCRIBE, "unsubscribe") \
	X(POST, "post") X(ANSWER, "answer") X(CLOSE, "close") \
	X(REQUEST, "request") X(MEMBERS, "members") \
	X(OCCUPIED, "occupied") X(VACATED, "vacated") X(SENT, "sent") \
	X(DROP, "drop") X(CLAIMS, "claims") \
	X(SEND, "send") X(REPLY, "reply") X(RESPOND, "respond") \
	X(ACCEPT, "accept") X(REJECT, "reject") X(IDENTIFY, "identify") \
	X(JOIN, "join") X(LEAVE, "leave") X(MERGE, "merge") X(WHO, "who") \
	X(KICK, "kick") X(METRIC, "metric") X(COUNT, "count") \
	X(STATS, "stats") X(SETAUTH, "setauth") X(KICKOUT, "kickout") \
	X(PUBLISH, "publish") X(CONSUME, "consume") X(BIND, "bind") \
	X(UNBIND, "unbind") X(DECLARE, "declare") X(DONE, "done") \
	X(DELIVERY, "delivery") X(RETURNED, "returned") \
	X(DIAL, "dial") X(HANGUP, "hangup") X(UP, "up") X(DOWN, "down") \
	X(PUT, "put") X(GET, "get") X(LIST, "list") X(DELETE, "delete") \
	X(ENTRY, "entry") X(ENTRIES, "entries") \
	X(SCHEDULE, "schedule") X(CANCEL, "cancel") X(FORCE, "force") \
	X(NACK, "nack") X(SCHEDULED, "scheduled") X(DUE, "due") \
	X(FIRED, "fired") X(FAILED, "failed") X(CANCELLED, "cancelled") \
	X(JOBS, "jobs") X(KEEP, "keep")

enum key {
#define X(id, word)	K_##id,
	FRAME_KEYS(X)
#undef X
	FRAME_NKEYS
};

enum type {
	T_UNKNOWN,		/* a type that is not in the vocabulary */
#define X(id, word)	T_##id,
	FRAME_TYPES(X)
#undef X
	FRAME_NTYPES
};

struct frame {
	struct str line;		/* without the newline */
	enum type type;
	struct str v[FRAME_NKEYS];	/* as spelled; p is NULL: absent */
};

extern const char *const frame_keys[FRAME_NKEYS];
extern const char *const frame_types[FRAME_NTYPES];

/* 1, or -1 with *why set to a static reason.  The spans point into line. */
int	 frame_scan(struct frame *, struct str line, const char **why);

/* The key or type of the vocabulary with these bytes; -1 / T_UNKNOWN. */
int	 frame_key(struct str);
enum type frame_type(struct str);

/* Values.  A value of another kind counts as absent. */
static inline int
frame_has(const struct frame *f, enum key k)
{
	return f->v[k].p != NULL;
}
int	 frame_int(const struct frame *, enum key, int64_t *);	/* 1 or 0 */
int	 frame_true(const struct frame *, enum key);	/* the literal true */

/* A string value, decoded: 1, or 0 when it is absent, no string, or longer
 * than the buf's max.  *out points into the line when nothing was escaped,
 * else into the buf, whose former content is gone. */
int	 frame_str(const struct frame *, enum key, struct buf *,
	    struct str *out);

/* The payload's key: K_DATA, K_TEXT, K_BASE64 or K_ARGS; -1: none, or more
 * than one (*why says). */
int	 frame_payload(const struct frame *, const char **why);

/* Writing.  Keys and type words are of the vocabulary or plain ASCII. */
void	 frame_begin(struct buf *, const char *type);
void	 frame_raw(struct buf *, const char *key, struct str json);
void	 frame_text(struct buf *, const char *key, struct str utf8);
void	 frame_num(struct buf *, const char *key, int64_t);
void	 frame_flag(struct buf *, const char *key);	/* true */
int	 frame_end(struct buf *);	/* "}"; 1, or -1: the buf was full */

/* Adds checked JSON, in which CR and LF become spaces. */
void	 frame_json(struct buf *, const char *key, struct str json);
/* More of the value that was added last, as frame_json() has it. */
void	 frame_more(struct buf *, struct str);

/* Adds a client's bytes as a payload: 1, or -1 with ENOBUFS.
 * A text message: "data" when it is JSON no deeper than JSON_DEPTH (raw CR
 * and LF become spaces), else "text"; the bytes must be UTF-8.  A binary
 * one: "base64", or with json as a text one where it is UTF-8. */
int	 frame_add_text(struct buf *, struct str utf8);
int	 frame_add_binary(struct buf *, struct str bytes, int json);

/* The bytes of a frame's payload as a client gets them, added: 1 and
 * *binary set, 0 when there is no payload or it is malformed, -1 ENOBUFS.*/
int	 frame_payload_bytes(const struct frame *, struct buf *, int *binary);

/* RFC 4648 section 4: 1, or 0 (malformed), or -1 ENOBUFS. */
int	 base64_decode(struct buf *, struct str);
int	 base64_encode(struct buf *, struct str);

#endif
