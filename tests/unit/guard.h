/* SPDX-License-Identifier: ISC */
#ifndef GUARD_H
#define GUARD_H

/*
 * guard_end() and guard_start() copy bytes to where they touch a page without
 * access, with their end or their start: one byte too far is a crash.  There
 * is one room for both: a later call takes it again.
 */

#include <stdlib.h>
#include <sys/mman.h>

#include "buf.h"

#define GUARD_ROOM	((size_t)2 << 20)
#define GUARD_PAGE	((size_t)1 << 16)	/* a multiple of any page */

static __attribute__((unused)) char *
guard_room(void)
{
	static char *room;
	size_t all = GUARD_ROOM + 2 * GUARD_PAGE;

	if (room != NULL)
		return room;
	room = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		abort();
	room += GUARD_PAGE;
	if (mprotect(room, GUARD_ROOM, PROT_READ | PROT_WRITE) == -1)
		abort();
	return room;
}

static __attribute__((unused)) struct str
guard_copy(char *to, struct str s)
{
	if (s.n > GUARD_ROOM)
		abort();
	if (s.n > 0)
		memmove(to, s.p, s.n);
	return (struct str){ to, s.n };
}

static __attribute__((unused)) struct str
guard_end(struct str s)
{
	return guard_copy(guard_room() + GUARD_ROOM - s.n, s);
}

static __attribute__((unused)) struct str
guard_start(struct str s)
{
	return guard_copy(guard_room(), s);
}

#endif
