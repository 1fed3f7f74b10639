/* SPDX-License-Identifier: ISC */
#ifndef HEAD_H
#define HEAD_H

#include "ws.h"

struct captures;

/* Adds the keys that `open` and `request` share: path, query, params, headers
 * and remote. */
void	 head_put(struct buf *, struct ws_conn *, const struct http_head *,
	    const struct captures *);
/* Adds a query of its own. */
void	 head_put_query(struct buf *, struct str);
/* The same as text that frame_more() adds; the caller frees it. */
char	*head_keep(struct ws_conn *, const struct http_head *);
/* The headers as an object; the caller frees it. */
char	*head_headers(const struct http_head *);

#endif
