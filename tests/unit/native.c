/* SPDX-License-Identifier: ISC */
/*
 * The native evaluator and libjq, one opinion: rules run both ways over the
 * same frames, and what comes out must be the same, byte for byte; reasons
 * too.
 *
 *  - The rules of lib/rules over their golden files.
 *  - Rules by hand: bounds, which of the two runs them, and which libjq may
 *    compile when it is needed, as it surely does: so do generated rules that
 *    chance has spoilt a little.
 *  - Generated rules over generated frames: 20,000 rules, more with RK_LONG,
 *    fewer where a sanitizer makes it slow (RK_SLOW).
 *    A rule of the test holds BATCH of them, because libjq takes 12 ms to
 *    start; a frame's "pick" says which.  unit/program.h makes the rules,
 *    unit/frames.h the frames.
 */
#include <dirent.h>

#include "filter.h"
#include "filter/native.h"
#include "filter/parse.h"
#include "frames.h"
#include "program.h"
#include "unit.h"

#define LINE_MAX	(1 << 20)
#define STR_OF(literal)	{ (literal), sizeof(literal) - 1 }
#define BATCH		50
#define ROUNDS		400		/* batches */
#define FRAMES		4		/* for each rule */

static const struct filter_arg given[] = {
	{ "s", STR_OF("\"a/b\\n\"") }, { "n", STR_OF("5") },
	{ "e", STR_OF("[]") }, { "o", STR_OF("{\"a\":[1.0]}") },
	{ "t", STR_OF("true") }, { "if", STR_OF("1") },
	{ "m", STR_OF("{ \"a\" : [ {\"x\":\"a\\/b\",\"y\":5},"
	    "\"z\\n\"],\"data\":{\"b\":[[1,[ ]]]},"
	    "\"c\\td\":true,\"e\":{}}") },
};
#define NARGS	(sizeof given / sizeof *given)

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
	static const char *const from[] = { NULL, "up", "a\"b" };
	struct filter_rule r = { .name = "-e", .args = given,
	    .nargs = NARGS, .line_max = LINE_MAX };
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

/* Which rules libjq may compile later. */

static const struct {
	const char *rule;
	int later;
} laters[] = {
	{ ".", 1 }, { "{type, a: .b.c}", 1 }, { "$s + $ARGS.named.s", 1 },
	{ "length", 1 }, { "lengthy", 0 }, { "length(.)", 0 }, { "$x", 0 },
	{ "now", 0 }, { "_rk(\"open\")", 0 }, { "$ENV.PATH", 0 },
	{ "def f(a; $b): a, $b; f(1; 2)", 1 }, { "def f(a): .; f", 0 },
	{ "def f: g; .", 0 }, { "(def f: 1; f) | f", 0 },
	{ "", 0 }, { "def f: .;", 0 }, { ". |", 0 }, { "(.", 0 }, { "a b", 0 },
	{ "{if: 1, \"b\": 2, c, $s,}", 1 }, { "{if}", 0 }, { "{1: 2}", 0 },
	{ "{$if: 1}", 0 }, { "{(1): 2}", 0 }, { "{@text: 2}", 0 },
	{ "1 == 2 | . == 3", 1 }, { "1 == 2 == 3", 0 }, { "1 < 2 != 3", 0 },
	{ ".a = 1 | .b |= 2", 1 }, { ".a = .b = 1", 0 }, { ".a |= .b += 1", 0 },
	{ "1 == (2 == 3)", 1 }, { "1 == 2 and 3 == 4", 1 },
	{ ".a / 2 + .b % 3", 1 }, { ".a / 0", 0 }, { "1 / .a", 0 },
	{ ".a / (1 - 1)", 0 }, { "\"a\\(.b)c\"", 1 }, { "\"\\q\"", 0 },
	{ "\"\\u00e9\\u0000\"", 1 }, { "\"\\ud800\"", 0 },
	{ "\"\\u00g9\"", 0 }, { "\"\\u00\"", 0 },
	{ "1.5", 0 }, { "1.2.3", 0 }, { ".e64", 0 }, { ".e64x | .e", 1 },
	{ "..e5", 0 }, { "...", 0 }, { "@text \"a\\(.b)\"", 1 },
	{ ".a.@text", 0 }, { ".a[1:2][3:][:4]?", 1 }, { ".a[:]", 0 },
	{ ". as [$a, {b: [$c]}] | $a + $c", 1 },
	{ "(. as [$a] | $a), $a", 0 }, { ". as {\"a\\(.)\": $b} | $b", 0 },
	{ ". as {: $b} | $b", 0 }, { ". as [$a] ?// $a | $a", 0 },
	{ "reduce .[] as [$a] (0; . + $a)", 1 }, { "reduce . as $a (0)", 0 },
	{ "reduce . as $a ($a; 0)", 0 }, { "reduce . as $a (0; 1; 2)", 0 },
	{ "foreach . as $a (0; $a; $a)", 1 }, { "foreach . as $a (0; 1; 2; 3)",
	    0 }, { "reduce . as $a (0; 1) | $a", 0 },
	{ "try error(\"x\") catch .?", 1 }, { "try .a | try .b", 1 },
	{ "try .?.a catch .", 0 }, { "try (.)? catch .", 0 },
	{ "try -. ? catch .", 1 }, { "label $l | break $l", 0 },
	{ "break $l", 0 }, { "if . then 1 end", 0 }, { "..", 1 }, { "-.a", 1 },
};

