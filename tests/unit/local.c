/* SPDX-License-Identifier: ISC */
/*
 * Unix sockets that are served: whose a path is, and that of those who start
 * at the same time on a stale one exactly one gets it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "local.h"
#include "unit.h"

#define PAIRS	20
#define MANY	4		/* who start together, too */

static char dir[] = "/tmp/rk-local-XXXXXX", path[64];

/* Each test has a directory of its own. */
static void
enter(void)
{
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/a.sock", dir);
}

static void
leave(void)
{
	unlink(path);
	CHECK(rmdir(dir) == 0);
}

static int
listen_there(struct local *l)
{
	*l = (struct local){ NULL, 0, 0 };
	return local_listen(l, path, 0600, (gid_t)-1);
}

static void
make_stale(void)
{
	struct local l;
	int fd = listen_there(&l);

	CHECK(fd != -1);
	close(fd);
	free(l.path);
}

static int
answers(void)
{
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	CHECK(local_address(&a, path) == 1);
	r = connect(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return r == 0;
}

/* Waits for the start, tells how it went, and stays until the end. */
static _Noreturn void
starter(int start, int told, int end)
{
	struct local l;
	char how, c;

	if (read(start, &c, 1) != 0)
		_exit(1);
	how = listen_there(&l) != -1 ? 'w' : errno == EADDRINUSE ? 'l' : '?';
	if (write(told, &how, 1) != 1)
		_exit(1);
	_exit(read(end, &c, 1) == 0 ? 0 : 1);
}

static int
count(const char *all, char one)
{
	int n = 0;

	for (; *all != '\0'; all++)
		n += *all == one;
	return n;
}

static void
race(int n)
{
	int start[2], told[2], end[2], i;
	char how[MANY + 1] = "";

	make_stale();
	CHECK(pipe(start) == 0 && pipe(told) == 0 && pipe(end) == 0);
	for (i = 0; i < n; i++) {
		fflush(NULL);
		if (fork() == 0) {
			close(start[1]);
			close(end[1]);
			starter(start[0], told[1], end[0]);
		}
	}
	close(start[1]);
	for (i = 0; i < n; i++)
		CHECK(read(told[0], how + i, 1) == 1);
	CHECK_INT(count(how, 'w'), 1);
	CHECK_INT(count(how, 'l'), n - 1);
	CHECK(answers());
	close(end[1]);
	for (i = 0; i < n; i++)
		CHECK(wait(NULL) != -1);
	close(start[0]), close(end[0]), close(told[0]), close(told[1]);
}

TEST(pairs, "one of two who start together gets a stale path")
{
	enter();
	for (int i = 0; i < (unit_long() ? 50 : 1) * PAIRS; i++)
		race(2);
	leave();
}

TEST(many, "one of many does")
{
	enter();
	for (int i = 0; i < PAIRS; i++)
		race(MANY);
	leave();
}

TEST(whose, "a path that somebody answers on is his, and goes with him")
{
	struct local a, b;
	int fd;

	enter();
	fd = listen_there(&a);
	CHECK(fd != -1);
	CHECK(listen_there(&b) == -1 && errno == EADDRINUSE);
	CHECK(answers());
	local_remove(&a);
	CHECK(access(path, F_OK) == -1);
	close(fd);
	leave();
}

TEST(taken, "one that another has replaced stays")
{
	struct local a, b;
	int fd, other;

	enter();
	fd = listen_there(&a);
	CHECK(unlink(path) == 0);
	other = listen_there(&b);
	CHECK(other != -1);
	local_remove(&a);
	CHECK(answers());
	local_remove(&b);
	close(fd), close(other);
	leave();
}

TEST(plain, "what is no socket stays")
{
	struct local l;
	int fd;

	enter();
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(listen_there(&l) == -1 && errno == EEXIST);
	CHECK(access(path, F_OK) == 0);
	close(fd);
	leave();
}

TEST(mode, "its permissions are those that were asked for")
{
	struct stat st;
	struct local l;
	int fd;

	enter();
	fd = local_listen(&l, path, 0660, (gid_t)-1);
	CHECK(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 0777, 0660);
	local_remove(&l);
	close(fd);
	leave();
}

TEST(locked, "a directory that somebody keeps locked is given up")
{
	struct local l;
	int fd;

	enter();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(flock(fd, LOCK_EX) == 0);
	CHECK(listen_there(&l) == -1 && errno == EAGAIN);
	close(fd);
	make_stale();
	leave();
}

TEST(names, "a path too long, and one in no directory")
{
	struct sockaddr_un a;
	struct local l;
	char name[sizeof a.sun_path + 1];

	memset(name, 'a', sizeof name);
	name[sizeof a.sun_path] = '\0';
	CHECK(local_listen(&l, name, 0600, (gid_t)-1) == -1 &&
	    errno == ENAMETOOLONG);
	name[sizeof a.sun_path - 1] = '\0';
	CHECK(local_address(&a, name) == 1);
	CHECK(local_listen(&l, "/nowhere/a.sock", 0600, (gid_t)-1) == -1 &&
	    errno == ENOENT);
}
