/* SPDX-License-Identifier: ISC */
#ifndef COMPOSE_H
#define COMPOSE_H

/*
 * Frames out of payloads: what goes where is said once and becomes the head
 * of every frame; a payload makes it whole.  No I/O.
 */

#include "buf.h"

enum form {
	FORM_LOOKS,	/* JSON is data, the rest is text */
	FORM_TEXT,	/* text, even if it looks like JSON */
	FORM_BINARY	/* any bytes */
};

/* The head: its type, then its keys. */
void	 compose_begin(const char *type, enum form);
void	 compose_flag(const char *key);
void	 compose_word(const char *key, const char *value);
void	 compose_value(const char *key, const char *value); /* or JSON */

/* A frame with this payload (NULL: none), valid until the next: NULL, or why
 * there is none. */
const char *compose(const struct str *payload, struct str *frame);

/* NULL, or why no station would take this frame. */
const char *compose_check(struct str frame);

#endif
