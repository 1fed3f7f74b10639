/* SPDX-License-Identifier: ISC */
#ifndef METRICS_H
#define METRICS_H

/*
 * Figures: our own, those that rules set (`metric`, `count`), and either
 * under another name (--gauge); as /metrics (Prometheus text format 0.0.4)
 * and as a `stats` frame.
 */

#include "command.h"

/* A name of the text format; colons: may it have them? */
int	 metrics_is_name(struct str, int colons);
/* name="value", of a JSON string: 1, or 0: it is none, or too long. */
int	 metrics_label(struct buf *, struct str name, struct str json);

/* NAME{LABELS}=FIGURE, FIGURE&FIGURE: 1 when both are not 0.  NULL, or what
 * is wrong. */
const char *metrics_gauge(const char *);

void	 metrics_answer(struct ws_conn *);	/* GET /metrics */
const char *metrics_metric(struct command *);
const char *metrics_count(struct command *);
const char *metrics_stats(struct command *);

#endif
