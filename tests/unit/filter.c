/* SPDX-License-Identifier: ISC */
/*
 * Rules over frames: what is left untouched leaves as it was spelled, what a
 * rule can do to a handle and what comes of it, what rules do not have, and
 * that one that runs away is stopped.
 */
#include "filter.h"
#include "unit.h"

#define LINE_MAX	(1 << 20)

static struct buf said = { .max = 128 << 20 };	/* what came of a frame */

static struct filter *
compiled(const char *rule)
{
	struct filter_rule r = { .name = "-e", .text = str_of(rule),
	    .depth = -1, .line_max = LINE_MAX };
	char *why = NULL;
	struct filter *f = filter_open(&r, &why);

	if (f == NULL)
		printf("# %s: %s\n", rule, why);
	free(why);
	return f;
}

/* What comes of a line, in said: the outputs, a newline between, or "error: "
 * or "refuse: " and the reason. */
static struct str
fed(struct filter *f, struct str line, const char *from)
{
	struct filter_result r;
	struct frame frame;
	const char *why;
	size_t i;

	buf_clear(&said);
	if (frame_scan(&frame, line, &why) != 1) {
		buf_addf(&said, "no frame: %s", why);
		return buf_str(&said);
	}
	switch (filter_run(f, &frame, from, &r)) {
	case FILTER_FAILED:
	case FILTER_STOPPED:
		buf_addf(&said, "error: %s", r.why);
		break;
	case FILTER_REFUSED:
		buf_addf(&said, "refuse: %s", r.why);
		break;
	case FILTER_OK:
		for (i = 0; i < r.n; i++) {
			if (i > 0)
				buf_addc(&said, '\n');
			buf_adds(&said, r.out[i].line);
		}
	}
	return buf_str(&said);
}

static struct str
made(const char *rule, const char *line)
{
	struct filter *f = compiled(rule);
	struct str s = { "", 0 };

	if (f != NULL)
		s = fed(f, guard_end(str_of(line)), NULL);
	filter_close(f);
	return s;
}

static char *
wrong(const char *rule)
{
	static char text[512];
	struct filter_rule r = { .name = "r.jq", .text = str_of(rule),
	    .depth = -1, .line_max = LINE_MAX };
	char *why = NULL;
	struct filter *f = filter_open(&r, &why);

	snprintf(text, sizeof text, "%s", f ? "compiles" : why);
	if (f != NULL)
		filter_close(f);
	free(why);
	return text;
}

/* Spelling. */

static const char *const spelled[] = {
	"1.0", "1e3", "1E+2", "-0", "-0.0", "0.10", "100e-2", "0e5",
	"9007199254740992", "9007199254740993", "12345678901234567890",
	"1e400", "-1e400", "1e-400", "4.9e-324", "0.30000000000000004",
	"0.300000000000000041", "1.7976931348623157e308",
	"123456789012345678901234567890.5",
	"1.00000000000000000000000000000000000000000000000000000000000000000",
	"\"\"", "\"a\\/b\"", "\"\\u00e9\"", "\"\xc3\xa9\"", "\"\\u0000\"",
	"\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"\x7f\"",
	"\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\xf4\x8f\xbf\xbf\"",
	"[]", "[ ]", "{}", "{ }", "[1.0]", "[ 1 , [ 2 ] ]",
	"{\"a\":1,\"a\":2}", "{ \"z\" : 1.0 , \"a\" : { \"\\/\" : -0 } }",
	"[[[[[[[[\"deep\"]]]]]]]]", "true",
};
#define NSPELLED	(sizeof spelled / sizeof *spelled)

/* Each carries .data.v, whatever it is, to the output's v. */
static const char *const carriers[] = {
	"{type, v: .data.v}",
	"{v: .data.v} + {type}",
	".data.v as $v | {type, $v}",
	".data as {$v} | {type, $v}",
	"{type, v: .data[\"v\"]}",
	"{type, v: (.data | .[\"v\", \"none\"] | values)}",
	"{type, v: [.data.v][0]}",
	"{type, v: [0, .data.v][1:][0]}",
	"{type, v: ([.data.v, 0] | reverse | .[1])}",
	"{type, v: (reduce .data.v as $x (null; $x))}",
	"{type, v: (reduce .data.v as $x ([]; . + [$x]) | .[0])}",
	"{type, v: (foreach .data.v as $x (null; $x))}",
	"def f(g): g; {type, v: f(.data.v)}",
	"def f($g): $g; {type, v: f(.data.v)}",
	"{type, v: (if .data then .data.v else 0 end)}",
	"{type, v: (try .data.v catch 0)}",
	"{type, v: (.data.v // 0)}",
	"{type, v: first(.data.v)}", "{type, v: limit(1; .data.v)}",
	"{type, v: last(.data.v, .data.v)}",
	"{type, v: (label $out | .data.v | ., break $out)}",
	"{type, v: ([.data.v] | map(.) | .[0])}",
	"{type, v: ([.data.v] | sort | .[0])}",
	"{type, v: ([.data.v] | min)}", "{type, v: ([.data.v] | max)}",
	"{type, v: ([{k: .data.v}] | sort_by(.k) | .[0].k)}",
	"{type, v: ([.data.v] | unique | .[0])}",
	"{type, v: ([.data.v] | group_by(.) | .[0][0])}",
	"{type, v: ([{k: .data.v}] | group_by(.k) | .[0][0].k)}",
	"{type, v: ([[.data.v]] | add | .[0])}",
	"{type, v: ([[.data.v], [0]] | flatten(1) | .[0])}",
	"{type, v: ([.data.v] - [null] | .[0])}",
	"{type, v: (.data | to_entries | from_entries | .v)}",
	"{type, v: (.data | with_entries(.) | .v)}",
	"{type, v: (.data | map_values(.) | .v)}",
	"{type, v: (.data | to_entries[0].value)}",
	"{type, v: (.data | getpath([\"v\"]))}",
	"{type, v: 0} + {v: .data.v}",
	". as $in | {type} | .v = $in.data.v",
	". as $in | {type, v: 0} | .v |= $in.data.v",
	". as $in | {type, v: null} | .v //= $in.data.v",
	". as $in | {type} | setpath([\"v\"]; $in.data.v)",
	".v = .data.v | del(.data)",
	"{type, v: (.data.w = 1 | .data.v)}",
	"{type, v: (.data + {w: 1} | .v)}",
	"{type, v: (.data * {w: {x: 1}} | .v)}",
	"{type, v: (.data | del(.w) | .v)}",
	"{type, v: (.data | delpaths([[\"w\"]]) | .v)}",
	"{type, v: ([.data | .v?, .none?] | .[0])}",
	"{type, v: ([[1, 2], [.data.v]] | transpose | .[0][1])}",
	"{type, v: ([[.data.v]] | combinations | .[0])}",
	"{type, v: ({a: .data.v} | [paths] as $p | getpath($p[0]))}",
	"{type, v: ([.data.v] | nth(0))}",
	"{type, v: ([.data.v | until(true; 0)] | .[0])}",
	"{type, v: ([.data.v | while(false; 0)] + [.data.v] | .[0])}",
	"{type, v: ([.data.v | recurse(empty)] | .[0])}",
	"{type, v: ([.data | .v] | INDEX(\"k\") | .k)}",
	"{type, v: (.data | take(\"v\") | .v)}",
	". as {data: {v: $v}} | {type, $v}",
	". as [$x] ?// {data: {v: $x}} | {type, v: $x}",
	"[.] | .[] | {type, v: .data.v}",
	"[limit(3; repeat(.data.v))] as $a | {type, v: $a[2]}",
	"{type, v: (.data.v | debug)}",
};
#define NCARRIERS	(sizeof carriers / sizeof *carriers)

