/* SPDX-License-Identifier: ISC */
/*
 * What a single connection and a station have in common: where a URL leads,
 * and how it and a failure are told to people.
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

/* Where the path of a URL begins. */
static size_t
path_at(const char *url)
{
	const char *p = strstr(url, "://");

	if (strncmp(url, "ws+unix:", 8) == 0) {
		p = strchr(url + 8, ':');
		return p == NULL ? strlen(url) : (size_t)(p + 1 - url);
	}
	return p == NULL ? strlen(url) :
	    (size_t)(p + 3 - url) + strcspn(p + 3, "/?#");
}

char *
url_websocket(const char *url, const char *path, const char *query)
{
	struct buf b = BUF(SIZE_MAX / 2);
	struct str s = { url, strcspn(url, "#") };
	size_t at = path_at(url), n;

	if (at > s.n)
		at = s.n;
	n = strcspn(url + at, "?#");
	if (strncmp(url, "http", 4) == 0)
		buf_addf(&b, "ws%.*s", (int)at - 4, url + 4);
	else
		buf_add(&b, url, at);
	if (n < 2)
		buf_adds(&b, str_of(path));
	else
		buf_add(&b, url + at, n);
	buf_add(&b, url + at + n, s.n - at - n);
	if (query != NULL)
		buf_addf(&b, "%c%s", at + n < s.n ? '&' : '?', query);
	buf_addc(&b, '\0');
	return b.data;
}
