/* SPDX-License-Identifier: ISC */
/*
 * Messages.  Standard error is a datagram socket here: each write(2) is a
 * datagram, so the number of writes shows.
 */
#include <sys/socket.h>

#include "log.h"
#include "unit.h"

#define SAID	4096

static char said[SAID];

/* What run() says, in one datagram; the number of datagrams. */
static int
writes(void (*run)(void))
{
	int ends[2], old = dup(STDERR_FILENO), count = 0;
	char more[SAID];
	ssize_t n;

	said[0] = '\0';
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == -1)
		abort();
	dup2(ends[1], STDERR_FILENO);
	run();
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[1]);
	while ((n = recv(ends[0], more, sizeof more - 1, MSG_DONTWAIT)) > 0) {
		more[n] = '\0';
		strcpy(said, more);
		count++;
	}
	close(ends[0]);
	return count;
}

static void
plainly(void)
{
	warn("%s: %s", "socket", "no such file");
}

TEST(warning, "a warning is one write: program: warning: thing: reason")
{
	log_name("/usr/bin/rk-unit");
	CHECK(strcmp(log_program(), "rk-unit") == 0);
	CHECK_INT(writes(plainly), 1);
	CHECK(strcmp(said, "rk-unit: warning: socket: no such file\n") == 0);
}

static void
dirty(void)
{
	warn("%s", "\033[31mred\r\n\177\t\302\2332J\303\251end");
}

TEST(masked, "control characters are masked")
{
	log_name("rk-unit");
	CHECK_INT(writes(dirty), 1);
	CHECK(strcmp(said, "rk-unit: warning: "
	    "?[31mred??????2J\303\251end\n") == 0);
}

static void
lengthy(void)
{
	static char x[5000];

	memset(x, 'x', sizeof x - 1);
	warn("%s", x);
}

TEST(bounded, "a message has at most 1 KiB, its newline with it")
{
	CHECK_INT(writes(lengthy), 1);
	CHECK_INT(strlen(said), 1024);
	CHECK(said[1023] == '\n' && said[1022] == 'x');
}

TEST(name, "a long name of the program does no harm")
{
	static char name[3000];

	memset(name, 'n', sizeof name - 1);
	log_name(name);
	CHECK_INT(writes(plainly), 1);
	CHECK(strlen(said) <= 1024);
	CHECK(strstr(said, "no such file") != NULL);
	log_name("rk-unit");
}

static void
quietly(void)
{
	info("%d", 1);
}

TEST(verbose, "info speaks with -v only")
{
	log_name("rk-unit");
	verbose = 0;
	CHECK_INT(writes(quietly), 0);
	verbose = 1;
	CHECK_INT(writes(quietly), 1);
	CHECK(strcmp(said, "rk-unit: info: 1\n") == 0);
	verbose = 0;
}

static void
fatally(void *code)
{
	if (*(int *)code == 111)
		die(111, "broker: %s", "refused");
	die(100, "x");
}

TEST(fatal, "die exits with its code and no level word")
{
	char out[SAID];
	int code = 111;

	log_name("rk-unit");
	CHECK_INT(unit_exit(fatally, &code, out, sizeof out), 111);
	CHECK(strcmp(out, "rk-unit: broker: refused\n") == 0);
	code = 100;
	CHECK_INT(unit_exit(fatally, &code, out, sizeof out), 100);
}