TEST(carried, "what a rule carries leaves as it was spelled")
{
	char line[512], want[512];
	struct filter *f;
	size_t c, i;

	for (c = 0; c < NCARRIERS; c++) {
		if ((f = compiled(carriers[c])) == NULL) {
			CHECK(!"compiles");
			continue;
		}
		for (i = 0; i < NSPELLED; i++) {
			snprintf(line, sizeof line, "{\"type\":\"t\","
			    "\"data\":{\"v\": %s ,\"w\":[0]}}", spelled[i]);
			snprintf(want, sizeof want,
			    "{\"type\":\"t\",\"v\":%s}", spelled[i]);
			fed(f, guard_end(str_of(line)), NULL);
			if (!str_eq(buf_str(&said), str_of(want)))
				printf("# %s\n", carriers[c]);
			CHECK_STR(buf_str(&said), want);
		}
		filter_close(f);
	}
}

static const struct row {
	const char *rule, *line, *want;
} untouched[] = {
	/* a whole frame is its line, but for the link's keys */
	{ ".", "{ \"type\" : \"t\" , \"x\":1.0,\"x\":2 }",
	    "{ \"type\" : \"t\" , \"x\":1.0,\"x\":2 }" },
	{ ".", "{\"x\":1.0,\"type\":\"t\"}", "{\"x\":1.0,\"type\":\"t\"}" },
	{ ".", "{\"seq\":1,\"type\" : \"t\",\"again\":true,\"x\": 1e3 ,"
	    "\"of\":[\"b\",1,0],\"from\":\"up\",\"via\":\"down\"}",
	    "{\"type\" : \"t\",\"x\": 1e3}" },
	{ ".", "{\"s\\u0065q\":1,\"type\":\"t\"}", "{\"type\":\"t\"}" },
	{ ". + {}", "{\"type\":\"t\", \"x\":[ ]}",
	    "{\"type\":\"t\", \"x\":[ ]}" },
	{ "if .x then . else empty end", "{\"x\":1,\"type\":\"t\"}",
	    "{\"x\":1,\"type\":\"t\"}" },
	{ "., .", "{\"type\":\"t\"}", "{\"type\":\"t\"}\n{\"type\":\"t\"}" },
	{ "empty", "{\"type\":\"t\"}", "" },
	/* one that is changed is written anew, type first */
	{ ".y = 1", "{\"x\": 1.0,\"type\":\"t\" , \"seq\":5}",
	    "{\"type\":\"t\",\"x\":1.0,\"y\":1}" },
	{ ".x = 2", "{\"type\":\"t\",\"x\":1,\"a\\/b\":{ }}",
	    "{\"type\":\"t\",\"x\":2,\"a\\/b\":{ }}" },
	{ ".seq = 1 | .of = 2 | .again = true | .via = \"up\" | .from = 1",
	    "{\"type\":\"t\"}", "{\"type\":\"t\"}" },
	{ "del(.type) | .type = \"u\"", "{\"type\":\"t\",\"x\":1}",
	    "{\"type\":\"u\",\"x\":1}" },
	{ ".data", "{\"type\":\"t\",\"data\":{\"a\": 1.0,\"type\": \"u\"}}",
	    "{\"type\":\"u\",\"a\":1.0}" },
	/* what rules do not see */
	{ "{type, k: keys}", "{\"type\":\"t\",\"seq\":1,\"again\":true,"
	    "\"of\":[\"b\",1,0],\"via\":\"x\",\"user\":null,\"data\":null}",
	    "{\"type\":\"t\",\"k\":[\"data\",\"type\"]}" },
	{ "{type, k: .from}", "{\"type\":\"t\",\"from\":\"\\u0061\"}",
	    "{\"type\":\"t\",\"k\":\"\\u0061\"}" },
	/* keys keep their spelling in what is opened and changed */
	{ ".data.n = 1", "{\"type\":\"t\",\"data\":{\"\\u0061\\/\":[1]}}",
	    "{\"type\":\"t\",\"data\":{\"\\u0061\\/\":[1],\"n\":1}}" },
	{ "{type, k: (.data | keys)}", "{\"type\":\"t\",\"data\":{\"\\/\":1}}",
	    "{\"type\":\"t\",\"k\":[\"\\/\"]}" },
	{ "{type, x: .data[\"/\"]}", "{\"type\":\"t\",\"data\":{\"\\/\":1.0}}",
	    "{\"type\":\"t\",\"x\":1.0}" },
	/* a changed value among others */
	{ ".data.a += 1", "{\"type\":\"t\",\"data\":{\"a\":1.0,\"b\":1.0}}",
	    "{\"type\":\"t\",\"data\":{\"a\":2,\"b\":1.0}}" },
	{ ".data.s += \"\"", "{\"type\":\"t\",\"data\":{\"s\":\"\\u0061\"}}",
	    "{\"type\":\"t\",\"data\":{\"s\":\"a\"}}" },
	{ ".data[1] = 0", "{\"type\":\"t\",\"data\":[1.0,1.0,1e3]}",
	    "{\"type\":\"t\",\"data\":[1.0,0,1e3]}" },
	{ ".data |= .[1:]", "{\"type\":\"t\",\"data\":[1.0,2.0, 1e3]}",
	    "{\"type\":\"t\",\"data\":[2.0,1e3]}" },
	/* the value is the decoded one */
	{ "{type, x: (.data == \"a/\\u0000\")}",
	    "{\"type\":\"t\",\"data\":\"\\u0061\\/\\u0000\"}",
	    "{\"type\":\"t\",\"x\":true}" },
	{ "{type, x: (.data | length)}",
	    "{\"type\":\"t\",\"data\":\"\\ud800\"}",
	    "{\"type\":\"t\",\"x\":1}" },
	{ "{type, x: (.data == 1000 and .n == 0)}",
	    "{\"type\":\"t\",\"data\":1e3,\"n\":-0}",
	    "{\"type\":\"t\",\"x\":true}" },
};

