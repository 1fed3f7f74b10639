/* SPDX-License-Identifier: ISC */
#ifndef SOCKETIO_H
#define SOCKETIO_H

/*
 * Socket.IO: what is inside an Engine.IO message.  Protocol 4 (clients 1 and
 * 2, on Engine.IO 3) and protocol 5 (clients 3 and 4, on Engine.IO 4); here
 * the version is that of Engine.IO.  Both roles.
 *
 *	TYPE [ATTACHMENTS -] [NAMESPACE ,] [ID] [JSON]
 *
 *  - Pure: spans point into the input, JSON stays as it was spelled.
 *  - A binary event or ack is read as an event or ack with attachments:
 *    binary messages that follow, in order, for which its JSON has
 *    placeholders, {"_placeholder":true,"num":0}.
 *  - What a real server ignores and what makes it hang up is decided here,
 *    for each version (seeds.md P1.5).
 *  - Sources: socket.io-protocol, seeds.md P1.5, and shared/wire.
 */

#include <stdint.h>

#include "buf.h"

#define SIO_ATTACHMENTS	10		/* of one packet; newer clients take
					   no more either */

enum sio_type {
	SIO_CONNECT, SIO_DISCONNECT, SIO_EVENT, SIO_ACK, SIO_ERROR,
	SIO_BINARY_EVENT, SIO_BINARY_ACK
};

struct sio_packet {
	enum sio_type type;		/* never one of the binary ones */
	size_t attachments;
	int64_t id;			/* of an ack; -1: none */
	struct str ns;			/* "/" when it was not said */
	struct str query;		/* of a CONNECT, version 3 */
	struct str data;		/* JSON; .n is 0: none */
	struct str event;		/* of an event: its name, quoted */
	struct str args;		/* of an event or ack, with commas
					   between */
	size_t nargs;
};

/* The data of a text message: 1; 0: to be ignored; -1: the end of the
 * connection. */
int	 sio_read(struct sio_packet *, int version, struct str text);
/* Adds it; its JSON is data, else event and args as an array when there is an
 * event or it is an ack: 1, or -1 ENOBUFS. */
int	 sio_write(struct buf *, const struct sio_packet *);

/* Whether each placeholder stands for one of so many attachments. */
int	 sio_placeholders(struct str args, size_t attachments);
/* Whether the value is a placeholder, and nothing else. */
int	 sio_is_placeholder(struct str value);

/* A packet whose attachments are coming. */
struct sio_assembly {
	struct buf text;		/* the packet, to be read again */
	struct buf list;		/* attachments in base64: ["AQID", */
	size_t want, have;
};

/* Copies the packet; at most max bytes are taken of each, text and list. */
int	 sio_begin(struct sio_assembly *, struct str text, size_t attachments,
	    size_t max);		/* 1, or -1: too long */
/* The next one: 1, all are there and the list is closed; 0: more are to
 * come; -1: too long. */
int	 sio_attach(struct sio_assembly *, struct str bytes);
void	 sio_assembly_free(struct sio_assembly *);

#endif
