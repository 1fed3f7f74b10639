/* SPDX-License-Identifier: ISC */
#ifndef ENDING_H
#define ENDING_H

/* Why a conversation is over, where its dialect knows more than the WebSocket
 * does. */

#include "buf.h"

struct ending {
	const char *why, *by;	/* NULL: the WebSocket's */
	struct buf refusal;	/* JSON that a server refused us with */
};

#endif
