/* SPDX-License-Identifier: ISC */
/* A filter is made here: of a rule's text and its arguments, by jq's compiler,
 * which sees no environment; inside.h says what the other files hold. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../log.h"
#include "inside.h"
#include "watchdog.h"

static void
no_memory(void *ctx)
{
	(void)ctx;
	die(111, "out of memory");
}

/* The first message counts; what follows often does of it. */
static void
on_error(void *ctx, jv message)
{
	struct filter *f = ctx;

	if (f->wrong != NULL && *f->wrong == NULL)
		*f->wrong = source_message(&f->source,
		    jv_get_kind(message) == JV_KIND_STRING ?
		    jv_string_value(message) : "it does not compile");
	jv_free(message);
}

/* NAME's value; invalid when jq cannot hold it. */
static jv
argument(struct filter *f, struct str json)
{
	int depth = f->known.depth;
	size_t handles;

	f->known.depth = LEVELS_ALL;	/* it is the rule's own */
	jv_free(value_make(&f->known, json, LEVELS_ALL, 0));
	f->known.depth = depth;
	handles = f->known.labels.used;
	values_clear(&f->known);
	if (handles > 0)
		return jv_invalid();
	return jv_parse_sized(json.p, (int)json.n);
}

static int
arguments(struct filter *f, const struct filter_rule *rule, char **why)
{
	jv *args = &f->args, v;
	size_t i;

	*args = jv_object();
	for (i = 0; i < rule->nargs; i++) {
		v = argument(f, rule->args[i].json);
		if (!jv_is_valid(v)) {
			jv_free(v);
			if (asprintf(why, "$%s: a number that a double cannot "
			    "hold, or no JSON for jq", rule->args[i].name) < 0)
				no_memory(NULL);
			return -1;
		}
		*args = jv_object_set(*args, jv_string(rule->args[i].name), v);
	}
	v = JV_OBJECT(jv_string("positional"), jv_array(),
	    jv_string("named"), jv_copy(*args));
	*args = jv_object_set(*args, jv_string("ARGS"), v);
	*args = jv_object_set(*args, jv_string("__rk"),
	    labels_min(&f->known.labels));
	*args = jv_object_set(*args, jv_string("__rk_end"),
	    labels_max(&f->known.labels));
	return 1;
}

/* libjq would read $HOME/.jq, and what $ENV says. */
static int
compile(struct filter *f)
{
	static char *nothing[] = { NULL };
	char **saved = environ;
	int done;

	if (!f->impure)
		environ = nothing;
	done = jq_compile_args(f->jq, f->source.text.data, jv_copy(f->args));
	environ = saved;
	return done ? 1 : -1;
}

int
filter_compile(struct filter *f, char **why)
{
	int done;

	*why = NULL;
	if (f->jq != NULL)
		return 1;
	if ((f->jq = jq_init()) == NULL)
		no_memory(NULL);
	jq_set_nomem_handler(f->jq, no_memory, NULL);
	/* without this any include aborts the process */
	jq_set_attr(f->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
	jq_set_error_cb(f->jq, on_error, f);
	host_open(&f->host, f->jq, &f->known);
	f->wrong = why;
	done = compile(f);
	f->wrong = NULL;
	if (done == -1)
		jq_teardown(&f->jq);
	return done;
}

/* libjq takes 20 ms to start, and more for a long rule: that is for the first
 * frame that needs it, where nothing can be wrong with the rule, and it is
 * compiled alike whenever that is. */
static int
may_wait(const struct filter *f, const struct filter_rule *rule)
{
	return f->native != NULL && native_compiles(f->native) &&
	    !rule->impure && !rule->early;
}

static struct native *
open_native(const struct filter *f, const struct filter_rule *rule)
{
	struct native_rule nr = { .rule = rule, .depth = f->known.depth,
	    .outputs = f->outputs };

	if (rule->by_jq)
		return NULL;
	nr.text = source_own(&f->source, &nr.line);
	return native_open(&nr);
}

struct filter *
filter_open(const struct filter_rule *rule, char **why)
{
	struct filter *f = mem_new(sizeof *f);
	int depth, done;

	*why = NULL;
	f->budget = rule->budget ? rule->budget : FILTER_BUDGET;
	f->outputs = rule->outputs ? rule->outputs : FILTER_OUTPUTS;
	f->line_max = rule->line_max;
	f->routing = rule->routing;
	f->impure = rule->impure;
	f->args = jv_invalid();
	f->lines = BUF(FILTER_BYTES);
	f->why = BUF(2 * WHY_MAX);
	done = source_open(&f->source, rule, why);
	depth = rule->depth >= 0 ? rule->depth :
	    f->source.depth >= 0 ? f->source.depth : 1;
	values_open(&f->known, depth);
	if (done == 1 && (done = arguments(f, rule, why)) == 1)
		f->native = open_native(f, rule);
	if (done == 1 && !may_wait(f, rule))
		done = filter_compile(f, why);
	if (done == -1) {
		filter_close(f);
		return NULL;
	}
	watchdog_open();
	return f;
}

void
filter_close(struct filter *f)
{
	if (f == NULL)
		return;
	filter_forget(f);
	native_close(f->native);
	host_close(&f->host);
	jq_teardown(&f->jq);
	jv_free(f->args);
	values_close(&f->known);
	source_close(&f->source);
	buf_free(&f->lines);
	buf_free(&f->why);
	free(f->out);
	free(f->made);
	free(f);
}

struct saying {
	const struct filter *filter;
	filter_say *say;
	void *ctx;
};

/* Lines of the whole source are those of its files. */
static void
say_native(void *ctx, int line, const char *part, int what_line,
    const char *what)
{
	struct saying *s = ctx;
	const char *name;
	char text[256];

	if (what != NULL)
		snprintf(text, sizeof text, "%s, line %d", what,
		    source_where(&s->filter->source, what_line, &name));
	line = source_where(&s->filter->source, line, &name);
	s->say(s->ctx, name, line, part, what ? text : NULL);
}

void
filter_explain(const struct filter *f, filter_say *say, void *ctx)
{
	struct saying s = { f, say, ctx };
	const struct segment *g = &f->source.at[f->source.n - 1];

	if (f->native != NULL)
		native_explain(f->native, say_native, &s);
	else
		say(ctx, g->name, g->line, "the rule", "its syntax");
}
