/* SPDX-License-Identifier: ISC */

/*
 * Exchanges, queues and bindings out of words: of options, of frames, of
 * Piped (seeds.md P4, whose declarations are exact: no argument may be added,
 * or they clash with the original's).
 */

#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "log.h"

#include "bridge.h"

#define NAME_MAX_BYTES	255

static const struct flag {
	const char *option, *key;	/* in an option, in a frame */
	unsigned bit;
} flags[] = {
	{ "durable", "durable", MQ_DURABLE },
	{ "exclusive", "exclusive", MQ_EXCLUSIVE },
	{ "auto-delete", "auto_delete", MQ_AUTO_DELETE },
	{ "internal", "internal", MQ_INTERNAL },
	{ "passive", "passive", MQ_PASSIVE }
};
#define FLAGS	(sizeof flags / sizeof flags[0])

/* --- options --- */

/* The part up to the next colon; text moves behind it, or becomes NULL. */
static char *
part(char **text)
{
	char *p = *text, *colon = p ? strchr(p, ':') : NULL;

	*text = NULL;
	if (colon != NULL) {
		*colon = '\0';
		*text = colon + 1;
	}
	return p;
}

/* "durable,exclusive"; durable unless "transient". */
static unsigned
parse_flags(const struct opts *o, char *text)
{
	unsigned bits = MQ_DURABLE;
	char *word, *next = text;
	size_t i;

	while (next != NULL && (word = strsep(&next, ",")) != NULL) {
		if (strcmp(word, "transient") == 0) {
			bits &= ~(unsigned)MQ_DURABLE;
			continue;
		}
		for (i = 0; i < FLAGS; i++)
			if (strcmp(word, flags[i].option) == 0)
				break;
		if (i < FLAGS)
			bits |= flags[i].bit;
		else if (*word != '\0')
			opt_usage(o, "%s: not durable, transient, exclusive, "
			    "auto-delete, internal or passive", word);
	}
	return bits;
}

static void
must(const struct opts *o, const struct mq_item *i)
{
	const char *why;

	if (i->arguments != NULL && !json_check(str_of(i->arguments), &why))
		opt_usage(o, "%s: %s", i->arguments, why);
	if (!mq_declare(topology, i, NULL, &why))
		opt_usage(o, "%s: %s", i->name, why);
}

void
item_exchange(const struct opts *o, char *text)
{
	struct mq_item i = { .what = MQ_EXCHANGE, .name = part(&text) };

	i.kind = part(&text);
	if (i.kind == NULL || i.kind[0] == '\0')
		i.kind = "direct";
	i.flags = parse_flags(o, part(&text));
	i.arguments = text;
	if (i.name[0] == '\0')
		opt_usage(o, "--exchange: a name is missing");
	must(o, &i);
}

void
item_queue(const struct opts *o, char *text)
{
	struct mq_item i = { .what = MQ_QUEUE, .name = part(&text) };

	i.flags = parse_flags(o, part(&text));
	i.arguments = text;
	if (i.name[0] == '\0')
		opt_usage(o, "--queue: a name is missing");
	must(o, &i);
}

void
item_bind(const struct opts *o, char *text, enum mq_what what)
{
	char *last = strrchr(text, ':');
	struct mq_item i = { .what = what, .name = part(&text) };

	if (text == NULL || last < text)
		opt_usage(o, "--bind: %s: not EXCHANGE:KEY:QUEUE", i.name);
	*last = '\0';
	i.key = text;
	i.to = last + 1;
	must(o, &i);
}

/* --- Piped --- */

