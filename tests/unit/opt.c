/* SPDX-License-Identifier: ISC */
/*
 * Options: what is right is parsed, every wrong one exits 100 and is named.
 */
#include "log.h"
#include "opt.h"
#include "unit.h"

enum { LEVEL = OPT_LONG, ALL };

static const struct opt table[] = {
	{ 'p', "port", "PORT", "where to listen" },
	{ 'q', "quiet", NULL, "say nothing" },
	{ LEVEL, "level", "[N]", "how deep" },
	{ ALL, "all", NULL, "everybody" },
	{ 'w', "with-a-very-long-name", "SOMETHING", "and its help" },
	OPT_END
};

/* A command line; what came of it, as "key=value key=value -- operands". */
struct line {
	const char *argv[12];
	struct buf got;
	const char *child[8];
};

static void
parse(void *arg)
{
	struct line *l = arg;
	struct opts o;
	char *argv[12];
	int argc = 0, key;

	memcpy(argv, l->argv, sizeof argv);	/* without the const */
	while (argv[argc] != NULL)
		argc++;
	opt_start(&o, argc, argv, "[option ...] [FILE ...]", table);
	for (int i = 0; o.child != NULL && o.child[i] != NULL; i++)
		l->child[i] = o.child[i];
	while ((key = opt_next(&o)) != -1) {
		if (key < OPT_LONG)
			buf_addf(&l->got, "%c", key);
		else
			buf_addf(&l->got, "%s", key == ALL ? "all" : "level");
		if (o.arg != NULL)
			buf_addf(&l->got, "=%s", o.arg);
		buf_addc(&l->got, ' ');
	}
	buf_adds(&l->got, STR("--"));
	for (int i = 0; i < o.nargs; i++)
		buf_addf(&l->got, " %s", o.args[i]);
}

#define LINE(...)	{ .argv = { "/x/rk-unit", __VA_ARGS__ }, \
	.got = { .max = 1000 } }

