/* SPDX-License-Identifier: ISC */

/*
 * hop COUNT COMMAND...: a lone line to a filter and back, COUNT times; prints
 * JSON: half of the round trip, p50 and p99, in microseconds.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE "{\"type\":\"message\",\"conn\":\"abcdefghijklm.1\",\"n\":1," \
	"\"user\":\"123e4567-e89b-12d3-a456-426655440000\",\"data\":{" \
	"\"id\":1,\"method\":\"get-article\",\"payload\":{\"id\":1}}}\n"
#define WARM	100

static int to[2], from[2];

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
start(char **command)
{
	if (pipe(to) == -1 || pipe(from) == -1)
		die(111, "pipe");
	if (fork() == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execvp(command[0], command);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
}

static double
round_trip(void)
{
	static char back[65536];
	double began = now_us();
	ssize_t n;

	if (write(to[1], LINE, sizeof LINE - 1) == -1)
		die(111, "write");
	do
		n = read(from[0], back, sizeof back);
	while (n > 0 && back[n - 1] != '\n');
	if (n <= 0)
		die(111, "the command ended");
	return now_us() - began;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	size_t count = argc > 2 ? (size_t)atol(argv[1]) : 0, i;
	double *took;

	if (count == 0)
		die(100, "hop COUNT COMMAND...");
	start(argv + 2);
	took = mem_new(count * sizeof *took);
	for (i = 0; i < WARM; i++)
		round_trip();
	for (i = 0; i < count; i++)
		took[i] = round_trip();
	qsort(took, count, sizeof *took, by_size);
	printf("{\"us\":%.1f,\"p99\":%.1f}\n", took[count / 2] / 2,
	    took[count * 99 / 100] / 2);
	close(to[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
