# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# names.bash: names that take their time, after `load lib`.
#
#   slow_names          makes $RK_TEST/slow.so: for whom it is in LD_PRELOAD, with
#                       ASAN_OPTIONS=$SLOW_ASAN, slow.example is a name whose
#                       server does not answer

# shellcheck disable=SC2034 # for who loads this
SLOW_ASAN=${ASAN_OPTIONS-}:verify_asan_link_order=0

slow_names() {
	cat >"$RK_TEST/slow.c" <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <netdb.h>
	#include <string.h>
	#include <unistd.h>

	int
	getaddrinfo(const char *name, const char *service,
	    const struct addrinfo *hints, struct addrinfo **found)
	{
		int (*real)(const char *, const char *,
		    const struct addrinfo *, struct addrinfo **) =
		    dlsym(RTLD_NEXT, "getaddrinfo");

		if (strcmp(name, "slow.example") == 0 &&
		    !(hints->ai_flags & AI_NUMERICHOST)) {
			sleep(3600);
			return EAI_AGAIN;
		}
		return real(name, service, hints, found);
	}
	END
	cc -shared -fPIC -o "$RK_TEST/slow.so" "$RK_TEST/slow.c"
}
