/* SPDX-License-Identifier: ISC */
#ifndef TRIAL_H
#define TRIAL_H

/*
 * A trial of a rule (-t): frames from a file, and what comes of them on
 * standard output, for a person or for diff.
 *
 *  - Outputs are shown with from and via.
 *  - A frame that the rule refuses is a line {"type":"refuse","why","line"};
 *    one that it fails over, or that is no frame, {"type":"error", ...}.
 *  - Empty lines, and lines that begin with #, are left out.
 */

#include "filter.h"

/* "-" is standard input.  1: there was an error; 0: none. */
int	 trial(struct filter *, const char *file);

#endif
