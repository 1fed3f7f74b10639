/* SPDX-License-Identifier: ISC */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * Rules for tests, at random: mostly of what routing is made of, so that most
 * are run natively, with constructs in between that are libjq's.  They
 * compile, and make frames more often than not.
 *
 * A chain of operators goes without parentheses, so that both parsers must
 * agree on who binds more.
 */

#include <stdio.h>

#include "buf.h"

static uint64_t unit_random(uint64_t *, uint64_t);

struct program {
	struct buf *out;
	uint64_t *seed;
	int vars;		/* $v0 ... are there */
	int defs;		/* so are f0, f1($a), f2(g) */
	int left;		/* nodes that may still come */
	int in_def;		/* g may be called */
};

static const char *const program_fields[] = {
	".data", ".data", ".data.a", ".data.b", ".data.k", ".user", ".type",
	".n", ".from", ".via", ".state", ".state.a", ".ref", ".ref.a", ".x",
	".x.a", ".members", ".channels", ".text", ".conn", ".seq", ".a", ".b",
	".data.a.b", ".data?", ".data.a?", ".x.b?", ".[\"data\"]",
	".\"a/b\"", ".data.\"a/b\"", ".data[\"a\"]", ".data.a?.b?",
	".state.state", ".headers.a.b", ".data[\"\xc3\xa9\"]?", ".data.type",
};
static const char *const program_literals[] = {
	"0", "1", "5", "1000", "123456789012345", "null", "true", "false",
	"\"\"", "\"a\"", "\"abc\"", "\"a/b\"", "\"a\\/b\"", "\"\xc3\xa9\"",
	"\"\\u00e9\"", "\"message\"", "\"x\\\"y\\n\"", "[]", "{}", "\"yes\"",
	"$s", "$n", "$e", "$t", "$ARGS.named.s", "$ARGS.named.none", "\"5\"",
	"\"\x7f\"", "$m", "$m.a", "$m.a[0]", "$m.data.b[0]",
	"($m.a[] | select(.x? == \"a/b\"))",
};
/* libjq's: the parser must find their ends */
static const char *const program_foreign[] = {
	"1.5", "(-1)", "$o", "$ARGS.named.o", "(.data | length)", "[..]",
	"(try .data.a catch \"e\")", "(reduce .data as $q (0; . + 1))",
	"(try error(\"x\") // 1)", "(.data | .a |= 1)", "@json \"\\(.type)\"",
	"(.type | @base64)", "([limit(1; .data, 2)])", ".data[0:1]?",
	"(label $l | 1, break $l)", "[foreach (1, 2) as $q (0; $q; .)]",
	"(.data as [$q] | $q)", "(.type | test(\"a\"))", "$__loc__.line",
	"\"\\u0000\"", "{(.type | tostring): 1}", "(.data? // 1)?",
	"(.n + 1)", "(.data.b += 1)", "1 as $q | 2", "-.n", "try .n",
	"[.data[]?]", "(.data | keys?)", "(.data | to_entries?)",
};
#define PROGRAM_PICK(table, seed) \
	(table)[unit_random((seed), sizeof (table) / sizeof *(table))]

static void program_value(struct program *);
static void program_chain(struct program *);

static unsigned
program_random(struct program *p, unsigned n)
{
	return (unsigned)unit_random(p->seed, n);
}

static void
program_put(struct program *p, const char *text)
{
	buf_adds(p->out, str_of(text));
}

static void
program_grouped(struct program *p)
{
	program_put(p, "(");
	program_chain(p);
	program_put(p, ")");
}

static void
program_object(struct program *p, int typed)
{
	static const char *const keys[] = { "a", "b", "data", "user", "conn",
	    "\"a/b\"", "via", "n", "if", "\"\xc3\xa9\"", "a", "seq" };
	unsigned n = program_random(p, 4);

	program_put(p, "{");
	if (typed && program_random(p, 3) > 0)
		program_put(p, program_random(p, 3) ? "type: \"t\"" :
		    "\"type\": .type");
	else if (typed)
		program_put(p, "type");
	else
		program_put(p, "k: 1");
	for (; n > 0; n--) {
		switch (program_random(p, 6)) {
		case 0:
			program_put(p, ", user");
			break;
		case 1:
			program_put(p, ", \"a/b\", data");
			break;
		case 2:
			if (p->vars > 0) {
				buf_addf(p->out, ", $v%u", program_random(p,
				    (unsigned)p->vars));
				break;
			}
			/* fall through */
		default:
			buf_addf(p->out, ", %s: ", PROGRAM_PICK(keys, p->seed));
			if (program_random(p, 2))
				program_grouped(p);
			else
				program_put(p, PROGRAM_PICK(program_fields,
				    p->seed));
			if (program_random(p, 8) == 0)
				program_put(p, " | type");
		}
	}
	program_put(p, "}");
}