static void
check_rows(const struct row *row, size_t n)
{
	for (; n > 0; n--, row++) {
		made(row->rule, row->line);
		if (!str_eq(buf_str(&said), str_of(row->want)))
			printf("# %s\n", row->rule);
		CHECK_STR(buf_str(&said), row->want);
	}
}

TEST(untouched, "what a rule leaves untouched")
{
	check_rows(untouched, sizeof untouched / sizeof *untouched);
}

/* Which values are open: the vocabulary's whole, a user's own to members. */
static const struct row opened[] = {
	{ "{type, x: .headers.a.b.c}",
	    "{\"type\":\"t\",\"headers\":{\"a\":{\"b\":{\"c\":1.0}}}}",
	    "{\"type\":\"t\",\"x\":1.0}" },
	{ "{type, x: .other.a.b}",
	    "{\"type\":\"t\",\"other\":{\"a\":{\"b\":1}}}",
	    "error: Cannot index string with string \"b\""
	    " (a handle? open it)" },
	{ "{type, x: [.data, .ref, .state, .claims, .auth, .properties"
	    " | .a | type]}",
	    "{\"type\":\"t\",\"data\":{\"a\":[1]},\"ref\":{\"a\":[1]},"
	    "\"state\":{\"a\":[1]},\"claims\":{\"a\":[1]},"
	    "\"auth\":{\"a\":[1]},\"properties\":{\"a\":[1]}}",
	    "{\"type\":\"t\",\"x\":[\"array\",\"array\",\"array\",\"array\","
	    "\"array\",\"array\"]}" },
	{ "{type, x: .data.a[0]}", "{\"type\":\"t\",\"data\":{\"a\":[1]}}",
	    "error: Cannot index string with number (a handle? open it)" },
	{ "{type, x: .members[0].channels[0], y: .members[0].state.a,"
	    " z: (.members[0].state.b | open | .[0])}",
	    "{\"type\":\"t\",\"members\":[{\"channels\":[\"c\"],"
	    "\"state\":{\"a\":1.0,\"b\":[ 2.0 ]}}]}",
	    "{\"type\":\"t\",\"x\":\"c\",\"y\":1.0,\"z\":2.0}" },
	{ "{type, x: .members[0].state.b[0]}",
	    "{\"type\":\"t\",\"members\":[{\"state\":{\"b\":[1]}}]}",
	    "error: Cannot index string with number (a handle? open it)" },
	{ "{type, x: (.data | .a == [] and .b == {})}",
	    "{\"type\":\"t\",\"data\":{\"a\":[ ],\"b\":{}}}",
	    "{\"type\":\"t\",\"x\":true}" },
	{ "# x\n\n # rk: depth 3\n{type, x: .data.a[0].b}",
	    "{\"type\":\"t\",\"data\":{\"a\":[{\"b\": [ 1 ]}]}}",
	    "{\"type\":\"t\",\"x\":[ 1 ]}" },
	{ "# rk: depth 0\n{type, x: (.data | type), y: .data}",
	    "{\"type\":\"t\",\"data\":{\"a\":1}}",
	    "{\"type\":\"t\",\"x\":\"object\",\"y\":{\"a\":1}}" },
	{ "# rk: depth 0\n.data.a", "{\"type\":\"t\",\"data\":{\"a\":1}}",
	    "error: Cannot index string with string \"a\""
	    " (a handle? open it)" },
};

TEST(opened, "which values a rule may look into")
{
	check_rows(opened, sizeof opened / sizeof *opened);
}

/* What a rule can do to a handle, $h, and what comes of it. */
#define LABEL	"error: the rule made a string of a handle"
#define TEXT	"error: a handle is no text"
#define KEY	"error: the rule made a key of a handle"

