/* SPDX-License-Identifier: ISC */
#ifndef FIGURE_H
#define FIGURE_H

/*
 * Figures: what a program counts, as tables.
 *
 *  - A module has its table beside its counters; a program has a list of
 *    tables.  To count one more thing is one line: a row.
 *  - A figure has one name everywhere: in /metrics (behind a prefix), in
 *    `stats` frames, in options.  A name that ends in _total is a counter,
 *    which only grows; any other is a gauge.
 *  - Rows that differ in a label only, as in refused_total{reason="rate"},
 *    stand together.
 */

#include <stdint.h>

#include "buf.h"

struct figure {
	const char *name;		/* NULL ends a table */
	const uint64_t *value;
	const char *help;
};

/* The row with this name; NULL: there is none. */
const struct figure *figure_find(const struct figure *, struct str name);

/* Adds each as `"name":value`, with commas between, and before the first
 * unless b ends in a brace. */
void	 figure_json(struct buf *, const struct figure *);

/* Adds all in Prometheus text format 0.0.4, their names behind the prefix. */
void	 figure_text(struct buf *, const char *prefix, const struct figure *);

/* "counter" or "gauge". */
const char *figure_kind(struct str name);

#endif
