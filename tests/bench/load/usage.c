/* SPDX-License-Identifier: ISC */

/* CPU time (utime and stime at the precision of a clock) and memory of process
 * trees, and how busy the machine was with other things. */

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define PIDS_MAX	(1 << 22)
#define PROCESSES_MAX	65536
#define KTHREADD	2

struct target targets[TARGETS_MAX];
unsigned ntargets;

static int parent[PIDS_MAX];
static int running[PROCESSES_MAX];
static size_t nrunning;

void
target_add(const char *text, int aux)
{
	const char *equals = strchr(text, '=');
	struct target *t;

	if (ntargets == TARGETS_MAX)
		die(100, "more than %d processes to watch", TARGETS_MAX);
	t = &targets[ntargets++];
	snprintf(t->name, sizeof t->name, "%.*s", equals ?
	    (int)(equals - text) : 6, equals ? text : aux ? "aux" : "server");
	t->pid = atoi(equals ? equals + 1 : text);
	t->aux = aux;
	if (t->pid <= 0 || kill(t->pid, 0) == -1)
		die(100, "%s: no such process", text);
}

static double
clock_of(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) == -1 ? 0 :
	    (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_of(int pid)
{
	clockid_t id;

	return clock_getcpuclockid(pid, &id) == 0 ? clock_of(id) : 0;
}

/* Notes it and its parent. */
static void
process(int pid, struct snapshot *s)
{
	char path[64], line[1024], *p;
	FILE *f;
	int up;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	p = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (p == NULL || sscanf(p + 2, "%*c %d", &up) != 1 ||
	    nrunning == PROCESSES_MAX)
		return;
	parent[pid] = up;
	running[nrunning++] = pid;
	if (up == KTHREADD && strstr(line, "(ksoftirqd/") != NULL)
		s->softirq += cpu_of(pid);
}

static void
memory_of(struct target *t, int pid)
{
	char path[64], line[256];
	long kb;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Rss: %ld", &kb) == 1)
			t->rss += kb;
		else if (sscanf(line, "Pss: %ld", &kb) == 1)
			t->pss += kb;
	fclose(f);
}

/* The nearest that is listed, up the tree; or NULL. */
static struct target *
owner(struct snapshot *s, int pid)
{
	unsigned i, height;

	for (height = 0; pid > 1 && height < 64; pid = parent[pid], height++)
		for (i = 0; i < ntargets; i++)
			if (targets[i].pid == pid)
				return &s->of[i];
	return NULL;
}

/* Seconds that all processors were busy. */
static double
busy(void)
{
	unsigned long long v[8] = { 0 };
	FILE *f = fopen("/proc/stat", "r");
	double n = 0;
	int i;

	if (f == NULL)
		return 0;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1,
	    v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) == 8)
		for (i = 0; i < 8; i++)
			n += i == 3 || i == 4 ? 0 : (double)v[i];
	fclose(f);
	return n / (double)sysconf(_SC_CLK_TCK);
}

void
usage_take(struct snapshot *s, int memory)
{
	struct dirent *e;
	struct target *t;
	size_t i;
	int pid;
	DIR *d;

	memset(s, 0, sizeof *s);
	s->busy = busy();
	s->self = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	nrunning = 0;
	if (ntargets == 0 || (d = opendir("/proc")) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if ((pid = atoi(e->d_name)) > 0 && pid < PIDS_MAX)
			process(pid, s);
	closedir(d);
	for (i = 0; i < nrunning; i++) {
		if ((t = owner(s, running[i])) == NULL)
			continue;
		t->cpu += cpu_of(running[i]);
		t->processes++;
		if (memory)
			memory_of(t, running[i]);
	}
}

void
usage_print(const struct snapshot *a, const struct snapshot *b,
    double messages)
{
	double cpu = 0;
	long rss = 0, pss = 0;
	int processes = 0;
	unsigned i;

	for (i = 0; i < ntargets; i++)
		if (!targets[i].aux) {
			cpu += b->of[i].cpu - a->of[i].cpu;
			rss += b->of[i].rss;
			pss += b->of[i].pss;
			processes += b->of[i].processes;
		}
	printf(",\"server\":{\"cpu_s\":%.4f,\"processes\":%d,\"rss_kb\":%ld,"
	    "\"pss_kb\":%ld", cpu, processes, rss, pss);
	if (messages > 0)
		printf(",\"us\":%.4f", cpu * 1e6 / messages);
	printf(",\"parts\":{");
	for (i = 0; i < ntargets; i++)
		printf("%s\"%s\":%.4f", i > 0 ? "," : "", targets[i].name,
		    b->of[i].cpu - a->of[i].cpu);
	printf("}}");
}
