/* SPDX-License-Identifier: ISC */
#ifndef FILTER_VAL_H
#define FILTER_VAL_H

/*
 * Values without libjq: text, until somebody looks inside.
 *
 *  - A val is the text it came as, or that jq would write; or, of containers
 *    that the rule made, their members.  So what a rule only moves costs
 *    nothing, and leaves as it was spelled.
 *  - val_open() finds the members of a container, once for a few of them.
 *  - What jq would see as a handle, value.h, is told from text and levels.
 *  - Wherever we would have to say what only jq knows how to, the answer is
 *    -1: not for us.  So it is where an input makes this too much work.
 */

#include "arena.h"
#include "text.h"
#include "tree.h"

enum val_kind {			/* in jq's order */
	VAL_NULL, VAL_FALSE, VAL_TRUE, VAL_NUMBER, VAL_STRING, VAL_ARRAY,
	VAL_OBJECT
};

struct val {
	unsigned char kind;
	unsigned char level;	/* containers around the text */
	unsigned char whole;	/* the frame */
	short levels;		/* of it are open */
	struct str text;	/* p is NULL: the rule made it */
	const struct made *made;
};

struct field {
	struct str quoted;	/* the key, as it was spelled */
	struct str name;	/* and decoded */
	int key;		/* of the vocabulary; -1; KEY_UNASKED */
	struct val v;
};
#define KEY_UNASKED	(-2)

static inline void
field_name(struct field *f, const struct word *w)
{
	f->quoted = w->quoted;
	f->name = w->name;
	f->key = w->key;
}

struct made {			/* an object's members, or an array's */
	size_t n, cap;
	struct field *field;
	struct val *item;
};

#define OPENED	8

struct desk {			/* what lies there belongs to one frame */
	struct arena arena;
	const struct frame *frame;
	struct str from;	/* the link's name as JSON; NULL: none */
	int depth;		/* levels of a user's own JSON */
	long fuel;		/* so much may still be done */
	int deep;		/* expressions within each other, now */
	const struct made *whole;	/* the frame's */
	struct {
		const char *p;
		int levels;
		const struct made *made;
	} opened[OPENED];
	unsigned turn;
};

void	 desk_clear(struct desk *, const struct frame *, struct str from);

static inline struct val
val_text(struct str text, int level, int levels)
{
	static const unsigned char kinds[256] = { ['{'] = VAL_OBJECT,
	    ['['] = VAL_ARRAY, ['"'] = VAL_STRING, ['t'] = VAL_TRUE,
	    ['f'] = VAL_FALSE, ['-'] = VAL_NUMBER, ['0'] = VAL_NUMBER,
	    ['1'] = VAL_NUMBER, ['2'] = VAL_NUMBER, ['3'] = VAL_NUMBER,
	    ['4'] = VAL_NUMBER, ['5'] = VAL_NUMBER, ['6'] = VAL_NUMBER,
	    ['7'] = VAL_NUMBER, ['8'] = VAL_NUMBER, ['9'] = VAL_NUMBER };

	return (struct val){ .kind = kinds[(unsigned char)*text.p],
	    .level = (unsigned char)level, .levels = (short)levels,
	    .text = text };
}

static inline struct val
val_bool(int is)
{
	return (struct val){ .kind = is ? VAL_TRUE : VAL_FALSE,
	    .levels = LEVELS_ALL,
	    .text = is ? STR("true") : STR("false") };
}

struct val val_frame(const struct desk *);
struct val val_made(const struct made *, enum val_kind);
struct val val_string(struct desk *, struct str bytes);	/* quotes it */
#define VAL_TRUTH(v)	((v)->kind != VAL_NULL && (v)->kind != VAL_FALSE)

/* 1: jq would see a handle. */
int	 val_is_handle(const struct val *);
static inline int
val_handle(const struct val *v)
{
	return (v->kind == VAL_NUMBER || (v->kind >= VAL_ARRAY &&
	    v->levels <= 0)) && val_is_handle(v);
}

/* A string's bytes; in the arena when they were escaped. */
struct str val_bytes(struct desk *, const struct val *);
int	 val_escaped(struct str);	/* 1: there is a backslash */
/* The number, when it is a plain integer: 1, 0. */
int	 val_int(const struct val *, int64_t *);

/* The members of a container that is no handle; NULL: not for us. */
const struct made *val_open_text(struct desk *, const struct val *);
static inline const struct made *
val_open(struct desk *d, const struct val *v)
{
	return v->made != NULL ? v->made : val_open_text(d, v);
}

/* A member: 1, 0 where jq fails, -1. */
int	 val_field(struct desk *, const struct val *, const struct word *,
	    struct val *);
/* A member of an object that is no handle: 1, 0: it has none, -1. */
int	 val_member(struct desk *, const struct val *, const struct word *,
	    struct val *);

/* Making one; room for n fields, or for n more. */
struct made *made_new(struct desk *);
struct made *made_object(struct desk *, size_t n);
struct made *made_copy(struct desk *, const struct made *, size_t n);
void	 made_item(struct desk *, struct made *, const struct val *);
/* As jq's object does: another value takes the place of the first of that
 * name.  1, or -1. */
int	 made_set(struct desk *, struct made *, const struct field *);
/* Both, as a new one; NULL: not for us. */
struct made *made_merge(struct desk *, const struct made *,
	    const struct made *);

/* equal.c: 1, 0, -1. */
int	 val_equal(struct desk *, const struct val *, const struct val *);
/* Less, equal, more in *out; 1, or -1. */
int	 val_order(struct desk *, const struct val *, const struct val *,
	    int *out);

#endif