static const struct {
	const char *rule;	/* the value of x; or, from a space on, all */
	const char *want;	/* of x; or the error */
} handles[] = {
	/* moved, copied, dropped */
	{ "$h", "[ 1.0 ]" },
	{ "[$h, $h]", "[[ 1.0 ],[ 1.0 ]]" },
	{ "[$h | empty]", "[]" },
	{ "{h: $h}", "{\"h\":[ 1.0 ]}" },
	{ "(.data | del(.h))", "{\"n\":12345678901234567890,\"s\":\"s\"}" },
	{ "(.data | take(\"h\", \"none\"))", "{\"h\":[ 1.0 ]}" },
	{ "([.data | .. ] | length)", "4" },
	{ "(.data | [paths] | length)", "3" },
	{ "(.data | [tostream] | length)", "4" },
	{ "(.data | to_entries | .[0])", "{\"key\":\"h\",\"value\":[ 1.0 ]}" },
	{ "(.data | with_entries(select(.key == \"h\")))", "{\"h\":[ 1.0 ]}" },
	{ "([$h] | sort)", "[[ 1.0 ]]" },
	{ "([[$h, 1]] | group_by(.[0]) | .[0])", "[[[ 1.0 ],1]]" },
	{ "(.data | .h |= .)",
	    "{\"h\":[ 1.0 ],\"n\":12345678901234567890,\"s\":\"s\"}" },
	{ "(.data | .h = 1)",
	    "{\"h\":1,\"n\":12345678901234567890,\"s\":\"s\"}" },
	{ "(.data | walk(.) | .h)", "[ 1.0 ]" },
	{ "(null + $h)", "[ 1.0 ]" },
	{ "([$h] | add)", "[ 1.0 ]" },
	{ "([$h] + [1])", "[[ 1.0 ],1]" },
	/* tested and compared: it is true, and equal to itself only */
	{ "(if $h then 1 else 2 end)", "1" },
	{ "($h // 1)", "[ 1.0 ]" },
	{ "($h | not)", "false" },
	{ "($h == $h)", "true" },
	{ "($h == [1.0])", "false" },
	{ "($h == .data.n)", "false" },
	{ "([$h, $h] | unique)", "[[ 1.0 ]]" },
	{ "([$h] | index($h))", "0" },
	{ "([$h] | contains([$h]))", "true" },
	{ "($h | IN($h, 1))", "true" },
	{ "([$h] - [$h])", "[]" },
	/* known to these */
	{ "($h | type)", "\"array\"" },
	{ "($h | length)", "1" },
	{ "($h | keys)", "[0]" },
	{ "[$h | has(0), has(1)]", "[true,false]" },
	{ "($h | open)", "[ 1.0 ]" },
	{ "($h | open | .[0])", "1.0" },
	{ "($h | open + [2])", "[1.0,2]" },
	{ "($h | open | open | .[0])", "1.0" },
	{ "(.data | .h |= (open | .[0] += 1) | .h)", "[2]" },
	{ "(.data | .h |= open | .h)", "[ 1.0 ]" },
	{ "({} | .k |= (3 | open) | .k)", "3" },
	{ "(null | open)", "null" },
	/* a number that a double cannot hold */
	{ "(.data.n | type)", "\"number\"" },
	{ "(.data.n | length)", "12345678901234567000" },
	{ "(.data.n | open)", "12345678901234567890" },
	{ "(.data.n | open + 1)", "12345678901234567000" },
	{ "(.data.n | open > 5)", "true" },
	{ "[.data.n]", "[12345678901234567890]" },
	{ "(.data.n == .data.n)", "true" },
	{ "(.data.n == 12345678901234567890)", "false" },
	{ "(.data.n + 1)", "error: string (\"a handle...) and number (1)"
	    " cannot be added" },
	{ "(-.data.n)", "error: string (\"a handle...) cannot be negated" },
	{ "(.data.n | floor)", "error: string (\"a handle...)"
	    " number required" },
	{ "(.data.n | tonumber)", "error: Invalid numeric literal at EOF at"
	    " line 1, column 92 (while parsing 'a handle...')" },
	{ "(.data.n | tostring)", TEXT },
	{ "(.data.n | tojson)", TEXT },
	{ "[limit(.data.n; 1)]", "error: string (\"a handle...) and number"
	    " (1) cannot be subtracted" },
	/* looked into: jq sees a string */
	{ "$h[0]", "error: Cannot index string with number"
	    " (a handle? open it)" },
	{ "$h.x", "error: Cannot index string with string \"x\""
	    " (a handle? open it)" },
	{ "[$h[]]", "error: Cannot iterate over string (\"a handle...)" },
	{ "[$h[]?]", "[]" },
	{ "($h | map(.))", "error: Cannot iterate over string"
	    " (\"a handle...)" },
	{ "($h | to_entries)", "error: string (\"a handle...) has no keys" },
	{ "($h | add)", "error: Cannot iterate over string (\"a handle...)" },
	{ "($h | first)", "error: Cannot index string with number"
	    " (a handle? open it)" },
	{ "(.data | .h[0] = 2)", "error: Cannot index string with number"
	    " (a handle? open it)" },
	{ "(.data | del(.h[0]))", "error: Cannot index string with number"
	    " (a handle? open it)" },
	{ "(.data | getpath([\"h\", 0]))", "error: Cannot index string with"
	    " number (a handle? open it)" },
	{ "($h | sort)", "error: string (\"a handle...) cannot be sorted, as it"
	    " is not an array" },
	{ "($h - [1])", "error: string (\"a handle...) and array ([1]) cannot"
	    " be subtracted" },
	{ "($h + [1])", "error: string (\"a handle...) and array ([1]) cannot"
	    " be added" },
	{ "($h * {})", "error: string (\"a handle...) and object ({}) cannot be"
	    " multiplied" },
	{ "$h[0:1]", LABEL }, { "$h[1:2]", LABEL }, { "$h[-1:]", LABEL },
	/* taken for text */
	{ "($h | tostring)", TEXT }, { "($h | tojson)", TEXT },
	{ "([$h] | tostring)", TEXT }, { "({a: [$h]} | tojson)", TEXT },
	{ "\"\\($h)\"", TEXT }, { "\"\\([$h])\"", TEXT },
	{ "@json \"\\($h)\"", TEXT },
	{ "($h | @text)", TEXT }, { "($h | @json)", TEXT },
	{ "($h | @base64)", TEXT }, { "($h | @base32)", TEXT },
	{ "($h | @base64d)", TEXT }, { "($h | @uri)", TEXT },
	{ "($h | @html)", TEXT }, { "($h | @sh)", TEXT },
	{ "([$h] | @csv)", TEXT }, { "([$h] | @tsv)", TEXT },
	{ "([$h] | @base64)", TEXT },
	{ "($h | explode)", TEXT }, { "($h | utf8bytelength)", TEXT },
	{ "($h | ascii_downcase)", TEXT }, { "($h | ascii_upcase)", TEXT },
	{ "($h | startswith(\"\"))", TEXT }, { "($h | endswith(\"\"))", TEXT },
	{ "($h | ltrimstr(\"a\"))", TEXT }, { "($h | rtrimstr(\"a\"))", TEXT },
	{ "($h | split(\"\"))", TEXT }, { "($h | split(\"\"; null))", TEXT },
	{ "[$h | splits(\"\")]", TEXT }, { "[$h | splits(\"\"; null)]", TEXT },
	{ "($h | test(\".\"))", TEXT }, { "($h | test(\".\"; \"g\"))", TEXT },
	{ "[$h | match(\".\")]", TEXT }, { "[$h | match(\".\"; \"g\")]", TEXT },
	{ "($h | capture(\".\"))", TEXT },
	{ "($h | capture(\".\"; \"g\"))", TEXT },
	{ "[$h | scan(\".\")]", TEXT },
	{ "($h | sub(\".\"; \"\"))", TEXT },
	{ "($h | sub(\".\"; \"\"; \"g\"))", TEXT },
	{ "($h | gsub(\".\"; \"\"))", TEXT },
	{ "($h | gsub(\".\"; \"\"; \"g\"))", TEXT },
	{ "($h | contains(\"\"))", TEXT }, { "($h | inside(\"\"))", TEXT },
	{ "($h | index(\"a\"))", TEXT }, { "($h | rindex(\"a\"))", TEXT },
	{ "($h | indices(\"a\"))", TEXT },
	{ "($h | fromjson)", NULL }, { "($h | tonumber)", NULL },
	{ "($h | todate)", NULL }, { "($h | implode)", NULL },
	/* made a part of a text, or a key */
	{ "(\"a\" + $h)", LABEL }, { "($h + \"a\")", LABEL },
	{ "($h + \"\")", LABEL }, { "($h + $h)", LABEL }, { "($h * 2)", LABEL },
	{ "([$h] | join(\",\"))", LABEL },
	{ "([\"a\", $h] | join(\"\"))", LABEL },
	{ "([\"a\", $h] | add)", LABEL }, { "($h / \"a\")", LABEL },
	{ "{($h): 1}", KEY }, { "({} | .[$h] = 1)", KEY },
	{ "([{key: $h, value: 1}] | from_entries)", KEY },
	{ "([$h] | INDEX(.))", KEY },
	{ "({} | .[$h])", "null" }, { "(.data | has($h))", "false" },
	/* said */
	{ "error($h)", "error: a handle" },
	{ "error(\"no \" + $h)", "error: no a handle" },
	{ "(try error($h) catch .)", "[ 1.0 ]" },
	{ " {type: $h}", "error: the rule made a frame without a type" },
	{ " $h", "error: the rule made no frame: string" },
	{ " {type: \"refuse\", why: $h}", "refuse: refused by the rule" },
	{ " refuse(\"no \" + $h)", "refuse: no a handle" },
};

