/* SPDX-License-Identifier: ISC */

/*
 * ready COMMAND...: starts it, with `-D 9` among its arguments, and prints
 * JSON: the milliseconds until it says that it is ready, by the clock and of
 * CPU, and its resident memory then.  Its standard input stays open, its
 * output is dropped; it is ended by a TERM.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define READY	9

static int in[2], ready[2];

static double
clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double
cpu_ms(pid_t pid)
{
	clockid_t id;

	return clock_getcpuclockid(pid, &id) == 0 ? clock_ms(id) : 0;
}

static pid_t
start(char **command)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	dup2(in[0], 0);
	dup2(open("/dev/null", O_WRONLY), 1);
	dup2(ready[1], READY);
	execvp(command[0], command);
	_exit(127);
}

static long
resident_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL &&
	    sscanf(line, "VmRSS: %ld", &kb) != 1)
		;
	fclose(f);
	return kb;
}

int
main(int argc, char **argv)
{
	double began, took;
	pid_t pid;
	char c;

	log_name(argv[0]);
	if (argc < 2)
		die(100, "a command is wanted");
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(ready, O_CLOEXEC) == -1)
		die(111, "pipe");
	began = clock_ms(CLOCK_MONOTONIC);
	pid = start(argv + 1);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die(111, "%s: it ended before it was ready", argv[1]);
	took = clock_ms(CLOCK_MONOTONIC) - began;
	printf("{\"ms\":%.2f,\"cpu_ms\":%.2f,\"rss_kb\":%ld}\n", took,
	    cpu_ms(pid), resident_kb(pid));
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return 0;
}
