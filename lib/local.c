/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "local.h"

#define BACKLOG		4096
#define LOCK_PAUSE	10	/* ms */

int
local_address(struct sockaddr_un *a, const char *path)
{
	size_t n = strlen(path);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n >= sizeof a->sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a->sun_path, path, n);
	return 1;
}

/* flock() would wait for as long as its holder likes. */
static int
lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE * 1000000L };
	int ms = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK || ms >= LOCAL_WAIT)
			return -1;
		nanosleep(&pause, NULL);
		ms += LOCK_PAUSE;
	}
	return 1;
}

static int
close_error(int fd)			/* -1, errno as it was */
{
	int e = errno;

	close(fd);
	errno = e;
	return -1;
}

/* The directory, locked until it is closed. */
static int
lock_around(const char *path)
{
	char dir[sizeof ((struct sockaddr_un *)NULL)->sun_path];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	int fd;

	memcpy(dir, path, n);
	dir[n] = '\0';
	fd = open(slash == NULL ? "." : n == 0 ? "/" : dir,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 || lock(fd) == 1 ? fd : close_error(fd);
}

/* Takes what is left from a crash out of the way. */
static int
make_room(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->sun_path, &st) == -1)
		return errno == ENOENT ? 1 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	r = connect(fd, (const struct sockaddr *)a, sizeof *a);
	close_error(fd);
	if (r == -1 && errno == ECONNREFUSED)
		return unlink(a->sun_path) == 0 ? 1 : -1;
	errno = EADDRINUSE;
	return -1;
}

/* Nobody may connect before its permissions are what they shall be. */
static int
bind_with(int fd, const struct sockaddr_un *a, mode_t mode, gid_t group)
{
	mode_t before = mode == LOCAL_UMASK ? 0 : umask(0177);
	int r = bind(fd, (const struct sockaddr *)a, sizeof *a);

	if (mode != LOCAL_UMASK)
		umask(before);
	if (r == -1 || (group != (gid_t)-1 &&
	    chown(a->sun_path, (uid_t)-1, group) == -1) ||
	    (mode != LOCAL_UMASK && chmod(a->sun_path, mode) == -1))
		return -1;
	return 1;
}

static int
listen_at(struct local *l, const struct sockaddr_un *a, mode_t mode,
    gid_t group)
{
	struct stat st;
	int fd;

	if (make_room(a) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (bind_with(fd, a, mode, group) == -1 ||
	    listen(fd, BACKLOG) == -1 || lstat(a->sun_path, &st) == -1)
		return close_error(fd);
	*l = (struct local){ mem_str(a->sun_path), st.st_dev, st.st_ino };
	return fd;
}

int
local_listen(struct local *l, const char *path, mode_t mode, gid_t group)
{
	struct sockaddr_un a;
	int dir, fd;

	if (local_address(&a, path) == -1 ||
	    (dir = lock_around(path)) == -1)
		return -1;
	fd = listen_at(l, &a, mode, group);
	close_error(dir);
	return fd;
}

/* Who replaced it has it. */
void
local_remove(struct local *l)
{
	struct stat st;

	if (l->path != NULL && lstat(l->path, &st) == 0 &&
	    st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
	free(l->path);
	l->path = NULL;
}