TEST(plain, "short, long, optional and clustered options, operands between")
{
	static const struct {
		struct line line;
		const char *want;
	} cases[] = {
		{ LINE(NULL), "--" },
		{ LINE("-p", "1", "a"), "p=1 -- a" },
		{ LINE("-p1", "--port=2", "--port", "3"), "p=1 p=2 p=3 --" },
		{ LINE("a", "-q", "b", "--all"), "q all -- a b" },
		{ LINE("-qp1"), "q p=1 --" },
		{ LINE("--level", "3"), "level -- 3" },
		{ LINE("--level=3"), "level=3 --" },
		{ LINE("-p", ""), "p= --" },
		{ LINE("-"), "-- -" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct line l = cases[i].line;

		parse(&l);
		CHECK_STR(buf_str(&l.got), cases[i].want);
		CHECK(l.child[0] == NULL);
		buf_free(&l.got);
	}
}

TEST(verbosity, "-v and --verbose count, and are no option of the program")
{
	struct line l = LINE("-vv", "--verbose", "-q");

	verbose = 0;
	parse(&l);
	CHECK_INT(verbose, 3);
	CHECK_STR(buf_str(&l.got), "q --");
	buf_free(&l.got);
	verbose = 0;
}

TEST(child, "what follows the first -- is a co-process, never an option")
{
	struct line l = LINE("-q", "--", "jq", "-c", "--", "x");

	parse(&l);
	CHECK_STR(buf_str(&l.got), "q --");
	CHECK(strcmp(l.child[0], "jq") == 0 && strcmp(l.child[1], "-c") == 0);
	CHECK(strcmp(l.child[2], "--") == 0 && strcmp(l.child[3], "x") == 0);
	CHECK(l.child[4] == NULL);
	buf_free(&l.got);
}

/* Exits 100, with one line that contains the words. */
static void
refuses(struct line l, const char *words)
{
	char said[2000];
	int status = unit_exit(parse, &l, said, sizeof said);
	char *newline = strchr(said, '\n');

	CHECK_INT(status, 100);
	CHECK(strncmp(said, "rk-unit: ", 9) == 0);
	CHECK(newline != NULL && newline[1] == '\0');
	if (strstr(said, words) == NULL) {
		printf("# not \"%s\" but %s", words, said);
		unit_bad = 1;
	}
}

TEST(wrong, "every wrong option exits 100 and is named")
{
	refuses((struct line)LINE("-x"), "-x: no such option");
	refuses((struct line)LINE("-qx"), "-x: no such option");
	refuses((struct line)LINE("--nope"), "--nope: no such option");
	refuses((struct line)LINE("-p"), "-p: a value is missing");
	refuses((struct line)LINE("--port"), "--port: a value is missing");
	refuses((struct line)LINE("--all=1"), "--all: ");
	refuses((struct line)LINE("--quiet=1"), "--quiet: ");
	refuses((struct line)LINE("--"), "--: a command is missing");
}

TEST(help, "--help lists every option on standard output and exits 0")
{
	struct line l = LINE("--help");
	static const char want[] =
	    "usage: rk-unit [option ...] [FILE ...]\n\n"
	    "  -p, --port=PORT             where to listen\n"
	    "  -q, --quiet                 say nothing\n"
	    "      --level[=N]             how deep\n"
	    "      --all                   everybody\n"
	    "  -w, --with-a-very-long-name=SOMETHING\n"
	    "                              and its help\n"
	    "  -v, --verbose               say more on standard error\n"
	    "      --help                  this text\n"
	    "      --version               the version\n";
	char said[2000];

	CHECK_INT(unit_exit(parse, &l, said, sizeof said), 0);
	CHECK_STR(str_of(said), want);
}

TEST(version, "--version says the name and the version")
{
	struct line l = LINE("--version");
	char said[2000];

	CHECK_INT(unit_exit(parse, &l, said, sizeof said), 0);
	CHECK_STR(str_of(said), "rk-unit " VERSION "\n");
}

/* Values */
enum kind { NUMBER, BYTES, MS };

struct value {
	enum kind kind;
	const char *text;
	int64_t want;
};

static int64_t
convert(const struct value *v)
{
	struct opts o = { .argc = 0 };

	switch (v->kind) {
	case NUMBER:
		return opt_number(&o, v->text, -5, 65535);
	case BYTES:
		return opt_bytes(&o, v->text);
	default:
		return opt_ms(&o, v->text);
	}
}

static void
converted(void *arg)
{
	convert(arg);
}

TEST(values, "numbers, sizes and times")
{
	static const struct value right[] = {
		{ NUMBER, "0", 0 }, { NUMBER, "-5", -5 },
		{ NUMBER, "65535", 65535 },
		{ BYTES, "0", 0 }, { BYTES, "4096", 4096 },
		{ BYTES, "64k", 65536 }, { BYTES, "64K", 65536 },
		{ BYTES, "1m", 1 << 20 }, { BYTES, "2g", INT64_C(2) << 30 },
		{ MS, "5", 5000 }, { MS, "250ms", 250 }, { MS, "0", 0 },
		{ MS, "30s", 30000 }, { MS, "2m", 120000 },
		{ MS, "1h", 3600000 }, { MS, "1d", 86400000 },
	};

	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
		CHECK_INT(convert(&right[i]), right[i].want);
}

TEST(wrong_values, "every wrong value exits 100 and is named")
{
	static const struct value wrong[] = {
		{ NUMBER, "", 0 }, { NUMBER, "-6", 0 }, { NUMBER, "65536", 0 },
		{ NUMBER, "1x", 0 }, { NUMBER, "x", 0 }, { NUMBER, "1.5", 0 },
		{ NUMBER, "99999999999999999999", 0 }, { NUMBER, " 1", 0 },
		{ BYTES, "", 0 }, { BYTES, "-1", 0 }, { BYTES, "k", 0 },
		{ BYTES, "1kb", 0 }, { BYTES, "1 k", 0 }, { BYTES, " 1k", 0 },
		{ BYTES, "9223372036854775807g", 0 },
		{ MS, "", 0 }, { MS, "-1s", 0 }, { MS, "1.5s", 0 },
		{ MS, "1w", 0 }, { MS, "9223372036854775807d", 0 },
	};
	char said[2000];

	log_name("rk-unit");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct value v = wrong[i];

		CHECK_INT(unit_exit(converted, &v, said, sizeof said), 100);
		if (strncmp(said, "rk-unit: ", 9) != 0 ||
		    strncmp(said + 9, v.text, strlen(v.text)) != 0 ||
		    strstr(said, ": not ") == NULL) {
			printf("# \"%s\": %s\n", v.text, said);
			unit_bad = 1;
		}
	}
}
