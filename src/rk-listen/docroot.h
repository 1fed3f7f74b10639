/* SPDX-License-Identifier: ISC */
#ifndef DOCROOT_H
#define DOCROOT_H

#include "ws.h"

/* Files below one directory, read-only. */
int	 docroot_open(const char *);	/* 1, or -1 with errno */
/* The file of a path, as sent; 1: it was answered, 0: there is none. */
int	 docroot_answer(struct ws_conn *, struct str path);

#endif
