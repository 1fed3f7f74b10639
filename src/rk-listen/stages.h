/* SPDX-License-Identifier: ISC */
#ifndef STAGES_H
#define STAGES_H

/*
 * The figures of other stages: asked for each --stats, shown with ours.
 *
 *  - A stage is known by its program and its --name; it tells all its figures
 *    at once, and what it told last is kept as it came.
 *  - One that has told nothing for three times --stats is forgotten, so that
 *    nobody takes old figures for new ones.
 *  - Bounds: STAGES_MAX stages of 16 KiB; what is not a figure is left out.
 */

#include "buf.h"
#include "figure.h"

#define STAGES_MAX	64

extern int64_t stages_ms;		/* --stats; 0: nobody is asked */
extern const struct figure stages_figures[];

void	 stages_open(void);
void	 stages_ask(void);		/* now, besides */

/* rouket_FIGURE{stage="...",name="...",...}, those of one figure together. */
void	 stages_text(struct buf *);
/* {"stage","name","boot","age","data"}, with commas between. */
void	 stages_json(struct buf *);

#endif
