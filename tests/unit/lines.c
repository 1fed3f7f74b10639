/* SPDX-License-Identifier: ISC */
/*
 * Lines in and out of pipes: found wherever they are cut, bounded, told when
 * too long; and a reader that is slow stops the writer, never the program.
 */
#include <errno.h>
#include <fcntl.h>

#include "lines.h"
#include "unit.h"

#define MAX	10

static struct buf got = { .max = 1 << 20 };
static struct lines in;
static int source;		/* our end of the pipe that in reads */

/* Each line as "N:LINE;", one too long as "N!"; "." is the end. */
static void
take(struct lines *l)
{
	struct str line;
	int r;

	while ((r = lines_next(l, &line)) != 0)
		if (r == 1) {
			buf_addf(&got, "%d:", (int)l->number);
			buf_adds(&got, line);
			buf_addc(&got, ';');
		} else {
			buf_addf(&got, "%d!%s", (int)l->number,
			    errno == EMSGSIZE ? "" : "?");
		}
	if (l->ended) {
		buf_addc(&got, '.');
		loop_stop(0);
	}
}

static void
want_loop(void)
{
	if (loop == NULL)
		loop_open(&(struct loop_ops){ .term = NULL });
}

static void
open_in(void)
{
	int ends[2];

	want_loop();
	if (pipe(ends) == -1)
		abort();
	source = ends[1];
	buf_clear(&got);
	lines_open(&in, ends[0], MAX, take);
	take(&in);
}

static void
feed(struct str bytes)
{
	if (bytes.n > 0 && write(source, bytes.p, bytes.n) == -1)
		abort();
	ev_run(loop, EVRUN_NOWAIT);
}

static void
end_in(void)
{
	close(source);
	while (!in.ended)
		ev_run(loop, EVRUN_ONCE);
	lines_stop(&in);
	close(in.io.fd);
	buf_free(&in.buf);
}

static void
whole(struct str text, size_t step, const char *want)
{
	open_in();
	for (size_t at = 0; at < text.n; at += step)
		feed((struct str){ text.p + at,
		    text.n - at < step ? text.n - at : step });
	end_in();
	CHECK_STR(buf_str(&got), want);
}

TEST(cut, "lines are the same wherever reads cut them")
{
	for (size_t step = 1; step < 40; step++)
		whole(STR("one\n\n0123456789\n0123456789x\nfive\nlast"), step,
		    "1:one;2:;3:0123456789;4!5:five;6:last;.");
}

TEST(ends, "the last line may lack its newline; an empty one is none")
{
	whole(STR(""), 1, ".");
	whole(STR("\n"), 1, "1:;.");
	whole(STR("a"), 1, "1:a;.");
	whole(STR("a\n"), 1, "1:a;.");
	whole(STR("0123456789"), 3, "1:0123456789;.");
	whole(STR("0123456789x"), 3, "1!.");
	whole(STR("0123456789x\n"), 3, "1!.");
	whole(STR("0123456789xyz0123456789\nb"), 4, "1!2:b;.");
}

TEST(nul, "a NUL is a byte")
{
	open_in();
	feed(STR("a\0b\n"));
	end_in();
	CHECK(str_eq(buf_str(&got), STR("1:a\0b;.")));
}

TEST(bounded, "a line without end takes no more room than one read")
{
	static char x[4096];

	open_in();
	memset(x, 'x', sizeof x);
	for (int i = 0; i < 1000; i++)
		feed((struct str){ x, sizeof x });
	CHECK(in.buf.cap <= MAX + 65536);
	feed(STR("\nnext\n"));
	end_in();
	CHECK_STR(buf_str(&got), "1!2:next;.");
}

static struct lines *pulled;
static int asked;

static void
only_ask(struct lines *l)
{
	pulled = l;
	asked++;
}

TEST(pulled, "who does not ask is not told twice, and nothing more is read")
{
	struct str line;
	int ends[2];

	if (pipe(ends) == -1)
		abort();
	lines_open(&in, ends[0], MAX, only_ask);
	CHECK(lines_next(&in, &line) == 0);
	if (write(ends[1], "a\nb\n", 4) == -1)
		abort();
	for (int i = 0; i < 5; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		if (write(ends[1], "later\n", 6) == -1)
			abort();
	}
	CHECK_INT(asked, 1);
	CHECK(pulled == &in);
	CHECK(lines_next(&in, &line) == 1);
	CHECK_STR(line, "a");
	CHECK(lines_next(&in, &line) == 1);
	CHECK_STR(line, "b");
	lines_stop(&in);
	buf_free(&in.buf);
	close(ends[0]);
	close(ends[1]);
}

/* Out */
static int rooms;

static void
room(struct lines_out *out)
{
	(void)out;
	rooms++;
}

static size_t
drain(int fd)
{
	static char bytes[8192];
	ssize_t r = read(fd, bytes, sizeof bytes);

	return r > 0 ? (size_t)r : 0;
}

TEST(slow, "a reader that is slow fills it; when it reads there is room")
{
	static struct lines_out out;
	static char x[1000];
	int ends[2];
	size_t added = 0, read = 0;

	want_loop();
	if (pipe2(ends, 0) == -1)
		abort();
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	memset(x, 'x', sizeof x);
	lines_out_open(&out, ends[1], 100000, room);
	lines_add(&out, STR("hello"));
	added += 6;
	ev_run(loop, EVRUN_NOWAIT);
	CHECK_INT(lines_waiting(&out), 0);
	CHECK_INT(rooms, 1);
	do {
		while (!lines_full(&out)) {
			lines_add(&out, (struct str){ x, sizeof x });
			added += sizeof x + 1;
		}
		ev_run(loop, EVRUN_NOWAIT);
	} while (!lines_full(&out));
	rooms = 0;
	for (int i = 0; i < 1000 && read < added; i++) {
		read += drain(ends[0]);
		ev_run(loop, EVRUN_NOWAIT);
		CHECK((rooms > 0) == !lines_full(&out));
	}
	CHECK_INT(read, added);
	CHECK_INT(lines_waiting(&out), 0);
	CHECK_INT(rooms, 2);	/* not full, then empty */
	buf_free(&out.buf);
}
