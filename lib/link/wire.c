/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

static void
destroy(struct wire *w)
{
	buf_free(&w->data);
	buf_free(&w->out);
	free(w);
}

/* One that is too long: say so once, and skip to its end. */
static void
overlong(struct wire *w)
{
	if (!w->skipping) {
		w->number++;
		w->ops->too_long(w);
		w->number--;	/* its newline counts it */
	}
	w->skipping = 1;
	w->scan = 0;
	buf_clear(&w->data);
}

static void
unbusy(struct wire *w)
{
	if (--w->busy == 0 && w->closed)
		destroy(w);
}

static void
lines(struct wire *w)
{
	struct str line;

	w->busy++;
	while (!w->stopped && buf_line(&w->data, &w->scan, &line)) {
		/* taken, not moved: it stays where it is until the next read */
		buf_take(&w->data, line.n + 1);
		w->number++;
		if (w->skipping)
			w->skipping = 0;
		else
			w->ops->line(w, line);
	}
	if (w->ops->pause != NULL)
		w->ops->pause(w);
	if (!w->stopped && w->scan == w->data.max)
		overlong(w);
	unbusy(w);
}

static void
down(struct wire *w, const char *why)
{
	ev_io_stop(loop, &w->reader);
	ev_io_stop(loop, &w->writer);
	w->stopped = 1;
	w->ops->down(w, why);
}

/* A last line without its newline counts: one that was cut off is no JSON. */
static void
end_of_file(struct wire *w)
{
	w->busy++;
	if (buf_size(&w->data) > 0) {
		buf_addc(&w->data, '\n');
		lines(w);
	}
	if (!w->closed && buf_size(&w->data) == 0)
		down(w, NULL);	/* else: stopped, and it is read again */
	unbusy(w);
}

static void
readable(struct ev_loop *l, ev_io *io, int events)
{
	struct wire *w = io->data;
	ssize_t n;

	(void)l;
	if (events & EV_CUSTOM) {	/* lines that waited; then a read */
		lines(w);
		return;
	}
	n = w->ended ? 0 : buf_read(&w->data, w->in, WIRE_READ);
	if (n > 0)
		lines(w);
	else if (n == 0)
		end_of_file(w);
	else if (errno != EAGAIN && errno != EINTR)
		down(w, strerror(errno));
}

static void
writable(struct ev_loop *l, ev_io *io, int events)
{
	struct wire *w = io->data;

	(void)l;
	(void)events;
	wire_flush(w);	/* what waits behind it is added before the sleep */
}

struct wire *
wire_new(int in, int out, size_t line_max, const struct wire_ops *ops,
    void *owner)
{
	struct wire *w = mem_new(sizeof *w);

	w->ops = ops;
	w->owner = owner;
	w->in = in;
	w->out_fd = out;
	w->data = BUF(line_max + 1);
	w->out = BUF(SIZE_MAX / 4);	/* bounded by what is put in */
	ev_io_init(&w->reader, readable, in == -1 ? 0 : in, EV_READ);
	w->reader.data = w;
	ev_io_init(&w->writer, writable, out == -1 ? 0 : out, EV_WRITE);
	w->writer.data = w;
	w->stopped = 1;
	wire_read(w, 1);
	return w;
}

void
wire_read(struct wire *w, int on)
{
	if (w->in == -1 || on == !w->stopped)
		return;
	w->stopped = !on;
	if (!on) {
		ev_io_stop(loop, &w->reader);
		return;
	}
	ev_io_start(loop, &w->reader);
	if (w->ended)
		ev_feed_event(loop, &w->reader, EV_READ);
	else if (buf_size(&w->data) > 0)	/* they need no byte more */
		ev_feed_event(loop, &w->reader, EV_CUSTOM);
}

void
wire_end(struct wire *w)
{
	w->ended = 1;
	if (!w->stopped)
		ev_feed_event(loop, &w->reader, EV_READ);
}

int
wire_flush(struct wire *w)
{
	ssize_t n;

	if (w->out_fd == -1) {
		buf_clear(&w->out);
		return 1;
	}
	while (buf_size(&w->out) > 0) {
		n = buf_write(&w->out, w->out_fd);
		if (n > 0)
			continue;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			ev_io_start(loop, &w->writer);
			return 0;
		}
		ev_io_stop(loop, &w->writer);
		buf_clear(&w->out);
		down(w, strerror(errno));
		return -1;
	}
	ev_io_stop(loop, &w->writer);
	return 1;
}

void
wire_close_out(struct wire *w)
{
	ev_io_stop(loop, &w->writer);
	if (w->out_fd != -1 && w->out_fd != w->in)
		close(w->out_fd);
	else if (w->out_fd != -1)
		shutdown(w->out_fd, SHUT_WR);
	w->out_fd = -1;
}

void
wire_close(struct wire *w)
{
	ev_io_stop(loop, &w->reader);
	ev_io_stop(loop, &w->writer);
	ev_clear_pending(loop, &w->reader);
	if (w->in != -1)
		close(w->in);
	if (w->out_fd != -1 && w->out_fd != w->in)
		close(w->out_fd);
	w->stopped = w->closed = 1;
	if (!w->busy)
		destroy(w);
}

int
wire_deserted(const struct wire *w)
{
	struct pollfd p = { .fd = w->out_fd };

	return w->out_fd != w->in && poll(&p, 1, 0) == 1 &&
	    p.revents & POLLERR;
}

int
wire_nonblocking(int fd, int flags)
{
	char path[32];
	struct stat st;
	int own;

	if (fstat(fd, &st) == -1)
		return fd;
	if (S_ISFIFO(st.st_mode)) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		own = open(path, flags | O_NONBLOCK | O_CLOEXEC);
		if (own != -1) {
			dup3(own, fd, O_CLOEXEC);
			close(own);
			return fd;
		}
	}
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}
