/* SPDX-License-Identifier: ISC */
#ifndef HEAP_H
#define HEAP_H

/*
 * What is due when: a binary heap in memory, 16 bytes a job, so that a
 * schedule writes nothing to disk but the job.  An entry is a hint: who takes
 * it looks whether the job is still due then.
 */

#include <stddef.h>
#include <stdint.h>

struct heap_entry {
	int64_t due, id;
};

struct heap {
	struct heap_entry *v;
	size_t n, cap;
};

void	 heap_push(struct heap *, int64_t due, int64_t id);
/* The first that is due; NULL: there is none. */
const struct heap_entry *heap_first(const struct heap *);
void	 heap_pop(struct heap *);
void	 heap_clear(struct heap *);

#endif
