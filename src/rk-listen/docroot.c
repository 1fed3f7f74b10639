/* SPDX-License-Identifier: ISC */

/*
 * Static files.  The kernel keeps us below the directory (openat2(2) with
 * RESOLVE_BENEATH: no "..", no symbolic link that leads out), and nothing
 * that begins with a dot is there.  A directory is its index.html.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "docroot.h"

#define FILE_MAX	(256 << 20)

static int root = -1;

int
docroot_open(const char *path)
{
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root == -1 ? -1 : 1;
}

static const char *
content_type(const char *path)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".gif", "image/gif" },
		{ ".webp", "image/webp" },
		{ ".ico", "image/x-icon" },
		{ ".wasm", "application/wasm" },
		{ ".woff2", "font/woff2" }
	};
	size_t n = strlen(path), m;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		m = strlen(types[i].end);
		if (n > m && strcmp(path + n - m, types[i].end) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

/* The path below the directory, terminated; NULL: it cannot be one. */
static const char *
below(struct str path)
{
	static struct buf b = { .max = 4096 };
	size_t n;

	buf_clear(&b);
	if (http_unescape(&b, path, 0) != 1)
		return NULL;
	for (size_t i = 0; i + 1 < buf_size(&b); i++)
		if (b.data[i] == '/' && b.data[i + 1] == '.')
			return NULL;
	n = buf_size(&b);
	if (b.data[n - 1] == '/' && buf_adds(&b, STR("index.html")) == -1)
		return NULL;
	if (buf_addc(&b, '\0') == -1)
		return NULL;
	for (n = 0; b.data[n] == '/'; )
		n++;
	return b.data + n;
}

static int
open_below(const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static void
redirect(struct ws_conn *ws, struct str path)
{
	char location[2048];

	while (path.n > 1 && path.p[1] == '/')	/* //host is another's */
		path.p++, path.n--;
	snprintf(location, sizeof location, "Location: %.*s/\r\n",
	    (int)path.n, path.p);
	ws_respond(ws, path.n > 1900 ? 404 : 301,
	    path.n > 1900 ? "" : location, STR(""));
}

int
docroot_answer(struct ws_conn *ws, struct str path)
{
	const char *name = root == -1 ? NULL : below(path);
	char headers[256];
	struct stat st;
	int fd;

	if (name == NULL || (fd = open_below(name)) == -1)
		return 0;
	if (fstat(fd, &st) == -1 || st.st_size > FILE_MAX ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
		close(fd);
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		redirect(ws, path);
		return 1;
	}
	snprintf(headers, sizeof headers, "Content-Type: %s\r\n"
	    "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n",
	    content_type(name));
	ws_respond_fd(ws, 200, headers, fd, (size_t)st.st_size);
	return 1;
}