static const char *const program_filters[] = {
	"type", "not", "tostring", "open", "first", "has(\"a\")",
	"has(\"data\")", "take(\"a\", \"b\")", "payload", "del(.a)",
	"del(.data, .x)", "IN(\"a\", \"b\", 1)", "index(\"a\")",
	"startswith(\"a\")", "endswith(\"b\")", "startswith(\"\")",
	"startswith(.a?)",
	/* of what is no string, libjq's would leak */
	"(tostring | ltrimstr(\"a\"))", "(tostring | ltrimstr(\"\"))",
	"(tostring | ltrimstr(\"a/\"))",
	"select(.)", "empty", ".a", ".a?", ".[0]", ".[1].a", "map(.a?)",
	"tonumber", "floor", ".a = 1", ".a.b = $n", "open | .a", "open.a?",
	"select(. != null)", "map(type)", "[.[]]", "IN(.a?, .)", "take(\"k\")",
	"map(select(. == \"a\"))", "(. == \"a\")", "(. == \"a/b\")",
	"IN(\"a/b\", \"a\", 1000)", "(. < \"a/b\")",
};

/* One operand, without operators outside. */
static void
program_value(struct program *p)
{
	unsigned what = p->left-- > 0 ? program_random(p, 20) :
	    program_random(p, 8);

	switch (what) {
	case 0:
		if (p->vars > 0) {
			buf_addf(p->out, "$v%u", program_random(p,
			    (unsigned)p->vars));
			break;
		}
		/* fall through */
	case 1: case 2: case 3:
		program_put(p, PROGRAM_PICK(program_fields, p->seed));
		break;
	case 4: case 5:
		program_put(p, PROGRAM_PICK(program_literals, p->seed));
		break;
	case 6:
		program_put(p, p->in_def ? "g" : ".");
		break;
	case 7:
		if (program_random(p, 4) == 0) {
			program_put(p, "(");
			program_put(p, PROGRAM_PICK(program_foreign, p->seed));
			program_put(p, ")");
		} else
			program_put(p, ".type");
		break;
	case 8: case 9:
		program_object(p, 0);
		break;
	case 10:
		program_put(p, "[");
		program_chain(p);
		program_put(p, "]");
		break;
	case 11:
		program_put(p, "\"x\\(");
		program_chain(p);
		program_put(p, ")y\"");
		break;
	case 12:
		program_put(p, "if ");
		program_chain(p);
		program_put(p, " then ");
		program_chain(p);
		program_put(p, " else ");
		program_chain(p);
		program_put(p, " end");
		break;
	case 13: case 14: case 15:
		program_put(p, "(");
		program_value(p);
		program_put(p, " | ");
		program_put(p, PROGRAM_PICK(program_filters, p->seed));
		program_put(p, ")");
		break;
	case 16:
		if (p->defs > 0) {
			program_put(p, program_random(p, 2) ? "f1(" : "f2(");
			program_chain(p);
			program_put(p, ")");
			break;
		}
		/* fall through */
	case 17:
		if (p->defs > 0) {
			program_put(p, "f0");
			break;
		}
		/* fall through */
	default:
		program_grouped(p);
	}
}

static void
program_bind(struct program *p)
{
	static const char *const patterns[] = { "{$v0}", "{$v0, $v1}" };
	int vars = p->vars;

	program_put(p, "(");
	if (p->vars < 4 && program_random(p, 4) > 0)
		buf_addf(p->out, ".data as $v%d | ", p->vars++);
	else {
		buf_addf(p->out, "%s as %s | ", program_random(p, 2) ?
		    ".data" : "{v0: .user, v1: .x}",
		    patterns[program_random(p, 2)]);
		p->vars = p->vars < 2 ? 1 : p->vars;
	}
	program_chain(p);
	p->vars = vars;
	program_put(p, ")");
}

