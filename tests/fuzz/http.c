/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the head of a request: what is found lies within them, a head
 * that is whole needs nothing of what follows, a refusal has a status.  And as
 * a body in chunks: in two pieces it means what it means in one.
 */
#include <stdlib.h>

#include "http.h"

#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct buf out = { .max = 1 << 20 };

static void
inside(struct str part, struct str whole)
{
	if (part.n == 0)
		return;
	MUST(part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
found(const struct http_head *h, struct str whole)
{
	size_t i;

	MUST(h->method.n > 0 && h->path.n > 0 && h->n <= HTTP_HEADERS);
	MUST(h->length >= -1);
	inside(h->method, whole);
	inside(h->path, whole);
	inside(h->query, whole);
	for (i = 0; i < h->n; i++) {
		MUST(h->headers[i].name.n > 0);
		inside(h->headers[i].name, whole);
		inside(h->headers[i].value, whole);
	}
	inside(http_header(h, "host"), whole);
	http_has_token(h, "connection", "upgrade");
	buf_clear(&out);
	if (http_unescape(&out, h->path, 0) == 1)
		MUST(buf_size(&out) <= h->path.n);
}

static void
in_chunks(const uint8_t *data, size_t n)
{
	struct http_chunks one = { 0 }, two = { 0 };
	size_t all = n, first = n / 2, second = n - first;
	char *p = malloc(n), *q = malloc(n);
	int over;

	MUST(p != NULL && q != NULL);
	memcpy(p, data, n);
	memcpy(q, data, n);
	over = http_unchunk(&two, p, &first);
	MUST(first <= n / 2);
	if (over == 0) {
		memmove(p + first, data + n / 2, second);
		over = http_unchunk(&two, p + first, &second);
		first += second;
	}
	MUST(http_unchunk(&one, q, &all) == over);
	MUST(all == first && memcmp(p, q, all) == 0);
	free(p);
	free(q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct http_head h;
	struct str all = { (const char *)data, n };
	int status = 0;
	ssize_t head = http_parse(&h, all, &status);

	if (n > 0)
		in_chunks(data, n);
	if (head == -1)
		MUST(status >= 400 && http_reason(status)[0] != '\0');
	if (head <= 0)
		return 0;
	MUST((size_t)head <= n);
	all.n = (size_t)head;
	found(&h, all);
	MUST(http_parse(&h, all, &status) == head);
	all.n--;
	MUST(http_parse(&h, all, &status) == 0);
	return 0;
}
