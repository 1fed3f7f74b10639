/* SPDX-License-Identifier: ISC */
#ifndef WEB_H
#define WEB_H

/* Plain HTTP: what we answer ourselves (/healthz, /metrics, files), and what
 * becomes a `request`. */

#include "ws.h"

extern const struct figure web_figures[];

/* Ops of lib/ws.h. */
void	 web_came(struct ws_conn *, const struct http_head *, struct str body);
size_t	 web_body(struct ws_conn *, const struct http_head *);

/* Nothing but the status, as text, and when to come again (503); headers:
 * whole lines, or "". */
void	 web_answer(struct ws_conn *, int status, const char *headers);

#endif