/* Operands and operators.  Two that do not associate never meet. */
static void
program_chain(struct program *p)
{
	static const char *const free[] = { " and ", " or ", " // ", " + ",
	    " + ", " | ", ", ", " and ", " // " };
	static const char *const once[] = { " == ", " == ", " != ", " < ",
	    " >= ", " > ", " <= " };
	int compared = 0;

	if (p->left > 0 && program_random(p, 12) == 0)
		program_bind(p);
	else
		program_value(p);
	while (p->left > 0 && program_random(p, 5) < 2) {
		if (!compared && program_random(p, 3) == 0) {
			compared = 1;
			program_put(p, PROGRAM_PICK(once, p->seed));
		} else
			program_put(p, PROGRAM_PICK(free, p->seed));
		program_value(p);
	}
}

/* What makes frames. */
static void
program_frames(struct program *p)
{
	static const char *const changes[] = { ".", ". + {via: \"up\"}",
	    "del(.data, .user)", ".data = .data.a", ".data.b = 1",
	    "payload + {type}", "take(\"type\", \"data\", \"x\")", "{type} + .",
	    ". + payload", "open", "., .", "del(.type) | .type = \"u\"",
	    "(.data | take(\"a\", \"b\", \"type\")) + {type: \"t\"}",
	    ". + {\"a/b\": 1} | .a = 2", "{type: \"t\", f: .}", ".data",
	    ".user = .data | .conn = .user",
	    ".user = .n // {type: \"q\"}",
	    ".x = .user, .type = \"u\" | .y = 2",
	    ".x = .n == 1 and .y", "refuse(.user)",
	    "{type: \"refuse\", why: .x}", "select(.data)", ".x.a.b = .y",
	    "if has(\"conn\") then . + {via: .from} else {type: .user} end" };
	int vars = p->vars;

	switch (p->left-- > 0 ? program_random(p, 12) : 0) {
	case 0: case 1: case 2:
		program_object(p, 1);
		break;
	case 3: case 4:
		program_put(p, PROGRAM_PICK(changes, p->seed));
		break;
	case 5: case 6:
		program_put(p, "if ");
		program_chain(p);
		program_put(p, " then ");
		program_frames(p);
		if (program_random(p, 2)) {
			program_put(p, " elif ");
			program_chain(p);
			program_put(p, " then ");
			program_frames(p);
		}
		program_put(p, " else ");
		program_frames(p);
		program_put(p, " end");
		break;
	case 7:
		program_put(p, "(");
		program_frames(p);
		program_put(p, "), (");
		program_frames(p);
		program_put(p, ")");
		break;
	case 8:
		program_put(p, "(");
		program_chain(p);
		buf_addf(p->out, ") as $v%d | ", vars < 4 ? p->vars++ : 0);
		program_frames(p);
		p->vars = vars;
		break;
	case 9:
		program_object(p, 1);
		program_put(p, " + ");
		program_object(p, 0);
		break;
	case 10:
		program_put(p, "(.members // .channels // [.data])[] | "
		    "{type: \"m\", v: .}");
		break;
	default:
		program_put(p, "{type: \"x\", x: [");
		program_chain(p);
		program_put(p, "]}");
	}
}

static void
program_defs(struct program *p)
{
	program_put(p, "def f0: ");
	program_chain(p);
	program_put(p, "; def f1($v0): ");
	p->vars = 1;
	program_chain(p);
	p->vars = 0;
	program_put(p, "; def f2(g): ");
	p->in_def = 1;
	program_chain(p);
	p->in_def = 0;
	program_put(p, "; ");
	p->defs = 1;
}

static __attribute__((unused)) void
program_make(struct buf *out, uint64_t *seed)
{
	struct program p = { .out = out, .seed = seed };

	p.left = 4 + (int)unit_random(seed, 24);
	program_put(&p, "(");
	if (unit_random(seed, 3) == 0)
		program_defs(&p);
	program_frames(&p);
	program_put(&p, ")");
}

/* Says the program of this number in a batch. */
static __attribute__((unused)) void
program_show(struct str text, int pick)
{
	char mark[32];
	const char *p, *end;

	snprintf(mark, sizeof mark, "if .pick == %d then\n", pick);
	p = memmem(text.p, text.n, mark, strlen(mark));
	if (p == NULL)
		return;
	p += strlen(mark);
	end = memchr(p, '\n', (size_t)(text.p + text.n - p));
	printf("%.*s\n", (int)(end - p), p);
}

#endif
