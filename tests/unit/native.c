/* SPDX-License-Identifier: ISC */
/*
 * The native evaluator and libjq, one opinion: rules run both ways over the
 * same frames, and what comes out must be the same, byte for byte; reasons
 * too.
 *
 *  - The rules of lib/rules over their golden files.
 *  - Rules by hand: bounds, and which of the two runs them.
 *  - Generated rules over generated frames: 20,000 rules, more with RK_LONG,
 *    fewer where a sanitizer makes it slow (RK_SLOW).
 *    A rule of the test holds BATCH of them, because libjq takes 12 ms to
 *    start; a frame's "pick" says which.  unit/program.h makes the rules,
 *    unit/frames.h the frames.
 */
#include <dirent.h>

#include "filter.h"
#include "filter/native.h"
#include "frames.h"
#include "program.h"
#include "unit.h"

#define LINE_MAX	(1 << 20)
#define STR_OF(literal)	{ (literal), sizeof(literal) - 1 }
#define BATCH		50
#define ROUNDS		400		/* batches */
#define FRAMES		4		/* for each rule */

static struct filter *ours, *theirs;
static long frames, native;

static void
open_both(struct filter_rule *r)
{
	char *why = NULL;

	ours = filter_open(r, &why);
	r->by_jq = 1;
	theirs = filter_open(r, &why);
	r->by_jq = 0;
	if (ours == NULL)
		printf("# %s\n%.*s\n", why, (int)r->text.n, r->text.p);
	CHECK(ours != NULL && theirs != NULL);
	free(why);
}

static void
close_both(void)
{
	filter_close(ours);
	filter_close(theirs);
}

static int
same_str(struct str a, struct str b)
{
	return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

static int
same_out(const struct filter_out *a, const struct filter_out *b)
{
	return same_str(a->line, b->line) && same_str(a->via, b->via) &&
	    same_str(a->conn, b->conn) && a->type == b->type;
}

static void
show(const char *who, enum filter_word word, const struct filter_result *r)
{
	size_t i;

	printf("# %s: %d %s%s\n", who, (int)word, word == FILTER_OK ? "" :
	    r->why, r->native ? "(native)" : "");
	for (i = 0; word == FILTER_OK && i < r->n; i++)
		printf("#   %.*s\n", (int)r->out[i].line.n, r->out[i].line.p);
}

/* 1: both say the same of the frame. */
static int
agree(struct str line, const char *from)
{
	struct filter_result a, b;
	enum filter_word x, y;
	struct frame f;
	const char *why;
	size_t i;
	int same;

	if (frame_scan(&f, line, &why) != 1)
		return 1;
	frames++;
	x = filter_run(ours, &f, from, &a);
	y = filter_run(theirs, &f, from, &b);
	native += a.native;
	same = x == y && a.n == b.n && b.native == 0;
	if (same && x != FILTER_OK)
		same = strcmp(a.why, b.why) == 0;
	for (i = 0; same && x == FILTER_OK && i < a.n; i++)
		same = same_out(&a.out[i], &b.out[i]);
	if (!same) {
		printf("# %.*s\n", (int)line.n, line.p);
		show("native", x, &a);
		show("libjq", y, &b);
	}
	CHECK(same);
	return same;
}

/* Golden files. */

static struct buf file = { .max = 1 << 20 };

static void
slurp(const char *path)
{
	FILE *in = fopen(path, "re");
	char part[4096];
	size_t n;

	buf_clear(&file);
	while (in != NULL && (n = fread(part, 1, sizeof part, in)) > 0)
		buf_add(&file, part, n);
	CHECK(in != NULL);
	if (in != NULL)
		fclose(in);
}

static void
over_lines(const char *path)
{
	size_t scan = 0;
	struct str line;

	slurp(path);
	while (buf_line(&file, &scan, &line) == 1) {
		agree(guard_end(line), NULL);
		agree(guard_end(line), "up");
		buf_take(&file, line.n + 1);
		scan = 0;
	}
}

static void
over_fixtures(const char *rule, const struct filter_arg *args, size_t nargs)
{
	struct filter_rule r = { .name = rule, .depth = -1, .args = args,
	    .nargs = nargs, .routing = 1, .line_max = LINE_MAX };
	char path[512];
	struct buf text = BUF(1 << 20);
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof path, "lib/rules/%s.jq", rule);
	slurp(path);
	buf_adds(&text, buf_str(&file));
	r.text = buf_str(&text);
	open_both(&r);
	snprintf(path, sizeof path, "tests/fixtures/%s", rule);
	d = opendir(path);
	CHECK(d != NULL);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".in") == NULL)
			continue;
		snprintf(path, sizeof path, "tests/fixtures/%s/%s", rule,
		    e->d_name);
		over_lines(path);
	}
	if (d != NULL)
		closedir(d);
	close_both();
	buf_free(&text);
}

