/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "zone.h"

#define NAME_BYTES	64
#define PLACE		"/usr/share/zoneinfo"

/* What TZ is set to; the C library reads the file when that changes. */
static char current[NAME_BYTES + 2];
static char *local;		/* TZ as it was; NULL: it was not set */
static int known;

static void
use(const char *tz)
{
	if (!known) {
		local = getenv("TZ") ? mem_str(getenv("TZ")) : NULL;
		known = 1;
	} else if (strcmp(tz, current) == 0) {
		return;
	}
	snprintf(current, sizeof current, "%s", tz);
	if (tz[0] != '\0')
		setenv("TZ", tz, 1);
	else if (local != NULL)
		setenv("TZ", local, 1);
	else
		unsetenv("TZ");
	tzset();
}

static int64_t
ahead(void *ctx, int64_t utc)
{
	time_t t = (time_t)utc;
	struct tm tm;

	(void)ctx;
	return localtime_r(&t, &tm) == NULL ? 0 : tm.tm_gmtoff;
}

static int64_t
not_ahead(void *ctx, int64_t utc)
{
	(void)ctx;
	(void)utc;
	return 0;
}

/* A name that cannot leave the directory, of a file that is there: for any
 * other the C library would take UTC, without a word. */
static int
is_there(const char *name)
{
	char path[sizeof PLACE + NAME_BYTES + 1];
	struct stat st;

	if (name[0] == '/' || strstr(name, "..") != NULL ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/")] != '\0')
		return 0;
	snprintf(path, sizeof path, "%s/%s", PLACE, name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int
zone_find(struct zone *z, struct str name)
{
	char tz[NAME_BYTES + 2] = ":";

	*z = (struct zone){ .ahead = ahead };
	if (str_eq(name, STR("utc")) || str_eq(name, STR("UTC"))) {
		z->ahead = not_ahead;
		return 1;
	}
	if (str_eq(name, STR("local"))) {
		use("");
		return 1;
	}
	if (name.n == 0 || name.n >= NAME_BYTES)
		return 0;
	memcpy(tz + 1, name.p, name.n);
	if (!is_there(tz + 1))
		return 0;
	use(tz);
	return 1;
}
