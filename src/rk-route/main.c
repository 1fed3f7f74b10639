/* SPDX-License-Identifier: ISC */
/*
 * rk-route: runs a rule over frames.
 *
 *  - rule.c has the rule, as the command line gives it; lib/filter/ runs it.
 *  - router.c has the links: a filter is a router whose only link is standard
 *    input and output, and plain.  hold.c bounds what waits at them.
 *  - trial.c shows what a rule makes of a file of frames, without any link.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "link/link.h"
#include "log.h"
#include "loop.h"
#include "router.h"
#include "rule.h"
#include "trial.h"

enum { CHECK = RULE_KEYS_END, EXPLAIN,
    LINK, SERVE, RUN /* as enum router_way */ };

static const struct opt options[] = {
	RULE_OPTS,
	{ CHECK, "check", NULL, "compile the rule, and no more" },
	{ EXPLAIN, "explain", NULL, "say which parts of the rule need libjq" },
	{ 't', "test", "FILE", "show what comes of a file of frames" },
	{ LINK, "link", "NAME=PATH", "connect to this socket" },
	{ SERVE, "serve", "NAME=PATH", "serve this socket, as a link" },
	{ RUN, "run", "NAME=COMMAND", "start this co-process, as a link" },
	{ KEY_MODE, "socket-mode", "MODE", "permissions of --serve (0600)" },
	{ KEY_GROUP, "socket-group", "GROUP", "its group" },
	LINK_OPTS_STATIONS,
	LINK_OPTS,
	LINK_OPTS_CHILD,
	OPT_END
};

static const char *test;
static int check, explain, links, bare;

static void
option(struct opts *o, int key)
{
	switch (key) {
	case CHECK:
		check = 1;
		break;
	case EXPLAIN:
		check = explain = 1;
		break;
	case 't':
		test = o->arg;
		break;
	case LINK:
	case SERVE:
	case RUN:
		router_name(o, (enum router_way)(key - LINK));
		links = 1;
		break;
	default:
		bare |= key == KEY_BARE;
		if (!rule_option(o, key))
			link_option(o, key);
	}
}

static void
read_options(struct opts *o)
{
	int key;

	while ((key = opt_next(o)) != -1)
		option(o, key);
	rule_operand(o);
	if ((test != NULL || check) && (links || o->child != NULL))
		opt_usage(o, "-t, --check and --explain have no links");
	if (bare && o->child == NULL)
		opt_usage(o, "--bare is for the co-process, behind --");
}

static void
say_part(void *ctx, const char *file, int line, const char *part,
    const char *what)
{
	(void)ctx;
	printf("%s:%d: %s: %s%s\n", file, line, part,
	    what ? "libjq, where it comes to " : "native", what ? what : "");
}

static int
show(struct filter *f)
{
	int failed = test != NULL && trial(f, test);

	if (explain)
		filter_explain(f, say_part, NULL);
	filter_close(f);
	if (fflush(stdout) == EOF)
		die(111, "stdout: %s", strerror(errno));
	return failed;
}

static void
hup(void)
{
	struct filter *f;
	char *why;

	link_hup();
	if ((f = rule_open(0, 0, &why)) == NULL)
		warn("%s; the old rule stays", why);
	else {
		router_swap(f);
		info("the rule was read again");
	}
	free(why);
}

static int
run(struct opts *o, struct filter *f)
{
	static const struct loop_ops ops = { router_close, hup };
	int status;

	loop_open(&ops);
	router_open(o, f);
	status = loop_run();
	router_swap(NULL);
	return status;
}

int
main(int argc, char **argv)
{
	struct opts o;
	struct filter *f;
	char *why;

	opt_start(&o, argc, argv,
	    "[option ...] FILE | -e TEXT [-- command ...]", options);
	read_options(&o);
	if ((f = rule_open(test != NULL, check, &why)) == NULL)
		die(100, "%s", why);
	return check || test != NULL ? show(f) : run(&o, f);
}