TEST(golden, "the rules of the kit mean the same both ways")
{
	static const struct filter_arg compat[] = {
		{ "compat", STR_OF("\"yes\"") } },
	    silent[] = { { "takeover", STR_OF("\"silent\"") },
		{ "empty", STR_OF("{}") } },
	    routes[] = { { "url", STR_OF("\"http://core:6001\"") },
		{ "routes", STR_OF("[{\"kind\":\"private\",\"channel\":"
		    "\"orders\",\"event\":\"App\\\\Events\\\\OrderShipped\"},"
		    "{\"kind\":\"public\",\"channel\":\"example.channel\","
		    "\"event\":\"example_event\",\"name\":\"news\"}]") } };

	frames = native = 0;
	over_fixtures("piped", NULL, 0);
	over_fixtures("layer", NULL, 0);
	printf("# %ld of %ld natively\n", native, frames);
	CHECK(native * 10 > frames * 7);
	over_fixtures("piped", compat, 1);
	over_fixtures("layer", compat, 1);
	over_fixtures("layer", silent, 2);
	frames = native = 0;
	over_fixtures("rouket", routes, 2);
	printf("# %ld of %ld natively\n", native, frames);
	CHECK(native * 2 > frames);
}

/* By hand: what chance does not find. */

static const struct {
	const char *rule;
	const char *open, *item, *shut;	/* the frame; item comes n times */
	int n;
	int native;			/* libjq is not needed */
} bounds[] = {
	/* handles and whole values, in and out of sight */
	{ ".data.h == .data.h | {type: \"t\", x: .}",
	    "{\"data\":{\"h\":[1]", "", "}}", 0, 0 },
	{ "{type: \"t\", x: (.data.h != \"a\")}",
	    "{\"data\":{\"h\":[1]", "", "}}", 0, 1 },
	{ "{type: \"t\", x: (.data.h | open | .[0])}",
	    "{\"data\":{\"h\":[1.0]", "", "}}", 0, 1 },
	{ "{type: \"t\", f: ., g: .}", "{\"type\":\"x\",\"seq\":1", "", "}", 0,
	    1 },
	/* a link's name is no line, and is looked at as one */
	{ "{type: \"t\", via: (\"a\" + .data.h)}", "{\"data\":{\"h\":[1]",
	    "", "}}", 0, 0 },
	{ "{type: \"t\", via: .data.h}", "{\"data\":{\"h\":[1]", "", "}}", 0,
	    1 },
	{ "{type: \"t\", via: .user}", "{\"data\":{\"h\":[1]},"
	    "\"user\":\"\xf4\x8f\xbf\xb1", "", "\"}", 0, 1 },
	/* the same value, spelled in another way */
	{ "{type: \"t\", x: [.user == \"a\", .conn == \"a/b\", .n == 1000,"
	    " .user < \"b\", (.user | IN(\"b\", \"a\"))]}", "{\"n\":1e3,"
	    "\"user\":\"\\u0061\",\"conn\":\"a\\/b", "", "\"}", 0, 1 },
	/* places in a text are its bytes' */
	{ "{type: \"t\", x: (.user | [index(\"%\"), index(\"b%\"),"
	    " index(\"zz\"), index(\"\u00e9\")])}",
	    "{\"user\":\"a\u00e9\\u0062%b%", "", "\"}", 0, 1 },
	/* what looks like a piece of one, in a string of the rule's */
	{ "{type: \"t\", x: (\"a\" + .user)}", "{\"data\":{\"h\":[1]},"
	    "\"user\":\"\xf4\x8f\xbf\xb1", "", "\"}", 0, 0 },
	{ "{type: \"t\", x: .user}", "{\"data\":{\"h\":[1]},"
	    "\"user\":\"\xf4\x8f\xbf\xb1", "", "\"}", 0, 1 },
	/* a frame nests as deep as JSON may, and no deeper */
	{ "{type: \"t\", x: .data}", "{\"data\":", "[", "0", 127, 1 },
	{ "{type: \"t\", x: [.data]}", "{\"data\":", "[", "0", 126, 1 },
	{ "{type: \"t\", x: [.data]}", "{\"data\":", "[", "0", 127, 0 },
	{ "def f: if .a then .a | f else . end; .data | f"
	    " | {type: \"t\", x: .}",
	    "{\"data\":{\"a\":{\"a\":1", "", "}}}", 0, 0 },
	{ "def f: if .a then .a | f else . end; .x | f"
	    " | {type: \"t\", x: .}",
	    "{\"x\":{\"a\":false", "", "}}", 0, 1 },
	{ "def f: if .a then .a | f else . end; .user | f"
	    " | {type: \"t\", x: .}", "{\"user\":{\"a\":{\"a\":1", "", "}}}",
	    0, 0 },
	/* too much for us */
	{ ".user[] as $a | .user[] as $b | .user[] as $c | select($a == 1)",
	    "{\"user\":[0", ",0", "]}", 100, 0 },
	{ ".user[] as $a | .user[] as $b | select($a == 1)", "{\"user\":[0",
	    ",0", "]}", 100, 1 },
	{ ".data + {type: \"x\"}", "{\"data\":{\"k\":0", ",\"k\":1", "}}",
	    20000, 1 },
	{ ".data[] | {type: \"x\"}", "{\"data\":[0", ",0", "]}", 9999, 1 },
	{ ".data[] | {type: \"x\"}", "{\"data\":[0", ",0", "]}", 10000, 0 },
	{ "{type: \"x\", d: .data, e: .data}", "{\"data\":\"", "x", "\"}",
	    524275, 1 },
	{ "{type: \"x\", d: .data, e: .data}", "{\"data\":\"", "x", "\"}",
	    524276, 0 },
	/* what jq refuses, it refuses itself */
	{ "refuse(.user)", "{\"user\":\"no", "", "\"}", 0, 0 },
	{ ".user", "{\"user\":5", "", "}", 0, 0 },
	{ "{type: .n}", "{\"n\":5", "", "}", 0, 0 },
	/* the skimmer: strings, escapes and brackets around its blocks */
	{ "{type: \"x\", x: (.data | take(\"z\"))}", "{\"data\":{\"a\":"
	    "[\"]}\\\"\\\\\"", ",\"\\\\\",{\"}\":\"\\\"[{\"}",
	    "],\"z\":1.0}}", 40, 1 },
};

