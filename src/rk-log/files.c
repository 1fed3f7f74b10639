/* SPDX-License-Identifier: ISC */
/*
 * The files.  What was added in a turn is one write to each; a file stays
 * open while it is among those that were used last, and is opened without
 * following a link, below the one directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"

#include "keep.h"

#define OPEN_MAX_FILES	64
#define CREATED_MAX	10000		/* new files a day */
#define PENDING_MAX	(256 << 10)	/* bytes; more is written at once */
#define PATH_BYTES	4096
#define TAIL_BYTES	4096		/* looked at a time for a line's end */

struct file {
	char *path;		/* below the directory */
	struct buf names;	/* the parts, terminated */
	int nparts;
	int fd;			/* -1: to be opened */
	off_t size;
	struct buf head, pending;
	uint64_t entries;	/* in pending */
	uint64_t used;
};

static int root = -1;
static struct file files[OPEN_MAX_FILES];
static uint64_t clock_of_use;
static char today[WHEN_DAY];
static int64_t today_at = -1;	/* the second it was looked up in */
static int created;		/* since the day began */
static int complained;

/* --- one file --- */

static void
close_file(struct file *f)
{
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static void
free_file(struct file *f)
{
	close_file(f);
	free(f->path);
	buf_free(&f->names);
	buf_free(&f->head);
	buf_free(&f->pending);
	*f = (struct file){ .fd = -1 };
}

/* The directory of the last part, made where it is not; -1. */
static int
open_dir(const struct file *f, const char **last)
{
	const char *p = f->names.data;
	int dir = dup(root), next, i;

	for (i = 1; dir != -1 && i < f->nparts; i++, p += strlen(p) + 1) {
		if (mkdirat(dir, p, 0700) == -1 && errno != EEXIST)
			next = -1;
		else
			next = openat(dir, p,
			    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	*last = p;
	return dir;
}

/* Where the last whole line ends, of the first size bytes; -1. */
static off_t
end_of_lines(int fd, off_t size)
{
	char tail[TAIL_BYTES];
	ssize_t n, i;
	off_t from;

	while (size > 0) {
		from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
		n = pread(fd, tail, (size_t)(size - from), from);
		if (n <= 0)
			return -1;
		for (i = n; i > 0; i--)
			if (tail[i - 1] == '\n')
				return from + i;
		size = from;
	}
	return 0;
}

/* A line without an end is what a crash left of one. */
static int
repair(struct file *f)
{
	struct stat st;
	off_t end;

	if (fstat(f->fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	f->size = st.st_size;
	if ((end = end_of_lines(f->fd, st.st_size)) == -1)
		return -1;
	if (end == st.st_size)
		return 1;
	warn("%s/%s: the last line has no end, it is cut off", set.dir,
	    f->path);
	f->size = end;
	return ftruncate(f->fd, end) == -1 ? -1 : 1;
}

/* A new one begins with its head. */
static int
begin(struct file *f)
{
	struct buf whole = BUF(f->pending.max);

	if (f->size > 0)
		return 1;
	if (created == CREATED_MAX) {
		errno = EINVAL;
		return -1;
	}
	created++;
	buf_adds(&whole, buf_str(&f->head));
	buf_adds(&whole, buf_str(&f->pending));
	buf_free(&f->pending);
	buf_clear(&f->head);
	f->pending = whole;
	return 1;
}

static int
open_file(struct file *f)
{
	const char *name;
	int dir = open_dir(f, &name);

	if (dir == -1)
		return -1;
	f->fd = openat(dir, name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	close(dir);
	if (f->fd == -1)
		return -1;
	if (repair(f) == 1 && begin(f) == 1)
		return 1;
	close_file(f);
	return -1;
}

/* --- writing --- */

/* Of what was written, the lines that are whole stay. */
static void
cut_off(struct file *f, size_t written)
{
	const char *p = f->pending.data + f->pending.pos;

	while (written > 0 && p[written - 1] != '\n')
		written--;
	if (ftruncate(f->fd, f->size + (off_t)written) == -1)
		close_file(f);		/* it is repaired when it is opened */
	f->size += (off_t)written;
	buf_take(&f->pending, written);
}

static int
write_pending(struct file *f)
{
	size_t done = 0, size = buf_size(&f->pending);
	const char *p = f->pending.data + f->pending.pos;
	ssize_t n;
	int saved;

	while (done < size) {
		n = write(f->fd, p + done, size - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			saved = errno;
			cut_off(f, done);
			errno = saved;
			return -1;
		}
		done += (size_t)n;
	}
	f->size += (off_t)size;
	tally.bytes += size;
	buf_clear(&f->pending);
	return !set.fsync || fdatasync(f->fd) == 0 ? 1 : -1;
}

/* What no patience mends: somebody's name, not the disk. */
static int
is_for_ever(int error)
{
	return error == ELOOP || error == ENOTDIR || error == EISDIR ||
	    error == EINVAL || error == ENXIO || error == ENAMETOOLONG;
}

static void
fail(struct file *f, int error)
{
	int lost = !set.must || is_for_ever(error);

	tally.failures++;
	if (!complained++)
		warn("%s/%s: %s; %s", set.dir, f->path, strerror(error),
		    lost ? "what comes is lost" : "it waits");
	if (!lost)
		return;
	tally.lost += f->entries;
	f->entries = 0;
	buf_clear(&f->pending);
}

static void
write_file(struct file *f)
{
	if (buf_size(&f->pending) == 0)
		return;
	if ((f->fd == -1 && open_file(f) == -1) || write_pending(f) == -1) {
		fail(f, errno);
		return;
	}
	complained = 0;
	tally.entries += f->entries;
	f->entries = 0;
}

int
files_write(void)
{
	int i, waiting = 0;

	for (i = 0; i < OPEN_MAX_FILES; i++) {
		write_file(&files[i]);
		waiting |= buf_size(&files[i].pending) > 0;
	}
	return !waiting;
}

/* --- which file --- */

static struct file *
find_file(const char *path)
{
	struct file *f, *oldest = NULL;

	for (f = files; f < files + OPEN_MAX_FILES; f++) {
		if (f->path != NULL && strcmp(f->path, path) == 0)
			return f;
		if (buf_size(&f->pending) == 0 &&
		    (oldest == NULL || f->used < oldest->used))
			oldest = f;
	}
	return oldest;
}

static struct file *
file_of(struct str name)
{
	static struct buf names;
	const char *parts[NAME_DEPTH];
	struct buf path = BUF(PATH_BYTES);
	struct file *f;
	int n, i;

	names.max = PATH_BYTES;
	if ((n = name_parts(&names, name, files_day(), parts)) == 0)
		return NULL;
	for (i = 0; i < n; i++)
		buf_addf(&path, "%s%s", i ? "/" : "", parts[i]);
	buf_addc(&path, '\0');
	if ((f = find_file(path.data)) == NULL) {
		files_write();
		f = find_file(path.data);
	}
	if (f != NULL && (f->path == NULL || strcmp(f->path, path.data))) {
		free_file(f);
		f->path = mem_str(path.data);
		f->names = BUF(PATH_BYTES);
		buf_adds(&f->names, buf_str(&names));
		f->nparts = n;
		f->head = BUF(SIZE_MAX / 4);
		f->pending = BUF(SIZE_MAX / 4);	/* the links bound it */
	}
	buf_free(&path);
	return f;
}

void
files_add(struct str name, struct str text, struct str head)
{
	struct file *f = file_of(name);

	if (f == NULL) {
		if (tally.lost++ == 0)
			warn("a name of a file that is none: %.*s",
			    (int)(name.n < 200 ? name.n : 200), name.p);
		return;
	}
	f->used = ++clock_of_use;
	if (buf_size(&f->pending) == 0) {
		buf_clear(&f->head);
		buf_adds(&f->head, head);
	}
	buf_adds(&f->pending, text);
	f->entries++;
	if (buf_size(&f->pending) > PENDING_MAX)
		write_file(f);
}

/* --- days --- */

/* Files of days before this one, in dir and below it; dir is closed. */
static void
forget(int dir, const char *before, int depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	char day[WHEN_DAY];
	int below;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (name_day(e->d_name, day) && strcmp(day, before) < 0 &&
		    unlinkat(dirfd(d), e->d_name, 0) == 0) {
			tally.forgotten++;
			info("%s: forgotten", e->d_name);
			continue;
		}
		below = depth == 0 ? -1 : openat(dirfd(d), e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below != -1)
			forget(below, before, depth - 1);
	}
	if (d != NULL)
		closedir(d);
	else
		close(dir);
}

static void
new_day(int64_t now)
{
	char before[WHEN_DAY];
	int i, dir;

	created = 0;
	for (i = 0; i < OPEN_MAX_FILES; i++)
		if (buf_size(&files[i].pending) == 0)
			free_file(&files[i]);
	if (set.keep == 0)
		return;
	when_day(before, now - set.keep, &set.zone);
	dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != -1)
		forget(dir, before, NAME_DEPTH);
}

const char *
files_day(void)
{
	int64_t now = loop_ms();
	char day[WHEN_DAY];

	if (now / 1000 == today_at)
		return today;
	today_at = now / 1000;
	when_day(day, now, &set.zone);
	if (strcmp(day, today) != 0) {
		memcpy(today, day, sizeof today);
		new_day(now);
	}
	return today;
}

void
files_open(void)
{
	int i;

	for (i = 0; i < OPEN_MAX_FILES; i++)
		files[i].fd = -1;
	if (mkdir(set.dir, 0700) == -1 && errno != EEXIST)
		die(111, "%s: %s", set.dir, strerror(errno));
	root = open(set.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		die(111, "%s: %s", set.dir, strerror(errno));
	files_day();
}

void
files_reopen(void)
{
	int i;

	for (i = 0; i < OPEN_MAX_FILES; i++)
		close_file(&files[i]);
}

void
files_close(void)
{
	int i;

	files_write();
	for (i = 0; i < OPEN_MAX_FILES; i++)
		free_file(&files[i]);
}
