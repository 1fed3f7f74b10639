/* SPDX-License-Identifier: ISC */
#ifndef PEOPLE_H
#define PEOPLE_H

/* Commands about who is there: names, channels, state; and what is known of
 * them.  Each returns NULL, or why it is refused. */

#include "command.h"

const char *people_identify(struct command *);
const char *people_join(struct command *);
const char *people_leave(struct command *);
const char *people_kickout(struct command *);
const char *people_merge(struct command *);
const char *people_who(struct command *);
const char *people_kick(struct command *);

void	 people_here(struct link *);	/* a `here` for each connection */

#endif