TEST(bounds, "bounds, and what is libjq's")
{
	struct filter_rule r = { .name = "-e", .depth = -1,
	    .line_max = LINE_MAX };
	struct buf line = BUF(4 << 20);
	size_t i;
	int k;

	for (i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		r.text = str_of(bounds[i].rule);
		open_both(&r);
		buf_clear(&line);
		buf_adds(&line, str_of(bounds[i].open));
		for (k = 0; k < bounds[i].n; k++)
			buf_adds(&line, str_of(bounds[i].item));
		buf_adds(&line, str_of(bounds[i].shut));
		for (k = 0; bounds[i].item[0] == '[' && k < bounds[i].n; k++)
			buf_addc(&line, ']');
		if (bounds[i].item[0] == '[')
			buf_addc(&line, '}');
		frames = native = 0;
		agree(guard_end(buf_str(&line)), NULL);
		CHECK_INT(frames, 1);
		CHECK_INT(native, bounds[i].native);
		if (native != bounds[i].native || frames != 1)
			printf("# %s, %d\n", bounds[i].rule, bounds[i].n);
		close_both();
	}
	buf_free(&line);
}

/* Generated ones. */

static void
one_batch(uint64_t *seed)
{
	static const struct filter_arg args[] = {
		{ "s", STR_OF("\"a/b\\n\"") }, { "n", STR_OF("5") },
		{ "e", STR_OF("[]") }, { "o", STR_OF("{\"a\":[1.0]}") },
		{ "t", STR_OF("true") },
		{ "m", STR_OF("{ \"a\" : [ {\"x\":\"a\\/b\",\"y\":5},"
		    "\"z\\n\"],\"data\":{\"b\":[[1,[ ]]]},"
		    "\"c\\td\":true,\"e\":{}}") },
	};
	static const char *const from[] = { NULL, "up", "a\"b" };
	struct filter_rule r = { .name = "-e", .args = args,
	    .nargs = sizeof args / sizeof *args, .line_max = LINE_MAX };
	struct buf text = BUF(4 << 20), line = BUF(4 << 20);
	int i, k;

	for (i = 0; i < BATCH; i++) {
		buf_addf(&text, "%s .pick == %d then\n", i ? "elif" : "if", i);
		program_make(&text, seed);
		buf_addc(&text, '\n');
	}
	buf_adds(&text, STR("else empty end"));
	r.text = buf_str(&text);
	r.depth = (int)unit_random(seed, 4);
	r.routing = (int)unit_random(seed, 2);
	open_both(&r);
	for (i = 0; ours != NULL && theirs != NULL && i < BATCH * FRAMES; i++) {
		k = i % BATCH;
		buf_clear(&line);
		frames_make(&line, k, seed);
		if (agree(guard_end(buf_str(&line)),
		    from[unit_random(seed, 3)]))
			continue;
		printf("# depth %d routing %d\n# ", r.depth, r.routing);
		program_show(buf_str(&text), k);
		break;
	}
	close_both();
	buf_free(&text);
	buf_free(&line);
}