static const char *
prefix(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

static const char *
piped_name(char name[static NAME_MAX_BYTES + 1], const char *variable,
    const char *otherwise, int node)
{
	int n = snprintf(name, NAME_MAX_BYTES + 1, "%s%d",
	    prefix(variable, otherwise), node);

	if (n > NAME_MAX_BYTES)
		die(100, "%s: longer than 255 bytes with its number", variable);
	return name;
}

const char *
item_piped(const struct opts *o, int node)
{
	static char names[4][NAME_MAX_BYTES + 1];
	/* the original's spelling; both are taken */
	const char *mass = prefix("RABBIT_MASS_EXHANGE_NAME",
	    prefix("RABBIT_MASS_EXCHANGE_NAME", "exchange-mass"));
	const char *in = piped_name(names[0], "RABBIT_PREFIX_EXCHANGE_IN",
	    "exchange-in-", node);
	const char *out = piped_name(names[1], "RABBIT_PREFIX_EXCHANGE_OUT",
	    "exchange-out-", node);
	const char *queue_in = piped_name(names[2], "RABBIT_PREFIX_QUEUE_IN",
	    "queue-in-", node);
	const char *queue_out = piped_name(names[3], "RABBIT_PREFIX_QUEUE_OUT",
	    "queue-out-", node);
	const struct mq_item items[] = {
		{ MQ_EXCHANGE, mass, NULL, NULL, "fanout", MQ_DURABLE, NULL },
		{ MQ_EXCHANGE, in, NULL, NULL, "fanout", MQ_DURABLE, NULL },
		{ MQ_EXCHANGE, out, NULL, NULL, "fanout", MQ_DURABLE, NULL },
		{ MQ_QUEUE, queue_in, NULL, NULL, NULL, MQ_DURABLE, NULL },
		{ MQ_QUEUE, queue_out, NULL, NULL, NULL, MQ_DURABLE, NULL },
		{ MQ_BIND_QUEUE, in, queue_in, "", NULL, 0, NULL },
		{ MQ_BIND_QUEUE, out, queue_out, "", NULL, 0, NULL },
		{ MQ_BIND_EXCHANGE, mass, in, "", NULL, 0, NULL }
	};

	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		must(o, &items[i]);
	if (bridge.exchange == NULL) {
		bridge.exchange = out;
		bridge.key = "";
	}
	return queue_in;
}

/* --- frames --- */

const char *
item_name(const struct frame *f, enum key k, const char **why)
{
	static char names[4][NAME_MAX_BYTES + 1];
	static unsigned turn;
	static char reason[64];
	struct buf b = BUF(NAME_MAX_BYTES);
	char *name = names[turn++ % 4];
	struct str s;

	snprintf(reason, sizeof reason, "%s: missing, or not a name",
	    frame_keys[k]);
	*why = reason;
	if (!frame_str(f, k, &b, &s) || s.n > NAME_MAX_BYTES) {
		buf_free(&b);
		return NULL;
	}
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	buf_free(&b);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return NULL;
	return name;
}

struct str
item_option(const struct frame *f, const char *name)
{
	struct json_walk w;
	struct json_member m;

	if (frame_has(f, K_OPTIONS) && json_walk(&w, f->v[K_OPTIONS]))
		while (json_next(&w, &m) == 1)
			if (str_eq(m.key, str_of(name)))
				return m.value;
	return STR("");
}

static unsigned
option_flags(const struct frame *f)
{
	unsigned bits = MQ_DURABLE;
	struct str v;

	for (size_t i = 0; i < FLAGS; i++) {
		v = item_option(f, flags[i].key);
		if (str_eq(v, STR("true")))
			bits |= flags[i].bit;
		if (str_eq(v, STR("false")))
			bits &= ~flags[i].bit;
	}
	return bits;
}

/* A short plain string among the options: static, or otherwise. */
static const char *
option_word(const struct frame *f, const char *name, const char *otherwise)
{
	static char word[NAME_MAX_BYTES + 1];
	struct str v = item_option(f, name);
	struct buf b = { .data = word, .cap = NAME_MAX_BYTES,
	    .max = NAME_MAX_BYTES };

	if (json_kind(v) != 's' || v.n > NAME_MAX_BYTES ||
	    json_unquote(&b, (struct str){ v.p + 1, v.n - 2 }) == -1)
		return otherwise;
	word[b.len] = '\0';
	return word;
}

static const char *
arguments(const struct frame *f)
{
	static char *copy;

	free(copy);
	copy = NULL;
	if (frame_has(f, K_ARGUMENTS))
		copy = mem_strn(f->v[K_ARGUMENTS].p, f->v[K_ARGUMENTS].n);
	return copy;
}

static int
item_declare(const struct frame *f, struct mq_item *i, const char **why)
{
	int queue = frame_has(f, K_QUEUE);

	*why = "declare: either an exchange or a queue";
	if (queue == frame_has(f, K_EXCHANGE))
		return 0;
	i->what = queue ? MQ_QUEUE : MQ_EXCHANGE;
	i->name = item_name(f, queue ? K_QUEUE : K_EXCHANGE, why);
	i->kind = option_word(f, "type", "direct");
	i->flags = option_flags(f);
	return i->name != NULL && i->name[0] != '\0';
}

static int
item_binding(const struct frame *f, struct mq_item *i, const char **why)
{
	int queue = frame_has(f, K_QUEUE);

	i->what = queue ? MQ_BIND_QUEUE : MQ_BIND_EXCHANGE;
	i->key = "";
	if (frame_has(f, K_KEY) && (i->key = item_name(f, K_KEY, why)) == NULL)
		return 0;
	if ((i->name = item_name(f, K_EXCHANGE, why)) == NULL)
		return 0;
	i->to = queue ? item_name(f, K_QUEUE, why) :
	    option_word(f, "to", NULL);
	if (i->to == NULL && !queue)
		*why = "a queue, or an exchange as options.to, is missing";
	return i->to != NULL;
}

int
item_frame(const struct frame *f, struct mq_item *i, const char **why)
{
	*i = (struct mq_item){ .arguments = arguments(f) };
	return f->type == T_DECLARE ? item_declare(f, i, why) :
	    item_binding(f, i, why);
}
