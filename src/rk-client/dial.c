/* SPDX-License-Identifier: ISC */
/*
 * What a single connection and a station have in common: how a URL and a
 * failure are told to people.
 */
#include <ctype.h>
#include <stdio.h>

#include "client.h"
#include "http.h"


const char *
url_mask(const char *url)
{
	static char out[256];
	const char *scheme = strstr(url, "://");
	const char *from = scheme != NULL ? scheme + 3 : url;
	const char *at = memrchr(from, '@', strcspn(from, "/?#"));
	const char *host = at != NULL ? at + 1 : from;

	snprintf(out, sizeof out, "%.*s%.*s", (int)(from - url), url,
	    (int)strcspn(host, "?#"), host);
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
