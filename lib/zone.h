/* SPDX-License-Identifier: ISC */
#ifndef ZONE_H
#define ZONE_H

/*
 * Zones, as the system knows them: "local" (TZ, or /etc/localtime), "utc", and
 * the names of its time zone database ("Europe/Warsaw").
 */

#include "buf.h"
#include "when.h"

/* 1, or 0: there is no such zone.  The zone lives until the next call. */
int	 zone_find(struct zone *, struct str name);

#endif
