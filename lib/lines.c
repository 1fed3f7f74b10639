/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "lines.h"
#include "log.h"

#define READ_SIZE	65536

static void
readable(struct ev_loop *l, ev_io *io, int events)
{
	struct lines *in = io->data;
	ssize_t r = buf_read(&in->buf, io->fd, READ_SIZE);

	(void)events;
	if (r == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (r == -1)
		die(111, "standard input: %s", strerror(errno));
	in->eof = r == 0;
	ev_io_stop(l, io);
	in->more(in);
}

void
lines_open(struct lines *in, int fd, size_t max, void (*more)(struct lines *))
{
	*in = (struct lines){ .max = max, .more = more,
	    .buf = BUF(max + READ_SIZE) };
	ev_io_init(&in->io, readable, fd, EV_READ);
	in->io.data = in;
}

static int
too_long(struct lines *in)
{
	in->skipping = 0;
	errno = EMSGSIZE;
	return -1;
}

/* The last line may lack its newline. */
static int
last(struct lines *in, struct str *line)
{
	*line = buf_str(&in->buf);
	in->ended = 1;
	if (in->skipping)
		in->number++;
	if (in->skipping)
		return too_long(in);
	if (line->n == 0)
		return 0;
	buf_clear(&in->buf);
	in->number++;
	return 1;
}

int
lines_next(struct lines *in, struct str *line)
{
	if (in->ended)
		return 0;
	if (buf_line(&in->buf, &in->scan, line)) {
		buf_take(&in->buf, line->n + 1);
		in->number++;
		return in->skipping || line->n > in->max ? too_long(in) : 1;
	}
	if (buf_size(&in->buf) > in->max)
		in->skipping = 1;
	if (in->skipping) {
		buf_clear(&in->buf);
		in->scan = 0;
	}
	if (in->eof)
		return last(in, line);
	ev_io_start(loop, &in->io);
	return 0;
}

void
lines_stop(struct lines *in)
{
	ev_io_stop(loop, &in->io);
}

/* At most PIPE_BUF at a time: poll(2) promises room for no more. */
static void
write_ready(struct lines_out *out)
{
	struct pollfd p = { .fd = out->io.fd, .events = POLLOUT };
	struct str s;
	ssize_t r;

	while (buf_size(&out->buf) > 0 && poll(&p, 1, 0) == 1) {
		s = buf_str(&out->buf);
		r = write(p.fd, s.p, s.n < PIPE_BUF ? s.n : PIPE_BUF);
		if (r == -1 && (errno == EINTR || errno == EAGAIN))
			break;
		if (r == -1)
			die(111, "standard output: %s", strerror(errno));
		buf_take(&out->buf, (size_t)r);
	}
}

static void
flush(struct before_sleep *b)
{
	struct lines_out *out = (struct lines_out *)b;
	int full = lines_full(out);

	if (buf_size(&out->buf) == 0)
		return;
	write_ready(out);
	if (buf_size(&out->buf) == 0 || (full && !lines_full(out)))
		out->room(out);		/* may add */
	if (buf_size(&out->buf) > 0)
		ev_io_start(loop, &out->io);
	else
		ev_io_stop(loop, &out->io);
}

static void
writable(struct ev_loop *l, ev_io *io, int events)
{
	(void)l;
	(void)events;
	flush(io->data);
}

void
lines_out_open(struct lines_out *out, int fd, size_t max,
    void (*room)(struct lines_out *))
{
	*out = (struct lines_out){ .flush.run = flush, .room = room,
	    .buf = BUF(SIZE_MAX / 2), .max = max };
	ev_io_init(&out->io, writable, fd, EV_WRITE);
	out->io.data = out;
	loop_before_sleep(&out->flush);
}

void
lines_add(struct lines_out *out, struct str line)
{
	buf_adds(&out->buf, line);
	buf_addc(&out->buf, '\n');
}

int
lines_full(const struct lines_out *out)
{
	return buf_size(&out->buf) >= out->max;
}

size_t
lines_waiting(const struct lines_out *out)
{
	return buf_size(&out->buf);
}
