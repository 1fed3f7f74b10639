/* SPDX-License-Identifier: ISC */
#ifndef STATION_H
#define STATION_H

/*
 * What stations have in common that answer when their work of a turn is on
 * disk: commands by a table, answers that wait, what is not theirs.
 *
 *  - A command ends in station_yes() or station_no(), exactly once; what was
 *    said leaves in station_answer(), which db.h's turn() calls, in the order
 *    of the questions.
 *  - A frame with a ref is answered and settled, one without is settled or
 *    refused.
 *  - Answers are bounded: AMPLIFY windows on a link, beyond which a question
 *    is answered with an error; a link without tracking is not read meanwhile.
 */

#include <stdint.h>

#include "figure.h"
#include "frame.h"
#include "link/link.h"
#include "opt.h"

struct command {
	enum type type;			/* T_UNKNOWN ends a table */
	void (*run)(const struct frame *, struct taken *);
};

struct station {
	const struct command *commands;
	const struct figure *figures;
	void (*refresh)(void);	/* brings them up to date */
	void (*ended)(void);	/* a plain input has ended, all is answered */
	/* Of the main link, and only for who sends work; may be NULL. */
	void (*settled)(void *owner, const char *why);
	void (*state)(enum link_state);
	void (*room)(void);
};

extern struct link *station_link;	/* the main one */

/* Makes the links that the options say; both are kept. */
void	 station_open(struct opts *, const struct station *);
/* Lets go of the links, then calls done(). */
void	 station_close(void (*done)(void));
/* Standard input ended, something of it was refused or malformed, and nobody
 * was there to be told. */
int	 station_complaints(void);

/* The answer: begun with its type and ref, ended by station_yes(). */
struct buf *station_begin(const struct frame *, const char *type);
void	 station_yes(const struct frame *, struct taken *);
/* It is done, and that is all to say. */
void	 station_done(const struct frame *, struct taken *);
void	 station_no(const struct frame *, struct taken *, const char *why);
/* The turn's answers leave; with a why they are errors. */
void	 station_answer(const char *why);

#define STATION_KEY	"key: not a string of 1 to 255 bytes without controls"

/* A name in a frame: 1, 0 (absent), or -1 (no string of 1 to 255 bytes of
 * UTF-8 without control characters).  It borrows from the buf or the frame. */
int	 station_name(const struct frame *, enum key, struct buf *,
	    struct str *);
/* A payload as it is kept: which of data, text, base64 (0, 1, 2; in files, so
 * they stay), and its value as spelled.  NULL, or what is wrong. */
const char *station_payload(const struct frame *, int64_t *which,
	    struct str *value);
void	 station_add_payload(struct buf *, int64_t which, struct str value);

/* What a frame is known by when it comes again, also to our successor: what
 * it was made of, or its place on its link.  n is 0 on a plain link.  Valid
 * until the next call. */
struct str station_identity(const struct frame *, const struct taken *);

#endif
