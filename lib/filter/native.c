/* SPDX-License-Identifier: ISC */
/* What the tree makes of a frame is written here, within the bounds that hold
 * for libjq's outputs too. */
#include <stdlib.h>

#include "eval.h"
#include "native.h"

struct native {
	struct tree tree;
	struct desk desk;
	struct variable *variable;
	struct buf from;		/* the last link's name, as JSON */
	char *from_name;
	int routing;
	size_t outputs, line_max;
	struct buf lines;
	struct filter_out *out;
	size_t n, cap;
};

struct writer {
	struct sink sink;
	struct native *native;
};

/* Writing: 1, or 0: not for us. */

static int value(struct native *, const struct val *, int level);

static int
known(struct native *p, const struct val *v, int level)
{
	if (v->kind >= VAL_ARRAY && level > v->level &&
	    !container_fits(v->text, level))
		return 0;
	return buf_adds(&p->lines, v->text) == 1;
}

static int
array(struct native *p, const struct made *m, int level)
{
	size_t i;

	if (buf_addc(&p->lines, '[') == -1)
		return 0;
	for (i = 0; i < m->n; i++)
		if ((i > 0 && buf_addc(&p->lines, ',') == -1) ||
		    !value(p, &m->item[i], level + 1))
			return 0;
	return buf_addc(&p->lines, ']') == 1;
}

static int
member(struct native *p, const struct field *f, int level)
{
	return buf_adds(&p->lines, f->quoted) == 1 &&
	    buf_addc(&p->lines, ':') == 1 && value(p, &f->v, level + 1);
}

static int
object(struct native *p, const struct made *m, int level)
{
	size_t i;

	if (buf_addc(&p->lines, '{') == -1)
		return 0;
	for (i = 0; i < m->n; i++)
		if ((i > 0 && buf_addc(&p->lines, ',') == -1) ||
		    !member(p, &m->field[i], level))
			return 0;
	return buf_addc(&p->lines, '}') == 1;
}

static int
value(struct native *p, const struct val *v, int level)
{
	if (v->text.p != NULL)
		return known(p, v, level);
	if (level >= JSON_DEPTH)
		return 0;
	return v->kind == VAL_OBJECT ? object(p, v->made, level) :
	    array(p, v->made, level);
}

static int
key_of(const struct field *f)
{
	return f->key == KEY_UNASKED ? frame_key(f->name) : f->key;
}

/* An object as a frame: its type first. */
static int
frame(struct native *p, const struct made *m, const struct val *type)
{
	size_t i;
	int k;

	if (buf_adds(&p->lines, STR("{\"type\":")) == -1 ||
	    buf_adds(&p->lines, type->text) == -1)
		return 0;
	for (i = 0; i < m->n; i++) {
		k = key_of(&m->field[i]);
		if (k == K_TYPE || key_hidden(k, p->routing))
			continue;
		if (buf_addc(&p->lines, ',') == -1 ||
		    !member(p, &m->field[i], 0))
			return 0;
	}
	return buf_addc(&p->lines, '}') == 1;
}

static int
line(struct native *p, const struct val *v, const struct val *type)
{
	const struct made *m;
	size_t before = p->lines.len;

	if (v->whole) {
		if (frame_seen(&p->lines, p->desk.frame, p->routing) == -1)
			return 0;
	} else if ((m = val_open(&p->desk, v)) == NULL || !frame(p, m, type))
		return 0;
	p->out[p->n].line.n = p->lines.len - before;
	return p->out[p->n].line.n <= p->line_max;
}

/* A member that is a string: 1, 0, -1; its bytes last as long as the frame. */
static int
text_of(struct desk *d, const struct val *v, const struct word *w,
    struct val *member, struct str *out)
{
	int is = val_member(d, v, w, member);

	*out = (struct str){ NULL, 0 };
	if (is == 1 && member->kind == VAL_STRING)
		*out = val_bytes(d, member);
	return is == -1 ? -1 : out->p != NULL;
}

static const struct word type_word = { .name = { "type", 4 }, .key = K_TYPE },
    via_word = { .name = { "via", 3 }, .key = K_VIA },
    conn_word = { .name = { "conn", 4 }, .key = K_CONN };

static int
put_output(struct desk *d, const struct val *v, struct sink *s)
{
	struct native *p = ((struct writer *)s)->native;
	struct filter_out *out;
	struct val type, other;
	struct str word;

	if (p->n == p->outputs || v->kind != VAL_OBJECT || val_handle(v) ||
	    text_of(d, v, &type_word, &type, &word) != 1)
		return 0;
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->out = mem_grow(p->out, p->cap * sizeof *p->out);
	}
	out = &p->out[p->n];
	out->type = v->whole ? d->frame->type : frame_type(word);
	if (out->type == T_REFUSE || !line(p, v, &type) ||
	    text_of(d, v, &via_word, &other, &out->via) == -1 ||
	    text_of(d, v, &conn_word, &other, &out->conn) == -1)
		return 0;
	p->n++;
	return 1;
}

/* Running. */

/* The link's name as JSON: 1, 0: jq would change it. */
static int
quote_from(struct native *p, const char *from)
{
	struct str name = str_of(from);

	if (p->from_name != NULL && strcmp(p->from_name, from) == 0)
		return 1;
	if (!utf8_check(name) ||
	    memmem(name.p, name.n, "\xf4\x8f\xbf", 3) != NULL)
		return 0;
	free(p->from_name);
	p->from_name = mem_str(from);
	buf_clear(&p->from);
	return json_quote(&p->from, name) == 1;
}

int
native_run(struct native *p, const struct frame *f, const char *from,
    struct filter_result *r)
{
	struct writer w = { { put_output }, p };
	const char *at;
	size_t i;

	if (from != NULL && !quote_from(p, from))
		return 0;
	desk_clear(&p->desk, f, from ? buf_str(&p->from) :
	    (struct str){ NULL, 0 });
	buf_clear(&p->lines);
	p->n = 0;
	if (!eval_tree(&p->desk, &p->tree, &w.sink))
		return 0;
	at = p->lines.data;
	for (i = 0; i < p->n; i++) {
		p->out[i].line.p = at;
		at += p->out[i].line.n;
	}
	*r = (struct filter_result){ .out = p->out, .n = p->n, .native = 1 };
	return 1;
}

int
native_compiles(const struct native *p)
{
	return !p->tree.doubt;
}

void
native_explain(const struct native *p, explain_say *say, void *ctx)
{
	tree_explain(&p->tree, say, ctx);
}

struct native *
native_open(const struct native_rule *nr)
{
	const struct filter_rule *rule = nr->rule;
	struct native *p = mem_new(sizeof *p);
	size_t i;

	p->lines = BUF(FILTER_BYTES);
	p->from = BUF(65536);
	p->routing = rule->routing;
	p->outputs = nr->outputs;
	p->line_max = rule->line_max;
	p->desk.depth = nr->depth;
	p->variable = mem_new((rule->nargs + 1) * sizeof *p->variable);
	for (i = 0; i < rule->nargs; i++)
		p->variable[i] = (struct variable){ rule->args[i].name,
		    rule->args[i].json };
	if (tree_open(&p->tree, nr->text, nr->line, p->variable,
	    rule->nargs))
		return p;
	native_close(p);
	return NULL;
}

void
native_close(struct native *p)
{
	if (p == NULL)
		return;
	tree_close(&p->tree);
	arena_free(&p->desk.arena);
	buf_free(&p->lines);
	buf_free(&p->from);
	free(p->from_name);
	free(p->variable);
	free(p->out);
	free(p);
}
