/* SPDX-License-Identifier: ISC */
/*
 * What a single connection and a station have in common: how a URL and a
 * failure are told to people.
 */
#include <ctype.h>
#include <stdio.h>

#include "client.h"
#include "http.h"


/* A path may hold a token: of each of its parts the beginning. */
static void
mask_path(struct buf *b, const char *p)
{
	size_t n;

	for (; *p == '/'; p += n) {
		n = 1 + strcspn(p + 1, "/?#");
		buf_add(b, p, n < 5 ? n : 5);
		if (n > 5)
			buf_adds(b, STR("..."));
	}
}

const char *
url_mask(const char *url)
{
	static char out[256];
	struct buf b = { .data = out, .cap = sizeof out,
	    .max = sizeof out - 1 };
	const char *scheme = strstr(url, "://");
	const char *from = scheme != NULL ? scheme + 3 : url;
	const char *at = memrchr(from, '@', strcspn(from, "/?#"));
	const char *host = at != NULL ? at + 1 : from;
	size_t n = strcspn(host, "/?#");

	buf_add(&b, url, (size_t)(from - url));
	buf_add(&b, host, n);
	mask_path(&b, host + n);
	out[b.len] = '\0';
	return out;
}

const char *
failure(int status, const char *why)
{
	static char text[64];
	int i = snprintf(text, sizeof text, "%d ", status);

	if (status == 0)
		return why != NULL ? why : "connection lost";
	snprintf(text + i, sizeof text - (size_t)i, "%s", http_reason(status));
	for (; text[i] != '\0'; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return text;
}