TEST(handles, "what a rule can do to a handle")
{
	static const char line[] = "{\"type\":\"t\",\"data\":{\"h\":[ 1.0 ],"
	    "\"n\":12345678901234567890,\"s\":\"s\"}}";
	char rule[256], want[256];
	const char *w;
	size_t i;

	for (i = 0; i < sizeof handles / sizeof *handles; i++) {
		w = handles[i].want;
		snprintf(rule, sizeof rule, *handles[i].rule == ' ' ?
		    ".data.h as $h | %s" : ".data.h as $h | {type, x: %s}",
		    handles[i].rule);
		snprintf(want, sizeof want, w && *handles[i].rule != ' ' &&
		    strncmp(w, "error", 5) ? "{\"type\":\"t\",\"x\":%s}" : "%s",
		    w ? w : "");
		made(rule, line);
		if (w == NULL)
			w = "error: ";
		if (!str_eq(buf_str(&said), str_of(want)) &&
		    (handles[i].want != NULL ||
		    strncmp(said.data, w, strlen(w)) != 0)) {
			printf("# %s\n", rule);
			CHECK_STR(buf_str(&said), want);
		}
	}
}

/* The label of the handle that .data.h is: what a rule may learn of it. */
static struct str
learn_label(struct filter *learner, struct buf *out)
{
	struct json_walk w;
	struct json_member m;
	struct frame f;
	const char *why;
	int64_t c;

	fed(learner, STR("{\"type\":\"t\",\"data\":{\"h\":[1]}}"), NULL);
	buf_clear(out);
	if (frame_scan(&f, buf_str(&said), &why) != 1 ||
	    !json_walk(&w, f.v[K_DATA]))
		return STR("");
	while (json_next(&w, &m) == 1)
		if (json_int(m.value, &c) && c > 0x7f)
			buf_addf(out, "\xf4\x8f\xbf%c",
			    (int)(0x80 | (c & 0x3f)));
	return buf_str(out);
}

