/* SPDX-License-Identifier: ISC */
#include "figure.h"

const struct figure *
figure_find(const struct figure *f, struct str name)
{
	for (; f->name != NULL; f++)
		if (str_eq(str_of(f->name), name))
			return f;
	return NULL;
}

static void
put_name(struct buf *b, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_addc(b, '\\');
		buf_addc(b, *name);
	}
}

void
figure_json(struct buf *b, const struct figure *f)
{
	for (; f->name != NULL; f++) {
		buf_adds(b, b->data[b->len - 1] == '{' ? STR("\"") :
		    STR(",\""));
		put_name(b, f->name);
		buf_addf(b, "\":%llu", (unsigned long long)*f->value);
	}
}

const char *
figure_kind(struct str name)
{
	static const char total[] = "_total";
	const size_t n = sizeof total - 1;

	return name.n > n && memcmp(name.p + name.n - n, total, n) == 0 ?
	    "counter" : "gauge";
}

/* The name without its labels. */
static struct str
family(const struct figure *f)
{
	return (struct str){ f->name, strcspn(f->name, "{") };
}

void
figure_text(struct buf *b, const char *prefix, const struct figure *f)
{
	struct str name, last = STR("");

	for (; f->name != NULL; f++) {
		name = family(f);
		if (!str_eq(name, last))
			buf_addf(b, "# HELP %s%.*s %s\n# TYPE %s%.*s %s\n",
			    prefix, (int)name.n, name.p, f->help,
			    prefix, (int)name.n, name.p, figure_kind(name));
		buf_addf(b, "%s%s %llu\n", prefix, f->name,
		    (unsigned long long)*f->value);
		last = name;
	}
}
