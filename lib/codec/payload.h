/* SPDX-License-Identifier: ISC */
#ifndef PAYLOAD_H
#define PAYLOAD_H

/*
 * Payloads of frames in the dialects that have events: how data, text,
 * base64, args and attachments (rk-frame(5)) are written in a packet, and how
 * those of a packet are told.  Either role.
 *
 *  - Pure: spans point into the frame, the packet, or a buf of the caller's.
 *  - Socket.IO: data is one argument, args are several; bytes are attachments,
 *    for which placeholders stand.
 *  - SocketCluster: data is the data; of args one is the data, several are an
 *    array of them, and none are no data.
 */

#include "frame.h"
#include "socketio.h"

/* A checked string or container without its first and last byte. */
struct str payload_inside(struct str);

/* NULL, or what is wrong with a frame's payload and event, whoever it is
 * for.  The buf is scratch. */
const char *payload_wrong(const struct frame *, struct buf *);

/* The arguments and attachments of a packet, from a frame whose payload is
 * not wrong; without one there are none.  list: the attachments, a JSON array
 * of base64, in the frame or in the buf; .p is NULL: none. */
void	 payload_as_socketio(struct sio_packet *, struct str *list,
	    const struct frame *, struct buf *);
/* Adds those of a packet to a frame. */
void	 payload_of_socketio(struct buf *, const struct sio_packet *,
	    struct str list);

/* The data of a packet, in the frame or in the buf; .n is 0: none. */
struct str payload_as_socketcluster(const struct frame *, struct buf *);
/* Adds that of a packet to a frame. */
void	 payload_of_socketcluster(struct buf *, struct str data);

#endif