static int
is_later(struct str rule)
{
	const struct filter_rule r = { .name = "-e", .depth = 1, .args = given,
	    .nargs = NARGS, .line_max = LINE_MAX };
	struct native_rule nr = { .line = 1, .rule = &r, .depth = 1,
	    .outputs = 9, .text = guard_end(rule) };
	struct native *p = native_open(&nr);
	int later = p != NULL && native_compiles(p);

	native_close(p);
	return later;
}

static int
compiles(struct str rule)
{
	struct filter_rule r = { .name = "-e", .text = rule, .args = given,
	    .nargs = NARGS, .early = 1 };
	char *why;
	struct filter *f = filter_open(&r, &why);
	int done = f != NULL;

	if (!done)
		printf("# %s\n", why);
	free(why);
	filter_close(f);
	return done;
}

TEST(later, "rules that libjq may compile later")
{
	size_t i;

	for (i = 0; i < sizeof laters / sizeof *laters; i++) {
		CHECK_INT(is_later(str_of(laters[i].rule)), laters[i].later);
		if (is_later(str_of(laters[i].rule)) != laters[i].later)
			printf("# %s\n", laters[i].rule);
		CHECK(!laters[i].later || compiles(str_of(laters[i].rule)));
	}
}

/* Each builtin that the parser takes to be there. */
TEST(builtins, "what the parser takes for a builtin is one")
{
	struct buf text = BUF(1 << 16);
	const char *const *at;
	size_t n, k;

	for (at = builtin_names; *at != NULL; at++) {
		n = strcspn(*at, "/");
		buf_addf(&text, "%s%.*s", at > builtin_names ? ", " : "",
		    (int)n, *at);
		for (k = 0; k < (size_t)((*at)[n + 1] - '0'); k++)
			buf_adds(&text, k ? STR("; .") : STR("(."));
		if (k > 0)
			buf_addc(&text, ')');
	}
	CHECK(compiles(buf_str(&text)));
	buf_free(&text);
}

/* A rule with something in it left out, put twice, or put in. */
static void
spoil(struct buf *out, struct str s, uint64_t *seed)
{
	static const char *const words[] = { "(", ")", "[", "]", "{", "}", "|",
	    ",", ".", ":", ";", "?", "\"", "$s", "$v0", "$q", "==", "=", "|=",
	    "//", "?//", "-", "/", "%", "0", "1", "not", "f0", "f1", "map",
	    "if", "then", "else", "elif", "end", "as", "def f: .;", "try",
	    "catch", "reduce", "foreach", ". as $q | ", "and", "or", "..",
	    "@text", "\\(", "\\", "#", "\n", ".a", "[0]", ".[1:]", "a: " };
	size_t at = unit_random(seed, s.n + 1), n = unit_random(seed, 9), from;

	if (n > s.n - at)
		n = s.n - at;
	buf_add(out, s.p, at);
	switch (unit_random(seed, 4)) {
	case 0:
		break;
	case 1:
		buf_add(out, s.p + at, n);
		buf_add(out, s.p + at, n);
		break;
	case 2:
		from = unit_random(seed, s.n + 1);
		buf_add(out, s.p + from, s.n - from < n ? s.n - from : n);
		n = 0;
		break;
	default:
		buf_addf(out, " %s ", PROGRAM_PICK(words, seed));
		n = unit_random(seed, 2) ? n : 0;
	}
	buf_add(out, s.p + at + n, s.n - at - n);
}

static void
spoilt(struct buf *out, uint64_t *seed)
{
	struct buf b[2] = { BUF(1 << 16), BUF(1 << 16) };
	size_t i, n = 1 + unit_random(seed, 3);

	if (unit_random(seed, 2))
		program_make(&b[0], seed);
	else
		buf_adds(&b[0], str_of(laters[unit_random(seed,
		    sizeof laters / sizeof *laters)].rule));
	for (i = 0; i < n; i++) {
		buf_clear(&b[(i + 1) % 2]);
		spoil(&b[(i + 1) % 2], buf_str(&b[i % 2]), seed);
	}
	buf_adds(out, buf_str(&b[n % 2]));
	buf_free(&b[0]);
	buf_free(&b[1]);
}

/* Many in one rule, as libjq takes so long. */
static int
all_compile(uint64_t *seed, long *tried)
{
	struct buf text = BUF(4 << 20), one = BUF(1 << 16);
	int i, done;

	for (i = 0; i < BATCH; (*tried)++) {
		buf_clear(&one);
		spoilt(&one, seed);
		if (!is_later(buf_str(&one)))
			continue;
		buf_addf(&text, "%s(%.*s\n)", i++ ? ", " : "",
		    (int)buf_size(&one), buf_str(&one).p);
	}
	if (!(done = compiles(buf_str(&text))))
		printf("# %.*s\n", (int)buf_size(&text), buf_str(&text).p);
	buf_free(&text);
	buf_free(&one);
	return done;
}

TEST(spoilt, "a rule that may wait compiles")
{
	uint64_t seed = unit_long() ? unit_seed() : 1;	/* known to pass */
	long tried = 0;
	const char *slow = getenv("RK_SLOW");
	int i, rounds = (unit_long() ? 10 : 1) * ROUNDS / 4 /
	    (slow ? atoi(slow) : 1);

	for (i = 0; i < rounds && !unit_bad; i++)
		CHECK(all_compile(&seed, &tried));
	printf("# %d of %ld may wait\n", i * BATCH, tried);
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