TEST(forged, "what looks like a handle is text")
{
	static const char rule[] =
	    "if .data == null then empty"
	    " elif .data.a then {type, a: .data.a, h: .data.h,"
	    "   k: (.data | keys_unsorted[0]), t: (.data.a | type),"
	    "   l: (.data.a | open | _rk_length), e: (.data.a == .data.h)}"
	    " else {type, data: (\"x\" + .data.h | explode)} end";
	struct filter *f = compiled(rule);
	struct buf b = BUF(1000), line = BUF(1000), want = BUF(1000);
	struct str label = learn_label(f, &b);

	CHECK_INT(label.n, 23 * 4);
	buf_addf(&line, "{\"type\":\"t\",\"data\":{\"a\":\"%.*s\","
	    "\"h\":[1]}}", (int)label.n, label.p);
	buf_addf(&want, "{\"type\":\"t\",\"a\":\"%.*s\",\"h\":[1],"
	    "\"k\":\"a\",\"t\":\"string\",\"l\":23,\"e\":true}",
	    (int)label.n, label.p);
	buf_addc(&want, '\0');
	CHECK_STR(fed(f, buf_str(&line), NULL), want.data);
	/* as a key, and without any handle */
	buf_clear(&line);
	buf_addf(&line, "{\"type\":\"t\",\"data\":{\"%.*s\":1,\"a\":1,"
	    "\"h\":0}}", (int)label.n, label.p);
	buf_clear(&want);
	buf_addf(&want, "{\"type\":\"t\",\"a\":1,\"h\":0,\"k\":\"%.*s\","
	    "\"t\":\"number\",\"l\":1,\"e\":false}", (int)label.n, label.p);
	buf_addc(&want, '\0');
	CHECK_STR(fed(f, buf_str(&line), NULL), want.data);
	filter_close(f);
	buf_free(&b);
	buf_free(&line);
	buf_free(&want);
}

static const struct row numbers[] = {
	{ "[1, -1, 0, 1.5, 0.1, 1e3, 1e15, 9007199254740991]", NULL,
	    "[1,-1,0,1.5,0.1,1000,1000000000000000,9007199254740991]" },
	{ "[9007199254740993, 1e16, 1e17, 1e18, 123456789012345678]", NULL,
	    "[9007199254740992,1e+16,1e+17,1e+18,123456789012345680]" },
	{ "[1e-5, 0.0001, 1e300, 0.1 + 0.2, 1 / 3]", NULL,
	    "[1e-05,0.0001,1e+300,0.30000000000000004,"
	    "0.3333333333333333]" },
	{ "[infinite, -infinite, nan, -0, 1e1000]", NULL,
	    "[1.7976931348623157e+308,-1.7976931348623157e+308,null,-0,"
	    "1.7976931348623157e+308]" },
	{ "[true, false, null, {}, \"\\u0000\\n\\\"\\\\/\\u00e9\\u007f\"]",
	    NULL,
	    "[true,false,null,{},\"\\u0000\\n\\\"\\\\/\xc3\xa9\x7f\"]" },
};

TEST(printed, "what a rule makes is written as jq does")
{
	char rule[256], want[256];
	size_t i;

	for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		snprintf(rule, sizeof rule, "{type: \"t\", x: %s}",
		    numbers[i].rule);
		snprintf(want, sizeof want, "{\"type\":\"t\",\"x\":%s}",
		    numbers[i].want);
		CHECK_STR(made(rule, "{}"), want);
	}
}

#define FOUR(s)		s s s s
#define MANY(s)		FOUR(FOUR(FOUR(s))) FOUR(FOUR(s s s)) FOUR(s s s)
#define DEEP(in, out)	"{\"d\":" MANY("[") in "\"[\\\"\"" out MANY("]") "}"

static const struct row refused[] = {
	{ "1", "{}", "error: the rule made no frame: number" },
	{ "{}, \"x\"", "{}", "error: the rule made a frame without a type" },
	{ "{type: 1}", "{}", "error: the rule made a frame without a type" },
	{ ".", "{\"x\":1}", "error: the rule made a frame without a type" },
	{ "{type: \"a\"}, error(\"no\")", "{}", "error: no" },
	{ "{type: \"a\"}, error({a: 1})", "{}", "error: {\"a\":1}" },
	{ "{type: \"a\"}, refuse(\"n\\u0000o\\n\")", "{}", "refuse: n" },
	{ "refuse(\"why\"), {type: \"a\"}", "{}", "refuse: why" },
	{ "refuse(1)", "{}", "refuse: refused by the rule" },
	{ "{type: \"a\"}, .x.y", "{\"x\":1}",
	    "error: Cannot index number with string \"y\"" },
	{ "{type: \"a\", x: (reduce range(127) as $i (0; [.]))}", "{}", NULL },
	{ "{type: \"a\", x: (reduce range(128) as $i (0; [.]))}", "{}",
	    "error: the rule made a frame that is nested too deep" },
	{ "{type: \"a\", x: (reduce range(9999) as $i (0; [.]))}", "{}",
	    "error: the rule made a frame that is nested too deep" },
	{ "{type: \"a\", x: (reduce range(125) as $i (.d; [.]))}",
	    "{\"d\":{\"a\":[0]}}", NULL },
	{ "{type: \"a\", x: (reduce range(126) as $i (.d; [.]))}",
	    "{\"d\":{\"a\":[\"[\\\"\"]}}",
	    "error: the rule made a frame that is nested too deep" },
	{ "{type: \"a\", x: [.d]}", DEEP("[[", "]]"), NULL },
	{ "{type: \"a\", x: [.d]}", DEEP("[[[", "]]]"),
	    "error: the rule made a frame that is nested too deep" },
	{ "{type: \"a\", x: (\"x\" * 1048576)}", "{}",
	    "error: the rule made a line of more than 1048576 bytes" },
	{ "range(10001) | {type: \"a\"}", "{}",
	    "error: the rule made more than 10000 frames" },
	{ "(\"x\" * 1048000) as $x | repeat({type: \"a\", $x})", "{}",
	    "error: the rule made too much of a frame" },
	{ "error(\"\\u00e9\" * 400)", "{}", NULL },
};