/* Cut anywhere, most of it is nothing that libjq would have compiled. */
TEST(cut, "the parser reads nothing behind the end of a rule")
{
	static const char text[] = "def f($a): {$a, \"k\\(.x)\": $ARGS.named.y,"
	    " \"t\\n\": .a[0]?}; if .a // 1 == \"x\\u0041\\\" then @json else"
	    " .. | f(.b) as [$c] | $c end # end";
	const struct filter_rule rule = { .name = "cut", .depth = 1,
	    .line_max = 1 << 16 };
	struct native_rule r = { .line = 1, .rule = &rule, .depth = 1,
	    .outputs = 9 };

	for (size_t n = 0; n < sizeof text; n++) {
		r.text = guard_end((struct str){ text, n });
		native_close(native_open(&r));
	}
	CHECK(1);
}

TEST(generated, "generated rules mean the same both ways")
{
	uint64_t seed = unit_seed();
	const char *slow = getenv("RK_SLOW");
	int i, rounds = (unit_long() ? 4 * ROUNDS : ROUNDS) /
	    (slow ? atoi(slow) : 1);

	frames = native = 0;
	for (i = 0; i < rounds && !unit_bad; i++)
		one_batch(&seed);
	printf("# %ld of %ld natively\n", native, frames);
	CHECK(native * 10 > frames * 4);
}
