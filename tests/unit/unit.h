/* SPDX-License-Identifier: ISC */
#ifndef UNIT_H
#define UNIT_H

/*
 * A unit test program: this header and tests.  It writes TAP, for tests/run.
 *
 *	TEST(empty, "an empty buf has no line")
 *	{
 *		CHECK(buf_line(&b, &scan, &line) == 0);
 *	}
 *
 *  - A CHECK that fails says where, and the test goes on; with arguments,
 *    `build/unit/NAME WORD...` runs only tests whose text contains one.
 *  - unit_seed() is printed; RK_SEED repeats it.  unit_long() is true in
 *    `make check-long`.
 *  - unit_exit() runs what ends the process in a child of ours, and gives its
 *    exit status (128 + the signal, when one killed it) and messages.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"

struct test {
	const char *what;
	void (*run)(void);
	struct test *next;
};

static struct test *unit_tests, **unit_last = &unit_tests;
static int unit_bad;		/* the test that runs has failed */

#define TEST(id, text) \
	static void test_##id(void); \
	__attribute__((constructor)) static void \
	add_##id(void) \
	{ \
		static struct test t = { text, test_##id, NULL }; \
		*unit_last = &t; \
		unit_last = &t.next; \
	} \
	static void \
	test_##id(void)

#define CHECK(condition) do { \
	if (!(condition)) { \
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
		unit_bad = 1; \
	} \
} while (0)

#define CHECK_INT(got, want) do { \
	long long got_ = (long long)(got), want_ = (long long)(want); \
	if (got_ != want_) { \
		printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, \
		    __LINE__, #got, got_, want_); \
		unit_bad = 1; \
	} \
} while (0)

/* got is a struct str, want a C string. */
#define CHECK_STR(got, want) do { \
	struct str got_ = (got), want_ = str_of(want); \
	if (!str_eq(got_, want_)) { \
		printf("# %s:%d: %s is \"%.*s\", not \"%s\"\n", __FILE__, \
		    __LINE__, #got, (int)got_.n, got_.p, want_.p); \
		unit_bad = 1; \
	} \
} while (0)

static __attribute__((unused)) int
unit_long(void)
{
	return getenv("RK_LONG") != NULL;
}

static __attribute__((unused)) uint64_t
unit_seed(void)
{
	const char *given = getenv("RK_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) :
	    (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();

	printf("# RK_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64, reduced: less than n. */
static __attribute__((unused)) uint64_t
unit_random(uint64_t *seed, uint64_t n)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static __attribute__((unused)) int
unit_exit(void (*run)(void *), void *arg, char *said, size_t size)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) == -1 || (pid = fork()) == -1)
		abort();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		run(arg);
		_exit(0);
	}
	close(ends[1]);
	while (n < size - 1 && (r = read(ends[0], said + n, size - 1 - n)) > 0)
		n += (size_t)r;
	said[n] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static int
unit_wanted(const char *what, char **words)
{
	int any = *words == NULL;

	for (; *words != NULL; words++)
		any |= strstr(what, *words) != NULL;
	return any;
}

int
main(int argc, char **argv)
{
	struct test *t;
	int n = 0, failed = 0;

	(void)argc;
	for (t = unit_tests; t != NULL; t = t->next) {
		if (!unit_wanted(t->what, argv + 1))
			continue;
		unit_bad = 0;
		t->run();
		printf("%sok %d - %s\n", unit_bad ? "not " : "", ++n, t->what);
		fflush(stdout);
		failed += unit_bad;
	}
	printf("1..%d\n", n);
	return failed > 0;
}

#endif
