/* SPDX-License-Identifier: ISC */
#ifndef ENGINEIO_H
#define ENGINEIO_H

/*
 * Engine.IO, versions 3 and 4 of its protocol: packets, the bodies of its
 * polling transport, its handshake and its errors.  Both roles.
 *
 *  - Pure: bytes in, bytes out.  Spans point into the input, or into a buf
 *    of the caller's when base64 was decoded.
 *  - A packet that travels is a WebSocket message: text is its type and its
 *    data, binary is a message's data (version 3: behind a byte 4).  A polling
 *    body is some of these messages, put together in one of three forms.
 *  - Sources: engine.io-protocol, seeds.md P1, and shared/wire.
 */

#include <stdint.h>

#include "buf.h"

enum eio_type {
	EIO_OPEN, EIO_CLOSE, EIO_PING, EIO_PONG, EIO_MESSAGE, EIO_UPGRADE,
	EIO_NOOP
};

struct eio_packet {
	enum eio_type type;
	int binary;			/* data is bytes, else UTF-8 */
	struct str data;
};

/* ---- WebSocket messages ---------------------------------------------- */

/* A message as a packet: 1, or -1: it is none.  bytes: where base64 goes. */
int	 eio_read(struct eio_packet *, int version, struct str message,
	    int binary, struct buf *bytes);
/* Adds what comes before the data of one: 1, or -1 ENOBUFS. */
int	 eio_begin(struct buf *, int version, enum eio_type, int binary);

/* ---- polling bodies -------------------------------------------------- */

enum eio_form {
	EIO_RECORDS,		/* version 4: packets with 0x1e between */
	EIO_LENGTHS,		/* version 3: "UTF-16-UNITS:PACKET" */
	EIO_BYTES		/* version 3, application/octet-stream */
};
/* bytes: a body of version 3 is application/octet-stream. */
enum eio_form eio_form(int version, int bytes);

struct eio_body {
	enum eio_form form;
	struct str rest;
	int begun;
};

/* The next packet: 1; 0: there are no more; -1: malformed.  An empty body is
 * malformed. */
int	 eio_next(struct eio_body *, struct eio_packet *, struct buf *bytes);
/* Adds a WebSocket message, as it is there, to a body: 1, or -1 ENOBUFS. */
int	 eio_add(struct buf *, enum eio_form, struct str message, int binary);

/* ---- the handshake --------------------------------------------------- */

struct eio_open {
	struct str sid;
	int upgrade;			/* to a WebSocket */
	int64_t interval, timeout;	/* of pings, in ms */
	int64_t max;			/* bytes of a body; 0: not said */
};

/* The data of the packet EIO_OPEN. */
int	 eio_open_write(struct buf *, const struct eio_open *);
int	 eio_open_read(struct eio_open *, struct str json);	/* 1 or -1 */

/* ---- requests -------------------------------------------------------- */

enum eio_error {
	EIO_UNKNOWN_TRANSPORT, EIO_UNKNOWN_SID, EIO_BAD_METHOD, EIO_BAD_REQUEST,
	EIO_FORBIDDEN, EIO_BAD_VERSION, EIO_FINE
};
const char *eio_reason(enum eio_error);
int	 eio_error_write(struct buf *, enum eio_error);	/* a JSON body */

struct eio_query {
	int version;			/* 3, 4; 0: another, or none */
	int websocket;			/* its transport */
	int base64;			/* version 3: no EIO_BYTES */
	struct str sid;			/* .p is NULL: none */
};

/* EIO_FINE, EIO_UNKNOWN_TRANSPORT or, for JSONP, EIO_BAD_REQUEST. */
enum eio_error eio_query_read(struct eio_query *, struct str query);

#endif
