/* SPDX-License-Identifier: ISC */
#ifndef FILTER_HOST_H
#define FILTER_HOST_H

/*
 * Functions of the prelude that are written in C.  jq 1.6 has no way to add
 * one, but two callbacks: _rk(OP) hands [OP, .] to that of debug and takes the
 * answer from that of input.
 */

#include <jq.h>

#include "value.h"

struct host {
	struct values *known;
	jv call;		/* invalid: none waits for its answer */
};

void	 host_open(struct host *, jq_state *, struct values *);
void	 host_close(struct host *);

#endif