TEST(refused, "a frame is taken whole or not at all")
{
	const struct row *row = refused, *end = row +
	    sizeof refused / sizeof *refused;
	struct frame f;
	const char *why;

	for (; row < end; row++) {
		if (row->want != NULL) {
			check_rows(row, 1);
			continue;
		}
		made(row->rule, row->line);
		CHECK(utf8_check(buf_str(&said)));
		if (strncmp(said.data, "error", 5) == 0)
			CHECK(buf_size(&said) < 320 && row + 1 == end);
		else
			CHECK(frame_scan(&f, buf_str(&said), &why) == 1);
	}
}

static const char *const runaways[] = {
	"repeat(.) | select(false)", "def f: f; f", "last(range(1e12))",
	"until(false; . + {})", "reduce range(1e12) as $i (0; . + $i)",
	"[.x[] | range(1e12) | select(false)]",
};

TEST(runaway, "a rule that runs too long is stopped, and runs again")
{
	char rule[256];
	struct filter_rule r = { .name = "-e", .depth = -1, .budget = 50,
	    .line_max = LINE_MAX };
	struct timespec a, b;
	struct filter *f;
	char *why;
	size_t i;
	int again;

	for (i = 0; i < sizeof runaways / sizeof *runaways; i++) {
		snprintf(rule, sizeof rule, "if .type == \"run\" then"
		    " {x: [1]} | %s else . end", runaways[i]);
		r.text = str_of(rule);
		f = filter_open(&r, &why);
		for (again = 0; again < 2; again++) {
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
			CHECK_STR(fed(f, STR("{\"type\":\"run\"}"), NULL),
			    "error: the rule ran too long");
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
			CHECK((b.tv_sec - a.tv_sec) * 1000 +
			    (b.tv_nsec - a.tv_nsec) / 1000000 < 500);
			CHECK_STR(fed(f, STR("{\"type\":\"ok\"}"), NULL),
			    "{\"type\":\"ok\"}");
		}
		filter_close(f);
	}
}

static const char *const impure[] = {
	"now", "localtime", "strflocaltime(\"%H\")", "env", "env.HOME", "input",
	"[inputs]", "_input", "input_filename", "input_line_number", "halt",
	"halt_error", "halt_error(1)", "stderr", "modulemeta",
	"get_search_list", "get_prog_origin", "get_jq_origin",
};

TEST(pure, "a rule has no clock, no environment, no other input")
{
	char rule[64], want[128];
	size_t i, n;

	for (i = 0; i < sizeof impure / sizeof *impure; i++) {
		n = strspn(impure[i], "abcdefghijklmnopqrstuvwxyz_[");
		snprintf(rule, sizeof rule, "if false then %s else . end",
		    impure[i]);
		snprintf(want, sizeof want, "r.jq: %.*s: rules are pure "
		    "(--impure lifts it)", (int)n - (*impure[i] == '['),
		    impure[i] + (*impure[i] == '['));
		CHECK_STR(str_of(wrong(rule)), want);
	}
	CHECK_STR(str_of(wrong("$ENV.HOME")),
	    "r.jq:1: $ENV: rules are pure (--impure lifts it)");
	CHECK_STR(str_of(wrong("# x\n\"\n\\($ENV)\"")),
	    "r.jq:3: $ENV: rules are pure (--impure lifts it)");
	CHECK_STR(str_of(wrong("1 as $ENVY | {now: .now, env, $ENVY} # $ENV")),
	    "compiles");
	setenv("SECRET", "s", 1);
	CHECK_STR(made("{type: \"#\\($ENV)\"}", "{}"), "{\"type\":\"#{}\"}");
}

TEST(impure, "impure lifts it")
{
	struct filter_rule r = { .name = "-e", .depth = -1, .impure = 1,
	    .line_max = LINE_MAX, .text = STR("{type: env.SECRET,"
	    " e: $ENV.SECRET, n: (now > 1e9), i: [inputs]}") };
	struct filter *f;
	char *why;

	setenv("SECRET", "s", 1);
	f = filter_open(&r, &why);
	CHECK_STR(fed(f, STR("{}"), NULL),
	    "{\"type\":\"s\",\"e\":\"s\",\"n\":true,\"i\":[]}");
	filter_close(f);
}

static const struct row messages[] = {
	{ "1 +", NULL, "r.jq:1: syntax error" },
	{ ".a |\n\n foo(1) | 2", NULL, "r.jq:3: foo/1 is not defined" },
	{ "# c\n$x", NULL, "r.jq:2: $x is not defined" },
	{ "def f: nowhere; f", NULL, "r.jq:1: nowhere/0 is not defined" },
	{ "import \"x\" as x; .", NULL, "r.jq:1: import and module are not "
	    "for rules" },
	{ "\n include \"none\"; .", NULL,
	    "r.jq:2: include \"none\": no such file" },
	{ "include none; .", NULL, "r.jq:1: include wants a \"NAME\"" },
	{ "include \"none\" .", NULL,
	    "r.jq:1: include \"NAME\" ends with a semicolon" },
	{ "# rk: depth 129\n.", NULL, "r.jq:2: rk: depth: not from 0 to 128" },
	{ ".include", NULL, "compiles" },
	{ "", NULL, "compiles" },
};

