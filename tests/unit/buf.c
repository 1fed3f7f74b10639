/* SPDX-License-Identifier: ISC */
/*
 * Bytes: bounds are exact, what is refused changes nothing, lines are found
 * wherever they are cut.
 */
#include <errno.h>
#include <fcntl.h>

#include "buf.h"
#include "unit.h"

TEST(bound, "a buf takes max bytes and not one more")
{
	struct buf b = BUF(1000);

	for (int i = 0; i < 1000; i++)
		CHECK(buf_addc(&b, (char)('a' + i % 26)) == 1);
	errno = 0;
	CHECK(buf_addc(&b, 'x') == -1 && errno == ENOBUFS);
	CHECK(buf_size(&b) == 1000 && b.cap <= b.max);
	CHECK(b.data[0] == 'a' && b.data[999] == 'a' + 999 % 26);
	buf_free(&b);
	CHECK(b.max == 1000 && buf_size(&b) == 0);
}

TEST(refused, "what is refused changes nothing")
{
	struct buf b = BUF(10);

	CHECK(buf_adds(&b, STR("12345678")) == 1);
	CHECK(buf_adds(&b, STR("abc")) == -1);
	CHECK(buf_addf(&b, "%d", 123) == -1);
	CHECK(buf_room(&b, SIZE_MAX) == -1);
	CHECK(buf_room(&b, SIZE_MAX - 4) == -1);
	CHECK_STR(buf_str(&b), "12345678");
	CHECK(buf_adds(&b, STR("ab")) == 1);
	CHECK_STR(buf_str(&b), "12345678ab");
	buf_free(&b);
}

TEST(formatted, "formatted text may fill a buf to its bound")
{
	struct buf b = BUF(10);

	CHECK(buf_addf(&b, "%s", "") == 1 && buf_size(&b) == 0);
	CHECK(buf_addf(&b, "%s", "0123456789") == 1);
	CHECK_STR(buf_str(&b), "0123456789");
	CHECK(buf_addf(&b, "%s", "") == 1);
	buf_clear(&b);
	CHECK(buf_addf(&b, "%s", "0123456789a") == -1);
	CHECK(buf_size(&b) == 0);
	buf_free(&b);
}

TEST(space, "the space of what was taken comes back")
{
	struct buf b = BUF(10);

	CHECK(buf_adds(&b, STR("0123456789")) == 1);
	buf_take(&b, 4);
	CHECK(buf_adds(&b, STR("abcd")) == 1);
	CHECK_STR(buf_str(&b), "456789abcd");
	CHECK(buf_addc(&b, 'e') == -1);
	buf_take(&b, 10);
	CHECK(b.pos == 0 && b.len == 0);
	buf_free(&b);
}

TEST(none, "nothing is added, taken and found in an empty buf")
{
	struct buf b = BUF(0);
	struct str line;
	size_t scan = 0;

	CHECK(buf_add(&b, NULL, 0) == 1);
	CHECK(buf_addc(&b, 'x') == -1);
	buf_take(&b, 0);
	CHECK(buf_line(&b, &scan, &line) == 0);
	buf_free(&b);
}

TEST(lines, "lines are found wherever reads cut them")
{
	static const char text[] = "one\n\nthree\nfo\0ur\nrest";
	struct buf b = BUF(100);
	struct str line, want[] = { STR("one"), STR(""), STR("three"),
	    STR("fo\0ur") };

	for (size_t step = 1; step < sizeof text; step++) {
		size_t scan = 0, at = 0, n, found = 0;

		while (at < sizeof text - 1) {
			n = sizeof text - 1 - at;
			n = n < step ? n : step;
			CHECK(buf_add(&b, text + at, n) == 1);
			at += n;
			while (buf_line(&b, &scan, &line)) {
				CHECK(found < 4 && str_eq(line, want[found]));
				found++;
				buf_take(&b, line.n + 1);
			}
		}
		CHECK(found == 4);
		CHECK_STR(buf_str(&b), "rest");
		buf_clear(&b);
	}
	buf_free(&b);
}

TEST(io, "reads stop at the bound, writes take what went")
{
	struct buf b = BUF(6), c = BUF(100);
	int ends[2];

	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], "abcdefgh", 8) == 8);
	CHECK_INT(buf_read(&b, ends[0], 4), 4);
	CHECK_INT(buf_read(&b, ends[0], 4), 2);
	errno = 0;
	CHECK(buf_read(&b, ends[0], 4) == -1 && errno == ENOBUFS);
	CHECK_STR(buf_str(&b), "abcdef");
	CHECK_INT(buf_write(&b, ends[1]), 6);
	CHECK(buf_size(&b) == 0);
	close(ends[1]);
	CHECK_INT(buf_read(&c, ends[0], 50), 8);
	CHECK_STR(buf_str(&c), "ghabcdef");
	CHECK_INT(buf_read(&c, ends[0], 50), 0);
	close(ends[0]);
	CHECK_INT(buf_read(&c, ends[0], 50), -1);
	CHECK_INT(buf_write(&c, ends[1]), -1);
	CHECK_STR(buf_str(&c), "ghabcdef");
	buf_free(&b);
	buf_free(&c);
}

/* The same as a buf, in the most obvious way. */
struct model {
	char data[64];
	size_t n;
};

static int
model_add(struct model *m, const char *p, size_t n)
{
	if (n > sizeof m->data - m->n)
		return -1;
	memcpy(m->data + m->n, p, n);
	m->n += n;
	return 1;
}

TEST(model, "any order of calls does what a plain array does")
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789"
	    "abcdefghijklmnopqrstuvwxyz0123456789";
	struct buf b = BUF(sizeof ((struct model *)0)->data);
	struct model m = { .n = 0 };
	uint64_t seed = unit_seed();

	for (int i = 0; i < 100000; i++) {
		size_t n = unit_random(&seed, 70);

		if (unit_random(&seed, 2) == 0) {
			CHECK(buf_add(&b, bytes, n) ==
			    model_add(&m, bytes, n));
		} else {
			n = n < m.n ? n : m.n;
			buf_take(&b, n);
			memmove(m.data, m.data + n, m.n - n);
			m.n -= n;
		}
		if (buf_size(&b) != m.n || b.cap > b.max ||
		    (m.n && memcmp(buf_str(&b).p, m.data, m.n) != 0)) {
			CHECK(!"equal");
			break;
		}
	}
	buf_free(&b);
}

TEST(mem, "copies are terminated, new memory is zero")
{
	char *s = mem_strn("abc", 2), *z = mem_new(100);

	CHECK(strcmp(s, "ab") == 0);
	for (int i = 0; i < 100; i++)
		CHECK(z[i] == 0);
	free(s);
	free(z);
}