TEST(messages, "what is wrong with a rule, and where")
{
	size_t i;

	for (i = 0; i < sizeof messages / sizeof *messages; i++) {
		char *got = wrong(messages[i].rule);

		got[strcspn(got, ",(")] = '\0';
		while (*got != '\0' && got[strlen(got) - 1] == ' ')
			got[strlen(got) - 1] = '\0';
		CHECK_STR(str_of(got), messages[i].want);
	}
}

TEST(arguments, "arguments are variables, as they were given")
{
	struct filter_arg args[] = {
		{ "a", STR("\"x\"") }, { "b", STR("{\"c\":[1.5]}") },
	};
	struct filter_arg bad = { "n", STR("[9007199254740993]") };
	struct filter_rule r = { .name = "-e", .depth = -1,
	    .line_max = LINE_MAX, .args = args, .nargs = 2,
	    .text = STR("{type: $a, b: $b.c, n: $ARGS.named}") };
	struct filter *f;
	char *why;

	f = filter_open(&r, &why);
	CHECK_STR(fed(f, STR("{}"), NULL), "{\"type\":\"x\",\"b\":[1.5],"
	    "\"n\":{\"a\":\"x\",\"b\":{\"c\":[1.5]}}}");
	filter_close(f);
	r.args = &bad;
	r.nargs = 1;
	CHECK(filter_open(&r, &why) == NULL);
	CHECK_STR(str_of(why), "$n: a number that a double cannot hold, or no "
	    "JSON for jq");
	free(why);
}

TEST(routing, "from is seen, via and conn are told")
{
	struct filter *f = compiled("if .from then . + {via: .from}"
	    " else {type, conn: .data} end");
	struct frame frame;
	struct filter_result r;
	const char *why;

	frame_scan(&frame, STR("{\"type\":\"send\",\"conn\":\"b\\u002e1\","
	    "\"from\":\"x\"}"), &why);
	CHECK_INT(filter_run(f, &frame, "up", &r), FILTER_OK);
	CHECK_INT(r.n, 1);
	CHECK_STR(r.out[0].line, "{\"type\":\"send\",\"conn\":\"b\\u002e1\"}");
	CHECK_STR(r.out[0].via, "up");
	CHECK_STR(r.out[0].conn, "b.1");
	CHECK_INT(r.out[0].type, T_SEND);
	frame_scan(&frame, STR("{\"type\":\"none\",\"data\":[[1]]}"), &why);
	CHECK_INT(filter_run(f, &frame, NULL, &r), FILTER_OK);
	CHECK(r.out[0].via.p == NULL && r.out[0].conn.p == NULL);
	CHECK_INT(r.out[0].type, T_UNKNOWN);
	filter_close(f);
}

TEST(match, "a condition over any JSON")
{
	struct filter *f = compiled(".a.b.state.c == 1");
	const char *why;

	CHECK_INT(filter_match(f,
	    STR(" {\"a\":{\"b\":{\"state\":{\"c\":1.0}}}}"), &why), 1);
	CHECK_INT(filter_match(f, STR("{}"), &why), 0);
	CHECK_INT(filter_match(f, STR("5"), &why), -1);
	CHECK_STR(str_of(why), "Cannot index number with string \"a\"");
	filter_close(f);
	f = compiled("empty");
	CHECK_INT(filter_match(f, STR("5"), &why), 0);
	filter_close(f);
	f = compiled("null, true");
	CHECK_INT(filter_match(f, STR("5"), &why), 0);
	filter_close(f);
}

/* Any payload, through a rule that opens, moves and changes around it. */
static void
random_json(struct buf *b, uint64_t *seed, int depth)
{
	static const char *const odd[] = { " ", "  ", "", "", "" };
	size_t i, n = unit_random(seed, 4);
	int object = unit_random(seed, 2) == 0;

	if (depth == 0 || unit_random(seed, 3) == 0) {
		buf_adds(b, str_of(spelled[unit_random(seed, NSPELLED)]));
		return;
	}
	buf_addc(b, object ? '{' : '[');
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		buf_adds(b, str_of(odd[unit_random(seed, 5)]));
		if (object)
			buf_addf(b, "\"%c\\/\"%s:", 'a' + (int)i,
			    odd[unit_random(seed, 5)]);
		random_json(b, seed, depth - 1);
		buf_adds(b, str_of(odd[unit_random(seed, 5)]));
	}
	buf_addc(b, object ? '}' : ']');
}

TEST(random, "any payload survives")
{
	struct filter *f = compiled("(.data | open) as $o | ([.data] |"
	    " map(.) | .[0]) as $d | {type, user, data: $d, o: $o}");
	struct buf data = BUF(1 << 20), line = BUF(1 << 20);
	struct buf want = BUF(1 << 20);
	uint64_t seed = unit_seed();
	int i, n = unit_long() ? 200000 : 5000;

	for (i = 0; i < n; i++) {
		buf_clear(&data);
		buf_clear(&line);
		buf_clear(&want);
		random_json(&data, &seed, 4);
		buf_addf(&line, "{\"data\":%.*s,\"type\":\"t\"}",
		    (int)buf_size(&data), data.data);
		buf_addf(&want, "{\"type\":\"t\",\"user\":null,\"data\":%.*s,"
		    "\"o\":%.*s}", (int)buf_size(&data), data.data,
		    (int)buf_size(&data), data.data);
		fed(f, guard_end(buf_str(&line)), NULL);
		if (!str_eq(buf_str(&said), buf_str(&want)))
			break;
	}
	buf_addc(&want, '\0');
	CHECK_STR(buf_str(&said), want.data);
	CHECK_INT(i, n);
	filter_close(f);
	buf_free(&data);
	buf_free(&line);
	buf_free(&want);
}
